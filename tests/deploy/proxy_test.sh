#!/usr/bin/env bash
# Clients train through Debian's nginx with deploy/nginx/fedgap.conf, which
# passes mutual TLS through and chooses the server by name. An idle timeout above
# the heartbeat keeps a waiting client's connection, one below cuts it.
set -euo pipefail

if [[ -z ${PROXY_TEST_MOUNTS:-} ]]; then
  # Names for this test alone: its own /etc/hosts in a mount namespace.
  ((EUID == 0)) || { echo "proxy_test.sh needs root" >&2; exit 1; }
  exec env PROXY_TEST_MOUNTS=1 unshare --mount -- "$0" "$@"
fi
work=$(mktemp -d)
# shellcheck source=tests/deploy/federation.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/federation.sh"
trap 'stop_all; rm -rf "$work"' EXIT
printf '127.0.0.1 localhost hub-a.example.test hub-b.example.test hub-c.example.test\n' >"$work/hosts"
mount --bind "$work/hosts" /etc/hosts
chmod 755 "$work"
sites=(steady:1/3:14x14 late-1:2/3:20x24 late-2:3/3:12x30)
waiting=50 # seconds: two heartbeats, more than both idle timeouts

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# shipped_conf PORT TIMEOUT NAME: what deploy/ ships, with this test's addresses.
shipped_conf() {
  sed -e "s/listen 7443;/listen 127.0.0.1:$1;/" -e "s/proxy_timeout 2m;/proxy_timeout $2;/" \
    -e "s|/var/log/nginx/fedgap.log|$work/$3.log|" \
    -e "s|fl.example.org  fedgap_1;|hub-a.example.test fedgap_1; hub-b.example.test fedgap_2;|" \
    -e "s|server 10.0.0.5:7443;|server 127.0.0.1:$port_a; } upstream fedgap_2 { server 127.0.0.1:$port_b;|" \
    "$root/deploy/nginx/fedgap.conf"
}
# start_nginx NAME PORT TIMEOUT
start_nginx() {
  {
    printf 'load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n'
    printf 'daemon off; worker_processes 1; pid %s/%s.pid; error_log %s/%s.error.log info;\n' \
      "$work" "$1" "$work" "$1"
    printf 'events { worker_connections 256; }\n'
    shipped_conf "$2" "$3" "$1"
  } >"$work/$1.conf"
  /usr/sbin/nginx -q -t -c "$work/$1.conf" || fail "nginx -t"
  start "nginx-$1" /usr/sbin/nginx -c "$work/$1.conf"
}
# sessions NAME: connections that this nginx has seen end.
sessions() { grep -c . "$work/$1.log" || true; }
connected() { grep -q "\"type\":\"client_joined\".*\"client\":\"$1\"" "$work"/run-a/events/*.jsonl; }

"$bin/fedgap" certs init "$work/ca" --federation test --server hub-a --dns hub-a.example.test >/dev/null
"$bin/fedgap" certs issue "$work/ca" --role server --name hub-b --dns hub-b.example.test >/dev/null
"$bin/fedgap" certs issue "$work/ca" --out "$work/bundles" --name steady --name cut \
  --name late-1 --name late-2 --name looker >/dev/null
run_config first 3 3 >"$work/a.toml"
run_config second 3 3 >"$work/b.toml"
start_server hub-a "$work/a.toml" "$work/run-a" --listen 127.0.0.1:0 --certs "$work/ca/hub-a"
server=$pid port_a=$port
start_server hub-b "$work/b.toml" "$work/run-b" --listen 127.0.0.1:0 --certs "$work/ca/hub-b"
port_b=$port
long=$(free_port)
short=$(free_port)
start_nginx long "$long" 30s
start_nginx short "$short" 5s

# looks_at HOST: what the server behind that name says it runs.
looks_at() {
  timeout 60 "$bin/fedgap-client" --check --server "$1:$long" --certs "$work/bundles/looker" \
    --data "$data" --give-up-after 5 2>&1
}
wait_until 10 "nginx listens" bash -c "exec 3<>/dev/tcp/127.0.0.1/$long"
looks_at hub-a.example.test | grep -q 'run first-' || fail "hub-a is not behind its name"
looks_at hub-b.example.test | grep -q 'run second-' || fail "hub-b is not behind its name"
# certificate_for NAME: whose certificate a look at nginx's port shows. The look has
# none itself, and ends with an error.
certificate_for() {
  { openssl s_client -connect "127.0.0.1:$long" -servername "$1" </dev/null 2>/dev/null || true; } |
    openssl x509 -noout -ext subjectAltName 2>/dev/null || true
}
[[ $(certificate_for hub-b.example.test) == */server/hub-b* ]] || fail "hub-b shows no certificate"
[[ -z $(certificate_for hub-c.example.test) ]] || fail "hub-c is nobody's name"
say "the name that is dialled chooses the server; another name is refused"

start_client "hub-a.example.test:$long" "${sites[0]}"
start_client "hub-a.example.test:$short" cut:2/3:20x24
cut=$pid
wait_until 30 "a client waits behind each timeout" connected steady
wait_until 30 "and the other" connected cut
long_before=$(sessions long)
sleep "$waiting"
(($(sessions long) == long_before)) || fail "a waiting client was cut at 30 s: $(cat "$work/long.log")"
cuts=$(sessions short)
((cuts >= 2)) || fail "an idle timeout of 5 s cut nothing"
say "$waiting s of waiting: none cut with an idle timeout of 30 s, $cuts times with 5 s"
kill "$cut"
wait "$cut" || fail "the client that was cut"

start_client "hub-a.example.test:$long" "${sites[1]}"
start_client "hub-a.example.test:$long" "${sites[2]}"
wait_until 60 "the run is over" ended "$server"
wait "$server" || fail "the server"
model=$(model_of "$work/run-a")
[[ $model == "$(undisturbed_model "$work/a.toml" "${sites[@]}")" ]] || fail "the models differ"
say "trained through nginx over mutual TLS; the simulator's SHA-256: $model"
say "proxy test passed"
