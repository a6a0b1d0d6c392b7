# shellcheck shell=bash disable=SC2154 # root comes from ./run
# The checks and tests of ./run test, lint, format and fuzz.

# sources PATTERN...: NUL-separated files, tracked or new but never ignored.
sources() {
  comm -z -23 <(git ls-files -z --cached --others --exclude-standard -- "$@" | sort -zu) \
    <(git ls-files -z --deleted -- "$@" | sort -zu)
}

clang_format() {
  sources '*.h' '*.cc' | xargs -0 -r -n 16 -P "$(nproc)" clang-format-14 "$@"
}

format_sources() { clang_format -i; }
check_format() { clang_format --dry-run --Werror; }
check_layering() { python3 tools/lint/layering.py; }
check_shell() {
  sources run .ci/run '*.sh' 'deploy/debian/*/p*' | xargs -0 -r shellcheck -x
}

# The checks that need no build.
lint_sources() {
  step "format" check_format
  step "layering" check_layering
  step "shell scripts" check_shell
}

lint_tidy() {
  build_preset tidy generated_sources
  step "clang-tidy" python3 tools/lint/tidy.py --build build/tidy --jobs "$(build_jobs)"
}

# test_sanitized PRESET: the unit tests.
test_sanitized() {
  build_preset "$1" unit_tests
  step "tests under $1" ctest --preset "$1" -j "$(nproc)"
}

# test_all_sanitized PRESET: the tests of whole programs too.
test_all_sanitized() {
  ensure_packages build run demo test
  build_preset "$1"
  ctest --preset "$1-all" -j "$(nproc)" --no-tests=error
}

# test_release [CTEST-OPTION...]: ctest's summary is the last thing printed.
test_release() {
  ctest --preset release -j "$(nproc)" --no-tests=error "$@"
}

# The tests of the same bits, cross-built, under qemu-user.
test_arm64() {
  ensure_packages build test arm64
  local packages
  mapfile -t packages < <(packages_for build test | grep -E -- '-dev$')
  step "arm64 packages" make_sysroot arm64 "$root/build/sysroot-arm64" \
    libc6-dev libstdc++-12-dev "${packages[@]}"
  build_preset arm64 same_bits_tests
  ctest --preset arm64 -j "$(nproc)" --no-tests=error
}

# fuzz_targets NAME SECONDS: NAME "" is every target. New inputs go to
# build/fuzz/corpus; a crash leaves its input in build/fuzz/crashes.
fuzz_targets() {
  local program name found=no
  mkdir -p build/fuzz/crashes
  for program in build/fuzz/fuzz/bin/*; do
    name=${program##*/}
    [[ -x $program && (-z $1 || $name == "$1") ]] || continue
    found=yes
    mkdir -p "build/fuzz/corpus/$name"
    step "fuzz $name for $2 s" "$program" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 \
      "-artifact_prefix=build/fuzz/crashes/$name-" "build/fuzz/corpus/$name" \
      "tests/fuzz/corpus/$name"
  done
  [[ $found == yes ]] || die "there is no fuzz target '$1'; see tests/fuzz"
}
