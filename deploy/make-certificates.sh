#!/bin/sh
# The compose file's first step: an authority, the server's bundle, one for the
# health check, and one for each site, in a volume of its own. What is there
# already stays: a second start changes nothing.
#   make-certificates FEDERATION SERVER SITE...
# As root it gives everything to uid 10001, which the other containers run as.
# /authority keeps the CA's key; bundles go to /certs/server and /certs/SITE.
set -eu
federation=$1
server=$2
shift 2
if [ ! -e /authority/ca.pem ]; then
  fedgap certs init /authority --federation "$federation"
fi
# issue NAME DIRECTORY OPTION...: the bundle's files themselves in DIRECTORY.
issue() {
  name=$1
  directory=$2
  shift 2
  [ ! -e "$directory/identity.pem" ] || return 0
  fedgap certs issue /authority --replace --name "$name" --out /authority/issued "$@"
  cp "/authority/issued/$name"/* "$directory/"
}
mkdir -p /certs/server/server /certs/server/health
issue "$server" /certs/server/server --role server --dns "$server" --dns localhost
issue health /certs/server/health --role admin
for site in "$@"; do
  issue "$site" "/certs/$site"
done
if [ "$(id -u)" = 0 ]; then
  chown -R 10001:10001 /authority /certs
fi
