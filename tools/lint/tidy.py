#!/usr/bin/env python3
"""Runs clang-tidy over the project's sources, each once per content.

The unit of work is what the build compiles at once: with the tidy preset up to
twelve sources of a folder, so that the headers that they share are walked
once. A unit is checked again only when its compile command, .clang-tidy, the
checker, a source or a header that it includes has changed: clean results are
remembered by content in the user's cache ($XDG_CACHE_HOME/fedgap/tidy, else
~/.cache), for every checkout; marks unused for 30 days go.

Usage: tidy.py --build build/tidy [--jobs N] [--all] [FILE...]
BUILD needs its target generated_sources. With FILE only the units that hold
one of them. Tests are left out unless --all: their macros cost more than they
show. Exits 1 if there is a finding.
"""
import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

CLANG_TIDY = "clang-tidy-14"
EXTRA = ["--extra-arg=-Wthread-safety",
         "--extra-arg=-Wno-unknown-warning-option", "--quiet"]
# A unit of several sources includes them.
UNIT_CHECKS = "--checks=-bugprone-suspicious-include"
LEFT_OUT = ("tests/", "bench/", "examples/", "proto/")
UNUSED_SECONDS = 30 * 24 * 3600


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--all", action="store_true")
    parser.add_argument("files", nargs="*")
    return parser.parse_args()


def sources_of(file):
    """The sources that one compilation reads: itself, or what it includes."""
    if "/Unity/unity_" not in str(file):
        return [file]
    return [pathlib.Path(name) for name in
            re.findall(r'#include "(.*\.cc)"', file.read_text())]


def units(root, options):
    """(sources relative to root, database entry) of what is to be checked."""
    database = json.loads((options.build / "compile_commands.json")
                          .read_text())
    seen = set()
    for entry in database:
        names = tuple(str(path.relative_to(root))
                      for path in sources_of(pathlib.Path(entry["file"]))
                      if path.is_relative_to(root))
        if not names or names in seen or names[0].startswith("build/"):
            continue
        seen.add(names)
        if options.files:
            if set(names) & set(options.files):
                yield names, entry
        elif options.all or not names[0].startswith(LEFT_OUT):
            yield names, entry


def included_files(entry):
    """Every file that the compilation reads."""
    words = shlex.split(entry["command"])
    if os.path.basename(words[0]) == "ccache":
        words = words[1:]
    output = words.index("-o")
    del words[output:output + 2]
    rule = subprocess.run([*words, "-M"], check=True, capture_output=True,
                          cwd=entry["directory"], text=True).stdout
    names = rule.split(":", 1)[1].replace("\\\n", " ").split()
    return {(pathlib.Path(entry["directory"]) / name).resolve()
            for name in names}


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


@functools.lru_cache(maxsize=None)
def digest(file, root):
    """Of the content; paths below root, as a unit's includes, lose it."""
    data = file.read_bytes().replace(str(root).encode(), b"")
    return hashlib.sha256(data).digest()


def content_key(root, entry, version):
    """The same in every checkout."""
    def unrooted(text):
        return str(text).replace(str(root), "").encode()

    key = hashlib.sha256(unrooted(entry["command"]) + version)
    for file in [root / ".clang-tidy", root / "tools/lint/tidy.py",
                 *sorted(included_files(entry))]:
        key.update(unrooted(file) + digest(file, root))
    return key.hexdigest()


def check(build, entry):
    result = subprocess.run([CLANG_TIDY, "-p", build, *EXTRA, UNIT_CHECKS,
                             entry["file"]], capture_output=True, text=True)
    # Anything on stdout is a finding; stderr counts suppressed warnings.
    failed = result.returncode != 0 or result.stdout.strip()
    return (result.stdout + (result.stderr if result.returncode else "")
            if failed else "")


def check_unless_known(options, root, version, memory, entry):
    """(whether it ran, its findings)."""
    mark = memory / content_key(root, entry, version)
    if mark.exists():
        mark.touch()
        return False, ""
    findings = check(options.build, entry)
    if not findings:
        mark.touch()
    return True, findings


def main():
    options = parse_options()
    root = pathlib.Path(__file__).resolve().parents[2]
    os.chdir(root)
    memory, version = memory_of_clean_results(), checker_version()
    entries = [entry for _, entry in units(root, options)]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(
            lambda entry: check_unless_known(options, root, version, memory,
                                             entry), entries))
    print(f"{sum(ran for ran, _ in results)} of {len(entries)} units checked")
    findings = [text for _, text in results if text]
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
