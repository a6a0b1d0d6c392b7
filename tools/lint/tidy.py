#!/usr/bin/env python3
"""Runs clang-tidy over the project's sources, each once per content.

A source is checked again only when its compile command, .clang-tidy, the
checker, the source or a header that it includes has changed: clean results
are remembered by content in the user's cache ($XDG_CACHE_HOME/fedgap/tidy,
else ~/.cache), for every checkout; marks unused for 30 days go. The headers
come from ninja's record of the last build, so BUILD must be built.

Usage: tidy.py --build build/release [--jobs N] [--all] [FILE...]
Tests are left out unless --all: their macros cost more than they show.
Exits 1 if there is a finding.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time

CLANG_TIDY = "clang-tidy-14"
# The database is g++'s; -Wthread-safety is clang's own analysis.
EXTRA = ["--extra-arg=-Wthread-safety",
         "--extra-arg=-Wno-unknown-warning-option", "--quiet"]
LEFT_OUT = ("tests/", "bench/", "build/", "examples/")
UNUSED_SECONDS = 30 * 24 * 3600


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--all", action="store_true")
    parser.add_argument("files", nargs="*")
    return parser.parse_args()


def included_files(build):
    """object file -> the files that its compilation read."""
    output = subprocess.run(["ninja", "-C", build, "-t", "deps"], check=True,
                            capture_output=True, text=True).stdout
    deps, current = {}, None
    for line in output.splitlines():
        if line.startswith("    "):
            deps[current].append((build / line.strip()).resolve())
        elif line:
            current = line.split(":")[0]
            deps[current] = []
    return deps


def wanted(path, options):
    if options.files:
        return path in options.files
    return options.all or not path.startswith(LEFT_OUT)


def sources(root, options):
    """(relative path, database entry) of what is to be checked."""
    database = json.loads((options.build / "compile_commands.json")
                          .read_text())
    seen = set()
    for entry in database:
        file = pathlib.Path(entry["file"]).resolve()
        if not file.is_relative_to(root) or file.is_relative_to(
                options.build.resolve()):
            continue
        path = str(file.relative_to(root))
        if path not in seen and wanted(path, options):
            seen.add(path)
            yield path, entry


def memory_of_clean_results():
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    memory = pathlib.Path(cache) / "fedgap" / "tidy"
    memory.mkdir(parents=True, exist_ok=True)
    for mark in memory.iterdir():
        if mark.stat().st_mtime < time.time() - UNUSED_SECONDS:
            mark.unlink(missing_ok=True)
    return memory


def checker_version():
    return subprocess.run([CLANG_TIDY, "--version"], check=True,
                          capture_output=True).stdout


def content_key(root, entry, included, digests):
    """The same in every checkout: paths below root lose it."""
    def unrooted(text):
        return str(text).replace(str(root), "").encode()

    key = hashlib.sha256(unrooted(entry["command"]))
    for file in [root / ".clang-tidy", root / "tools/lint/tidy.py",
                 *sorted(included)]:
        if file not in digests:
            digests[file] = hashlib.sha256(file.read_bytes()).digest()
        key.update(unrooted(file) + digests[file])
    key.update(digests[CLANG_TIDY])
    return key.hexdigest()


def check(build, path):
    result = subprocess.run([CLANG_TIDY, "-p", build, *EXTRA, path],
                            capture_output=True, text=True)
    # Anything on stdout is a finding; stderr counts suppressed warnings.
    failed = result.returncode != 0 or result.stdout.strip()
    return (result.stdout + (result.stderr if result.returncode else "")
            if failed else "")


def main():
    options = parse_options()
    root = pathlib.Path(__file__).resolve().parents[2]
    os.chdir(root)
    memory = memory_of_clean_results()
    deps, pending = included_files(options.build), []
    digests = {CLANG_TIDY: checker_version()}
    for path, entry in sources(root, options):
        key = content_key(root, entry, deps.get(entry.get("output"), []),
                          digests)
        if (memory / key).exists():
            (memory / key).touch()
        else:
            pending.append((path, memory / key))
    print(f"{len(pending)} sources to check")
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        outputs = pool.map(lambda job: check(options.build, job[0]), pending)
        for (path, mark), output in zip(pending, outputs):
            if output:
                failures += 1
                print(output, flush=True)
            else:
                mark.touch()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
