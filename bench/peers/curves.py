#!/usr/bin/env python3
"""Loss curves of the first steps in PyTorch, float32 and float64, for programs of ours that start from the same weights.

  python3 bench/peers/curves.py start FOLDER [--seed N]            writes FOLDER/NET.safetensors for each net
  xferc run bench/curves/lenet.xfer -- --data DATA --start FOLDER/lenet.safetensors --trace FOLDER/lenet.jsonl
  python3 bench/peers/curves.py run FOLDER --data DATA --net lenet
  python3 bench/peers/curves.py compare FOLDER --net lenet

Our programs are bench/curves/lenet.xfer (DANN on MNIST and USPS, no dropout), resnet20.xfer, lstm.xfer and transformer.xfer there (on
characters: --data is the folder that bench/peers/text.py writes); they load these weights.  The trace, FOLDER/NET.jsonl, holds the numbers of the samples of each step by source, and its loss.
`compare` passes when every step is within 1e-3 relative of the float32 curve, or no farther from the float64 curve than 3 times the
float32 curve has been up to there.  (Rounding grows from step to step; at one step the float32 curve may be near the other by chance.)
It also prints the root of the mean square of both distances from the float64 curve, relative, over the last 37 steps.
"""
import argparse
import json
import pathlib
import sys

import numpy
import torch
import torch.nn.functional as F

from digits_data import idx, mnist, usps
from models import CharLstm, CharTransformer, Digits, ResNet20, load, save, warmup

TOTAL_STEPS = 50
TEXTS = {"lstm": ("names", "names"), "transformer": ("plays", "shakespeare")}      # source of the program, name of the file


def start(folder, seed):
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    save(Digits(), folder / "lenet.safetensors")
    save(ResNet20(), folder / "resnet20.safetensors")
    save(CharLstm(), folder / "lstm.safetensors")
    save(CharTransformer(), folder / "transformer.safetensors")


def lenet_loss(net, data, order, i, dtype):
    (images, labels), (target, _) = data
    s, t = order["mnist"][i], order["usps"][i]
    return net(images[s].to(dtype), target[t].to(dtype), labels[s], "dann", warmup(i / TOTAL_STEPS))


def resnet_loss(net, data, order, i, dtype):
    images, labels = data
    s = order["cifar"][i]
    return F.cross_entropy(net(images[s].to(dtype)), labels[s])


def text_loss(source):
    def loss(net, data, order, i, dtype):
        x, y = data
        s = order[source][i]
        return F.cross_entropy(net(x[s]).flatten(0, 1), y[s].flatten())
    return loss


def read(name, folder):
    if name in TEXTS:
        windows = numpy.load(pathlib.Path(folder) / f"{TEXTS[name][1]}.npz")
        return tuple(torch.from_numpy(windows[key]).long() for key in ("x", "y"))
    if name == "lenet":
        return mnist(folder), usps(folder)
    where = pathlib.Path(folder) / "cifar10-jpeg"
    images = torch.from_numpy(idx(where / "cifar10j-train-images-idx4-ubyte.gz").copy()).permute(0, 3, 1, 2).double() / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64), torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64)
    labels = torch.from_numpy(idx(where / "cifar10j-train-labels-idx1-ubyte.gz").astype("int64"))
    return (images - mean[:, None, None]) / std[:, None, None], labels


def curve(name, folder, data, order, dtype):
    make, loss_of = {"lenet": (lambda: Digits(dropout=0.0), lenet_loss), "resnet20": (ResNet20, resnet_loss),
                     "lstm": (CharLstm, text_loss("names")), "transformer": (CharTransformer, text_loss("plays"))}[name]
    net = make()
    load(net, folder / f"{name}.safetensors", prefix="")
    net = net.to(dtype).train()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3) if name in TEXTS else torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    losses = []
    for i in range(TOTAL_STEPS):
        loss = loss_of(net, data, order, i, dtype)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def trace(options):
    """The steps of our program."""
    return [json.loads(line) for line in (options.folder / f"{options.net}.jsonl").read_text().splitlines()]


def run(options):
    steps = trace(options)
    order = {name: torch.tensor([step["samples"][name] for step in steps]) for name in steps[0]["samples"]}
    data = read(options.net, options.data)
    curves = {name: curve(options.net, options.folder, data, order, dtype) for name, dtype in (("float32", torch.float32), ("float64", torch.float64))}
    (options.folder / f"{options.net}-curves.json").write_text(json.dumps(curves))


def compare(options):
    curves = json.loads((options.folder / f"{options.net}-curves.json").read_text())
    ours = [step["watch"]["whole_loss"] for step in trace(options)]
    if len(ours) != TOTAL_STEPS:
        sys.exit(f"{options.net}.jsonl: {len(ours)} steps, wanted {TOTAL_STEPS}")
    worst, apart, failed = 0.0, 0.0, []
    for i, (a, b, c) in enumerate(zip(ours, curves["float32"], curves["float64"])):
        off = abs(a - b) / abs(b)
        worst, apart = max(worst, off), max(apart, abs(b - c))
        if off > 1e-3 and abs(a - c) > 3 * apart:
            failed.append(i)
    def distance(curve):
        late = [((a - c) / c) ** 2 for a, c in zip(curve, curves["float64"])][13:]
        return (sum(late) / len(late)) ** 0.5
    print(json.dumps({"net": options.net, "worst_relative": worst, "failed_steps": failed, "rms_to_float64": distance(ours),
                      "rms_of_float32_to_float64": distance(curves["float32"])}))
    return 1 if failed else 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("verb", choices=("start", "run", "compare"))
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--net", choices=("lenet", "resnet20", *TEXTS), default="lenet")
    arguments.add_argument("--data")
    arguments.add_argument("--seed", type=int, default=7, help="of the weights that `start` writes")
    options = arguments.parse_args()
    if options.verb == "start":
        return start(options.folder, options.seed)
    return run(options) if options.verb == "run" else compare(options)


if __name__ == "__main__":
    sys.exit(main())
