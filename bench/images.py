#!/usr/bin/env python3
"""Images per second of the reader with resize, ours and torchvision's, in turns on the same machine.

  bench/images.py --build build [--python PYTHON] [--folder DIR] [--count 1000] [--rounds 3] [--size 224] [--threads 2]

DIR holds images in a folder a class; without it so many JPEG files of 500 x 375 pixels are drawn by PIL.  Ours is a compiled program that
opens them with `resize: true`, less what it takes for two of them; torchvision's is an epoch of ImageFolder, Resize and PILToTensor in a
DataLoader with as many workers, which are running when the clock starts.  Prints both medians and the median of the rounds' ratios.
PYTHON (default: this one) has torch, torchvision and PIL.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PROGRAM = """
import std
param source = "images"
domain d {{ read images(source, resize: true); fields image: u8[{size}, {size}, 3], label: class({classes}) }}
model net = linear({classes})
stage learn {{ on d.all batch 2; minimize cross_entropy(net(mean(unit(d.image), axis: [1, 2])), d.label); optimizer sgd(0.1); steps 1 }}
"""

DRAW = """
import pathlib, sys
import numpy as np
from PIL import Image
folder, count, draw = pathlib.Path(sys.argv[1]), int(sys.argv[2]), np.random.default_rng(1)
for number in range(count):
    small = Image.fromarray(draw.integers(0, 256, (24, 32, 3), dtype=np.uint8)).resize((500, 375), Image.Resampling.BICUBIC)
    noisy = np.asarray(small).astype(int) + draw.integers(-6, 7, (375, 500, 3))
    place = folder / "ab"[number % 2] / f"{number:05}.jpg"
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(place, quality=90)
"""

THEIRS = """
import sys, time
import torch
from torchvision import datasets, transforms
size, threads = int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(1)
data = datasets.ImageFolder(sys.argv[1], transforms.Compose([transforms.Resize((size, size)), transforms.PILToTensor()]))
loader = torch.utils.data.DataLoader(data, batch_size=64, num_workers=threads, persistent_workers=True)
next(iter(loader))
begin, count = time.perf_counter(), 0
for images, labels in loader:
    count += len(images)
print(count / (time.perf_counter() - begin))
"""


def few(folder, into):
    """Two images of each class."""
    for kind in sorted(path for path in folder.iterdir() if path.is_dir()):
        (into / kind.name).mkdir(parents=True)
        for image in sorted(path for path in kind.rglob("*") if path.is_file())[:2]:
            shutil.copy(image, into / kind.name)
    return into


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--folder", type=pathlib.Path)
    for name, default in (("count", 1000), ("rounds", 3), ("size", 224), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        folder = given.folder.resolve() if given.folder else scratch / "images"
        if not given.folder:
            subprocess.run([given.python, "-c", DRAW, folder, str(given.count)], check=True)
        classes = sum(path.is_dir() for path in folder.iterdir())
        count = sum(path.is_file() for path in folder.rglob("*"))
        (scratch / "program.xfer").write_text(PROGRAM.format(size=given.size, classes=classes))
        subprocess.run([given.build.resolve() / "bin/xferc", "build", scratch / "program.xfer", "-o", scratch / "program"], check=True)
        processors = sorted(os.sched_getaffinity(0))[:given.threads]
        little = few(folder, scratch / "few")

        def ours(images):
            begin = time.perf_counter()
            subprocess.run([scratch / "program", "train", "--source", images, "--out", scratch / "run", "--overwrite"], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, processors))
            return time.perf_counter() - begin

        def theirs():
            ran = subprocess.run([given.python, "-W", "ignore", "-c", THEIRS, folder, str(given.size), str(given.threads)], check=True,
                                 capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, processors))
            return float(ran.stdout)

        rounds = [((count - 2 * classes) / (ours(folder) - ours(little)), theirs()) for _ in range(given.rounds)]
    mine, other = (statistics.median(one) for one in zip(*rounds))
    print(f"ours {mine:.0f} images/s, torchvision {other:.0f} images/s, ratio {statistics.median(a / b for a, b in rounds):.2f}")


if __name__ == "__main__":
    main()
