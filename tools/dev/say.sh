# shellcheck shell=bash
# Messages of ./run: one line a step; a failing step shows the end of its log.

say() { printf '%s\n' "$*"; }

die() {
  printf './run: %s\n' "$*" >&2
  exit 1
}

# fail_with_log WHAT LOG: the end of LOG, where the rest is, and exit 1.
fail_with_log() {
  printf '\n' >&2
  tail -n 60 -- "$2" >&2
  die "$1 failed; the whole log is ${2#"$root/"}"
}

# step NAME COMMAND...: runs it with its output in build/logs, says how it went.
step() {
  local name=$1 log started=$SECONDS
  shift
  log=$root/build/logs/${name// /-}.log
  mkdir -p -- "${log%/*}"
  printf '%s ... ' "$name"
  if "$@" >"$log" 2>&1 </dev/null; then
    printf 'ok (%d s)\n' $((SECONDS - started))
  else
    printf 'FAILED\n'
    fail_with_log "$name" "$log"
  fi
}
