#!/usr/bin/python3
"""PyTorch as an opponent for engine_bench (training_engine.h has the requests).

    torch_engine.py plain|channels-last|tuned

plain is NCHW; channels-last the same in the memory format that Debian's oneDNN
convolutions prefer; tuned is channels-last with all parameters in one tensor,
all gradients in another and SGD by two operations on them. A batch of images
of one size is one call; images of several sizes go one by one, their gradients
added before the step.
"""
import json
import os
import statistics
import sys
import time
import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional

warnings.filterwarnings("ignore")
MOMENTUM = 0.9
TIMING_LEARNING_RATE = 1e-4
NEW_SIZES = 13
STARTS, SHIFT, CLASSES = 64, 7, 10

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


class Network(nn.Module):
    """A model spec's graph, of PyTorch's layers."""

    def __init__(self, spec):
        super().__init__()
        self.nodes = []
        self.layers = nn.ModuleDict()
        channels = {"input": spec["input_channels"]}
        before = "input"
        for node in spec["nodes"]:
            name, op = node["name"], node["op"]
            inputs = node.get("inputs") or [before]
            wide = channels[inputs[0]]
            channels[name] = node.get("out_channels", wide)
            layer = self.layer(op, node, wide)
            if layer is not None:
                self.layers[name.replace(".", "_")] = layer
            self.nodes.append((name, op, inputs, layer))
            before = name

    @staticmethod
    def layer(op, node, channels):
        def pair(key, default):
            value = node.get(key, default)
            return tuple(value) if isinstance(value, list) else value

        if op == "conv2d":
            return nn.Conv2d(channels, node["out_channels"], pair("kernel", 1),
                             pair("stride", 1), pair("padding", 0),
                             pair("dilation", 1), node.get("groups", 1),
                             node.get("bias", True))
        if op == "group_norm":
            return nn.GroupNorm(node["groups"], channels,
                                node.get("epsilon", 1e-5))
        if op == "max_pool":
            return nn.MaxPool2d(pair("kernel", 2), pair("stride", None))
        if op == "linear":
            return nn.Linear(channels, node["out_channels"])
        if op in ("relu", "add", "gap"):
            return None
        raise ValueError(f"no '{op}' here")

    def forward(self, image):
        values = {"input": image}
        for name, op, inputs, layer in self.nodes:
            given = [values[i] for i in inputs]
            if layer is not None:
                value = layer(given[0])
            elif op == "relu":
                value = functional.relu(given[0])
            elif op == "add":
                value = given[0] + given[1]
            else:
                value = functional.adaptive_avg_pool2d(given[0], 1).flatten(1)
            values[name] = value
        return values[self.nodes[-1][0]]


class FlatSgd:
    """SGD with momentum on one tensor that holds all parameters."""

    def __init__(self, model):
        parameters = list(model.parameters())
        total = sum(p.numel() for p in parameters)
        self.values = torch.empty(total)
        self.gradient = torch.zeros(total)
        self.velocity = torch.zeros(total)
        at = 0
        for p in parameters:
            # A view with the strides that p has, channels_last included.
            piece = self.values[at:at + p.numel()].as_strided(
                p.shape, p.stride(), at)
            piece.copy_(p.data)
            p.data = piece
            p.grad = self.gradient.as_strided(p.shape, p.stride(), at)
            at += p.numel()

    def zero_grad(self):
        self.gradient.zero_()

    def step(self, learning_rate):
        self.velocity.mul_(MOMENTUM).add_(self.gradient)
        self.values.add_(self.velocity, alpha=-learning_rate)


class StockSgd:
    def __init__(self, model):
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.0,
                                         momentum=MOMENTUM)

    def zero_grad(self):
        self.optimizer.zero_grad(set_to_none=True)

    def step(self, learning_rate):
        self.optimizer.param_groups[0]["lr"] = learning_rate
        self.optimizer.step()


class Engine:
    def __init__(self, request, variant):
        self.request = request
        self.variant = variant
        self.format = (torch.contiguous_format if variant == "plain"
                       else torch.channels_last)
        self.now = (time.process_time if request["cpu_time"]
                    else time.perf_counter)
        values = np.fromfile(request["file"], np.float32)
        self.parameters = values[:request["parameters"]]
        self.pixels = values[request["parameters"]:]
        self.channels = request["spec"]["input_channels"]
        size = request["batch"]
        sizes = request["sizes"]
        self.batches = [
            self.batch(range(at, at + size), sizes[at:at + size])
            for at in range(0, len(sizes), size)]
        self.next = 0
        self.reset()

    def reset(self):
        """From the initial parameters."""
        self.model = Network(self.request["spec"])
        at = 0
        for tensor in self.request["tensors"]:
            shape = tensor["shape"]
            count = int(np.prod(shape))
            value = torch.from_numpy(
                self.parameters[at:at + count].reshape(shape).copy())
            at += count
            node, part = tensor["name"].rsplit(".", 1)
            layer = self.model.layers[node.replace(".", "_")]
            if part == "weight" and len(shape) == 4:
                value = value.permute(3, 2, 0, 1)
            elif part == "weight":
                value = value.t()
            name = {"scale": "weight", "shift": "bias"}.get(part, part)
            getattr(layer, name).data.copy_(value)
        self.model.to(memory_format=self.format)
        self.sgd = (FlatSgd if self.variant == "tuned" else StockSgd)(
            self.model)

    def image(self, index, size):
        start = index % STARTS * SHIFT * self.channels
        count = size[0] * size[1] * self.channels
        pixels = self.pixels[start:start + count]
        return pixels.reshape(size[0], size[1], self.channels)

    def batch(self, indices, sizes):
        """[(images, labels), ...]: one entry if all have one size."""
        labels = torch.tensor([i % CLASSES for i in indices])
        images = [
            torch.from_numpy(self.image(i, s).copy()).permute(2, 0, 1)
            for i, s in zip(indices, sizes)]
        if all(s == sizes[0] for s in sizes):
            whole = torch.stack(images).contiguous(memory_format=self.format)
            return [(whole, labels)]
        return [(image[None].contiguous(memory_format=self.format),
                 labels[i:i + 1]) for i, image in enumerate(images)]

    def step(self, batch, learning_rate):
        self.sgd.zero_grad()
        losses = []
        for images, labels in batch:
            loss = functional.cross_entropy(self.model(images), labels)
            if len(batch) > 1:
                loss = loss / len(batch)
            loss.backward()
            losses.append(loss.detach())
        self.sgd.step(learning_rate)
        return losses

    def evaluate(self, batch):
        with torch.inference_mode():
            for images, _ in batch:
                self.model(images)

    def work(self, what, seconds):
        first, steps, start = self.next, 0, self.now()
        while True:
            if what == "train":
                self.step(self.batches[self.next], TIMING_LEARNING_RATE)
            else:
                self.evaluate(self.batches[self.next])
            self.next = (self.next + 1) % len(self.batches)
            steps += 1
            elapsed = self.now() - start
            if elapsed >= seconds:
                return {"seconds": elapsed, "first": first, "steps": steps}

    def losses(self, steps, learning_rate):
        self.reset()
        return {"losses": [
            float(sum(self.step(self.batches[i % len(self.batches)],
                                learning_rate)))
            for i in range(steps)]}

    def new_sizes(self, height, width, seconds):
        count = 4
        start, costs = self.now(), []
        for i in range(1, NEW_SIZES + 1):
            if self.now() - start > seconds:
                break
            size = [height - i % 2, width - (i + 1) // 2]
            batch = self.batch(range(count), [size] * count)
            times = []
            for _ in range(3):
                begin = self.now()
                self.step(batch, TIMING_LEARNING_RATE)
                times.append(self.now() - begin)
            costs.append((times[0] - min(times[1:])) * 1e3)
        if len(costs) < 3:
            return {"milliseconds": None}
        return {"milliseconds": max(0.0, statistics.median(costs))}


def peak_memory_megabytes():
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0


def reset_peak_memory():
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass


def answer(engine, request):
    what = request["do"]
    if what in ("train", "evaluate"):
        return engine.work(what, request["seconds"])
    if what == "losses":
        return engine.losses(request["steps"], request["learning_rate"])
    if what == "new_sizes":
        return engine.new_sizes(request["height"], request["width"],
                                request["seconds"])
    if what == "memory":
        return {"rss_mb": peak_memory_megabytes()}
    return {"error": f"no request '{what}'"}


def main():
    torch.set_num_threads(1)
    engine = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "load":
                engine = None
                reset_peak_memory()
                engine = Engine(request, sys.argv[1])
                reply = {"version": torch.__version__}
            else:
                reply = answer(engine, request)
        except (RuntimeError, ValueError) as error:
            reply = {"error": str(error)}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    keep_freed_memory()
    main()
