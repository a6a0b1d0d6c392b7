#!/usr/bin/env python3
"""Checks that what a kustomization renders fits together.

usage: kubernetes_check.py [--run BIN] < rendered.yaml

Every field is one of the API's (kubernetes_fields.py); every name, key, port, path
and label that one object expects of another is there; no pod has more rights than it
needs. --run also starts what the pods would run, as processes of this machine:
programs from BIN, volumes as folders, the server's service on loopback.
"""
import argparse
import base64
import os
import pathlib
import subprocess
import sys
import tempfile

import yaml

import kubernetes_fields

WORKLOADS = {"StatefulSet", "Deployment", "Job", "MPIJob"}


class Pods:
    """The pods of a workload: `spec` and `labels` of their template."""

    def __init__(self, owner, title, template, claims):
        self.title = title
        self.namespace = namespace_of(owner)
        self.labels = template.get("metadata", {}).get("labels", {})
        self.spec = template["spec"]
        self.claims = claims

    def ports(self):
        return {p["name"]: p["containerPort"] for c in self.spec["containers"]
                for p in c.get("ports", [])}


def namespace_of(obj):
    return obj["metadata"].get("namespace", "")


def selects(selector, labels):
    return bool(selector) and selector.items() <= labels.items()


class Check:
    def __init__(self, documents):
        self.errors = []
        self.documents = documents
        self.by_name = {}
        for obj in documents:
            key = (obj["kind"], namespace_of(obj), obj["metadata"]["name"])
            if key in self.by_name:
                self.error(obj, "is there twice")
            self.by_name[key] = obj
        self.pods = [pods for obj in documents for pods in self.pods_of(obj)]

    def error(self, where, message):
        if isinstance(where, dict):
            where = f"{where['kind']} {where['metadata']['name']}"
        self.errors.append(f"{where}: {message}")

    def of_kind(self, *kinds):
        return [obj for obj in self.documents if obj["kind"] in kinds]

    @staticmethod
    def pods_of(obj):
        name = f"{obj['kind']} {obj['metadata']['name']}"
        spec = obj.get("spec", {})
        if obj["kind"] == "MPIJob":
            for role, replica in spec["mpiReplicaSpecs"].items():
                yield Pods(obj, f"{name} {role}", replica["template"], [])
        elif obj["kind"] in WORKLOADS:
            claims = [c["metadata"]["name"] for c in spec.get("volumeClaimTemplates", [])]
            yield Pods(obj, name, spec["template"], claims)

    def find(self, kind, pods, name):
        return self.by_name.get((kind, pods.namespace, name))

    def matching(self, namespace, selector):
        return [p for p in self.pods if p.namespace == namespace and selects(selector, p.labels)]

    def run(self):
        for obj in self.documents:
            for mistake in kubernetes_fields.mistakes(obj):
                self.error(obj, mistake)
        namespaces = {o["metadata"]["name"] for o in self.of_kind("Namespace")}
        for obj in self.documents:
            if namespaces and obj["kind"] != "Namespace" and namespace_of(obj) not in namespaces:
                self.error(obj, f"stands in the namespace '{namespace_of(obj)}', which is not there")
        for pods in self.pods:
            self.check_pods(pods)
        for obj in self.of_kind("Service"):
            self.check_service(obj)
        for obj in self.of_kind("StatefulSet", "Deployment"):
            self.check_selector(obj)
        for obj in self.of_kind("PodDisruptionBudget"):
            if not self.matching(namespace_of(obj), obj["spec"]["selector"]["matchLabels"]):
                self.error(obj, "covers no pod")
        for obj in self.of_kind("NetworkPolicy"):
            self.check_policy(obj)
        return self.errors

    def check_selector(self, obj):
        selector = obj["spec"]["selector"]["matchLabels"]
        if not selects(selector, obj["spec"]["template"]["metadata"]["labels"]):
            self.error(obj, "does not select its own pods")
        if obj["kind"] == "StatefulSet":
            name = obj["spec"]["serviceName"]
            service = self.by_name.get(("Service", namespace_of(obj), name))
            if service is None or service["spec"].get("clusterIP") != "None":
                self.error(obj, f"serviceName {name} is no headless Service")

    def check_service(self, obj):
        found = self.matching(namespace_of(obj), obj["spec"]["selector"])
        if not found:
            self.error(obj, "selects no pod")
        for port in obj["spec"]["ports"]:
            for pods in found:
                self.check_port(obj, pods, port.get("targetPort", port["port"]))

    def check_port(self, where, pods, port):
        ports = pods.ports()
        if port not in (ports if isinstance(port, str) else ports.values()):
            self.error(where, f"{pods.title} has no port {port}")

    def check_policy(self, obj):
        namespace = namespace_of(obj)
        targets = self.matching(namespace, obj["spec"]["podSelector"].get("matchLabels"))
        if not targets:
            self.error(obj, "covers no pod")
        for rule in obj["spec"].get("ingress", []):
            self.check_peers(obj, namespace, rule.get("from", []))
            for port in rule.get("ports", []):
                for pods in targets:
                    self.check_port(obj, pods, port["port"])
        for rule in obj["spec"].get("egress", []):
            peers = self.check_peers(obj, namespace, rule.get("to", []))
            for port in rule.get("ports", []):
                for pods in peers:
                    self.check_port(obj, pods, port["port"])

    def check_peers(self, obj, namespace, peers):
        found = []
        for peer in peers:
            if "podSelector" not in peer:
                continue
            matching = self.matching(namespace, peer["podSelector"]["matchLabels"])
            if not matching:
                self.error(obj, f"names pods that are not there: {peer['podSelector']}")
            found += matching
        return found

    def check_pods(self, pods):
        volumes = {name: self.check_volume(pods, v) for v in pods.spec.get("volumes", [])
                   for name in [v["name"]]}
        volumes |= {name: None for name in pods.claims}
        security = pods.spec.get("securityContext", {})
        if not security.get("runAsNonRoot") or not security.get("runAsUser"):
            self.error(pods.title, "may run as root")
        if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            self.error(pods.title, "may make any system call")
        mounted = set()
        for container in pods.spec["containers"]:
            mounted |= self.check_container(pods, container, volumes)
        for name in volumes.keys() - mounted:
            self.error(pods.title, f"nothing mounts the volume {name}")

    def check_volume(self, pods, volume):
        """The keys that the volume will have as files; None: any."""
        if "persistentVolumeClaim" in volume:
            name = volume["persistentVolumeClaim"]["claimName"]
            if self.find("PersistentVolumeClaim", pods, name) is None:
                self.error(pods.title, f"there is no claim {name}")
            return None
        if "configMap" in volume:
            kind, name = "ConfigMap", volume["configMap"]["name"]
        elif "secret" in volume:
            kind, name = "Secret", volume["secret"]["secretName"]
        else:
            return None
        obj = self.find(kind, pods, name)
        if obj is None:
            self.error(pods.title, f"there is no {kind} {name}")
            return None
        return set(obj.get("data", {}))

    def check_container(self, pods, container, volumes):
        where = f"{pods.title}/{container['name']}"
        security = container.get("securityContext", {})
        if security.get("allowPrivilegeEscalation") is not False or \
                "ALL" not in security.get("capabilities", {}).get("drop", []):
            self.error(where, "keeps privileges")
        # sshd of an MPI worker writes where it likes.
        if not pods.title.startswith("MPIJob") and not security.get("readOnlyRootFilesystem"):
            self.error(where, "may write to its root")
        resources = container.get("resources", {})
        if not resources.get("requests", {}).get("memory") or not resources.get("limits", {}).get("memory"):
            self.error(where, "says nothing of its memory")
        if pods.title.startswith("StatefulSet"):
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                if probe not in container:
                    self.error(where, f"has no {probe}")
        mounts = {m["mountPath"]: m["name"] for m in container.get("volumeMounts", [])}
        for name in mounts.values():
            if name not in volumes:
                self.error(where, f"there is no volume {name}")
        words = container.get("command", []) + container.get("args", [])
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            action = container.get(probe, {})
            words += action.get("exec", {}).get("command", [])[1:]
            for kind in ("tcpSocket", "httpGet", "grpc"):
                if kind in action:
                    self.check_port(where, pods, action[kind]["port"])
        self.check_words(where, pods, words, mounts, volumes)
        return set(mounts.values())

    def check_words(self, where, pods, words, mounts, volumes):
        # A launcher's words are for its workers.
        if not mounts:
            return
        for flag, word in zip(words, words[1:]):
            if flag == "--server":
                self.check_server(where, pods, word)
            if not word.startswith("/"):
                continue
            mount = next((m for m in mounts if word == m or word.startswith(m + "/")), None)
            if mount is None:
                self.error(where, f"{word} is on no volume")
                continue
            keys = volumes.get(mounts[mount])
            if keys is None:
                continue
            wanted = {"identity.pem", "ca.pem"} if flag == "--certs" else {os.path.relpath(word, mount)}
            if not wanted <= keys:
                self.error(where, f"{word}: {mounts[mount]} holds {sorted(keys)}")

    def check_server(self, where, pods, address):
        host, _, port = address.partition(":")
        service = self.find("Service", pods, host.split(".")[0])
        if service is None:
            self.error(where, f"there is no Service {host}")
        elif int(port) not in [p["port"] for p in service["spec"]["ports"]]:
            self.error(where, f"the Service {host} has no port {port}")


class Machine:
    """Runs the pods' containers here, in `folder`."""

    def __init__(self, check, bin_dir, folder):
        self.check, self.bin, self.folder = check, bin_dir, folder
        self.port = None

    def volume(self, pods, name):
        folder = self.folder / f"{pods.title} {name}".replace(" ", "-")
        if folder.exists():
            return folder
        folder.mkdir()
        for volume in pods.spec.get("volumes", []):
            if volume["name"] != name:
                continue
            if "configMap" in volume:
                for key, text in self.check.find("ConfigMap", pods, volume["configMap"]["name"])["data"].items():
                    (folder / key).write_text(text)
            if "secret" in volume:
                for key, text in self.check.find("Secret", pods, volume["secret"]["secretName"])["data"].items():
                    (folder / key).write_bytes(base64.b64decode(text))
        return folder

    def here(self, pods, container, word):
        for mount in container.get("volumeMounts", []):
            path = mount["mountPath"]
            if word == path or word.startswith(path + "/"):
                return str(self.volume(pods, mount["name"])) + word[len(path):]
        if word.endswith(":8080"):
            return "127.0.0.1:0"
        if word.endswith(":7443"):
            return f"localhost:{self.port or 0}"
        return word

    def words(self, pods, container, words):
        return [self.here(pods, container, word) for word in words]

    def start(self, pods):
        container = pods.spec["containers"][0]
        program = container["name"]
        words = self.words(pods, container, container["args"])
        environment = dict(os.environ) | {e["name"]: e["value"] for e in container.get("env", [])}
        if program == "server":
            # The configuration names a path of the pod.
            environment["FEDGAP_SERVER__RUN_DIR"] = str(self.volume(pods, "runs") / "run")
            words += ["--port-file", str(self.folder / "port")]
        return subprocess.Popen([f"{self.bin}/fedgap-{program}", *words], env=environment,
                                stdout=subprocess.DEVNULL)

    def run_all(self):
        server = next(p for p in self.check.pods if p.labels["app.kubernetes.io/component"] == "server")
        clients = [p for p in self.check.pods if p.labels["app.kubernetes.io/component"] == "client"]
        processes = [self.start(server)]
        try:
            port = self.folder / "port"
            while not (port.exists() and port.read_text().endswith("\n")):
                if processes[0].poll() is not None:
                    sys.exit("the server did not start")
            self.port = int(port.read_text())
            container = server.spec["containers"][0]
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                words = self.words(server, container, container[probe]["exec"]["command"])
                subprocess.run([f"{self.bin}/{words[0]}", *words[1:]], check=True, timeout=30)
            processes += [self.start(client) for client in clients]
            for process in processes:
                if process.wait(timeout=120) != 0:
                    sys.exit(f"{process.args[0]} ended with {process.returncode}")
        finally:
            for process in processes:
                process.kill()
        print(f"ran one server and {len(clients)} clients as their pods would: all ended with 0")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", metavar="BIN")
    options = parser.parse_args()
    documents = [d for d in yaml.safe_load_all(sys.stdin) if d]
    check = Check(documents)
    errors = check.run()
    for error in errors:
        print(error, file=sys.stderr)
    if errors:
        return 1
    print(f"{len(documents)} objects fit together: {', '.join(sorted({d['kind'] for d in documents}))}")
    if options.run:
        with tempfile.TemporaryDirectory() as folder:
            Machine(check, options.run, pathlib.Path(folder)).run_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
