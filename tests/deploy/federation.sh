# shellcheck shell=bash disable=SC2034,SC2154 # shared with the tests that source this
# A small federation of the real programs on loopback over mutual TLS, for the
# tests beside this file. They set `work`, a folder of their own.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${FEDGAP_BIN:-$root/build/release/bin}
data=synthetic:5,1200
client_program=("$bin/fedgap-client")
started=()

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }
fail() {
  say "FAILED: $*"
  show_logs || true
  exit 1
}
# The end of what the programs said; a test may have its own.
show_logs() { [[ ! -d $work/logs ]] || tail -n 15 "$work"/logs/*; }

# wait_until SECONDS WHAT COMMAND...
wait_until() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    ((SECONDS < deadline)) || fail "$what: not within its time"
    sleep 0.2
  done
  say "$what"
}
ended() { ! kill -0 "$1" 2>/dev/null; }

# run_config NAME ROUNDS MIN_CLIENTS: rounds of a fraction of a second.
run_config() {
  cat <<TOML
[run]
name = "$1"
seed = 7
rounds = $2
[model]
name = "gap-cnn-s"
classes = 4
[resolution]
edges = [16, 24]
[training]
batch_size = 16
learning_rate = 0.05
[cohort]
min_clients = $3
quorum = 1.0
deadline_seconds = 0
max_size = 16
TOML
}

# simulated_sites NAME:PART/PARTS:SIZE...: the same clients for the simulator.
simulated_sites() {
  local site name part size
  printf '[simulation]\ndata = "%s"\nclients = [' "$data"
  for site in "$@"; do
    IFS=: read -r name part size <<<"$site"
    printf '"%s part=%s resolution=%s", ' "$name" "$part" "$size"
  done
  printf ']\n'
}

# undisturbed_model CONFIG SITE...: the SHA-256 that the simulator ends with.
undisturbed_model() {
  local config=$1
  shift
  cp "$config" "$work/simulate.toml"
  simulated_sites "$@" >>"$work/simulate.toml"
  rm -rf "$work/undisturbed"
  "$bin/fedgap" simulate --config "$work/simulate.toml" --run-dir "$work/undisturbed" \
    --quiet >"$work/simulate.log" || fail "the simulation"
  model_of "$work/undisturbed"
}
model_of() { grep -o '"model_sha256": "[0-9a-f]*"' "$1/report.json" | cut -d '"' -f 4; }

# committed RUN ROUND: that round is in the event log.
committed() { grep -qE "\"type\":\"round_committed\".*\"round\":$2[,}]" "$1"/events/*.jsonl 2>/dev/null; }

# start NAME COMMAND...: in the background, its output in logs/NAME.log, its
# process id in `pid`.
start() {
  local name=$1
  shift
  mkdir -p "$work/logs"
  "$@" >>"$work/logs/$name.log" 2>&1 &
  pid=$!
  started+=("$pid")
}

# start_client SERVER NAME:PART/PARTS:SIZE [OPTION...]
start_client() {
  local server=$1 name part size
  IFS=: read -r name part size <<<"$2"
  shift 2
  start "$name" "${client_program[@]}" --server "$server" --certs "$work/bundles/$name" \
    --data "$data" --part "$part" --resolution "$size" --state-dir "$work/state-$name" "$@"
}

# start_server NAME CONFIG RUN OPTION...: returns when it listens; its port is in
# `port` then.
start_server() {
  local name=$1 config=$2 run=$3
  shift 3
  rm -f "$work/$name.port"
  start "$name" "$bin/fedgap-server" --config "$config" --run-dir "$run" \
    --port-file "$work/$name.port" "$@"
  local server=$pid
  until [[ -s $work/$name.port ]]; do
    kill -0 "$server" 2>/dev/null || fail "$name did not start"
    sleep 0.05
  done
  port=$(<"$work/$name.port")
}

stop_all() {
  local one
  for one in "${started[@]}"; do kill "$one" 2>/dev/null || true; done
  for one in "${started[@]}"; do wait "$one" 2>/dev/null || true; done
}
