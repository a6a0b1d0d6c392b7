# shellcheck shell=bash disable=SC2154 # root comes from ./run
# Builds of a CMake preset into build/PRESET, quiet unless they fail.

# Memory that this process may still use, in MiB: the machine's, or its
# container's limit if that is smaller.
available_mib() {
  local mib limit used
  mib=$(awk '/^MemAvailable/ {print int($2 / 1024)}' /proc/meminfo)
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
  used=$(cat /sys/fs/cgroup/memory.current 2>/dev/null || echo 0)
  if [[ $limit != max ]] && (((limit - used) / 1048576 < mib)); then
    mib=$(((limit - used) / 1048576))
  fi
  printf '%d\n' "$mib"
}

# Compiler processes: one a core, but a GiB of memory for each, as the gRPC
# sources need.
build_jobs() {
  local jobs=${FEDGAP_JOBS:-} by_memory
  if [[ -z $jobs ]]; then
    jobs=$(nproc)
    by_memory=$(($(available_mib) / 1024))
    ((by_memory >= jobs)) || jobs=$((by_memory > 0 ? by_memory : 1))
  fi
  printf '%d\n' "$jobs"
}

have_package() { [[ -z $(missing_of "$1") ]]; }

# on_if COMMAND...: ON or OFF.
on_if() { if "$@"; then echo ON; else echo OFF; fi; }

# configure PRESET: tests and benchmarks are part of the build where their
# packages are installed.
configure() {
  local options=()
  if command -v dpkg-query >/dev/null; then
    if [[ $1 != package && $1 != arm64-client ]]; then
      options+=("-DFEDGAP_BUILD_TESTS=$(on_if have_package libgmock-dev)")
    fi
    if [[ $1 == release ]]; then
      options+=("-DFEDGAP_BUILD_BENCH=$(on_if have_package libbenchmark-dev)")
    fi
  fi
  cmake --preset "$1" "${options[@]}"
}

# show_progress NAME: reads ninja's "[done/total] ..." lines; one line that
# rewrites itself on a terminal, else a line every tenth of the way.
show_progress() {
  local line last=0 percent
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    if [[ -t 1 ]]; then
      printf '\rbuild %s %s\033[K' "$1" "${BASH_REMATCH[0]}"
      continue
    fi
    percent=$((100 * BASH_REMATCH[1] / BASH_REMATCH[2]))
    if ((percent >= last + 10)); then
      last=$((percent / 10 * 10))
      say "build $1 ${BASH_REMATCH[0]}"
    fi
  done
  if [[ -t 1 ]]; then printf '\r\033[K'; fi
}

# build_preset PRESET [TARGET...]
build_preset() {
  local preset=$1 log=$root/build/logs/build-$1.log started=$SECONDS
  shift
  step "configure $preset" configure "$preset"
  if NINJA_STATUS='[%f/%t] ' ninja -C "build/$preset" -j "$(build_jobs)" "$@" 2>&1 \
    </dev/null | tee -- "$log" | show_progress "$preset"; then
    say "build $preset ... ok ($((SECONDS - started)) s)"
  else
    fail_with_log "build $preset" "$log"
  fi
}

build_programs() { build_preset release programs; }

# build_arm64_client: into build/arm64-client/bin.
build_arm64_client() {
  ensure_packages build arm64
  make_arm64_sysroot
  build_preset arm64-client fedgap-client
}

# make_packages: the programs as Debian packages, from a build of their own:
# one with tests has kill points in it.
make_packages() {
  build_preset package
  rm -rf -- build/packages
  step "packages" cpack --config build/package/CPackConfig.cmake
  rm -rf -- build/packages/_CPack_Packages
}
