#!/usr/bin/env bash
# One server and six clients over mutual TLS on this machine: each client holds
# its own sixth of Fashion-MNIST at its own image size.
#
# usage: examples/demo/run.sh [--run-dir DIR] [--set KEY=VALUE]... [--resize N]
#   --run-dir DIR     where the run is kept (default: runs/demo-DATE-TIME)
#   --set KEY=VALUE   change the configuration, e.g. --set run.rounds=4
#   --resize N        the rival: every client brings its images to N x N
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../.." && pwd)
bin=${FEDGAP_BIN:-$root/build/release/bin}
run_dir=runs/demo-$(date +%Y%m%d-%H%M%S)
sizes=(14x14 20x20 28x28 28x28 40x40 24x36)
settings=()

while (($# > 0)); do
  case $1 in
    --run-dir) run_dir=${2:?--run-dir needs a directory}; shift 2 ;;
    --set) settings+=(--set "${2:?--set needs KEY=VALUE}"); shift 2 ;;
    --resize) sizes=("$2" "$2" "$2" "$2" "$2" "$2"); shift 2 ;;
    *) echo "demo: unknown option '$1' (--run-dir, --set, --resize)" >&2; exit 2 ;;
  esac
done

# Keys stay out of the run directory, which people copy and mail.
secrets=$(mktemp -d)
server=
clients=()

stop() {
  if [[ -n $server ]]; then kill -TERM "$server" 2>/dev/null || true; fi
  for client in "${clients[@]}"; do kill -TERM "$client" 2>/dev/null || true; done
}
clean_up() {
  stop
  wait 2>/dev/null || true
  rm -rf "$secrets"
}
trap clean_up EXIT
trap 'echo; echo "demo: stopping"; exit 130' INT TERM

certificates() {
  "$bin/fedgap" certs init "$secrets/ca" --federation demo --server server \
    --dns localhost --ip 127.0.0.1 >/dev/null
  "$bin/fedgap" certs issue "$secrets/ca" --out "$secrets" \
    "${names[@]/#/--name=}" >/dev/null
}

wait_for_port() {
  until [[ -s $secrets/port ]]; do
    kill -0 "$server" 2>/dev/null || { wait "$server"; exit 1; }
    sleep 0.1
  done
}

names=()
for i in "${!sizes[@]}"; do names+=("site-$((i + 1))-${sizes[$i]}"); done
certificates
mkdir -p "$run_dir/logs"

# Own process groups: Ctrl-C reaches this script alone, which then stops each
# program once.
set -m
"$bin/fedgap-server" --config "$here/server.toml" --run-dir "$run_dir" \
  --listen 127.0.0.1:0 --port-file "$secrets/port" \
  --certs "$secrets/ca/server" --log-level warning \
  --log-file "$run_dir/logs/server.log" "${settings[@]}" &
server=$!
wait_for_port
for i in "${!sizes[@]}"; do
  "$bin/fedgap-client" --server "localhost:$(<"$secrets/port")" \
    --certs "$secrets/${names[$i]}" --data fashion-mnist --threads 2 \
    --part "$((i + 1))/${#sizes[@]}" --resolution "${sizes[$i]}" \
    >"$run_dir/logs/${names[$i]}.log" 2>&1 &
  clients+=($!)
done
echo "6 sites of 10,000 images: ${sizes[*]}; logs in $run_dir/logs"

status=0
wait "$server" || status=$?
server=
if ((status == 0)); then
  for client in "${clients[@]}"; do wait "$client" || status=$?; done
  clients=()
fi
if ((status != 0)); then
  echo "demo: a program failed; see $run_dir/logs" >&2
  exit "$status"
fi
cat <<TEXT

Next:
  build/release/bin/fedgap inspect $run_dir
  build/release/bin/fedgap evaluate $run_dir/model.safetensors --data fashion-mnist --sizes 18x18,32x32
  ./run demo --set aggregation.weighting=pixels      # what weighting by pixels does
  ./run demo --resize 28                             # the rival: every image resized
TEXT
