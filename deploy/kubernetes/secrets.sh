#!/bin/sh
# Prints bundles of `fedgap certs`, or single files, as Kubernetes Secrets, a key a
# file.
#   secrets.sh SECRET=BUNDLE|FILE... | kubectl apply --namespace NAMESPACE -f -
# e.g. secrets.sh fedgap-server=ca/server fedgap-health=ca/health fedgap-site-1=bundles/site-1
set -eu
[ $# -gt 0 ] || {
  echo "usage: secrets.sh SECRET=BUNDLE|FILE..." >&2
  exit 2
}
key() { printf '  %s: %s\n' "${1##*/}" "$(base64 -w 0 "$1")"; }
for pair in "$@"; do
  secret=${pair%%=*}
  bundle=${pair#*=}
  [ -f "$bundle" ] || [ -f "$bundle/identity.pem" ] || {
    echo "secrets.sh: $bundle is no bundle: there is no identity.pem" >&2
    exit 1
  }
  printf -- '---\napiVersion: v1\nkind: Secret\ntype: Opaque\nmetadata:\n  name: %s\ndata:\n' "$secret"
  if [ -d "$bundle" ]; then
    key "$bundle/identity.pem"
    key "$bundle/ca.pem"
    # A server's: who is revoked.
    [ ! -f "$bundle/crl.pem" ] || key "$bundle/crl.pem"
  else
    key "$bundle"
  fi
done
