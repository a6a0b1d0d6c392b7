#!/bin/sh
# fedgap-client that fetches its certificate first: at the first start it makes
# its key in /certs, a volume of its own, and enrols with an invitation; later
# starts find the bundle and go on.
#   ENROL_SERVER      host:port of `fedgap certs serve`
#   ENROL_TOKEN_FILE  the invitation
#   ENROL_PARTS       N: the client NAME-I of a numbered invitation takes part I
#                     of N of the data, and after N again the first
set -eu
fedgap certs enrol /certs --server "$ENROL_SERVER" --token-file "$ENROL_TOKEN_FILE"
if [ -n "${ENROL_PARTS:-}" ]; then
  identity=$(fedgap certs show /certs | sed -n 's/^ *identity *//p')
  set -- "$@" --part "$(((${identity##*-} - 1) % ENROL_PARTS + 1))/$ENROL_PARTS"
fi
rm -f /certs/token
exec fedgap-client "$@"
