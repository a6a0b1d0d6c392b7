#!/usr/bin/env bash
# Builds deploy/Dockerfile and runs docker-compose.yml for real: its own dockerd
# on a private socket, a Debian base made from this machine's apt sources (not
# the official image: digests cannot be pinned against it). Run by
# ./run test-deploy, as root.
#   DEPLOY_WORK=DIR  keeps base image and layers there from one call to the next
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
work=${DEPLOY_WORK:-$root/build/deploy}
project=fedgap-test
rounds=4
# Rounds of a second or two each; the simulator gets the same.
export FEDGAP_RUN__ROUNDS=$rounds FEDGAP_TRAINING__EPOCHS=1 FEDGAP_EVALUATION__MAX_SAMPLES=500

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }
fail() { say "FAILED: $*"; compose logs --no-color --tail=15 || true; exit 1; }
compose() { /usr/bin/docker-compose -p "$project" -f "$root/docker-compose.yml" "$@"; }
container() { compose ps -q "$1"; }

# shellcheck source=tests/deploy/dockerd.sh
. "$root/tests/deploy/dockerd.sh"

clean_up() {
  local status=$?
  compose down -v -t 2 >/dev/null 2>&1 || true
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
committed() { compose logs --no-color server | grep -q "round *$1/$rounds"; }
exited_well() { [[ $(docker inspect -f '{{.State.Status}}{{.State.ExitCode}}' "$(container "$1")") == exited0 ]]; }
running() { [[ $(docker inspect -f '{{.State.Running}}' "$(container "$1")") == true ]]; }
report() { compose run --rm --no-deps -T --entrypoint cat tools /runs/demo/report.json; }
# kill -9 from inside the machine: restart policies do not see docker kill.
kill9() { kill -9 "$(docker inspect -f '{{.State.Pid}}' "$(container "$1")")"; }

mkdir -p "$work"
say "base image"
make_base
start_dockerd
trap clean_up EXIT
import_base
compose config -q
say "building the images (compiles fedgap: ten minutes on two cores)"
compose build >"$work/build.log" 2>&1 || { tail -n 30 "$work/build.log"; exit 1; }

base_bytes=$(docker image inspect -f '{{.Size}}' debian:bookworm-slim)
for pair in server:60 client:40; do
  image=fedgap-${pair%:*}
  mib=$((($(docker image inspect -f '{{.Size}}' "$image") - base_bytes) / 1048576))
  say "$image: $mib MiB above the base (at most ${pair#*:})"
  ((mib <= ${pair#*:})) || fail "$image is larger than ${pair#*:} MiB"
done

compose up -d --no-build >"$work/up.log" 2>&1 || fail "up"
wait_until 60 "the server is healthy" healthy server
for service in server site-1; do
  id=$(container "$service")
  [[ $(docker inspect -f '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}}' "$id") == "10001:10001 true" ]] ||
    fail "$service does not run as 10001 on a read-only root"
done
say "server and sites run as uid 10001 on a read-only root"

wait_until 120 "round 1 is committed" committed 1
say "kill -9 of the server and of site 5"
kill9 server
kill9 site-5
wait_until 60 "the server runs again" running server
wait_until 300 "the server ended well" exited_well server
for site in 1 2 3 4 5 6; do wait_until 60 "site $site ended well" exited_well "site-$site"; done

sha=$(report | grep -o '"model_sha256": "[0-9a-f]*"')
say "down and up: the volumes stay"
compose down >/dev/null 2>&1
[[ $(report | grep -o '"model_sha256": "[0-9a-f]*"') == "$sha" ]] || fail "the run is gone"

say "the same federation undisturbed, in the simulator"
"$root/build/release/bin/fedgap" simulate --config "$root/examples/simulate/demo.toml" \
  --run-dir "$work/undisturbed-$$" --quiet >"$work/simulate.log" || fail "simulate"
grep -q "${sha:17:64}" "$work/undisturbed-$$/report.json" || fail "the models differ: $sha"
rm -rf "$work/undisturbed-$$"
say "the model has the same SHA-256: ${sha:17:64}"
say "compose test passed"
