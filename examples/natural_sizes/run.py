#!/usr/bin/env python3
"""A federation of sites by image size, from one folder of PPM images.

DIR holds a folder per class of NAME_FRAME.ppm, as the German Traffic Sign
Recognition Benchmark does: the frames of one NAME (a track) are near copies,
so that a whole track is either trained on or tested on. A fifth of each class's
tracks is the server's test set; the rest goes to one site a size band of
server.toml. Nothing is resized (--resolution N brings all to one size: the
rival).

usage: run.py DIR [--run-dir RUN] [--resolution N] [--set KEY=VALUE]...
"""
import argparse
import collections
import pathlib
import subprocess
import sys
import tempfile
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
BIN = HERE.parent.parent / "build/release/bin"


def side(path):
    """sqrt(height x width) of a PPM file."""
    with open(path, "rb") as file:
        fields = file.read(64).split()
    return (int(fields[1]) * int(fields[2])) ** 0.5


def link(image, folder):
    target = folder / image.parent.name
    target.mkdir(parents=True, exist_ok=True)
    (target / image.name).symlink_to(image)


def prepare(source, edges, work):
    """work/data/{train,test} and work/site-I, of links; the sites' sizes."""
    counts = collections.Counter()
    for label in sorted(path for path in source.iterdir() if path.is_dir()):
        tracks = collections.defaultdict(list)
        for image in sorted(label.glob("*.ppm")):
            tracks[image.name.rsplit("_", 1)[0]].append(image)
        for number, name in enumerate(sorted(tracks)):
            for image in tracks[name]:
                if number % 5 == 4:
                    link(image, work / "data/test")
                    continue
                link(image, work / "data/train")
                band = sum(side(image) >= edge for edge in edges)
                link(image, work / f"site-{band + 1}")
                counts[band + 1] += 1
    return counts


def wait_for(path, server):
    while not path.exists() or not path.read_text():
        try:
            sys.exit(server.wait(timeout=0.1))
        except subprocess.TimeoutExpired:
            pass
    return path.read_text().strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--run-dir", default="runs/natural-sizes")
    parser.add_argument("--resolution", default="")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    config = tomllib.loads((HERE / "server.toml").read_text())
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        counts = prepare(options.dir.resolve(), config["resolution"]["edges"],
                         work)
        classes = len(list((work / "data/train").iterdir()))
        settings = [f"model.classes={classes}",
                    f"cohort.min_clients={len(counts)}",
                    f"evaluation.data=folder:{work}/data"]
        if options.resolution:
            settings.append(f'evaluation.sizes=["{options.resolution}"]')
        command = [BIN / "fedgap-server", "--config", HERE / "server.toml",
                   "--run-dir", options.run_dir, "--insecure",
                   "--listen", "127.0.0.1:0", "--port-file", work / "port"]
        for setting in settings + options.set:
            command += ["--set", setting]
        server = subprocess.Popen(command)
        port = wait_for(work / "port", server)
        for site, samples in sorted(counts.items()):
            print(f"site-{site}: {samples} images", flush=True)
        sites = [
            subprocess.Popen(
                [BIN / "fedgap-client", "--server", f"localhost:{port}",
                 "--insecure", "--name", f"site-{site}", "--data",
                 f"folder:{work}/site-{site}", "--split", "all",
                 "--resolution", options.resolution, "--log-level", "warning"])
            for site in sorted(counts)]
        codes = [process.wait() for process in [server, *sites]]
    sys.exit(max(abs(code) for code in codes))


if __name__ == "__main__":
    main()
