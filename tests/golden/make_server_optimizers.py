#!/usr/bin/env python3
"""Server optimisers, independently: writes server_optimizers.txt.

Reddi et al., "Adaptive Federated Optimization" (2021), algorithm 2, and
FedAvgM (Hsu et al., 2019), in numpy double with float32 state and parameters.
Each line: strategy, round, then the parameters as float hex.
"""
import pathlib

import numpy as np

F = np.float32
ETA, MOMENTUM, BETA1, BETA2, TAU = 0.1, 0.8, 0.9, 0.99, 1e-3
DELTAS = [[0.5, -0.25, 0.0, 1e-3], [0.25, 0.75, -1e-3, 2.0],
          [-1.0, 0.125, 3e-3, -2.0], [0.0, 0.0, 1e-4, 0.5]]


def rows():
    for name in ("fedavg", "fedavgm", "fedadam"):
        w = np.array([1.0, -1.0, 0.5, 0.0], F)
        velocity = np.zeros(4, F)
        m, v = np.zeros(4, F), np.full(4, TAU * TAU, F)
        for number, delta in enumerate(np.array(DELTAS, F), 1):
            d = delta.astype(np.float64)
            if name == "fedavg":
                step = ETA * d
            elif name == "fedavgm":
                velocity = (MOMENTUM * velocity.astype(np.float64) + d).astype(F)
                step = ETA * velocity.astype(np.float64)
            else:
                m = (BETA1 * m.astype(np.float64) + (1 - BETA1) * d).astype(F)
                v = (BETA2 * v.astype(np.float64) + (1 - BETA2) * (d * d)).astype(F)
                step = ETA * m.astype(np.float64) / (
                    np.sqrt(v.astype(np.float64)) + TAU)
            w = (w.astype(np.float64) + step).astype(F)
            yield " ".join([name, str(number)] + [float(x).hex() for x in w])


if __name__ == "__main__":
    out = pathlib.Path(__file__).with_name("server_optimizers.txt")
    out.write_text("\n".join(rows()) + "\n")
