#!/usr/bin/env bash
# Builds deploy/Dockerfile and runs docker-compose.yml for real: its own dockerd
# on a private socket, a Debian base made from this machine's apt sources (not
# the official image: digests cannot be pinned against it). Run by
# ./run test-deploy, as root.
#   DEPLOY_WORK=DIR      keeps base image and layers there from one call to the next
#   DEPLOY_PROGRAMS=DIR  on Debian 12: takes the programs of a build there, such as
#                        build/release/bin, instead of compiling them in the image
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
work=${DEPLOY_WORK:-$root/build/deploy}
sources=$root
project=fedgap-test
rounds=5
# Rounds of a few seconds each; the simulator gets the same.
export FEDGAP_RUN__ROUNDS=$rounds FEDGAP_TRAINING__STEPS=40 FEDGAP_EVALUATION__MAX_SAMPLES=500

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }
fail() { say "FAILED: $*"; compose logs --no-color --tail=15 || true; exit 1; }
compose() { /usr/bin/docker-compose -p "$project" -f "$sources/docker-compose.yml" "$@"; }
container() { compose ps -q "$1"; }

# shellcheck source=tests/deploy/dockerd.sh
. "$root/tests/deploy/dockerd.sh"

clean_up() {
  local status=$?
  docker rm -f site-7 >/dev/null 2>&1 || true
  docker volume rm "$project-site-7" >/dev/null 2>&1 || true
  compose --profile more down -v -t 2 >/dev/null 2>&1 || true
  stop_dockerd
  exit "$status"
}

# wait_until SECONDS WHAT COMMAND...
wait_until() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    ((SECONDS < deadline)) || fail "$what: not within its time"
    sleep 0.3
  done
  say "$what"
}
healthy() { [[ $(docker inspect -f '{{.State.Health.Status}}' "$(container "$1")") == healthy ]]; }
committed() { compose logs --no-color server | grep "round *$1/$rounds" >/dev/null; }
exited_well() { [[ $(docker inspect -f '{{.State.Status}}{{.State.ExitCode}}' "$(container "$1")") == exited0 ]]; }
running() { [[ $(docker inspect -f '{{.State.Running}}' "$(container "$1")") == true ]]; }
# The sources, with a Dockerfile whose first stage copies instead of compiling.
context_with_programs() {
  local context=$work/context name
  rm -rf "$context"
  mkdir -p "$context/programs"
  git -C "$root" ls-files -z | tar -C "$root" --null -T - -c | tar -C "$context" -x
  for name in fedgap fedgap-server fedgap-client; do
    strip -o "$context/programs/$name" "$DEPLOY_PROGRAMS/$name"
  done
  sed -i -e '/^RUN .\/run install-packages build/,/^    && rm -rf build$/d' \
    -e '/^# The list and what/i COPY programs /out' "$context/deploy/Dockerfile"
  sources=$context
}
report() { compose run --rm --no-deps -T --entrypoint cat tools /runs/demo/report.json; }
# kill -9 from inside the machine: restart policies do not see docker kill.
pid() { docker inspect -f '{{.State.Pid}}' "$(container "$1")"; }
kill9() { kill -9 "$(pid "$1")"; }
# cut ACTION SERVICE: -A takes its network away without a word, -D gives it back.
cut() {
  local chain
  for chain in INPUT OUTPUT; do nsenter -t "$(pid "$2")" -n iptables "$1" "$chain" -j DROP; done
}
# Whether some packets were sent in vain, first ones and retries.
dropped() {
  local packets
  packets=$(nsenter -t "$(pid "$1")" -n iptables -nvxL OUTPUT | awk '$3 == "DROP" { print $1 }')
  ((packets >= 5))
}
# The page's address as a browser on this machine has it; CURL OPTION...
dashboard() {
  curl -sS --max-time 5 --cacert "$work/ca.pem" "$@"
}
# Not grep -q, which hangs up on curl at the first match: a failure by pipefail.
dashboard_shows() {
  dashboard -H "Authorization: Bearer $token" "https://localhost:8080/$1" | grep "$2" >/dev/null
}
file_of() { compose run --rm --no-deps -T --entrypoint cat "$1" "$2"; }
names() { compose logs --no-color client-28 | grep -o 'bundle of client client-28-[0-9]*' | sort -u; }

mkdir -p "$work"
say "base image"
make_base
trap clean_up EXIT
start_dockerd
import_base
[[ -z ${DEPLOY_PROGRAMS:-} ]] || context_with_programs
compose --profile more --profile observability config -q
say "building the images${DEPLOY_PROGRAMS:+ with the programs of $DEPLOY_PROGRAMS}"
compose build >"$work/build.log" 2>&1 || { tail -n 30 "$work/build.log"; exit 1; }

base_bytes=$(docker image inspect -f '{{.Size}}' debian:bookworm-slim)
for pair in server:60 client:40; do
  image=fedgap-${pair%:*}
  docker image inspect "$image" >/dev/null 2>&1 ||
    docker build -q -f "$sources/deploy/Dockerfile" --target "${pair%:*}" -t "$image" "$sources" >/dev/null
  mib=$((($(docker image inspect -f '{{.Size}}' "$image") - base_bytes) / 1048576))
  say "$image: $mib MiB above the base (at most ${pair#*:})"
  ((mib <= ${pair#*:})) || fail "$image is larger than ${pair#*:} MiB"
done

compose up -d --no-build >"$work/up.log" 2>&1 || { cat "$work/up.log"; fail "up"; }
for service in server enrolment site-{1..6}; do
  wait_until 60 "$service is healthy" healthy "$service"
done
for service in server site-1 enrolment dashboard; do
  id=$(container "$service")
  [[ $(docker inspect -f '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}}' "$id") == "10001:10001 true" ]] ||
    fail "$service does not run as 10001 on a read-only root"
done
say "services and sites run as uid 10001 on a read-only root"

wait_until 300 "round 1 is committed" committed 1
file_of dashboard /certs/ca.pem >"$work/ca.pem"
token=$(file_of dashboard /certs/token)
wait_until 30 "the dashboard answers on localhost with the token" dashboard_shows "" fedgap
[[ $(dashboard -o /dev/null -w '%{http_code}' https://localhost:8080/) == 401 ]] ||
  fail "the dashboard answers without the token"
say "and not without it"
file_of enrolment /authority/invitations/server.pem >/dev/null || fail "the authority's directory"
! file_of site-1 /certs/token >/dev/null 2>&1 || fail "site 1 kept its invitation"

wait_until 300 "round 2 is committed" committed 2
say "kill -9 of the server and of site 5"
kill9 server
kill9 site-5
wait_until 60 "the server runs again" running server
wait_until 300 "round 3 is committed" committed 3
say "the network of site 2 is cut"
cut -A site-2
wait_until 120 "its packets are dropped" dropped site-2
cut -D site-2
say "and is back"
wait_until 300 "the server ended well" exited_well server
for site in 1 2 3 4 5 6; do wait_until 90 "site $site ended well" exited_well "site-$site"; done

wait_until 30 "the dashboard still shows the run" dashboard_shows "" fedgap
sha=$(report | grep -o '"model_sha256": "[0-9a-f]*"')
say "down and up: the volumes stay"
compose down >/dev/null 2>&1
[[ $(report | grep -o '"model_sha256": "[0-9a-f]*"') == "$sha" ]] || fail "the run is gone"
compose up -d --no-build dashboard >"$work/again.log" 2>&1 || { cat "$work/again.log"; fail "up of the dashboard"; }
wait_until 60 "the dashboard shows the finished run again" dashboard_shows "" fedgap
compose run --rm -T backup /runs/demo /backups/copy >"$work/backup.log" 2>&1 || { cat "$work/backup.log"; fail "backup"; }
compose run --rm --no-deps -T --entrypoint fedgap backup inspect /backups/copy | grep "${sha:17:12}" >/dev/null ||
  fail "the backup is of another run"
say "a backup holds the same model"

say "the same federation undisturbed, in the simulator"
"${DEPLOY_PROGRAMS:-$root/build/release/bin}/fedgap" simulate --config "$root/examples/simulate/demo.toml" \
  --run-dir "$work/undisturbed-$$" --quiet >"$work/simulate.log" || fail "simulate"
grep -q "${sha:17:64}" "$work/undisturbed-$$/report.json" || fail "the models differ: $sha"
rm -rf "$work/undisturbed-$$"
say "the model has the same SHA-256: ${sha:17:64}"

compose down -v >/dev/null 2>&1
say "a federation of replicas: --scale client-28=3, and a site of another machine"
export FEDGAP_COHORT__MIN_CLIENTS=3 FEDGAP_HOST=fl.example.test
compose --profile more up -d --no-build --scale client-28=3 server client-28 >"$work/scale.log" 2>&1 ||
  { cat "$work/scale.log"; fail "up --scale"; }
wait_until 300 "round 1 is committed" committed 1
[[ $(names | wc -l) == 3 ]] || fail "not three names: $(names)"

# The other machine is one by its network; it comes as docs/DEPLOY.md says.
outside=(--network host --add-host fl.example.test:127.0.0.1 --read-only --cap-drop ALL
  -v "$project-site-7:/certs" -v "${project}_data:/usr/share/datasets/fashion-mnist:ro")
compose exec -T enrolment fedgap certs invite /authority --name site-7 >"$work/invitation"
head -n 1 "$work/invitation" >"$work/site-7.token"
docker run -d --name site-7 "${outside[@]}" -v "$work/site-7.token:/token:ro" \
  -e ENROL_SERVER=fl.example.test:7444 -e ENROL_TOKEN_FILE=/token -e FEDGAP_CLIENT__SERVER=fl.example.test:7443 \
  fedgap-site --data fashion-mnist --part 6/6 --resolution 24x36 >/dev/null
joined() { docker logs site-7 2>&1 | grep "joined run demo" >/dev/null; }
wait_until 60 "site 7 has enrolled and joined from elsewhere" joined
compose exec -T enrolment fedgap certs revoke /authority site-7 >/dev/null || fail "revoke"
compose run --rm -T certificates >"$work/certificates.log" 2>&1 || { cat "$work/certificates.log"; fail "certificates"; }
thrown_out() { [[ $(docker inspect -f '{{.State.Status}}{{.State.ExitCode}}' site-7) == exited3 ]]; }
wait_until 30 "it is revoked: its program ends with 3" thrown_out
compose --profile more kill -s TERM client-28 >/dev/null 2>&1
compose --profile more up -d --no-build --no-deps --scale client-28=3 client-28 >>"$work/scale.log" 2>&1 ||
  fail "replicas do not start again"
wait_until 300 "the server ended well" exited_well server
[[ $(names | wc -l) == 3 ]] || fail "a replica changed its name: $(names)"
say "three replicas, three names, the same after a restart"
say "compose test passed"
