#!/usr/bin/env bash
# A run is copied by deploy/backup/fedgap-backup.sh while it goes on, lost, and
# restored elsewhere; the clients come back to the restored server by themselves
# and the model is that of a run that nothing disturbed.
set -euo pipefail

work=$(mktemp -d)
# shellcheck source=tests/deploy/federation.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/federation.sh"
trap 'stop_all; rm -rf "$work"' EXIT
backup=$root/deploy/backup/fedgap-backup.sh
sites=(site-1:1/2:14x14 site-2:2/2:20x24)
rounds=60

run_config backup $rounds 2 >"$work/server.toml"
"$bin/fedgap" certs init "$work/ca" --federation test --server server --dns localhost >/dev/null
"$bin/fedgap" certs issue "$work/ca" --name site-1 --name site-2 --out "$work/bundles" >/dev/null

start_server server "$work/server.toml" "$work/run" --listen 127.0.0.1:0 --certs "$work/ca/server"
server=$pid
for site in "${sites[@]}"; do start_client "localhost:$port" "$site"; done
clients=("${started[@]:1}")
wait_until 60 "round 5 is committed" committed "$work/run" 5

"$backup" "$work/run" "$work/copy-1" || fail "the first copy"
wait_until 60 "round 12 is committed" committed "$work/run" 12
for n in 2 3 4 5; do "$backup" "$work/run" "$work/copy-$n" || fail "copy $n"; done
say "copied five times while the server commits"
if "$backup" "$work/run" "$work/copy-1" 2>/dev/null; then fail "a copy was overwritten"; fi
kill -9 "$server"
wait "$server" 2>/dev/null || true
committed "$work/run" $rounds && fail "the run was over before the server was lost"
mv "$work/run" "$work/lost"

# The oldest copy: the clients have seen later rounds than it.
cp -Rp "$work/copy-1" "$work/elsewhere"
"$bin/fedgap" inspect "$work/elsewhere" >"$work/inspect.txt" || fail "inspect"
[[ $(sqlite3 "$work/elsewhere/state.db" 'PRAGMA integrity_check') == ok ]] || fail "state.db"
start restored "$bin/fedgap-server" --resume "$work/elsewhere" --certs "$work/ca/server" \
  --listen "127.0.0.1:$port"
wait_until 120 "the restored run is over" ended "$pid"
wait "$pid" || fail "the restored server"
for client in "${clients[@]}"; do
  wait_until 60 "a client ended" ended "$client"
  wait "$client" || fail "a client"
done

# A copy of a run whose files are damaged is no copy.
"$backup" "$work/elsewhere" "$work/copy-6" >/dev/null || fail "the copy of a run that is over"
printf X | dd of="$work/elsewhere/models/round-000003.safetensors" bs=1 seek=2000 conv=notrunc status=none
if "$backup" "$work/elsewhere" "$work/copy-7" >/dev/null 2>&1; then fail "damage was copied"; fi
[[ ! -e $work/copy-7 && ! -e $work/copy-7.part ]] || fail "half a copy is there"

model=$(model_of "$work/elsewhere")
[[ $model == "$(undisturbed_model "$work/server.toml" "${sites[@]}")" ]] || fail "the models differ"
say "the model has the SHA-256 of an undisturbed run: $model"
say "backup test passed"
