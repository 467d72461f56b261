#!/usr/bin/env python3
"""examples/09-clothing in PyTorch, on random splits, beside the program on the same ones: accuracy of the head alone (frozen), of the whole net
moved at once (together) and thawed step by step (gradual)."""
import argparse
import copy
import json
import math
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file

from splits import evaluation, in_training, order_of, print_means, read

IMAGES, LABELS = "clothing64-train-images-idx4-ubyte.gz", "clothing64-train-labels-idx1-ubyte.gz"
SIZE, BATCH, GROUPS = 96, 30, 5
WIDTHS = [(16, 3), (32, 3), (16, 1), (128, 3), (16, 1), (128, 3), (32, 1), (256, 3), (32, 1), (256, 3), (64, 1), (512, 3), (64, 1), (512, 3), (128, 1)]
POOLED = (0, 1, 5, 9)


class Net(nn.Module):
    """Tiny Darknet up to the means in front of its last convolution, batch norm, a linear head."""

    def __init__(self, weights):
        super().__init__()
        inputs = [3] + [out for out, _ in WIDTHS]
        self.trunk = nn.ModuleList(nn.Sequential(nn.Conv2d(a, b, k, padding=k // 2, bias=False), nn.BatchNorm2d(b, eps=1e-3))
                                   for a, (b, k) in zip(inputs, WIDTHS))
        self.norm, self.head = nn.BatchNorm1d(128), nn.Linear(128, 10)
        with torch.no_grad():
            for i, (conv, norm) in enumerate(self.trunk):
                conv.weight.copy_(weights[f"conv2d_{i + 1}/kernel"].permute(3, 2, 0, 1))
                for name, value in (("gamma", norm.weight), ("beta", norm.bias), ("moving_mean", norm.running_mean), ("moving_variance", norm.running_var)):
                    value.copy_(weights[f"batch_normalization_{i + 1}/{name}"])

    def features(self, x):
        for i, part in enumerate(self.trunk):
            x = F.leaky_relu(part(x), 0.1)
            if i in POOLED:
                x = F.max_pool2d(x, 2)
        return x.mean((2, 3))

    def forward(self, x):
        return self.head(self.norm(self.features(x)))


def cosine(i, steps):
    return 0.5 * (1 + math.cos(math.pi * i / steps))


def slanted(i, steps, peak=0.1, ratio=32):
    cut = max(int(peak * steps), 1)
    p = i / cut if i < cut else 1 - (i - cut) / (cut * (1 / peak - 1))
    return (1 + p * (ratio - 1)) / ratio


def train(forward, groups, x, y, epochs, rate, factor, flips):
    """Adam over groups (parts, factor of their rate, epoch from which they move); what does not move yet is in evaluation mode."""
    per_epoch = len(y) // BATCH
    optimizer = torch.optim.Adam([{"params": [p for part in parts for p in part.parameters()], "times": times, "from": start}
                                  for parts, times, start in groups])
    for i in range(epochs * per_epoch):
        epoch, at = divmod(i, per_epoch)
        if at == 0:
            order = torch.randperm(len(y))
            for parts, _, start in groups:
                for part in parts:
                    part.train(epoch >= start).requires_grad_(epoch >= start)
        batch = order[at * BATCH:(at + 1) * BATCH]
        xs = x[batch]
        if flips:
            xs = torch.where(torch.rand(len(xs), 1, 1, 1) < 0.5, xs.flip(3), xs)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["times"] * factor(i, epochs * per_epoch)
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(forward(xs), y[batch]).backward()
        optimizer.step()


def recipes(net, x, y, options):
    """-> the three nets; both second stages begin at the first one's outcome."""
    with torch.no_grad():
        f = torch.cat([net.eval().features(part) for part in x.split(60)])
    train(lambda z: net.head(net.norm(z)), [([net.norm, net.head], 1.0, 0)], f, y, options.epochs, options.lr, cosine, flips=False)
    nets = {"frozen": net}
    for name in ("together", "gradual"):
        one = nets[name] = copy.deepcopy(net)
        layers = [one.trunk[3 * k:3 * k + 3] for k in range(GROUPS)]
        groups = [(list(layers[k]), 2.6 ** (k - GROUPS), GROUPS - k if name == "gradual" else 0) for k in range(GROUPS)]
        train(one, [([one.norm, one.head], 1.0, 0)] + groups, x, y, options.tuning, options.lr, slanted, flips=True)
    return nets


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=pathlib.Path, required=True)
    arguments.add_argument("--program", type=pathlib.Path, help="examples/09-clothing, built with --data")
    arguments.add_argument("--splits", type=int, default=5)
    arguments.add_argument("--first", type=int, default=0, help="the seed of the first split's order")
    arguments.add_argument("--epochs", type=int, default=20)
    arguments.add_argument("--tuning", type=int, default=15)
    arguments.add_argument("--lr", type=float, default=1e-2)
    arguments.add_argument("--ours-only", action="store_true")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    folder = options.data / "clothing"
    (head_x, pixels), (head_y, y) = read(folder / IMAGES), read(folder / LABELS)
    pixels = pixels.reshape(len(y), 64, 64, 3)
    weights = load_file(options.data / "weights" / "tiny-darknet-imagenet.safetensors")
    x = F.interpolate(torch.tensor(pixels).permute(0, 3, 1, 2) / 255, (SIZE, SIZE), mode="bilinear", align_corners=False)
    train_rows, found = torch.tensor(in_training(len(y))), {}
    for split in range(options.first, options.first + options.splits):
        order, said = order_of(split, len(y)), {}
        if options.program:
            files = {f"clothing/{IMAGES}": head_x + pixels[order].tobytes(), f"clothing/{LABELS}": head_y + y[order].tobytes()}
            one = evaluation(options.program, files, *(word for name in ("epochs", "tuning", "lr") for word in (f"--{name}", str(getattr(options, name)))),
                             "--seed", str(split))
            said |= {f"ours {name}": one["baselines"][name]["accuracy"] for name in ("frozen", "together")} | {"ours gradual": one["figures"]["accuracy"]}
        if not options.ours_only:
            torch.manual_seed(split)
            xs, ys = x[order], torch.tensor(y[order]).long()
            for name, net in recipes(Net(weights), xs[train_rows], ys[train_rows], options).items():
                with torch.no_grad():
                    said[f"PyTorch {name}"] = (net.eval()(xs[~train_rows]).argmax(1) == ys[~train_rows]).float().mean().item()
        print(json.dumps({"split": split, **{name: round(value, 4) for name, value in said.items()}}), flush=True)
        for name, value in said.items():
            found.setdefault(name, []).append(value)
    print_means(found)


if __name__ == "__main__":
    main()
