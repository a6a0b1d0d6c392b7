#!/usr/bin/python3
"""Simulated federations, ours and a plain PyTorch loop's, in one run.

Workloads (docs/BENCHMARKS.md says what each is and where it comes from):
  fedavg    100 clients, 10 a round, gap-cnn-s, 20 rounds, beside PyTorch
  logistic  logistic regression, 1,000 clients x 60 samples, 100 rounds
  pfl       conv32-conv64-FC128, 1,000 clients x 50 samples, 50 a round
  million   1,000,000 clients, 1,000 a round, a tiny model; peak memory
  slope     500 rounds of 16 clients; does memory grow?

Every measurement is a whole process. Sides take turns; medians are printed.
"""
import argparse
import json
import pathlib
import statistics
import sys
import tempfile

# What is shared by the benchmarks stands beside bin/.
SHARED = pathlib.Path(__file__).resolve().parents[1] / "simulation"
PEER = SHARED / "torch_fedavg.py"

sys.path.insert(0, str(SHARED))
from measured_run import run_process, simulate  # noqa: E402
from workloads import (FEDAVG, FLOPS, LOGISTIC, MILLION, PFL,  # noqa: E402
                       SLOPE, model_of)

# Our sides: threads and precision.
OURS = {"fedgap, 1 thread": (1, "float32"),
        "fedgap, 2 threads": (2, "float32"),
        "fedgap, 2, bfloat16": (2, "bfloat16")}
ENGINE = pathlib.Path(__file__).resolve().parent / "engine_bench"


def peer(work, seed, variant, processes):
    request = dict(work, seed=seed, variant=variant, processes=processes)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(request, file)
        file.flush()
        whole, _, out, _ = run_process(["/usr/bin/python3", str(PEER),
                                            file.name])
    result = json.loads(out.splitlines()[-1])
    last = max(result["accuracy"], key=int)
    # Of the rounds alone, without the interpreter's start: in its favour.
    return {"seconds": result["seconds"], "whole_seconds": whole,
            "cpu_seconds": result["cpu_seconds"],
            "rss_mb": result["rss_mb"],
            "accuracy": result["accuracy"][last], "torch": result["torch"]}


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def measure_engine(work, precision):
    """The core's peak in float32 and the step of one image alone."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        run_process([str(ENGINE), "--profile", "--models", model_of(work),
                     "--sizes", "28", "--batch", str(work["batch"]),
                     "--profile-seconds", "0.5", "--json", file.name] +
                    (["--bfloat16"] if precision == "bfloat16" else []))
        profile = json.load(file)["profile"]
    return {"peak_gflops": profile["peak_gflops"],
            "step_us": profile["models"][0]["us"]}


def add_shares(row, work, runs, side):
    """Of our own sides: how far from the peak, and where the time goes."""
    threads, precision = OURS[side]
    engine = measure_engine(work, precision)
    samples = work["cohort"] * work["samples_per_client"] * work["rounds"]
    seconds = sum(run["seconds"] for run in runs)
    cpu = row["cpu_seconds"]
    row.update({
        "threads": threads, **engine,
        "peak_share": row["gflops"] / (threads * engine["peak_gflops"]),
        "peak_share_of_cpu": (FLOPS[work["model"]] * samples / 1e9 /
                              (cpu * engine["peak_gflops"])),
        "step_share_of_cpu": samples * engine["step_us"] / 1e6 / cpu,
        "phase_shares": {phase: sum(run["phases"][phase] for run in runs) /
                         seconds for phase in runs[0]["phases"]}})


def print_shares(table):
    for row in table:
        if "peak_share" not in row:
            continue
        phases = ", ".join(f"{phase} {100 * share:.1f} %"
                           for phase, share in row["phase_shares"].items())
        print(f"  {row['side']}: {100 * row['peak_share']:.0f} % of "
              f"{row['threads']} x {row['peak_gflops']:.1f} GFLOP/s, "
              f"{100 * row['peak_share_of_cpu']:.0f} % of its processor "
              f"time's; steps of {row['step_us']:.0f} us an image are "
              f"{100 * row['step_share_of_cpu']:.0f} % of that time\n"
              f"    phases of a round: {phases}")


def ratios(runs, rows, key):
    """What the other sides take of it beside these runs, turn by turn."""
    return {other: statistics.median(b[key] / a[key]
                                     for a, b in zip(runs, others))
            for other, others in rows.items()
            if all(run[key] for run in runs + others)}


def compare(name, work, sides, turns, show):
    """Every side once a turn, a seed a turn."""
    rows = {side: [] for side in sides}
    for turn in range(1, turns + 1):
        for side, run in sides.items():
            rows[side].append(run(turn))
            show(f"  turn {turn}: {side:24} {rows[side][-1]['seconds']:7.2f} s")
    samples = work["cohort"] * work["samples_per_client"] * work["rounds"]
    table = []
    for side, runs in rows.items():
        seconds = median(runs, "seconds")
        accuracies = [r["accuracy"] for r in runs if r["accuracy"] is not None]
        table.append({
            "workload": name, "side": side, "turns": turns,
            "seconds": seconds,
            "rounds_per_s": work["rounds"] / seconds,
            "samples_per_s": samples / seconds,
            "gflops": FLOPS.get(work["model"], 0) * samples / seconds / 1e9,
            "whole_seconds": median(runs, "whole_seconds"),
            "cpu_seconds": median(runs, "cpu_seconds"),
            "rss_mb": median(runs, "rss_mb"),
            "accuracy": statistics.mean(accuracies) if accuracies else None,
            "accuracy_stddev": (statistics.stdev(accuracies)
                                if len(accuracies) > 1 else None),
            "ratios": ratios(runs, rows, "seconds"),
            "cpu_ratios": ratios(runs, rows, "cpu_seconds")})
        if work["model"] in FLOPS and side.startswith("fedgap"):
            add_shares(table[-1], work, runs, side)
    return table


def print_table(table):
    print(f"{'':26}{'rounds/s':>9}{'samples/s':>11}{'GFLOP/s':>9}"
          f"{'whole s':>9}{'CPU s':>8}{'MB':>7}{'accuracy':>18}")
    for row in table:
        accuracy = ""
        if row["accuracy"] is not None:
            accuracy = f"{100 * row['accuracy']:.1f}"
            if row["accuracy_stddev"] is not None:
                accuracy += f" +- {100 * row['accuracy_stddev']:.1f}"
        print(f"{row['side']:26}{row['rounds_per_s']:9.2f}"
              f"{row['samples_per_s']:11.0f}{row['gflops']:9.1f}"
              f"{row['whole_seconds']:9.1f}{row['cpu_seconds']:8.1f}"
              f"{row['rss_mb']:7.0f}{accuracy:>18}")
    for key, what in (("ratios", "time"), ("cpu_ratios", "processor time")):
        print(f"{what}, the column's by the row's:")
        for row in table:
            print("  " + f"{row['side']:24}" + "  ".join(
                f"{other}: {ratio:.2f}" for other, ratio in row[key].items()
                if other != row["side"]))
    print_shares(table)


def slope_mb_per_round(samples, rounds):
    """Least squares over the second half: the first fills buffers once."""
    if len(samples) < 10:
        sys.exit("the run was too short for a slope")
    half = samples[len(samples) // 2:]
    total = samples[-1][0]
    xs = [at / total * rounds for at, _ in half]
    ys = [kb / 1024 for _, kb in half]
    x, y = statistics.mean(xs), statistics.mean(ys)
    return (sum((a - x) * (b - y) for a, b in zip(xs, ys)) /
            sum((a - x) ** 2 for a in xs))


def our_sides(work):
    """Mixed precision only where there are convolutions to gain from it."""
    return {side: lambda seed, n=threads, p=precision: simulate(
                dict(work, precision=p), seed, n)
            for side, (threads, precision) in OURS.items()
            if precision == "float32" or work["model"] in FLOPS}


def fedavg_sides(work, quick):
    sides = {**our_sides(work),
             "stock, 2 processes": lambda seed: peer(work, seed, "stock", 2),
             "tuned, 2 processes": lambda seed: peer(work, seed, "tuned", 2)}
    if not quick:
        sides["stock, 1 process"] = lambda seed: peer(work, seed, "stock", 1)
        sides["tuned, 1 process"] = lambda seed: peer(work, seed, "tuned", 1)
    return sides


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", metavar="FILE", help="write the rows there")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--rounds", type=int,
                        help="of each workload but slope, instead of its own")
    parser.add_argument("--quick", action="store_true",
                        help="one turn, fewer rounds and sides")
    parser.add_argument("--workloads", metavar="A,B",
                        default="fedavg,logistic,pfl,million,slope")
    options = parser.parse_args()
    turns = 1 if options.quick else options.turns
    wanted = options.workloads.split(",")
    known = {"fedavg", "logistic", "pfl", "million", "slope"}
    for name in wanted:
        if name not in known:
            parser.error(f"no workload '{name}'; there are {sorted(known)}")
    rows = []

    def show(text):
        print(text, flush=True)

    for name, work in (("fedavg", FEDAVG), ("logistic", LOGISTIC),
                       ("pfl", PFL), ("million", MILLION)):
        if name not in wanted:
            continue
        work = dict(work)
        if options.quick:
            work["rounds"] = max(1, work["rounds"] // 4)
        if options.rounds:
            work["rounds"] = options.rounds
        if name == "fedavg":
            sides = fedavg_sides(work, options.quick)
        else:
            sides = our_sides(work)
        if name == "pfl":
            sides["tuned, 2 processes"] = (
                lambda seed: peer(work, seed, "tuned", 2))
        show(f"{name}: {work['clients']} clients, {work['cohort']} a round, "
             f"{work['rounds']} rounds, {work['model']}")
        table = compare(name, work, sides, turns, show)
        print_table(table)
        rows += table
    if "slope" in wanted:
        work = dict(SLOPE, rounds=100 if options.quick else SLOPE["rounds"])
        show(f"slope: {work['rounds']} rounds of {work['cohort']} clients")
        result = simulate(work, 1, 1, watch=True)
        slope = slope_mb_per_round(result["samples_rss"], work["rounds"])
        last = result["samples_rss"][-1][1] / 1024
        print(f"resident {last:.1f} MB at the end, "
              f"{1000 * slope:.2f} kB a round over the second half")
        rows.append({"workload": "slope", "rounds": work["rounds"],
                     "rss_mb": last, "mb_per_round": slope})
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1),
                                              encoding="utf-8")


if __name__ == "__main__":
    main()
