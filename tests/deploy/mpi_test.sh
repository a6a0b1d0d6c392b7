#!/usr/bin/env bash
# The image of deploy/mpi.Dockerfile, from the Debian packages: the simulation of
# deploy/kubernetes/mpi on two workers, as the MPI operator would start it (an
# ordinary user without capabilities, a key pair that root owns), gives the model
# of one process. Run by ./run test-deploy, as root.
#   DEPLOY_WORK=DIR  keeps the Debian base there from one call to the next
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
work=${DEPLOY_WORK:-$root/build/deploy}
config=$root/deploy/kubernetes/mpi/simulate.toml
run=$work/mpi-$$

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }
fail() { say "FAILED: $*"; exit 1; }
# shellcheck source=tests/deploy/dockerd.sh
. "$root/tests/deploy/dockerd.sh"

clean_up() {
  local status=$?
  docker rm -f worker-0 worker-1 launcher >/dev/null 2>&1 || true
  docker network rm mpi >/dev/null 2>&1 || true
  stop_dockerd
  rm -rf "$run"
  exit "$status"
}
model_of() { grep -o '"model_sha256": "[0-9a-f]*"' | cut -d '"' -f 4; }

mkdir -p "$run/ssh"
say "base image"
make_base
trap clean_up EXIT
start_dockerd
import_base
docker build --network host -f "$root/deploy/mpi.Dockerfile" -t fedgap-mpi "$root/build/packages" \
  >"$work/mpi-build.log" 2>&1 || { tail -n 30 "$work/mpi-build.log"; fail "the image"; }

ssh-keygen -q -t ed25519 -N '' -f "$run/ssh/id_ed25519"
cp "$run/ssh/id_ed25519.pub" "$run/ssh/authorized_keys"
chmod 644 "$run"/ssh/*
docker network create mpi >/dev/null
options=(--network mpi --cap-drop ALL --security-opt no-new-privileges
  -v "$run/ssh:/home/mpiuser/.ssh:ro" -v "$config:/etc/fedgap/simulate.toml:ro")
for name in worker-0 worker-1; do
  docker run -d --name "$name" "${options[@]}" fedgap-mpi >/dev/null
done
for name in worker-0 worker-1; do
  until docker logs "$name" 2>&1 | grep -q listening; do
    [[ $(docker inspect -f '{{.State.Running}}' "$name") == true ]] || fail "$name ended"
    sleep 0.2
  done
done
docker run --name launcher "${options[@]}" fedgap-mpi mpirun -H worker-0:1,worker-1:1 -n 2 --bind-to none \
  fedgap-mpi --config /etc/fedgap/simulate.toml --run-dir /runs/cluster --threads 1 --quiet >"$run/launcher.log" 2>&1 ||
  { tail "$run/launcher.log"; fail "the launcher"; }
model=$(docker exec worker-0 cat /runs/cluster/report.json | model_of)

"$root/build/release/bin/fedgap" simulate --config "$config" --run-dir "$run/one" --quiet >/dev/null || fail "simulate"
[[ -n $model && $model == $(model_of <"$run/one/report.json") ]] || fail "the models differ"
say "two workers and one process: the same SHA-256, $model"
say "mpi test passed"
