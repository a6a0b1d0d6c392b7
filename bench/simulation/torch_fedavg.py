#!/usr/bin/python3
"""A plain FedAvg loop in PyTorch: the best case of Python, no framework.

    torch_fedavg.py REQUEST.json

Everything is in memory as tensors, one model is reused for all clients,
momentum is fresh for each, weights are the numbers of samples. `variant` is
stock (NCHW, torch.optim.SGD) or tuned (channels_last, all parameters in one
tensor, SGD by two operations on it). With two processes each trains every
second client of the cohort. Prints one line of JSON.
"""
import gzip
import json
import multiprocessing
import os
import resource
import sys
import time
import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional

warnings.filterwarnings("ignore")
MEAN, STDDEV = 0.2860, 0.3530

# The C library gives a large tensor's pages back to the system when it is
# freed, and the next one of that size faults them in again: half of the time of
# small models on some machines. PyTorch is measured without that.
MALLOC = ("glibc.malloc.mmap_threshold=1073741824:"
          "glibc.malloc.trim_threshold=4294967296")


def keep_freed_memory():
    """Starts this program again, once, with an allocator that keeps it."""
    if os.environ.get("GLIBC_TUNABLES") != MALLOC:
        os.environ["GLIBC_TUNABLES"] = MALLOC
        os.execv(sys.executable, [sys.executable, *sys.argv])


def read_idx(path, offset):
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def load(split):
    folder = "/usr/share/datasets/fashion-mnist/"
    images = read_idx(f"{folder}{split}-images-idx3-ubyte.gz", 16)
    labels = read_idx(f"{folder}{split}-labels-idx1-ubyte.gz", 8)
    pixels = images.reshape(-1, 1, 28, 28).astype(np.float32) / 255
    return (torch.from_numpy((pixels - MEAN) / STDDEV),
            torch.from_numpy(labels.astype(np.int64)))


def gap_cnn_s():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def pfl_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 14 * 14, 128), nn.ReLU(),
        nn.Linear(128, 10))


MODELS = {"gap-cnn-s": gap_cnn_s, "pfl-cnn": pfl_cnn}


class Trainer:
    """One model, one optimiser state, any client."""

    def __init__(self, request):
        torch.set_num_threads(1)
        self.request = request
        torch.manual_seed(request["seed"])
        self.model = MODELS[request["model"]]()
        self.tuned = request["variant"] == "tuned"
        if self.tuned:
            self.model = self.model.to(memory_format=torch.channels_last)
        self.parameters = list(self.model.parameters())
        total = sum(p.numel() for p in self.parameters)
        self.values = torch.empty(total)
        self.gradient = torch.zeros(total)
        self.velocity = torch.zeros(total)
        at = 0
        for p in self.parameters:
            piece = self.values[at:at + p.numel()].as_strided(
                p.shape, p.stride(), at)
            piece.copy_(p.data)
            p.data = piece
            if self.tuned:
                p.grad = self.gradient.as_strided(p.shape, p.stride(), at)
            at += p.numel()
        self.images, self.labels = load("train")
        if self.tuned:
            self.images = self.images.contiguous(
                memory_format=torch.channels_last)

    def train(self, samples, order):
        """The change of the parameters after an epoch over `samples`."""
        before = self.values.clone()
        images, labels = self.images[samples], self.labels[samples]
        batch, rate = self.request["batch"], self.request["learning_rate"]
        if self.tuned:
            self.velocity.zero_()
        else:
            optimizer = torch.optim.SGD(self.parameters, lr=rate,
                                        momentum=self.request["momentum"])
        for begin in range(0, len(samples), batch):
            chosen = order[begin:begin + batch]
            loss = functional.cross_entropy(self.model(images[chosen]),
                                            labels[chosen])
            if self.tuned:
                self.gradient.zero_()
                loss.backward()
                self.velocity.mul_(self.request["momentum"]).add_(
                    self.gradient)
                self.values.add_(self.velocity, alpha=-rate)
            else:
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
        delta = self.values - before
        self.values.copy_(before)
        return delta

    def train_all(self, clients):
        """The sum of the clients' changes times their samples."""
        total = torch.zeros_like(self.values)
        for samples, order in clients:
            total += self.train(samples, order) * len(samples)
        return total

    def accuracy(self, images, labels):
        correct = 0
        with torch.no_grad():
            for begin in range(0, len(labels), 500):
                part = slice(begin, begin + 500)
                correct += (self.model(images[part]).argmax(1) ==
                            labels[part]).sum().item()
        return correct / len(labels)


def serve(request, pipe):
    trainer = Trainer(request)
    pipe.send("ready")
    began = time.process_time()
    while True:
        message = pipe.recv()
        if message is None:
            pipe.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
                       time.process_time() - began))
            return
        values, clients = message
        trainer.values.copy_(torch.from_numpy(values))
        pipe.send(trainer.train_all(clients).numpy())


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    rng = np.random.default_rng(request["seed"])
    trainer = Trainer(request)
    test = load("t10k")
    if trainer.tuned:
        test = (test[0].contiguous(memory_format=torch.channels_last), test[1])
    if request["samples_per_client"] * request["clients"] <= 60000:
        parts = rng.permutation(60000)[:request["samples_per_client"] *
                                       request["clients"]]
        parts = parts.reshape(request["clients"], -1)
    else:
        parts = rng.integers(60000, size=(request["clients"],
                                          request["samples_per_client"]))
    helper = None
    if request["processes"] == 2:
        helper, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(request, theirs))
        process.start()
        helper.recv()
    accuracy = {}
    began, cpu_began = time.perf_counter(), time.process_time()
    for number in range(1, request["rounds"] + 1):
        cohort = rng.choice(request["clients"], request["cohort"],
                            replace=False)
        clients = [(parts[c], rng.permutation(parts.shape[1]))
                   for c in cohort]
        if helper is None:
            total = trainer.train_all(clients)
        else:
            helper.send((trainer.values.numpy(), clients[::2]))
            total = trainer.train_all(clients[1::2])
            total += torch.from_numpy(helper.recv())
        trainer.values.add_(total, alpha=1 / (parts.shape[1] * len(clients)))
        if number % request["every"] == 0 or number == request["rounds"]:
            accuracy[number] = trainer.accuracy(*test)
    seconds = time.perf_counter() - began
    cpu_seconds = time.process_time() - cpu_began
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if helper is not None:
        helper.send(None)
        their_rss, their_cpu_seconds = helper.recv()
        rss += their_rss
        cpu_seconds += their_cpu_seconds
        process.join()
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds,
                      "rss_mb": rss / 1024,
                      "accuracy": accuracy, "torch": torch.__version__,
                      "pid": os.getpid()}))


if __name__ == "__main__":
    keep_freed_memory()
    main()
