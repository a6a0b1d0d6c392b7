#!/usr/bin/env bash
# deploy/kubernetes as far as it goes without a cluster: all of it is YAML; what
# kustomize renders fits together (names, keys, ports, paths, labels), mistakes
# of each kind are found, and the pods' command lines, probes and certificates
# work as processes of this machine. Without kubectl only the first is done, and the
# test counts as skipped (77).
set -euo pipefail

work=$(mktemp -d)
# shellcheck source=tests/deploy/federation.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/federation.sh"
trap 'rm -rf "$work"' EXIT
kubernetes=$root/deploy/kubernetes
check=$root/tests/deploy/kubernetes_check.py

find "$kubernetes" -name '*.yaml' -print0 | xargs -0 python3 -c '
import sys, yaml
for name in sys.argv[1:]:
    list(yaml.safe_load_all(open(name)))
print(len(sys.argv) - 1, "files are YAML")'
if ! kubectl kustomize --help >/dev/null 2>&1; then
  say "there is no kubectl: nothing is rendered"
  exit 77
fi

# The certificates, as docs/DEPLOY.md makes them.
"$bin/fedgap" certs init "$work/ca" --federation demo --server server --dns fedgap --dns localhost >/dev/null
"$bin/fedgap" certs issue "$work/ca" --role admin --name health >/dev/null
"$bin/fedgap" certs issue "$work/ca" --name site-1 --name site-2 >/dev/null
head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$work/token"
{
  kubectl kustomize "$kubernetes/overlays/demo"
  "$kubernetes/secrets.sh" fedgap-server="$work/ca/server" fedgap-health="$work/ca/health" \
    fedgap-site-1="$work/ca/site-1" fedgap-site-2="$work/ca/site-2" fedgap-dashboard="$work/token" |
    sed 's/^metadata:/&\n  namespace: fedgap-demo/'
} >"$work/demo.yaml"
kubectl kustomize "$kubernetes/mpi" >"$work/mpi.yaml"
python3 "$check" <"$work/mpi.yaml" || fail "the MPIJob"
python3 "$check" --run "$bin" <"$work/demo.yaml" || fail "the demo"

# finds WHAT SED: a mistake that the check has to see.
finds() {
  sed -E "$2" "$work/demo.yaml" >"$work/mistake.yaml"
  cmp -s "$work/demo.yaml" "$work/mistake.yaml" && fail "no mistake was made: $2"
  if python3 "$check" <"$work/mistake.yaml" >/dev/null 2>"$work/found.txt"; then
    fail "not found: $1"
  fi
  say "found: $(head -n 1 "$work/found.txt")"
}
finds "a Secret" 's/secretName: fedgap-health/secretName: fedgap-helth/'
finds "a Secret's key" 's/^  ca.pem:/  cacert.pem:/'
finds "a ConfigMap" '/configMap:/,/name:/ s/name: fedgap-server.*/name: fedgap-server/'
finds "a ConfigMap's key" 's/^  server.toml:/  fedgap.toml:/'
finds "a claim" 's/claimName: .*-site-2/claimName: fedgap-client-state/'
finds "a named port" 's/targetPort: grpc/targetPort: rpc/'
finds "a Service" 's/- fedgap:7443/- fedgap-server:7443/'
finds "a Service's port" 's/- fedgap:7443/- fedgap:443/'
finds "a volume" '0,/name: runs$/ s/name: runs$/name: run/'
finds "a headless Service" 's/serviceName: fedgap-headless/serviceName: fedgap/'
finds "a label" '/^kind: StatefulSet/,/^---/ s/component: server/component: hub/'
finds "a policy's peer" '/kind: NetworkPolicy/,/^---/ s/component: client/component: site/'
finds "a namespace" 's/  namespace: fedgap-demo/  namespace: fedgap/'
finds "a writable root" 's/readOnlyRootFilesystem: true/readOnlyRootFilesystem: false/'
finds "system calls" '/seccompProfile:/,/type:/ s/type: RuntimeDefault/type: Unconfined/'
finds "a probe's name" 's/readinessProbe:/readynessProbe:/'
finds "a budget's field" 's/minAvailable:/minAvailible:/'
finds "a set's field" 's/replicas:/replicaz:/'
finds "a claim's field" 's/accessModes:/accesModes:/'
finds "a version" 's|apiVersion: policy/v1$|apiVersion: policy/v1beta1|'
finds "root" 's/runAsNonRoot: true/runAsNonRoot: false/'
"$bin/fedgap" certs revoke "$work/ca" site-2 >/dev/null
"$kubernetes/secrets.sh" fedgap-server="$work/ca/server" | grep -q '^  crl.pem: ' ||
  fail "the server's Secret does not say who is revoked"
say "kubernetes test passed"
