#!/usr/bin/env bash
# Measures what docs/DEPLOY.md says of memory, processor, disk and network, with
# the real programs on loopback over mutual TLS: a waiting server and its
# clients, then rounds of a small and of a large model.
#   ./run build && tests/deploy/sizes.sh
set -euo pipefail

work=$(mktemp -d)
# shellcheck source=tests/deploy/federation.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/federation.sh"
trap 'stop_all; rm -rf "$work"' EXIT

# memory PID FIELD: MiB of VmRSS (now) or VmHWM (at most).
memory() { awk -v field="$2:" '$1 == field { printf "%.1f", $2 / 1024 }' "/proc/$1/status"; }
# cpu PID: seconds of all its threads.
cpu() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%.2f", ($12 + $13) / hz }' "/proc/$1/stat"; }
# wire PORT: bytes that the server sent and received on the oldest connection.
wire() {
  ss -tinH state established "sport = :$1" | tr -d '\n' | grep -oE 'bytes_sent:[0-9]+|bytes_received:[0-9]+' |
    head -n 2 | cut -d : -f 2 | tr '\n' ' '
}
joined() { (($(cat "$work/$1"/events/*.jsonl | grep -c '"type":"client_joined"') >= $2)); }

certificates() {
  local i names=()
  for i in {1..50}; do names+=(--name "c-$i"); done
  "$bin/fedgap" certs init "$work/ca" --federation test --server server --dns localhost >/dev/null
  "$bin/fedgap" certs issue "$work/ca" --out "$work/bundles" "${names[@]}" >/dev/null
}

idle() {
  local i server seconds=60 before_wire before_cpu client
  data=synthetic:5,200
  run_config idle 1 1000 >"$work/idle.toml"
  start_server idle "$work/idle.toml" "$work/idle" --listen 127.0.0.1:0 --certs "$work/ca/server"
  server=$pid
  sleep 2
  say "idle server: $(memory "$server" VmRSS) MiB"
  for i in {1..50}; do
    start_client "localhost:$port" "c-$i:$i/50:14x14"
    client=${client:-$pid}
    case $i in
      1 | 10 | 50)
        wait_until 60 "$i clients joined" joined idle "$i"
        sleep 2
        say "server with $i idle clients: $(memory "$server" VmRSS) MiB; a client $(memory "$client" VmRSS) MiB"
        ;;
    esac
  done
  before_wire=$(wire "$port") before_cpu=$(cpu "$server")
  sleep "$seconds"
  say "one idle connection, server's bytes sent and received at the begin and after $seconds s: $before_wire, then $(wire "$port")"
  say "server with 50 idle clients: processor seconds at the begin and after $seconds s: $before_cpu, then $(cpu "$server")"
  stop_all
  started=()
}

# rounds NAME CLIENTS ROUNDS SIZE: the model and its training come from stdin.
rounds() {
  local name=$1 clients=$2 count=$3 size=$4 server i client peak=0 client_peak=0 now used total=0 parameters
  { run_config "$name" "$count" "$clients" | sed -e '/^\[model\]/,/^classes/d' -e 's/^batch_size.*/&\nsteps = 8/'; cat; } >"$work/$name.toml"
  start_server "$name" "$work/$name.toml" "$work/$name" --listen 127.0.0.1:0 --certs "$work/ca/server"
  server=$pid
  for ((i = 1; i <= clients; ++i)); do start_client "localhost:$port" "c-$i:$i/$clients:$size"; done
  client=$pid
  while kill -0 "$server" 2>/dev/null; do
    now=$(memory "$server" VmHWM 2>/dev/null) && peak=${now:-$peak}
    now=$(memory "$client" VmHWM 2>/dev/null) && client_peak=${now:-$client_peak}
    used=$(cpu "$server" 2>/dev/null) && [[ -n $used ]] && total=$used
    sleep 0.05
  done
  wait "$server" || fail "$name"
  parameters=$(grep -oE '"parameters":[0-9]+' "$work/$name"/events/*.jsonl | head -n 1 | grep -oE '[0-9]+')
  say "$name: $parameters parameters, $clients clients, $count rounds: server at most $peak MiB, $total processor seconds; a client at most $client_peak MiB"
  say "$name: $(grep '"type":"round_committed"' "$work/$name"/events/*.jsonl | tail -n 1 | grep -oE '"bytes_(up|down)":[0-9]+' | tr '\n' ' ')in the last round"
  say "$name: run directory $(du -sk "$work/$name" | cut -f 1) KiB, of which models $(du -sk "$work/$name/models" | cut -f 1), state $(du -sk "$work/$name/state" | cut -f 1), pooled $(du -sk "$work/$name/pooled" 2>/dev/null | cut -f 1), events $(du -sk "$work/$name/events" | cut -f 1)"
  started=()
}

certificates
idle
data=synthetic:5,2000
rounds small 10 10 28x28 <<'TOML'
[model]
name = "gap-cnn-s"
classes = 4
TOML
data=fashion-mnist
rounds fashion 6 2 28x28 <<'TOML'
[model]
name = "gap-cnn-s"
classes = 10
TOML
# Many parameters and little arithmetic.
data=synthetic:5,200
rounds large 10 4 8x8 <<'TOML'
[model]
name = "gap-cnn-m"
width = 256
classes = 4
[evaluation]
pooled = "off"
TOML
