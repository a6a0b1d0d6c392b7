#!/usr/bin/env python3
"""Writes tests/golden/resize/*: the oracle of common/data/resize.h.

PyTorch's antialiased bilinear interpolation in float32 on made-up images. Made
with Debian's python3-torch 1.13:
    python3 tests/golden/resize.py
NAME_in.ppm is the image; NAME_out.u16 the result [height, width, channels] as
big-endian 16-bit integers in 1/256 of a level, so that a test can tell a wrong
value from a half that rounds the other way.
"""
import pathlib

import numpy
import torch

CASES = [  # name, channels, height, width, to height, to width
    ("halve", 1, 28, 28, 14, 14),
    ("to20", 1, 28, 28, 20, 20),
    ("enlarge", 1, 28, 28, 40, 40),
    ("tall_to_wide", 1, 28, 28, 24, 36),
    ("colour", 3, 37, 23, 14, 17),
    ("shrink_much", 3, 97, 61, 9, 5),
    ("to_one", 1, 5, 7, 1, 1),
    ("from_one", 3, 1, 1, 4, 3),
    ("one_axis", 3, 19, 30, 19, 11),
]


def picture(generator, channels, height, width):
    """Half noise, half edges: values from 0 to 255 everywhere."""
    noise = generator.integers(0, 256, (height, width, channels))
    y, x = numpy.mgrid[:height, :width]
    edges = 255 * ((y // 5 + x // 4) % 2)[..., None]
    return numpy.where((x > width // 2)[..., None], edges, noise).astype("u1")


def write(path, pixels):
    height, width, channels = pixels.shape
    kind = "P5" if channels == 1 else "P6"
    header = f"{kind}\n{width} {height}\n255\n".encode()
    path.write_bytes(header + pixels.tobytes())


def main():
    out = pathlib.Path(__file__).parent / "resize"
    generator = numpy.random.default_rng(1)
    for name, channels, height, width, to_height, to_width in CASES:
        pixels = picture(generator, channels, height, width)
        tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
        resized = torch.nn.functional.interpolate(
            tensor, size=(to_height, to_width), mode="bilinear",
            align_corners=False, antialias=True)
        resized = (resized[0].permute(1, 2, 0) * 256).round()
        write(out / f"{name}_in.ppm", pixels)
        (out / f"{name}_out.u16").write_bytes(
            resized.numpy().astype(">u2").tobytes())


if __name__ == "__main__":
    main()
