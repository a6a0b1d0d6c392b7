"""The field names of the Kubernetes objects in deploy/kubernetes.

Copied from the API reference (v1.27; MPIJob: kubeflow.org/v2beta1), for the parts
of it that are used there: a word that the API server would refuse, or drop without
a word, is found. A dict has these fields, a list items of this kind, VALUE is a
plain value, MAP has keys of one's own.
"""
VALUE = "value"
MAP = "map"

METADATA = {"name": VALUE, "namespace": VALUE, "labels": MAP, "annotations": MAP}
SELECTOR = {"matchLabels": MAP, "matchExpressions": [
    {"key": VALUE, "operator": VALUE, "values": [VALUE]}]}
RESOURCES = {"limits": MAP, "requests": MAP, "claims": [{"name": VALUE}]}

PROBE = {
    "exec": {"command": [VALUE]},
    "tcpSocket": {"host": VALUE, "port": VALUE},
    "httpGet": {"host": VALUE, "path": VALUE, "port": VALUE, "scheme": VALUE,
                "httpHeaders": [{"name": VALUE, "value": VALUE}]},
    "grpc": {"port": VALUE, "service": VALUE},
    "initialDelaySeconds": VALUE, "timeoutSeconds": VALUE, "periodSeconds": VALUE,
    "successThreshold": VALUE, "failureThreshold": VALUE,
    "terminationGracePeriodSeconds": VALUE,
}

KEY_OF = {"name": VALUE, "key": VALUE, "optional": VALUE}
ITEMS = [{"key": VALUE, "path": VALUE, "mode": VALUE}]
SECCOMP = {"type": VALUE, "localhostProfile": VALUE}

CONTAINER = {
    "name": VALUE, "image": VALUE, "imagePullPolicy": VALUE, "command": [VALUE],
    "args": [VALUE], "workingDir": VALUE, "stdin": VALUE, "tty": VALUE,
    "env": [{"name": VALUE, "value": VALUE, "valueFrom": {
        "secretKeyRef": KEY_OF, "configMapKeyRef": KEY_OF,
        "fieldRef": {"apiVersion": VALUE, "fieldPath": VALUE}}}],
    "ports": [{"name": VALUE, "containerPort": VALUE, "protocol": VALUE,
               "hostIP": VALUE, "hostPort": VALUE}],
    "resources": RESOURCES,
    "startupProbe": PROBE, "readinessProbe": PROBE, "livenessProbe": PROBE,
    "lifecycle": {"preStop": PROBE, "postStart": PROBE},
    "securityContext": {
        "allowPrivilegeEscalation": VALUE, "privileged": VALUE,
        "readOnlyRootFilesystem": VALUE, "runAsNonRoot": VALUE, "runAsUser": VALUE,
        "runAsGroup": VALUE, "procMount": VALUE, "seccompProfile": SECCOMP,
        "capabilities": {"add": [VALUE], "drop": [VALUE]}},
    "terminationMessagePath": VALUE, "terminationMessagePolicy": VALUE,
    "volumeMounts": [{"name": VALUE, "mountPath": VALUE, "readOnly": VALUE,
                      "subPath": VALUE, "mountPropagation": VALUE}],
}

CLAIM_SPEC = {"accessModes": [VALUE], "resources": RESOURCES, "selector": SELECTOR,
              "storageClassName": VALUE, "volumeMode": VALUE, "volumeName": VALUE}

POD = {
    "containers": [CONTAINER], "initContainers": [CONTAINER],
    "volumes": [{
        "name": VALUE,
        "configMap": {"name": VALUE, "defaultMode": VALUE, "optional": VALUE, "items": ITEMS},
        "secret": {"secretName": VALUE, "defaultMode": VALUE, "optional": VALUE, "items": ITEMS},
        "persistentVolumeClaim": {"claimName": VALUE, "readOnly": VALUE},
        "emptyDir": {"medium": VALUE, "sizeLimit": VALUE}}],
    "securityContext": {
        "fsGroup": VALUE, "fsGroupChangePolicy": VALUE, "runAsGroup": VALUE,
        "runAsNonRoot": VALUE, "runAsUser": VALUE, "supplementalGroups": [VALUE],
        "seccompProfile": SECCOMP},
    "restartPolicy": VALUE, "terminationGracePeriodSeconds": VALUE,
    "automountServiceAccountToken": VALUE, "serviceAccountName": VALUE,
    "enableServiceLinks": VALUE, "nodeSelector": MAP, "hostname": VALUE,
    "subdomain": VALUE, "activeDeadlineSeconds": VALUE, "priorityClassName": VALUE,
    "imagePullSecrets": [{"name": VALUE}],
}
TEMPLATE = {"metadata": METADATA, "spec": POD}

PEERS = [{"podSelector": SELECTOR, "namespaceSelector": SELECTOR,
          "ipBlock": {"cidr": VALUE, "except": [VALUE]}}]
POLICY_PORTS = [{"port": VALUE, "endPort": VALUE, "protocol": VALUE}]
JOB = {"activeDeadlineSeconds": VALUE, "backoffLimit": VALUE, "completionMode": VALUE,
       "completions": VALUE, "parallelism": VALUE, "suspend": VALUE,
       "ttlSecondsAfterFinished": VALUE, "template": TEMPLATE, "selector": SELECTOR}
REPLICAS = {"replicas": VALUE, "restartPolicy": VALUE, "template": TEMPLATE}

# kind -> apiVersion, the fields beside apiVersion, kind and metadata
KINDS = {
    "Namespace": ("v1", {"spec": {"finalizers": [VALUE]}}),
    "ConfigMap": ("v1", {"data": MAP, "binaryData": MAP, "immutable": VALUE}),
    "Secret": ("v1", {"data": MAP, "stringData": MAP, "immutable": VALUE, "type": VALUE}),
    "Service": ("v1", {"spec": {
        "type": VALUE, "clusterIP": VALUE, "selector": MAP, "sessionAffinity": VALUE,
        "publishNotReadyAddresses": VALUE, "externalTrafficPolicy": VALUE,
        "internalTrafficPolicy": VALUE, "loadBalancerSourceRanges": [VALUE],
        "ports": [{"name": VALUE, "port": VALUE, "targetPort": VALUE, "nodePort": VALUE,
                   "protocol": VALUE, "appProtocol": VALUE}]}}),
    "PersistentVolumeClaim": ("v1", {"spec": CLAIM_SPEC}),
    "StatefulSet": ("apps/v1", {"spec": {
        "replicas": VALUE, "selector": SELECTOR, "serviceName": VALUE, "template": TEMPLATE,
        "minReadySeconds": VALUE, "podManagementPolicy": VALUE, "revisionHistoryLimit": VALUE,
        "updateStrategy": {"type": VALUE, "rollingUpdate": MAP},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": VALUE, "whenScaled": VALUE},
        "volumeClaimTemplates": [{"metadata": METADATA, "spec": CLAIM_SPEC}]}}),
    "Deployment": ("apps/v1", {"spec": {
        "replicas": VALUE, "selector": SELECTOR, "template": TEMPLATE, "paused": VALUE,
        "minReadySeconds": VALUE, "progressDeadlineSeconds": VALUE,
        "revisionHistoryLimit": VALUE, "strategy": {"type": VALUE, "rollingUpdate": MAP}}}),
    "Job": ("batch/v1", {"spec": JOB}),
    "PodDisruptionBudget": ("policy/v1", {"spec": {
        "minAvailable": VALUE, "maxUnavailable": VALUE, "selector": SELECTOR,
        "unhealthyPodEvictionPolicy": VALUE}}),
    "NetworkPolicy": ("networking.k8s.io/v1", {"spec": {
        "podSelector": SELECTOR, "policyTypes": [VALUE],
        "ingress": [{"from": PEERS, "ports": POLICY_PORTS}],
        "egress": [{"to": PEERS, "ports": POLICY_PORTS}]}}),
    "MPIJob": ("kubeflow.org/v2beta1", {"spec": {
        "slotsPerWorker": VALUE, "sshAuthMountPath": VALUE, "mpiImplementation": VALUE,
        "runPolicy": {"backoffLimit": VALUE, "cleanPodPolicy": VALUE, "suspend": VALUE,
                      "activeDeadlineSeconds": VALUE, "ttlSecondsAfterFinished": VALUE},
        "mpiReplicaSpecs": {"Launcher": REPLICAS, "Worker": REPLICAS}}}),
}


def unknown(value, known, path):
    """What stands in `value` that `known` does not have, as texts."""
    if known == MAP:
        if not isinstance(value, dict):
            yield f"{path} is no map"
    elif isinstance(known, dict):
        if not isinstance(value, dict):
            yield f"{path} has no fields"
            return
        for name, below in value.items():
            if name not in known:
                yield f"{path} has no field {name}"
            else:
                yield from unknown(below, known[name], f"{path}.{name}")
    elif isinstance(known, list):
        if not isinstance(value, list):
            yield f"{path} is no list"
            return
        for i, item in enumerate(value):
            yield from unknown(item, known[0], f"{path}[{i}]")
    elif isinstance(value, (dict, list)):
        yield f"{path} is no plain value"


def mistakes(document):
    """The mistakes in the words of one object, as texts."""
    if document["kind"] not in KINDS:
        return ["is of a kind that this check does not know"]
    version, fields = KINDS[document["kind"]]
    found = []
    if document.get("apiVersion") != version:
        found.append(f"apiVersion is not {version}")
    known = {"apiVersion": VALUE, "kind": VALUE, "metadata": METADATA} | fields
    return found + list(unknown(document, known, "it"))
