#!/usr/bin/python3
"""Simulations shared by MPI ranks, beside one process without MPI.

Workloads (docs/SCALING.md has the figures and what follows from them):
  training  100 clients, 10 a round, gap-cnn-s: real training, a small model
  tiny      1,000,000 clients, 1,000 a round, 170 parameters: the protocol
  large     8 clients of one batch a round, 1.6 million parameters: the sums

Every measurement is a whole run; sides take turns, medians are printed. The
model must be the same on every side. On a machine that is shared, look at the
processor's seconds.
"""
import argparse
import json
import pathlib
import re
import statistics
import sys

# What is shared by the benchmarks stands beside bin/.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] /
                       "simulation"))
from measured_run import simulate  # noqa: E402
from workloads import FEDAVG, MILLION, PFL  # noqa: E402

# Evaluation is the root's alone and would hide what is measured.
WORKLOADS = {
    "training": dict(FEDAVG, rounds=6, every=0),
    "tiny": dict(MILLION, rounds=20),
    "large": dict(PFL, rounds=6, every=0, clients=8, cohort=8,
                  samples_per_client=10, partition="virtual"),
}
# As fedgap-mpi prints it.
TRAFFIC = re.compile(
    r"ranks: (?P<ranks>\d+); the root waited (?P<waited>[\d.]+) s for others, "
    r"broadcast (?P<broadcast_mb>[\d.]+) MB in (?P<broadcast>[\d.]+) s, "
    r"gathered (?P<gathered_mb>[\d.]+) MB in (?P<gathered>[\d.]+) s, "
    r"summed (?P<summed_mb>[\d.]+) MB in (?P<summed>[\d.]+) s")
PHASES = ("waited", "broadcast", "gathered", "summed")


def measure(work, ranks, threads):
    run = simulate(work, 1, threads, ranks=ranks)
    if ranks > 0:
        found = TRAFFIC.search(run["stdout"])
        if found is None:
            sys.exit(f"fedgap-mpi said nothing of its ranks:\n{run['stdout']}")
        run.update({key: float(value)
                    for key, value in found.groupdict().items()})
    return run


def row_of(name, work, ranks, threads, runs):
    rounds = work["rounds"]

    def median(key):
        return statistics.median(run[key] for run in runs)

    row = {"workload": name, "ranks": ranks, "threads": threads,
           "turns": len(runs), "rounds_per_s": rounds / median("seconds"),
           "cpu_s_per_round": median("cpu_seconds") / rounds,
           "cpu_seconds": median("cpu_seconds"),
           "whole_seconds": median("whole_seconds"),
           "rss_mb": median("rss_mb")}
    if ranks > 0:
        row.update({f"{what}_kb_per_round": 1e3 * median(f"{what}_mb") / rounds
                    for what in PHASES[1:]})
        row.update({f"{what}_share": median(what) / median("seconds")
                    for what in PHASES})
    return row


def print_rows(rows):
    print(f"{'ranks x threads':17}{'rounds/s':>9}{'CPU s/round':>12}"
          f"{'MB a rank':>10}{'summed kB':>11}{'gathered kB':>12}"
          "   share of the time: waiting, broadcast, gather, sum")
    for row in rows:
        side = (f"{row['ranks']} x {row['threads']}" if row["ranks"] > 0
                else f"no MPI, {row['threads']}")
        line = (f"{side:17}{row['rounds_per_s']:9.2f}"
                f"{row['cpu_s_per_round']:12.3f}{row['rss_mb']:10.0f}")
        if row["ranks"] > 0:
            shares = "  ".join(f"{100 * row[f'{what}_share']:4.1f} %"
                               for what in PHASES)
            line += (f"{row['summed_kb_per_round']:11.1f}"
                     f"{row['gathered_kb_per_round']:12.1f}   {shares}")
        print(line)


def numbers(text):
    return [int(word) for word in text.split(",")]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", metavar="FILE", help="write the rows there")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--quick", action="store_true",
                        help="one turn of few rounds")
    parser.add_argument("--workloads", metavar="A,B",
                        default=",".join(WORKLOADS))
    parser.add_argument("--ranks", type=numbers, default=[1, 2, 3])
    parser.add_argument("--threads", type=numbers, default=[1, 2],
                        help="of each rank")
    options = parser.parse_args()
    rows = []
    for name in options.workloads.split(","):
        if name not in WORKLOADS:
            parser.error(f"no workload '{name}'; there are {list(WORKLOADS)}")
        work = dict(WORKLOADS[name])
        if options.quick:
            work["rounds"] = 2
        print(f"{name}: {work['clients']} clients, {work['cohort']} a round, "
              f"{work['rounds']} rounds, {work['model']}", flush=True)
        sides = [(ranks, threads) for ranks in [0] + options.ranks
                 for threads in options.threads]
        runs = {side: [] for side in sides}
        for _ in range(1 if options.quick else options.turns):
            for side in sides:
                runs[side].append(measure(work, *side))
        models = {run["model_sha256"] for side in sides for run in runs[side]}
        if len(models) != 1:
            sys.exit(f"{name}: the models differ: {models}")
        table = [row_of(name, work, *side, runs[side]) for side in sides]
        print_rows(table)
        print(f"the same model on every side: {models.pop()}", flush=True)
        rows += table
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1),
                                              encoding="utf-8")


if __name__ == "__main__":
    main()
