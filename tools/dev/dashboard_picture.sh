#!/usr/bin/env bash
# The README's picture: the overview of a run as `fedgap report` draws it, by a
# real browser, in both themes.
#
#   tools/dev/dashboard_picture.sh RUN [DIR]
#
# RUN is the directory of a finished run (./run demo --run-dir RUN); writes
# dashboard-light.png and dashboard-dark.png into DIR, else into docs/images.
# Needs `./run build` and Debian's chromium.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
die() {
  printf 'dashboard_picture.sh: %s\n' "$*" >&2
  exit 1
}

(($# == 1 || $# == 2)) || die "usage: tools/dev/dashboard_picture.sh RUN [DIR]"
run=$1
out=${2:-$root/docs/images}
most_bytes=200000

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$root/build/release/bin/fedgap" report "$run" -o "$work/report.html" >/dev/null
mkdir -p "$out"
for theme in light dark; do
  # Blink's values of the system's preference.
  declare -A preferred=([dark]=0 [light]=1)
  chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars \
    --user-data-dir="$work/profile" --window-size=1280,960 \
    --blink-settings="preferredColorScheme=${preferred[$theme]}" \
    --virtual-time-budget=5000 --screenshot="$out/dashboard-$theme.png" \
    "file://$work/report.html" 2>"$work/log" || die "$(cat "$work/log")"
  size=$(stat -c %s "$out/dashboard-$theme.png")
  ((size <= most_bytes)) ||
    die "$out/dashboard-$theme.png has $size bytes, more than $most_bytes"
  printf '%s: %d bytes\n' "$out/dashboard-$theme.png" "$size"
done
