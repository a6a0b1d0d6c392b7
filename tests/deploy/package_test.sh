#!/usr/bin/env bash
# The Debian packages for real: installed into a fresh Debian, which is booted
# with systemd in a container (systemd-nspawn, no network but its own loopback).
# The units run a federation over mutual TLS; the server is killed, stopped,
# upgraded and goes on; the packages are removed and purged. Also cmake --install
# and the target uninstall. Run by ./run test-deploy, as root.
#   DEPLOY_WORK=DIR  keeps the Debian base there from one call to the next
set -euo pipefail

cache=${DEPLOY_WORK:-$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)/build/deploy}
mkdir -p "$cache"
work=$(mktemp -d "$cache/package.XXXXXX")
# shellcheck source=tests/deploy/federation.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/federation.sh"
packages=$root/build/packages
machine=$work/root
container=
leader=
sites=(site-1:1/2:14x14 site-2:2/2:20x24)
rounds=60

clean_up() {
  local status=$?
  if [[ -n $container ]]; then
    kill -TERM "$container" 2>/dev/null || true
    wait "$container" 2>/dev/null || true
  fi
  rm -rf -- "$work"
  exit "$status"
}
trap clean_up EXIT

# In the root before it is booted, and in the booted one.
offline() { chroot "$machine" /usr/bin/env -i PATH=/usr/sbin:/usr/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"; }
inside() {
  nsenter --target "$leader" --mount --uts --ipc --net --pid --root --wd -- \
    /usr/bin/env -i PATH=/usr/sbin:/usr/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"
}
# systemctl tries to reach a session bus where there is no terminal of its own.
control() { inside systemctl --no-pager --no-ask-password "$@"; }
show_logs() {
  [[ -z $leader ]] || inside journalctl --no-pager -n 60
}
property() { control show --value -p "$2" "$1"; }
running() { [[ $(property "$1" ActiveState) == active ]]; }
ended_well() { [[ $(property "$1" ActiveState)$(property "$1" Result) == inactivesuccess ]]; }
run_dir=/var/lib/fedgap/server/runs/packaged
reached() { committed "$machine$run_dir" "$1"; }

# Files and folders but those of the package manager itself, logs and caches.
files() {
  (cd "$machine" && find . -xdev \( -path ./var/cache -o -path ./var/log -o -path ./var/lib/apt \
    -o -path ./var/lib/dpkg -o -path ./tmp -o -path ./run -o -path ./dev -o -path ./proc \
    -o -path ./sys \) -prune -o -print) | grep -vE '^\./etc/(passwd|group|shadow|gshadow|subuid|subgid)-$' | sort
}

make_base() {
  [[ -s $cache/booted-base.tar ]] && return
  mmdebstrap --variant=minbase --mode=root --include=systemd,systemd-sysv,adduser \
    --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    bookworm "$cache/booted-base.tmp.tar" /etc/apt/sources.list.d/debian.sources >"$cache/booted-base.log" 2>&1 ||
    { tail "$cache/booted-base.log"; exit 1; }
  mv "$cache/booted-base.tmp.tar" "$cache/booted-base.tar"
}

install_packages() {
  cp -L /etc/resolv.conf "$machine/etc/resolv.conf"
  printf '127.0.0.1 localhost\n' >"$machine/etc/hosts"
  printf 'force-unsafe-io\n' >"$machine/etc/dpkg/dpkg.cfg.d/fast"
  install -d "$machine/srv/packages"
  cp "$packages"/*.deb "$machine/srv/packages/"
  offline apt-get -q update >"$work/apt.log" 2>&1 || fail "apt-get update"
  offline apt-get -q install -y --no-install-recommends sqlite3 >>"$work/apt.log" 2>&1 || fail "sqlite3"
  files >"$work/files.before"
  offline sh -c 'apt-get -q install -y --no-install-recommends /srv/packages/*.deb' >>"$work/apt.log" 2>&1 ||
    { tail -n 40 "$work/apt.log"; fail "installing"; }
  offline sh -c 'dpkg --verify fedgap-server fedgap-client fedgap-tools fedgap-mpi' | grep . && fail "dpkg --verify"
  local name
  for name in server client tools mpi; do
    # shellcheck disable=SC2016 # dpkg-query expands it
    say "fedgap-$name: $(offline dpkg-query -W -f '${Installed-Size} KiB' "fedgap-$name"), $(stat -c %s "$packages/fedgap-${name}"_*.deb | numfmt --to=iec) packed"
  done
  [[ $(offline id -nG fedgap) == fedgap ]] || fail "the user fedgap"
  [[ $(stat -c %a "$machine/etc/fedgap/certs") == 750 ]] || fail "the mode of /etc/fedgap/certs"
  for name in fedgap-server fedgap-client fedgap; do
    offline "$name" --version >/dev/null || fail "$name does not start"
  done
}

# As docs/DEPLOY.md says it.
configure() {
  offline fedgap certs init /srv/ca --federation test --server server --dns localhost >/dev/null
  offline fedgap certs issue /srv/ca --out /srv/bundles --name site-1 --name site-2 >/dev/null
  offline install -d -o fedgap -g fedgap -m 0700 /etc/fedgap/certs/{server,site-1,site-2}
  # shellcheck disable=SC2016 # the shell in there expands it
  offline sh -c 'install -o fedgap -g fedgap -m 0600 /srv/ca/server/* /etc/fedgap/certs/server/
    for site in site-1 site-2; do
      install -o fedgap -g fedgap -m 0600 /srv/bundles/$site/* /etc/fedgap/certs/$site/
    done'
  {
    run_config packaged $rounds 2
    printf '[server]\nlisten = "127.0.0.1:7443"\ncerts = "/etc/fedgap/certs/server"\n'
  } >"$machine/etc/fedgap/server.toml"
  local site name part size
  for site in "${sites[@]}"; do
    IFS=: read -r name part size <<<"$site"
    sed -e 's|"fl.example.org:7443"|"localhost:7443"|' -e "s|\"folder:/srv/fedgap/images\"|\"$data\"|" \
      "$machine/etc/fedgap/clients/example.toml" >"$machine/etc/fedgap/clients/$name.toml"
    printf 'part = "%s"\nresolution = "%s"\n' "$part" "$size" >>"$machine/etc/fedgap/clients/$name.toml"
  done
}

boot() {
  rm -f "$machine/etc/resolv.conf"
  systemd-nspawn --quiet --directory "$machine" --register=no --keep-unit --private-network \
    --resolv-conf=off --hostname=fedgap-test --boot </dev/null >"$work/boot.log" 2>&1 &
  container=$!
  booted() {
    leader=$(pgrep -P "$container" || true)
    [[ -n $leader ]] && inside systemctl is-system-running 2>/dev/null | grep -qE '^(running|degraded)$'
  }
  wait_until 60 "systemd runs" booted
}

check_unit() {
  local unit=$1 program=$2 process
  inside systemd-analyze verify "$unit" >"$work/verify.txt" 2>&1 || fail "systemd-analyze verify $unit"
  grep fedgap "$work/verify.txt" && fail "systemd-analyze verify $unit"
  say "$unit: exposure $(inside systemd-analyze security --no-pager "$unit" | grep -oE 'level for .*: [0-9.]+' | grep -oE '[0-9.]+$') of 10"
  process=$(property "$unit" MainPID)
  inside sh -c "tr '\0' ' ' </proc/$process/cmdline" | grep -q "$program" || fail "$unit runs something else"
  local status
  status=$(inside cat "/proc/$process/status")
  [[ $(inside stat -c %U "/proc/$process") == fedgap ]] || fail "$unit does not run as fedgap"
  grep -qE '^CapEff:\s*0+$' <<<"$status" || fail "$unit has capabilities"
  grep -qE '^NoNewPrivs:\s*1$' <<<"$status" || fail "$unit may gain privileges"
  grep -qE '^Seccomp:\s*2$' <<<"$status" || fail "$unit has no system call filter"
}

run_units() {
  control start fedgap-server fedgap-client@site-1 fedgap-client@site-2
  wait_until 60 "round 3 is committed" reached 3
  check_unit fedgap-server.service fedgap-server
  check_unit fedgap-client@site-1.service fedgap-client

  control kill -s KILL fedgap-server
  wait_until 30 "the server was killed and is up again" running fedgap-server
  [[ $(property fedgap-server NRestarts) == 1 ]] || fail "NRestarts"
  wait_until 60 "it goes on: round 20 is committed" reached 20

  local begun=$SECONDS
  control stop fedgap-server
  ended_well fedgap-server || fail "SIGTERM ended the server with $(property fedgap-server Result)"
  say "stopped by SIGTERM in $((SECONDS - begun)) s"
  reached $rounds && fail "the run was over before the stop"
  control start fedgap-server
  wait_until 60 "round 30 is committed" reached 30

  begun=$SECONDS
  control stop fedgap-client@site-2
  ended_well fedgap-client@site-2 || fail "SIGTERM ended the client with $(property fedgap-client@site-2 Result)"
  say "a client stopped by SIGTERM in $((SECONDS - begun)) s"
  local before
  before=$(property fedgap-server MainPID)
  inside sh -c 'dpkg --force-confold -i /srv/packages/fedgap-server_*.deb' >"$work/upgrade.log" 2>&1 || fail "upgrade"
  running fedgap-server || fail "the upgrade left the server down"
  [[ $(property fedgap-server MainPID) != "$before" ]] || fail "the upgrade did not restart the server"
  grep -q 'name = "packaged"' "$machine/etc/fedgap/server.toml" || fail "the upgrade changed server.toml"
  say "an upgrade keeps the configuration and restarts the server"
  control start fedgap-client@site-2
  wait_until 120 "the run is over" ended_well fedgap-server
  for name in site-1 site-2; do wait_until 60 "$name ended well" ended_well "fedgap-client@$name"; done
  # What a reboot does: the run is over, the service ends at once.
  control start fedgap-server
  wait_until 30 "a server whose run is over ends with 0" ended_well fedgap-server
}

check_run() {
  local model
  inside fedgap inspect "$run_dir" >"$work/inspect.txt" || fail "inspect"
  inside fedgap-backup "$run_dir" /srv/copy >/dev/null || fail "fedgap-backup"
  model=$(model_of "$machine$run_dir")
  [[ $(stat -c '%U %a' "$machine/var/lib/fedgap/server") == *" 750" ]] || fail "the mode of the state"
  [[ $model == "$(undisturbed_model "$work/server.toml" "${sites[@]}")" ]] || fail "the models differ"
  say "the model has the SHA-256 of an undisturbed run: $model"
  inside fedgap simulate --ranks 2 --mpirun-args '--allow-run-as-root --oversubscribe' --config /srv/simulate.toml \
    --run-dir /srv/ranks --quiet >"$work/ranks.log" 2>&1 || { tail "$work/ranks.log"; fail "fedgap-mpi"; }
  [[ $(model_of "$machine/srv/ranks") == "$model" ]] || fail "the model of two ranks differs"
  say "fedgap-mpi from its package, two ranks: the same"
}

remove_packages() {
  local process
  control start fedgap-client@site-1 # it waits for a server that is not there
  process=$(property fedgap-client@site-1 MainPID)
  inside test -e "/proc/$process/exe" || fail "the client does not run"
  inside apt-get -q remove -y fedgap-server fedgap-client >"$work/remove.log" 2>&1 || fail "remove"
  inside test -e "/proc/$process/exe" && fail "removed, and still running"
  [[ -e $machine/etc/fedgap/server.toml ]] || fail "remove took the configuration"
  inside apt-get -q purge -y fedgap-server fedgap-client fedgap-tools fedgap-mpi >>"$work/remove.log" 2>&1 || fail "purge"
  inside apt-get -q -o APT::AutoRemove::SuggestsImportant=false -o APT::AutoRemove::RecommendsImportant=false \
    autoremove --purge -y >>"$work/remove.log" 2>&1 || fail "autoremove"
  [[ -d $machine$run_dir && -s $machine/etc/fedgap/certs/server/identity.pem ]] || fail "purge took a run or a key"
  rm -rf "$machine/var/lib/fedgap" "$machine/etc/fedgap" "$machine/srv"/*
  # What booting writes is no package's.
  files | comm -13 "$work/files.before" - |
    grep -vE '^\./(var/lib/(systemd|private|dbus)|etc/(machine-id|hostname|resolv.conf)|var/tmp)' >"$work/left" || true
  [[ ! -s $work/left ]] || fail "purge leaves: $(head "$work/left")"
  say "purge leaves the runs in /var/lib/fedgap and the keys in /etc/fedgap/certs, nothing else"
}

# cmake --install and uninstall, in a prefix.
check_prefix() {
  local build=$root/build/release prefix=$work/prefix
  [[ ! -e $build/install_manifest.txt ]] || mv "$build/install_manifest.txt" "$work/"
  cmake --install "$build" --prefix "$prefix" >"$work/install.log" || fail "cmake --install"
  "$prefix/bin/fedgap-server" --version >/dev/null || fail "the installed server"
  diff <(sort "$build/install_manifest.txt") <(find "$prefix" -type f | sort) >"$work/manifest.diff" ||
    fail "cmake --install and its manifest differ: $(head "$work/manifest.diff")"
  touch "$prefix/bin/not-ours"
  cmake --build "$build" --target uninstall >"$work/uninstall.log" || fail "uninstall"
  [[ $(find "$prefix" -type f) == "$prefix/bin/not-ours" ]] || fail "uninstall leaves $(find "$prefix" -type f)"
  [[ -z $(find "$prefix" -name '*fedgap*') ]] || fail "uninstall leaves $(find "$prefix" -name '*fedgap*')"
  [[ ! -e $work/install_manifest.txt ]] || mv "$work/install_manifest.txt" "$build/"
  say "cmake --install writes what its manifest says, uninstall removes all of it"
}

check_prefix
say "a fresh Debian"
make_base
mkdir "$machine"
tar -C "$machine" -xf "$cache/booted-base.tar"
install_packages
run_config packaged $rounds 2 >"$work/server.toml"
{ cat "$work/server.toml"; simulated_sites "${sites[@]}"; } >"$machine/srv/simulate.toml"
configure
boot
run_units
check_run
remove_packages
say "package test passed"
