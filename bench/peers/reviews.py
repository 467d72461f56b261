#!/usr/bin/env python3
"""examples/06-reviews in PyTorch: accuracy on the test reviews of DVDs, one JSON line a method."""
import argparse
import gzip
import json
import pathlib
import statistics

import torch

import methods as m
from models import Mlp, warmup

WORDS, BATCH, RATE = 5000, 64, 1e-3


def read(path):
    """svmlight of -1 and 1, features from 0: ([n, 5000] as log(1 + count), labels)."""
    rows = [line.split() for line in gzip.open(path, "rt") if line.strip()]
    x = torch.zeros(len(rows), WORDS)
    for i, row in enumerate(rows):
        for entry in row[1:]:
            word, count = entry.split(":")
            x[i, int(word)] = float(count)
    return torch.log1p(x), torch.tensor([int(row[0]) > 0 for row in rows]).long()


def trunk():
    return torch.nn.Sequential(torch.nn.Linear(WORDS, 100), torch.nn.ReLU())


def methods():
    adam = lambda p: torch.optim.Adam(p, lr=RATE)
    return {"source_only": lambda: m.SourceOnly(trunk, 100, 2, adam), "dann": lambda: m.Dann(trunk, 100, 2, adam, critic=[100, 1])}


def run(seed, make, data, epochs):
    torch.manual_seed(seed)
    (xs, ys), (xt, _), (xe, ye) = data
    net, per_epoch = make(), len(xs) // BATCH
    for i in range(epochs * per_epoch):
        if i % per_epoch == 0:
            source, target = torch.randperm(len(xs)), torch.randperm(len(xt))
        at = i % per_epoch * BATCH
        s, t = source[at:at + BATCH], target[at:at + BATCH]
        net.step(xs[s], ys[s], xt[t], warmup(i / (epochs * per_epoch)))
    with torch.no_grad():
        return (net.predict(xe).argmax(1) == ye).float().mean().item()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=pathlib.Path, required=True)
    arguments.add_argument("--seeds", type=int, default=5)
    arguments.add_argument("--epochs", type=int, default=5)
    arguments.add_argument("--method", choices=list(methods()), nargs="+", default=list(methods()))
    options = arguments.parse_args()
    torch.set_num_threads(1)
    data = [read(options.data / "amazon" / f"{name}.svmlight.gz") for name in ("books_train", "dvd_train", "dvd_test")]
    for name in options.method:
        found = [run(seed, methods()[name], data, options.epochs) for seed in range(options.seeds)]
        print(json.dumps({"method": name, "mean": round(statistics.mean(found), 4), "deviation": round(statistics.stdev(found), 4), "accuracy": [round(a, 4) for a in found]}), flush=True)


if __name__ == "__main__":
    main()
