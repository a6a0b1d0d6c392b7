#!/usr/bin/env python3
"""Repeats the tests of kills and broken networks with several seeds and prints
what happened as a table (docs/RELIABILITY.md).

A kill passes if the run ended in the model of the run that nothing disturbed,
with every update of every round counted once; what a test of a network asks is
in its source.

Usage: fault_trials.py PROGRAMS_TEST GRPC_TEST [--trials N]
Exits 1 if a trial failed; its output is printed.
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

# title, column, [(program, tests)]; only the kills use the seed.
TABLES = [
    ("point", "same model, nothing lost or doubled",
     [("programs_test", "*KillPointsTest*")]),
    ("network", "passed",
     [("programs_test", "NetworkFaultsTest.*"),
      ("grpc_test",
       "GrpcFederationTest.*Cut*:GrpcFederationTest.AFlippedBit*")]),
]


def run(program, pattern, seed):
    """[(test, whether it passed)] of the tests that match, of which there is
    one at least."""
    with tempfile.TemporaryDirectory() as directory:
        report = pathlib.Path(directory) / "report.json"
        environment = dict(os.environ, FEDGAP_TRIAL_SEED=str(seed))
        done = subprocess.run(
            [program, f"--gtest_filter={pattern}", f"--gtest_output=json:{report}"],
            env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not report.exists():
            print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        if not report.exists():
            raise SystemExit(f"{program} wrote no report")
        suites = json.loads(report.read_text())["testsuites"]
    tests = [test for suite in suites for test in suite["testsuite"]]
    if not tests:
        raise SystemExit(f"{program} has no test that matches {pattern}")
    for test in tests:
        name = test.get("value_param") or test["name"]
        good = test.get("result") == "COMPLETED" and "failures" not in test
        yield name, good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs_test")
    parser.add_argument("grpc_test")
    parser.add_argument("--trials", type=int, default=3)
    arguments = parser.parse_args()
    total = {title: collections.Counter() for title, *_ in TABLES}
    passed = {title: collections.Counter() for title, *_ in TABLES}
    for seed in range(1, arguments.trials + 1):
        for title, _, runs in TABLES:
            for which, pattern in runs:
                program = getattr(arguments, which)
                for name, good in run(program, pattern, seed):
                    total[title][name] += 1
                    passed[title][name] += good
        print(f"seed {seed} done", file=sys.stderr)
    for title, column, _ in TABLES:
        print(f"| {title} | trials | {column} |")
        print("|---|---|---|")
        for name, count in total[title].items():
            print(f"| {name} | {count} | {passed[title][name]} |")
        print()
    return 0 if passed == total else 1


if __name__ == "__main__":
    sys.exit(main())
