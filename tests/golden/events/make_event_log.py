#!/usr/bin/env python3
"""Writes small.jsonl: the event log of a run small enough to check by hand.

Four clients in three resolution groups, five rounds. In round 3 site-c's update
is refused and the round is run again without it; site-d's connection is lost in
round 4. Accuracies are of 1000 images a group, so that they read as per mille.
"""
import json
import pathlib

LABELS = ["<16", "16-24", ">=24"]
CLIENTS = {"site-a": (0, 14), "site-b": (1, 20), "site-c": (2, 28),
           "site-d": (2, 40)}
SAMPLES = {"site-a": 900, "site-b": 900, "site-c": 1800, "site-d": 900}
# Correct of 1000 by round and group.
CORRECT = [[300, 350, 400], [450, 520, 580], [560, 640, 690], [610, 700, 750],
           [655, 742, 801]]
CONFIG = """[run]
name = "golden"
seed = 7
rounds = 5

[aggregation]
weighting = "client"
"""


def sums(samples, correct, loss):
    return {"samples": samples, "correct": correct,
            "loss_fixed": round(loss * samples * 2**20),
            "accuracy": correct / samples, "loss": loss}


class Log:
    def __init__(self):
        self.lines = []
        self.ms = 0

    def add(self, type_, attempt=0, **fields):
        self.ms += 500
        minutes, ms = divmod(self.ms, 60000)
        header = {"schema": 1, "seq": len(self.lines) + 1, "start": 1,
                  "attempt": attempt,
                  "time": f"2026-11-22T10:{minutes:02}:{ms / 1000:06.3f}Z",
                  "type": type_}
        self.lines.append(json.dumps(header | fields, separators=(",", ":")))

    def update(self, round_, attempt, client, seconds):
        group, side = CLIENTS[client]
        samples = SAMPLES[client]
        # A client that goes its own way, more so from round to round.
        cosine = 0 if round_ == 1 else 0.8 - 0.1 * round_
        cosine = -0.25 if client == "site-c" and round_ == 2 else cosine
        held_out = sums(100, CORRECT[round_ - 1][group] // 10,
                        2.0 / (round_ + 1))
        self.add("update_accepted", attempt, round=round_, client=client,
                 counts=[{"group": group, "samples": samples,
                          "pixels": samples * side * side}],
                 local_steps=30, train_seconds=seconds,
                 arrived_seconds=seconds + 0.5, bytes=100000,
                 norm=2.0 / round_ + group / 10, max_abs=0.5, cosine=cosine,
                 clipped=False,
                 training=sums(samples, samples // 2, 2.0 / round_),
                 train_metrics=[{"group": group} | held_out],
                 held_out_metrics=[{"group": group} | held_out])

    def commit(self, round_, attempt, clients):
        pixels = {g: 0 for g in range(3)}
        samples = {g: 0 for g in range(3)}
        count = {g: 0 for g in range(3)}
        for client in clients:
            group, side = CLIENTS[client]
            samples[group] += SAMPLES[client]
            pixels[group] += SAMPLES[client] * side * side
            count[group] += 1
        groups = [g for g in range(3) if count[g]]
        correct = CORRECT[round_ - 1]
        shares = [c / 1000 for c in correct]
        mean = sum(shares) / 3
        fairness = {"mean": mean, "worst": min(shares),
                    "gap": max(shares) - min(shares),
                    "stddev": (sum((s - mean)**2 for s in shares) / 3)**0.5,
                    "jain": sum(shares)**2 / (3 * sum(s * s for s in shares))}
        evaluated = [{"group": g} | sums(1000, correct[g], 2.0 / (round_ + 1))
                     for g in range(3)]
        sizes = []
        for g, side in enumerate([14, 20, 28]):
            right = correct[g]
            sizes.append({"size": f"{side}x{side}"} | evaluated[g] |
                         {"prototype_correct": right - 20,
                          "confusion": [right // 2, 500 - right // 2,
                                        500 - (right - right // 2),
                                        right - right // 2]})
        self.add("round_committed", attempt, round=round_,
                 model=f"{round_:064x}", contributors=sorted(clients),
                 ending="complete" if len(clients) == 4 else "departures",
                 delta_norm=1.5 / round_,
                 cosine_to_previous=0 if round_ == 1 else 0.5,
                 training=sums(1000 * len(clients), 500 * len(clients),
                               2.0 / round_),
                 group_influence=[{"group": g,
                                   "influence": count[g] / len(clients),
                                   "pixel_influence": pixels[g] /
                                   sum(pixels.values()), "clients": count[g],
                                   "samples": samples[g], "pixels": pixels[g]}
                                  for g in groups],
                 client_influence=[{"client": c, "influence": 1 / len(clients)}
                                   for c in sorted(clients)],
                 client_held_out=[{"group": g} | sums(
                     100 * count[g], correct[g] // 10 * count[g],
                     2.0 / (round_ + 1)) for g in groups],
                 evaluated=True,
                 evaluation={"fairness": fairness, "groups": evaluated,
                             "prototype_groups": [
                                 {"group": g} | sums(1000, correct[g] - 20, 0.0)
                                 for g in range(3)], "sizes": sizes},
                 seconds={"select": 0.0, "collect": 4.0, "aggregate": 0.25,
                          "evaluate": 0.5, "commit": 0.25, "total": 5.0},
                 bytes_up=100000 * len(clients), bytes_down=120000 *
                 len(clients))


def main():
    log = Log()
    log.add("run_started", run="golden-0123456789abcdef", name="golden",
            seed=7, rounds=5, model="gap-cnn-gn", parameters=24170,
            layout_hash="ab" * 32, initial_model="0" * 64,
            group_labels=LABELS, class_names=["shirt", "shoe"],
            config_toml=CONFIG, software="fedgap 0.1.0", resumed=False,
            last_committed=0)
    for client, (_, side) in CLIENTS.items():
        log.add("client_joined", client=client, software="fedgap 0.1.0",
                peer="ipv4:10.0.0.1:5000", samples=SAMPLES[client] * 10 // 9,
                min_pixels=side * side, max_pixels=side * side,
                returned=False)
    for round_ in range(1, 6):
        present = [c for c in CLIENTS if c != "site-d" or round_ < 4]
        for attempt in ([1, 2] if round_ == 3 else [1]):
            cohort = [c for c in present
                      if not (attempt == 2 and c == "site-c")]
            log.add("round_started", attempt, round=round_,
                    base=f"{round_ - 1:064x}", cohort=cohort,
                    learning_rate=0.1 / round_, eligible=len(cohort),
                    roster="c0" * 32)
            if round_ == 3 and attempt == 1:
                log.update(round_, attempt, "site-a", 1.0)
                log.add("update_rejected", attempt, round=round_,
                        client="site-c", code="INVALID_ARGUMENT",
                        reason="the delta holds a value that is not finite")
                log.add("round_aborted", attempt, round=round_,
                        reason="the quorum of 4 updates cannot be reached")
                continue
            if round_ == 4:
                log.add("client_left", attempt, client="site-d",
                        reason="connection lost")
            for i, client in enumerate(cohort):
                log.update(round_, attempt, client, 1.0 + 0.5 * i)
            log.commit(round_, attempt, cohort)
    log.add("warning", message="the disk holds less than 1 GB")
    log.add("final_evaluation", model=f"{5:064x}", clients=3,
            client_held_out=[{"group": g} | sums(100, CORRECT[4][g] // 10, 0.4)
                             for g in range(3)])
    log.add("run_finished", reason="completed", model=f"{5:064x}", rounds=5,
            seconds=27.5)
    out = pathlib.Path(__file__).with_name("small.jsonl")
    out.write_text("".join(line + "\n" for line in log.lines))


main()
