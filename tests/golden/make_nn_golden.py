#!/usr/bin/python3
"""Writes tests/golden/nn/*.safetensors: what PyTorch computes for our models.

Run with Debian's python3-torch (1.13) from anywhere; the files are committed,
so tests need no PyTorch. All values come from float64 and are rounded once.

A ReLU or a max-pool decides by comparing; where two values are equal but for
rounding, engines may decide differently and whole gradients jump, PyTorch's
float32 against its own float64 included. So a seed is only taken if no decision
of the forward passes is nearer than MARGIN and PyTorch's float32 agrees with
its float64; what is left is rounding, which the tests bound tightly.
"""

import gzip
import json
import pathlib
import struct

import numpy as np
import torch
import torch.nn.functional as F

OUT = pathlib.Path(__file__).resolve().parent / "nn"
FASHION_MNIST = pathlib.Path("/usr/share/datasets/fashion-mnist")
SIZES = [(14, 14), (28, 28), (23, 37)]
PER_SIZE = 4  # images of each size
STEPS = 10
LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 0.05, 0.9, 1e-4
MARGIN = 1e-6
torch.set_num_threads(1)


# --- The models, as the JSON form of docs/MODELS.md -------------------------


def conv(name, channels, kernel=3, **more):
    node = {"name": name, "op": "conv2d", "out_channels": channels,
            "kernel": kernel}
    if kernel == 3 and "padding" not in more:
        node["padding"] = 1
    return {**node, **more}


def norm(name, channels):
    return {"name": name, "op": "group_norm", "groups": channels // 8}


def relu(name):
    return {"name": name, "op": "relu"}


def pool(name):
    return {"name": name, "op": "max_pool", "kernel": 2}


def head(classes):
    return [{"name": "gap", "op": "gap"},
            {"name": "head", "op": "linear", "out_channels": classes}]


def gap_cnn(width, with_norm):
    nodes = []
    for i in (1, 2, 3):
        channels = width << (i - 1)
        if with_norm:
            nodes += [conv(f"conv{i}", channels, bias=False),
                      norm(f"norm{i}", channels)]
        else:
            nodes += [conv(f"conv{i}", channels)]
        nodes += [relu(f"relu{i}")]
        if i < 3:
            nodes += [pool(f"pool{i}")]
    return nodes + head(10)


def gap_cnn_m(width):
    nodes = []
    for i, scale in enumerate((1, 1, 2, 2, 4), start=1):
        nodes += [conv(f"conv{i}", width * scale), relu(f"relu{i}")]
        if i in (2, 4):
            nodes += [pool(f"pool{i // 2}")]
    return nodes + head(10)


def gap_resnet8(width):
    nodes = [conv("conv0", width, bias=False), norm("norm0", width),
             relu("relu0")]
    before = "relu0"
    for i, (channels, stride) in enumerate(
            [(width, 1), (2 * width, 2), (4 * width, 2)], start=1):
        b = f"block{i}."
        shortcut, strided = before, {}
        if stride != 1:
            shortcut, strided = b + "shortcut_norm", {"stride": stride}
            nodes += [conv(b + "shortcut", channels, 1, inputs=[before],
                           bias=False, **strided), norm(shortcut, channels)]
        nodes += [
            conv(b + "conv1", channels, inputs=[before], bias=False, **strided),
            norm(b + "norm1", channels), relu(b + "relu1"),
            conv(b + "conv2", channels, bias=False), norm(b + "norm2", channels),
            {"name": b + "add", "op": "add", "inputs": [b + "norm2", shortcut]},
            relu(b + "relu2")]
        before = b + "relu2"
    return nodes + head(10)


def odd_ops():
    """Every op and field that the built-in models leave alone."""
    return [
        conv("c1", 8, [5, 3], stride=[2, 1], padding=[2, 1]), relu("r1"),
        {"name": "p1", "op": "avg_pool", "kernel": 3, "stride": 2,
         "padding": 1},
        conv("depthwise", 8, 3, padding=2, dilation=2, groups=8, bias=False),
        conv("grouped", 12, 1, groups=2),
        {"name": "n1", "op": "group_norm", "groups": 3, "epsilon": 1e-3},
        relu("r2"),
        conv("side", 12, 1, inputs=["p1"]),
        {"name": "sum", "op": "add", "inputs": ["r2", "side"]},
        {"name": "p2", "op": "max_pool", "kernel": [2, 3], "stride": [2, 1],
         "padding": [0, 1]},
        {"name": "gap", "op": "gap"},
        {"name": "hidden", "op": "linear", "out_channels": 6}, relu("r3"),
        {"name": "head", "op": "linear", "out_channels": 10, "bias": False}]


def spec(name, input_channels, nodes):
    return {"version": 1, "name": name, "input_channels": input_channels,
            "classes": 10, "nodes": nodes}


SPECS = [spec("gap-cnn-s", 1, gap_cnn(8, False)),
         spec("gap-cnn-gn", 1, gap_cnn(8, True)),
         spec("gap-cnn-m", 3, gap_cnn_m(8)),
         spec("gap-resnet8", 3, gap_resnet8(8)),
         spec("odd-ops", 2, odd_ops())]


# --- An interpreter of that form in PyTorch ---------------------------------


def pair(value):
    return tuple(value) if isinstance(value, list) else (value, value)


def shapes_of(spec):
    """[(tensor name, its shape in our layout)] in layout order."""
    channels, shapes, before = {"input": spec["input_channels"]}, [], "input"
    for node in spec["nodes"]:
        inputs = node.get("inputs", [before])
        c_in = channels[inputs[0]]
        c_out = node.get("out_channels", c_in)
        name, op = node["name"], node["op"]
        if op == "conv2d":
            shapes.append((name + ".weight", (*pair(node["kernel"]),
                                              c_in // node.get("groups", 1),
                                              c_out)))
        if op == "linear":
            shapes.append((name + ".weight", (c_in, c_out)))
        if op in ("conv2d", "linear") and node.get("bias", True):
            shapes.append((name + ".bias", (c_out,)))
        if op == "group_norm":
            shapes += [(name + ".scale", (c_out,)), (name + ".shift", (c_out,))]
        channels[name] = c_out
        before = name
    return shapes


class Network:
    """Parameters are one flat tensor in our layout; images are NHWC."""

    def __init__(self, spec):
        self.spec = spec
        self.shapes = shapes_of(spec)
        self.margin = float("inf")

    def elements(self):
        return sum(int(np.prod(s)) for _, s in self.shapes)

    def views(self, flat):
        views, at = {}, 0
        for name, shape in self.shapes:
            count = int(np.prod(shape))
            views[name] = flat[at:at + count].view(shape)
            at += count
        return views

    def closest(self, distances):
        self.margin = min(self.margin, distances.detach().abs().min().item())

    def max_pool(self, x, kernel, stride, padding):
        # The nearest runner-up of any window; equal values (zeros of a ReLU
        # before) are a tie that is broken the same way everywhere.
        padded = F.pad(x.detach(), (padding[1],) * 2 + (padding[0],) * 2,
                       value=-1e30)
        windows = F.unfold(padded.flatten(0, 1).unsqueeze(1), kernel,
                           stride=stride)
        top = windows.topk(2, dim=1).values
        gap = top[:, 0] - top[:, 1]
        if (gap > 0).any():
            self.closest(gap[gap > 0])
        return F.max_pool2d(x, kernel, stride, padding)

    def forward(self, flat, images):
        p, before, pooled = self.views(flat), "input", None
        values = {"input": images.permute(0, 3, 1, 2)}
        for node in self.spec["nodes"]:
            name, op = node["name"], node["op"]
            x = [values[i] for i in node.get("inputs", [before])]
            window = {}
            if "kernel" in node:
                default = 1 if op == "conv2d" else node["kernel"]
                window = {"stride": pair(node.get("stride", default)),
                          "padding": pair(node.get("padding", 0))}
            if op == "conv2d":
                y = F.conv2d(x[0], p[name + ".weight"].permute(3, 2, 0, 1),
                             p.get(name + ".bias"), **window,
                             dilation=pair(node.get("dilation", 1)),
                             groups=node.get("groups", 1))
            elif op == "relu":
                self.closest(x[0])
                y = F.relu(x[0])
            elif op == "max_pool":
                y = self.max_pool(x[0], pair(node["kernel"]), **window)
            elif op == "avg_pool":
                y = F.avg_pool2d(x[0], pair(node["kernel"]), **window,
                                 count_include_pad=False)
            elif op == "group_norm":
                y = F.group_norm(x[0], node["groups"], p[name + ".scale"],
                                 p[name + ".shift"], node.get("epsilon", 1e-5))
            elif op == "add":
                y = x[0] + x[1]
            elif op == "gap":
                y = pooled = x[0].mean(dim=(2, 3))
            elif op == "linear":
                y = x[0] @ p[name + ".weight"]
                if name + ".bias" in p:
                    y = y + p[name + ".bias"]
            values[name] = y
            before = name
        return y, pooled


# --- What is recorded -------------------------------------------------------


def initial(net, rng):
    """Uniform as PyTorch's default; norms near, but not at, the identity."""
    parts = []
    for name, shape in net.shapes:
        if name.endswith((".scale", ".shift")):
            centre = 1.0 if name.endswith(".scale") else 0.0
            part = centre + rng.uniform(-0.2, 0.2, shape)
        else:
            fan_in = np.prod(shape[:-1]) if len(shape) > 1 else 16
            part = rng.uniform(-1, 1, shape) / np.sqrt(fan_in)
        parts.append(part.ravel())
    return np.concatenate(parts).astype(np.float32)


def mean_loss(net, flat, batches):
    """Mean cross-entropy over all images of [(images, labels)]."""
    total = sum(F.cross_entropy(net.forward(flat, images)[0], labels,
                                reduction="sum") for images, labels in batches)
    return total / sum(len(labels) for _, labels in batches)


def one_pass(net, start, batch, dtype):
    flat = torch.tensor(start, dtype=dtype, requires_grad=True)
    images, labels = torch.tensor(batch[0], dtype=dtype), torch.tensor(batch[1])
    logits, pooled = net.forward(flat, images)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    return {"logits": logits, "pooled": pooled, "loss": loss.reshape(1),
            "gradient": flat.grad}


def train(net, start, batch_of, steps, rate, dtype):
    """The parameters after SGD, and the loss before each step."""
    flat = torch.tensor(start, dtype=dtype, requires_grad=True)
    optimizer = torch.optim.SGD([flat], lr=rate, momentum=MOMENTUM,
                                weight_decay=WEIGHT_DECAY)
    losses = []
    for step in range(steps):
        batches = [(torch.tensor(i, dtype=dtype), torch.tensor(l))
                   for i, l in batch_of(step)]
        optimizer.zero_grad()
        loss = mean_loss(net, flat, batches)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return flat.detach(), np.array(losses)


def relative_error(a, b):
    a, b = (np.asarray(x.detach() if torch.is_tensor(x) else x, np.float64)
            for x in (a, b))
    return np.abs(a - b).max() / np.abs(b).max()


def save(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, value in tensors.items():
        array = np.ascontiguousarray(
            value.detach().numpy() if torch.is_tensor(value) else value)
        integer = array.dtype.kind in "iu"
        kind = ("U8" if array.dtype == np.uint8 else "I32") if integer else "F32"
        stored = array.astype({"U8": "u1", "I32": "<i4", "F32": "<f4"}[kind])
        header[name] = {"dtype": kind, "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + stored.nbytes]}
        data += stored.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    print(f"{path.name}: {path.stat().st_size} bytes")


def size_name(size):
    return f"{size[0]}x{size[1]}"


def try_model(spec, seed):
    """The tensors of one golden file, or None if the seed is too near a
    decision."""
    rng = np.random.default_rng(seed)
    net = Network(spec)
    start = initial(net, rng)
    tensors, batches, error = {"parameters": start}, {}, 0.0
    for size in SIZES:
        images = rng.normal(size=(PER_SIZE, *size, spec["input_channels"]))
        batches[size] = (images.astype(np.float32),
                         rng.integers(0, 10, PER_SIZE))
        exact = one_pass(net, start, batches[size], torch.float64)
        if net.margin < MARGIN:
            return None
        rough = one_pass(net, start, batches[size], torch.float32)
        prefix = size_name(size) + "."
        tensors[prefix + "images"], tensors[prefix + "labels"] = batches[size]
        for name, value in exact.items():
            tensors[prefix + name] = value
            error = max(error, relative_error(rough[name], value))

    def batch_of(step):  # two images of each size
        at = 2 * step % PER_SIZE
        return [(i[at:at + 2], l[at:at + 2]) for i, l in batches.values()]

    net.margin = float("inf")
    exact, losses = train(net, start, batch_of, STEPS, LEARNING_RATE,
                          torch.float64)
    if net.margin < MARGIN:
        return None
    rough, _ = train(net, start, batch_of, STEPS, LEARNING_RATE, torch.float32)
    steps_error = relative_error(rough, exact)
    if error > 5e-6 or steps_error > 5e-6:
        return None
    tensors["steps.parameters"], tensors["steps.losses"] = exact, losses
    print(f"{spec['name']}: seed {seed}, PyTorch's own float32 is off by "
          f"{error:.1e} of the largest value, {steps_error:.1e} after "
          f"{STEPS} steps")
    return tensors


def record_model(spec):
    tensors = next(t for t in (try_model(spec, s) for s in range(5000)) if t)
    save(OUT / f"{spec['name']}.safetensors", tensors,
         {"spec": json.dumps(spec), "learning_rate": str(LEARNING_RATE),
          "momentum": str(MOMENTUM), "weight_decay": str(WEIGHT_DECAY)})


def record_curve():
    """60 steps of gap-cnn-gn on the first 256 training images of Fashion-MNIST
    (Xiao, Rasul, Vollgraf, 2017; MIT licence), averaged to 14x14."""
    count, batch, steps, rate = 256, 32, 60, 0.05
    with gzip.open(FASHION_MNIST / "train-images-idx3-ubyte.gz") as file:
        raw = np.frombuffer(file.read(16 + count * 784)[16:], np.uint8)
    with gzip.open(FASHION_MNIST / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(8 + count)[8:], np.uint8)
    small = np.rint(raw.reshape(count, 14, 2, 14, 2).mean(axis=(2, 4)))
    images = ((small / 255 - 0.5) / 0.5).astype(np.float32)[..., None]
    labels = labels.astype(np.int64)
    net = Network(SPECS[1])
    start = initial(net, np.random.default_rng(60))

    def batch_of(step):
        at = batch * step % count
        return [(images[at:at + batch], labels[at:at + batch])]

    _, exact = train(net, start, batch_of, steps, rate, torch.float64)
    _, rough = train(net, start, batch_of, steps, rate, torch.float32)
    print(f"curve: {exact[0]:.4f} to {exact[-1]:.4f}; PyTorch's own float32 is "
          f"off by {np.abs(rough - exact).max():.1e}")
    save(OUT / "curve.safetensors",
         {"parameters": start, "images": small.astype(np.uint8),
          "labels": labels, "losses": exact},
         {"spec": json.dumps(SPECS[1]), "learning_rate": str(rate),
          "momentum": str(MOMENTUM), "weight_decay": str(WEIGHT_DECAY),
          "batch_size": str(batch)})


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for model in SPECS:
        record_model(model)
    record_curve()
