#!/usr/bin/env bash
# The client that ./run build --arm64 makes takes part, under qemu-user, in a
# federation with two of this machine's: the model is that of an undisturbed
# simulation here. Says how large it is and what it holds in memory at rest.
set -euo pipefail

work=$(mktemp -d)
# shellcheck source=tests/deploy/federation.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/federation.sh"
trap 'stop_all; rm -rf "$work"' EXIT
sysroot=$root/build/sysroot-arm64/root
program=$root/build/arm64-client/bin/fedgap-client
emulated=(qemu-aarch64 -L "$sysroot" "$program")
sites=(site-1:1/3:14x14 site-2:2/3:20x24 site-3:3/3:28x28)

# resident PID: MiB that the emulated program holds, its libraries included. The
# emulator maps it below 2^40 and lives above that itself.
resident() {
  awk '/^[0-9a-f]+-[0-9a-f]+ / { split($1, ends, "-"); guest = length(ends[1]) <= 10 }
       $1 == "Rss:" && guest { kib += $2 }
       END { printf "%.1f", kib / 1024 }' "/proc/$1/smaps"
}

# libraries: what the program loads beside the C library, in the sysroot.
libraries() {
  qemu-aarch64 -L "$sysroot" -E LD_TRACE_LOADED_OBJECTS=1 "$program" |
    awk -v root="$sysroot" '$2 == "=>" && $3 ~ /^\// { print root $3 }' | grep -vE '/(libc|libm)[.-]'
}

mib() { awk '{ bytes += $1 } END { printf "%.1f", bytes / 1048576 }'; }

[[ -x $program ]] || fail "there is no $program; ./run build --arm64 makes it"
readelf -h "$program" | grep -q 'Machine: *AArch64' || fail "$program is not for 64-bit Arm"
"${emulated[@]}" --cpu-info | sed 's/^/  /'
aarch64-linux-gnu-strip -o "$work/stripped" "$program"
mapfile -t libs < <(libraries)
say "the program: $(stat -c %s "$work/stripped" | mib) MiB stripped, $(stat -Lc %s "${libs[@]}" | mib) MiB of ${#libs[@]} libraries beside the C library"

run_config arm64 4 3 >"$work/server.toml"
"$bin/fedgap" certs init "$work/ca" --federation test --server server --dns localhost >/dev/null
"$bin/fedgap" certs issue "$work/ca" --name site-1 --name site-2 --name site-3 --out "$work/bundles" >/dev/null
start_server server "$work/server.toml" "$work/run" --listen 127.0.0.1:0 --certs "$work/ca/server"
server=$pid

client_program=("${emulated[@]}")
start_client "localhost:$port" "${sites[0]}"
arm=$pid
wait_until 60 "the Arm client has joined" grep -q '"type":"client_joined"' "$work"/run/events/events-000001.jsonl
sleep 2
at_rest=$(resident "$arm")

client_program=("$bin/fedgap-client")
for site in "${sites[@]:1}"; do start_client "localhost:$port" "$site"; done
wait_until 300 "round 3 is over" committed "$work/run" 3
after=$(resident "$arm")
wait_until 300 "four rounds are over" ended "$server"
wait "$server" || fail "the server"
wait "$arm" || fail "the Arm client"

model=$(model_of "$work/run")
[[ -n $model && $model == "$(undisturbed_model "$work/server.toml" "${sites[@]}")" ]] || fail "the models differ"
say "one Arm client, two others, and one process here: the same SHA-256, $model"
say "the Arm client holds $at_rest MiB while it waits, $after after three rounds of 400 images of 14x14"
say "arm64 test passed"
