#!/usr/bin/env python3
"""examples/07-office in PyTorch: accuracy on the webcam pictures, one JSON line a method."""
import argparse
import gzip
import json
import pathlib
import statistics

import torch
import torch.nn.functional as F

import methods as m
from models import Mlp, warmup

CLASSES, BATCH, RATE, WIDTH, TRADE, RIDGE = 10, 64, 1e-3, 256, 100, 100


def read(folder, domain):
    """SURF counts as roots of shares, [n, 800], and labels."""
    raw = gzip.open(folder / f"surf800-{domain}-features-idx2-ubyte.gz").read()
    label = gzip.open(folder / f"surf800-{domain}-labels-idx1-ubyte.gz").read()
    x = torch.frombuffer(bytearray(raw[12:]), dtype=torch.uint8).view(-1, 800).float()
    return (x / x.sum(1, keepdim=True).clamp(min=1)).sqrt() * 28, torch.frombuffer(bytearray(label[8:]), dtype=torch.uint8).long()


def density_ratio(xs, xt, ridge):
    """exp(-score) of a ridge logistic regression that tells source (1) from target (0): what a source sample weighs."""
    x, y = torch.cat([xs, xt]).double(), torch.cat([torch.ones(len(xs)), torch.zeros(len(xt))]).double()
    w = torch.zeros(x.shape[1] + 1, dtype=torch.double, requires_grad=True)
    weight = torch.cat([torch.full((len(xs),), 1 / len(xs)), torch.full((len(xt),), 1 / len(xt))]).double() * len(xs)
    optimizer = torch.optim.LBFGS([w], max_iter=500, line_search_fn="strong_wolfe", tolerance_grad=1e-9)

    def loss():
        optimizer.zero_grad()
        value = (weight * F.binary_cross_entropy_with_logits(x @ w[:-1] + w[-1], y, reduction="none")).sum() + ridge / 2 * w[:-1].square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    with torch.no_grad():
        return torch.exp(-(xs.double() @ w[:-1] + w[-1])).float()


class Weighted(m.SourceOnly):
    def step(self, xs, ys, xt, strength):
        loss = (F.cross_entropy(self.predict(xs[:, :-1]), ys, reduction="none") * xs[:, -1]).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()


def trunk():
    return torch.nn.Sequential(torch.nn.Linear(800, WIDTH), torch.nn.ReLU())


def methods():
    adam = lambda p: torch.optim.Adam(p, lr=RATE)
    return {
        "source_only": lambda: m.SourceOnly(trunk, WIDTH, CLASSES, adam),
        "coral": lambda: m.Coral(trunk, WIDTH, CLASSES, adam, weight=TRADE),
        "dann": lambda: m.Dann(trunk, WIDTH, CLASSES, adam, critic=[WIDTH, 1]),
        "weighted": lambda: Weighted(trunk, WIDTH, CLASSES, adam),
    }


def run(seed, name, data, epochs):
    torch.manual_seed(seed)
    (xs, ys), (xt, yt) = data
    if name == "weighted":
        w = density_ratio(xs, xt, RIDGE)
        xs = torch.cat([xs, (w / w.mean()).unsqueeze(1)], 1)
    net, per_epoch, step = methods()[name](), len(xs) // BATCH, 0
    around = torch.empty(0, dtype=torch.long)
    for epoch in range(epochs):
        source = torch.randperm(len(xs))
        for at in range(0, per_epoch * BATCH, BATCH):
            while len(around) < BATCH:
                around = torch.cat([around, torch.randperm(len(xt))])
            t, around = around[:BATCH], around[BATCH:]
            s = source[at:at + BATCH]
            net.step(xs[s], ys[s], xt[t], warmup(step / (epochs * per_epoch)))
            step += 1
    with torch.no_grad():
        return (net.predict(xt).argmax(1) == yt).float().mean().item()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=pathlib.Path, required=True)
    arguments.add_argument("--seeds", type=int, default=5)
    arguments.add_argument("--epochs", type=int, default=20)
    arguments.add_argument("--method", choices=list(methods()), nargs="+", default=list(methods()))
    options = arguments.parse_args()
    torch.set_num_threads(1)
    data = [read(options.data / "office-caltech10", domain) for domain in ("amazon", "webcam")]
    for name in options.method:
        found = [run(seed, name, data, options.epochs) for seed in range(options.seeds)]
        print(json.dumps({"method": name, "mean": round(statistics.mean(found), 4), "deviation": round(statistics.stdev(found), 4), "accuracy": [round(a, 4) for a in found]}), flush=True)


if __name__ == "__main__":
    main()
