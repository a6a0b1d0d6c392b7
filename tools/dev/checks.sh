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

# test_release [CTEST-OPTION...]: ctest's summary is the last thing printed. Who
# chooses nothing gets all but what is ./run test-security's, which takes minutes.
test_release() {
  (($# > 0)) || set -- -LE '^security$'
  ctest --preset release -j "$(nproc)" --no-tests=error "$@"
}

# The tests of the same bits, cross-built, under qemu-user.
test_arm64() {
  ensure_packages build test arm64
  make_arm64_sysroot
  build_preset arm64 same_bits_tests
  ctest --preset arm64 -j "$(nproc)" --no-tests=error
}

# fuzz_row NAME SECONDS LOG FINDINGS: the line of a table with what libFuzzer
# wrote last of its runs, of the edges that they reached and of its corpus.
fuzz_row() {
  awk -v name="$1" -v seconds="$2" -v findings="$4" '
    /^INFO: Loaded .* inline 8-bit counters/ {
      sub(/^.*\(/, ""); all = $1
    }
    /^#[0-9]+.* cov: / {
      runs = substr($1, 2)
      for (i = 2; i < NF; ++i) {
        if ($i == "cov:") edges = $(i + 1)
        if ($i == "corp:") split($(i + 1), corpus, "/")
      }
    }
    END {
      printf "| %s | %d | %d | %d of %d | %d | %d |\n",
        name, seconds, runs, edges, all, corpus[1], findings
    }' "$3"
}

# fuzz_targets NAME SECONDS: NAME "" is every target. New inputs go to
# build/fuzz/corpus; a crash ends its target, leaves its input in
# build/fuzz/crashes and fails the whole. Then the table of docs/SECURITY.md.
fuzz_targets() {
  local program name log started status failed=0 rows=()
  mkdir -p build/fuzz/crashes build/logs
  for program in build/fuzz/fuzz/bin/*; do
    name=${program##*/}
    [[ -x $program && (-z $1 || $name == "$1") ]] || continue
    mkdir -p "build/fuzz/corpus/$name"
    log=build/logs/fuzz-$name.log
    started=$SECONDS status=0
    printf 'fuzz %s for %s s ... ' "$name" "$2"
    "$program" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 \
      "-artifact_prefix=build/fuzz/crashes/$name-" "build/fuzz/corpus/$name" \
      "tests/fuzz/corpus/$name" >"$log" 2>&1 </dev/null || status=$?
    if ((status == 0)); then printf 'ok\n'; else printf 'FAILED, see %s\n' "$log"; fi
    rows+=("$(fuzz_row "$name" $((SECONDS - started)) "$log" $((status != 0)))")
    ((failed |= status != 0)) || true
  done
  ((${#rows[@]} > 0)) || die "there is no fuzz target '$1'; see tests/fuzz"
  printf '%s\n' '' '| target | seconds | runs | edges | corpus | findings |' \
    '|---|---|---|---|---|---|' "${rows[@]}"
  ((failed == 0)) || die "build/fuzz/crashes has the inputs that were found"
}
