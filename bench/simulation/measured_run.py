"""Runs `fedgap simulate` and whole processes, with what they used."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from workloads import config_text

FEDGAP = pathlib.Path(__file__).resolve().parents[2] / "bin" / "fedgap"


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


def phase_seconds(events):
    """Of all rounds, what each phase took."""
    total = {"collect": 0.0, "aggregate": 0.0, "evaluate": 0.0, "commit": 0.0}
    for segment in sorted(events.iterdir()):
        with open(segment, encoding="utf-8") as lines:
            for line in lines:
                event = json.loads(line)
                if event["type"] == "round_committed":
                    for phase in total:
                        total[phase] += event["seconds"][phase]
    return total


def simulate(work, seed, threads, watch=False, ranks=0):
    """One run of `work`; under MPI if `ranks` is not 0.

    Processor seconds are the whole process's, start and data included.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "bench.toml"
        config.write_text(config_text(work, seed), encoding="utf-8")
        run = pathlib.Path(folder) / "run"
        words = [str(FEDGAP), "simulate", "--config", str(config), "--threads",
                 str(threads), "--run-dir", str(run), "--quiet"]
        if ranks > 0:
            words += ["--ranks", str(ranks)]
        whole, usage, out, samples = run_process(words, watch)
        report = json.loads((run / "report.json").read_text(encoding="utf-8"))
        phases = phase_seconds(run / "events")
    return {"seconds": report["seconds"], "whole_seconds": whole,
            "cpu_seconds": usage and usage.ru_utime + usage.ru_stime,
            "rss_mb": usage and usage.ru_maxrss / 1024,
            "accuracy": report["accuracy"]["mean"] if work["every"] else None,
            "model_sha256": report["model_sha256"], "samples_rss": samples,
            "stdout": out, "phases": phases}
