#!/usr/bin/env python3
"""Repeats the tests of kills and broken networks with several seeds and prints
what happened as a table (docs/RELIABILITY.md).

A trial passes if the run ended in the model of the run that nothing disturbed,
with every update of every round counted once.

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

KILLS = "*KillPointsTest*"
NETWORK = ("NetworkFaultsTest.*:GrpcFederationTest.*Cut*:"
           "GrpcFederationTest.AFlippedBit*:RestartTest.*Killed*")


def run(program, pattern, seed):
    """[(test, whether it passed)] of the tests that match."""
    with tempfile.TemporaryDirectory() as directory:
        report = pathlib.Path(directory) / "report.json"
        environment = dict(os.environ, FEDGAP_TRIAL_SEED=str(seed))
        done = subprocess.run(
            [program, f"--gtest_filter={pattern}", f"--gtest_output=json:{report}"],
            env=environment, capture_output=True, text=True, check=False)
        suites = json.loads(report.read_text())["testsuites"]
    if done.returncode != 0:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
    for suite in suites:
        for test in suite["testsuite"]:
            name = test.get("value_param") or test["name"]
            yield name, "failures" not in test


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs_test")
    parser.add_argument("grpc_test")
    parser.add_argument("--trials", type=int, default=3)
    arguments = parser.parse_args()
    trials = collections.Counter()
    passed = collections.Counter()
    for seed in range(1, arguments.trials + 1):
        for program, pattern in ((arguments.programs_test, KILLS),
                                 (arguments.programs_test, NETWORK),
                                 (arguments.grpc_test, NETWORK)):
            for name, good in run(program, pattern, seed):
                trials[name] += 1
                passed[name] += good
        print(f"seed {seed}: {sum(passed.values())} of {sum(trials.values())} "
              "trials passed so far", file=sys.stderr)
    print("| fault | trials | same answer, nothing lost or doubled |")
    print("|---|---|---|")
    for name, count in trials.items():
        print(f"| {name} | {count} | {passed[name]} |")
    return 0 if passed == trials else 1


if __name__ == "__main__":
    sys.exit(main())
