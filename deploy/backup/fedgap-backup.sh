#!/bin/sh
# Copies the directory of a run so that a server can go on from the copy. It may
# be used while the server runs.
#   fedgap-backup RUN DESTINATION
# DESTINATION must not exist; it appears when the copy is whole: every file that
# the copied database names is there with its SHA-256. Needs sqlite3.
set -eu

die() {
  printf 'fedgap-backup: %s\n' "$*" >&2
  exit 1
}

[ $# = 2 ] || {
  printf 'usage: fedgap-backup RUN DESTINATION\n' >&2
  exit 2
}
run=${1%/}
destination=${2%/}
part=$destination.part
command -v sqlite3 >/dev/null || die "there is no sqlite3; Debian's package sqlite3 has it"
[ -f "$run/state.db" ] || die "$run holds no run: there is no state.db"
[ ! -e "$destination" ] || die "$destination exists; choose another"
trap 'rm -rf -- "$part"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# From here on paths are from the root: sqlite3 is started inside the copy.
run=$(cd -- "$run" && pwd)
mkdir -p -- "$part"
part=$(cd -- "$part" && pwd)
umask 077

# The database first: whatever it names was on the disk before it. A file that
# the server drops meanwhile makes this start again. The first to be dropped is the
# oldest state, three commits later: so it is copied first.
copy() {
  rm -rf -- "$part"
  mkdir -p -- "$part"
  (cd -- "$part" && sqlite3 "$run/state.db" '.timeout 20000' '.backup state.db') || return 1
  sqlite3 "$part/state.db" "SELECT sha256 || '  ' || kind || '/round-' ||
    printf('%06d', round) || '.safetensors' FROM files
    ORDER BY kind != 'state', round" >"$part/SHA256SUMS"
  (cd -- "$run" && sed 's/^[^ ]*  //' "$part/SHA256SUMS" |
    xargs -d '\n' -r cp -p --parents -t "$part") 2>/dev/null || return 1
  (cd -- "$part" && sha256sum --quiet --check SHA256SUMS) ||
    die "files of $run are damaged (fedgap inspect $run says which)"
}

tries=1
until copy; do
  [ "$tries" -lt 20 ] ||
    die "files of $run are missing (fedgap inspect $run says which)"
  tries=$((tries + 1))
done
for name in config.toml model.json model.safetensors report.json events local; do
  if [ -e "$run/$name" ]; then cp -Rp -- "$run/$name" "$part/$name"; fi
done
rm -f -- "$part/SHA256SUMS"
sync -f "$part"
mv -- "$part" "$destination"
rounds=$(sqlite3 "$destination/state.db" 'SELECT max(round) FROM rounds')
printf '%s: the run up to round %s\n' "$destination" "${rounds:-0}"
