# shellcheck shell=bash disable=SC2154 # work comes from the tests that source this
# A dockerd of its own on a private socket in `work`, with a Debian base made from
# this machine's apt sources.
export DOCKER_HOST=unix://$work/docker.sock PATH=/usr/bin:/usr/sbin:$PATH
export COMPOSE_DOCKER_CLI_BUILD=0 DOCKER_BUILDKIT=0

docker() { /usr/bin/docker "$@"; }

# shellcheck disable=SC2016 # mmdebstrap expands $1
make_base() {
  [[ -s $work/base.tar ]] && return
  mmdebstrap --variant=minbase --mode=root \
    --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --customize-hook='printf "#!/bin/sh\nexit 101\n" > "$1/usr/sbin/policy-rc.d"; chmod 755 "$1/usr/sbin/policy-rc.d"' \
    --customize-hook='rm -f "$1/etc/hostname" "$1/etc/resolv.conf"' \
    bookworm "$work/base.tmp.tar" /etc/apt/sources.list.d/debian.sources >"$work/base.log" 2>&1
  mv "$work/base.tmp.tar" "$work/base.tar"
}

# What is said of dockerd in the firewall's rules: this one's alone, or none is
# started.
docker_rules='DOCKER|docker0|10\.213\.'

start_dockerd() {
  local limit
  if ip link show docker0 >/dev/null 2>&1 || iptables-save | grep -qE "$docker_rules"; then
    say "there is a dockerd on this machine, or rules that it left: this test would take its network away"
    exit 1
  fi
  limit=$(ulimit -Hn)
  forwarding=$(sysctl -n net.ipv4.ip_forward)
  cat >"$work/daemon.json" <<JSON
{ "data-root": "$work/data", "exec-root": "$work/exec", "pidfile": "$work/docker.pid",
  "hosts": ["unix://$work/docker.sock"], "storage-driver": "overlay2", "bip": "10.213.250.1/24",
  "default-address-pools": [{"base": "10.213.0.0/17", "size": 24}],
  "default-ulimits": {"nofile": {"Name": "nofile", "Soft": $limit, "Hard": $limit}} }
JSON
  /usr/sbin/dockerd --config-file "$work/daemon.json" >"$work/dockerd.log" 2>&1 &
  dockerd=$!
  for _ in {1..60}; do
    docker version >/dev/null 2>&1 && return
    sleep 0.5
  done
  tail -n 20 "$work/dockerd.log"
  exit 1
}

import_base() { docker import -c 'CMD ["bash"]' "$work/base.tar" debian:bookworm-slim >/dev/null; }

# Takes away what dockerd leaves behind.
stop_dockerd() {
  [[ -n ${dockerd:-} ]] || return 0
  kill "$dockerd" 2>/dev/null || true
  wait "$dockerd" 2>/dev/null || true
  ip link del docker0 2>/dev/null || true
  umount "$work/exec/netns/default" 2>/dev/null || true
  iptables-save | grep -vE "$docker_rules" | iptables-restore || true
  sysctl -qw "net.ipv4.ip_forward=$forwarding"
  [[ -n ${DEPLOY_WORK:-} ]] || rm -rf "$work/data" "$work/exec"
}
