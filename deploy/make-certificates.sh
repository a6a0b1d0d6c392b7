#!/bin/sh
# The compose file's first step: an authority, bundles for the server, its health
# check and the dashboard, the dashboard's token, and for each site an invitation
# in the site's own volume, which makes its key itself (enrol-and-run.sh). What is
# there already stays. Another start brings the list of revoked certificates to the
# server, and new invitations to sites that let theirs pass.
#   FEDGAP_HOST  the name that sites on other machines dial, if there are any
#   make-certificates FEDERATION SERVER SITE...
# As root it gives everything to uid 10001, which the other containers run as.
#   /authority                     the CA with its key
#   /certs/server/{server,health}  the server's bundles
#   /certs/dashboard               the dashboard's bundle and `token`
#   /certs/metrics                 token and ca.pem, for Prometheus
#   /certs/SITE/token              an invitation for this name, good for a day
#   /certs/more/token              one for 64 numbered clients, good for a year
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
issue "$server" /certs/server/server --role server --dns "$server" --dns localhost \
  ${FEDGAP_HOST:+--dns "$FEDGAP_HOST"}
if [ -e /authority/crl.pem ]; then
  cp /authority/crl.pem /certs/server/server/.crl.pem
  mv /certs/server/server/.crl.pem /certs/server/server/crl.pem
fi
issue health /certs/server/health --role admin
issue dashboard /certs/dashboard --role server --dns dashboard --dns localhost
if [ ! -e /certs/dashboard/token ]; then
  od -An -tx1 -N24 /dev/urandom | tr -d ' \n' >/certs/dashboard/token
  chmod 600 /certs/dashboard/token
fi
cp /certs/dashboard/token /certs/server/dashboard-token
cp /certs/dashboard/token /authority/ca.pem /certs/metrics/
chmod 644 /certs/metrics/*    # Prometheus runs as a user of its own
# Of the day that an invitation is good for, 23 hours.
for site in "$@"; do
  token=/certs/$site/token
  [ -e "/certs/$site/identity.pem" ] || [ -n "$(find "$token" -mmin -1380 2>/dev/null)" ] ||
    fedgap certs invite /authority --name "$site" --out "$token"
done
[ -e /certs/more/token ] ||
  fedgap certs invite /authority --prefix client-28- --uses 64 --hours 8760 --out /certs/more/token
if [ "$(id -u)" = 0 ]; then
  chown -R 10001:10001 /authority /certs/*    # /certs itself is of the read-only root
fi
