#!/usr/bin/env python3
"""PyTorch's side of engine_bench: the same networks, batch and optimiser.

    engine_torch.py [--json FILE] [--seconds S] [--threads N] [--cpu-time]

Prints samples/s of training steps (forward, cross-entropy, backward, SGD with
momentum) in NCHW and channels_last. Run it in turn with engine_bench, several
times, and compare medians of the same run only.
"""
import argparse
import json
import math
import statistics
import time

import torch
from torch import nn


def conv(c_in, c_out, norm):
    layers = [nn.Conv2d(c_in, c_out, 3, padding=1, bias=not norm)]
    if norm:
        layers.append(nn.GroupNorm(c_out // math.gcd(c_out, 8), c_out))
    return layers + [nn.ReLU()]


def gap_cnn(channels, widths, pools, norm=False):
    layers = []
    for index, width in enumerate(widths):
        layers += conv(channels, width, norm)
        if index in pools:
            layers.append(nn.MaxPool2d(2))
        channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]
    return nn.Sequential(*layers)


MODELS = {
    "gap-cnn-s": (1, lambda: gap_cnn(1, [16, 32, 64], {0, 1})),
    "gap-cnn-gn": (1, lambda: gap_cnn(1, [16, 32, 64], {0, 1}, norm=True)),
    "gap-cnn-m": (3, lambda: gap_cnn(3, [32, 32, 64, 64, 128], {1, 3})),
}


def measure(name, size, layout, args):
    channels, make = MODELS[name]
    torch.manual_seed(1)
    memory_format = getattr(torch, layout)
    model = make().to(memory_format=memory_format)
    images = torch.randn(32, channels, size, size).contiguous(
        memory_format=memory_format)
    labels = torch.arange(32) % 10
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    loss_of = nn.CrossEntropyLoss()
    now = time.process_time if args.cpu_time else time.perf_counter
    divisor = args.threads if args.cpu_time else 1

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss_of(model(images), labels).backward()
        optimizer.step()

    for _ in range(3):
        step()
    rates = []
    for _ in range(3):
        start = now()
        steps = 0
        while (now() - start) / divisor < args.seconds / 3:
            step()
            steps += 1
        rates.append(32 * steps / ((now() - start) / divisor))
    return statistics.median(rates)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cpu-time", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rows = []
    print(f"PyTorch {torch.__version__}, {args.threads} thread(s)")
    for name in MODELS:
        for size in (14, 28, 32):
            for layout in ("contiguous_format", "channels_last"):
                rate = measure(name, size, layout, args)
                rows.append({"model": name, "size": str(size),
                             "threads": args.threads, "layout": layout,
                             "samples_per_s": rate})
                print(f"{name:<12} {size:>4} {layout:<18} {rate:>9.0f}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump({"engine": f"pytorch {torch.__version__}",
                       "rows": rows}, file, indent=2)


if __name__ == "__main__":
    main()
