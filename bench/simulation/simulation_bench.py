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
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SHARED = HERE.parent / "simulation"
FEDGAP = HERE.parent.parent / "bin" / "fedgap"
PEER = SHARED / "torch_fedavg.py"

# FLOPs of one sample's training step, convolutions and linear layers alone, a
# multiply-add as two; input gradients of the first layer are not needed.
FLOPS = {"gap-cnn-s": 11.29e6, "pfl-cnn": 97.25e6}

BASE = """
[run]
name = "bench"
seed = {seed}
rounds = {rounds}
[model]
{model}
mean = [0.2860]
stddev = [0.3530]
[training]
learning_rate = {learning_rate}
momentum = {momentum}
weight_decay = {weight_decay}
batch_size = {batch}
[cohort]
size = {cohort}
max_size = {cohort}
[aggregation]
weighting = "samples"
[evaluation]
{evaluation}
pooled = "off"
held_out_fraction = 0.0
[simulation]
data = "{data}"
population = {clients}
partition = "{partition}"
samples_per_client = {samples_per_client}
final_evaluation_clients = 0
"""
TEST_IMAGES = 'data = "fashion-mnist"\nsizes = ["28x28"]\nevery = {every}'

FEDAVG = dict(model="gap-cnn-s", clients=100, cohort=10, rounds=20,
              samples_per_client=600, batch=32, learning_rate=0.05,
              momentum=0.9, weight_decay=0.0, every=5, partition="iid",
              data="fashion-mnist")
LOGISTIC = dict(model="logistic", clients=1000, cohort=10, rounds=100,
                samples_per_client=60, batch=10, learning_rate=0.03,
                momentum=0.0, weight_decay=0.001, every=20, partition="iid",
                data="fashion-mnist")
PFL = dict(model="pfl-cnn", clients=1000, cohort=50, rounds=2,
           samples_per_client=50, batch=10, learning_rate=0.1, momentum=0.0,
           weight_decay=0.0, every=100, partition="iid",
           data="fashion-mnist")
MILLION = dict(model="tiny", clients=1_000_000, cohort=1000, rounds=10,
               samples_per_client=20, batch=10, learning_rate=0.05,
               momentum=0.0, weight_decay=0.0, every=0, partition="virtual",
               data="synthetic:1,2000")
SLOPE = dict(model="tiny", clients=1000, cohort=16, rounds=500,
             samples_per_client=20, batch=10, learning_rate=0.05,
             momentum=0.0, weight_decay=0.0, every=0, partition="virtual",
             data="synthetic:1,2000")


def config_text(work, seed):
    model = (f'name = "{work["model"]}"' if work["model"].startswith("gap-")
             else f'file = "{SHARED / (work["model"].replace("-", "_") + ".json")}"')
    evaluation = (TEST_IMAGES.format(every=work["every"]) if work["every"]
                  else "")
    return BASE.format(**dict(work, model=model, evaluation=evaluation,
                              seed=seed))


def memory_kb(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return None


def run_process(words, watch=False):
    """(seconds, usage, stdout, [(seconds, resident kB)]) of a process."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.PIPE,
                                   text=True)
        samples = []
        while watch:
            time.sleep(0.02)
            resident = memory_kb(process.pid)
            if process.poll() is not None or resident is None:
                break
            samples.append((time.perf_counter() - began, resident))
        errors = process.stderr.read()
        if process.returncode is None:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        else:
            usage = None
        seconds = time.perf_counter() - began
        if process.returncode != 0:
            sys.exit(f"{' '.join(map(str, words))} failed:\n{errors}")
        out.seek(0)
        return seconds, usage, out.read(), samples


def ours(work, seed, threads, watch=False):
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "bench.toml"
        config.write_text(config_text(work, seed), encoding="utf-8")
        run = pathlib.Path(folder) / "run"
        whole, usage, _, samples = run_process(
            [str(FEDGAP), "simulate", "--config", str(config), "--threads",
             str(threads), "--run-dir", str(run), "--quiet"], watch)
        report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    return {"seconds": report["seconds"], "whole_seconds": whole,
            "cpu_seconds": usage and usage.ru_utime + usage.ru_stime,
            "rss_mb": usage and usage.ru_maxrss / 1024,
            "accuracy": report["accuracy"]["mean"] if work["every"] else None,
            "model_sha256": report["model_sha256"], "samples_rss": samples}


def peer(work, seed, variant, processes):
    request = dict(work, seed=seed, variant=variant, processes=processes)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(request, file)
        file.flush()
        whole, usage, out, _ = run_process(["/usr/bin/python3", str(PEER),
                                            file.name])
    result = json.loads(out.splitlines()[-1])
    last = max(result["accuracy"], key=int)
    return {"seconds": result["seconds"], "whole_seconds": whole,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "rss_mb": result["rss_mb"],
            "accuracy": result["accuracy"][last], "torch": result["torch"]}


def median(rows, key):
    return statistics.median(row[key] for row in rows)


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
            "ratios": {other: statistics.median(
                b["seconds"] / a["seconds"]
                for a, b in zip(runs, rows[other])) for other in rows}})
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
    print("how much longer the column takes than the row:")
    for row in table:
        print("  " + f"{row['side']:24}" + "  ".join(
            f"{other}: {ratio:.2f}" for other, ratio in row["ratios"].items()
            if other != row["side"]))


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


def fedavg_sides(work, quick):
    sides = {"fedgap, 1 thread": lambda seed: ours(work, seed, 1),
             "fedgap, 2 threads": lambda seed: ours(work, seed, 2),
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
        if name == "fedavg":
            sides = fedavg_sides(work, options.quick)
        else:
            sides = {f"fedgap, {n} thread{'s' * (n > 1)}":
                     lambda seed, n=n: ours(work, seed, n) for n in (1, 2)}
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
        result = ours(work, 1, 1, watch=True)
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
