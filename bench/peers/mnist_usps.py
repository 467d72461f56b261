#!/usr/bin/env python3
"""examples/02-mnist-usps in PyTorch: the accuracy on the held-out USPS digits, one JSON line a run.

  python3 bench/peers/mnist_usps.py --data FOLDER --method dann --seeds 0 1 2

Methods: those of program.xfer there, and cdan_e, mcd, adda of the files of these names, with the recipe and the epochs of the file.

--weights starts from the first checkpoint of one of our runs, --order follows its batches: an .npz with the sample numbers
of each step, `mnist` and `usps`, both [steps, 64]; --test names its evaluation samples (.npy; else every tenth).
"""
import argparse
import json
import time

import numpy
import torch

import methods
from digits_data import mnist, usps
from models import Digits, LeNet, load, warmup

BATCH = 64


def batches(count, steps, generator):
    """Endless fresh permutations, cut into batches across their seams."""
    order = torch.cat([torch.randperm(count, generator=generator) for _ in range(steps * BATCH // count + 1)])
    return order[:steps * BATCH].reshape(steps, BATCH)


def decayed(optimizer, step):
    for group in optimizer.param_groups:
        group["lr"] = 0.01 * (1 + 0.001 * step) ** -0.75


class Program(torch.nn.Module):
    """The methods of program.xfer, which share a net and an optimizer."""

    def __init__(self, method, weights):
        super().__init__()
        self.net, self.method = Digits(), method
        if weights:
            load(self.net, weights)
        self.optimizer = sgd(self.net.parameters())
        self.losses = []

    def step(self, xs, ys, xt, strength):
        loss = self.net(xs, xt, ys, self.method, strength)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        if len(self.losses) < 50:
            self.losses.append(loss.item())

    def predict(self, x):
        return self.net.head(self.net.trunk(x))


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-3)


def adam(**options):
    return lambda parameters: torch.optim.Adam(parameters, lr=2e-4, **options)


def train(net, data, order, schedule):
    (images, labels), target = data
    net.train()
    for i, (s, t) in enumerate(zip(*order)):
        if schedule:
            decayed(net.optimizer, i)
        net.step(images[s], labels[s], target[t], warmup(i / len(order[0])))
    return net


def run(options, seed, source, target):
    torch.manual_seed(seed)
    images, labels = source
    everything, target_labels = target
    test = torch.from_numpy(numpy.load(options.test)).long() if options.test else torch.arange(0, len(everything), 10)
    seen = torch.ones(len(everything), dtype=torch.bool)
    seen[test] = False
    unlabelled = torch.nonzero(seen).flatten()
    name = options.method
    epochs = options.epochs or {"cdan_e": 2, "mcd": 1, "adda": 1}.get(name, 10)
    g = torch.Generator().manual_seed(seed)

    def order():
        per_epoch = len(images) // BATCH
        from_source = torch.cat([torch.randperm(len(images), generator=g)[:per_epoch * BATCH].reshape(per_epoch, BATCH) for _ in range(epochs)])
        return from_source, unlabelled[batches(len(unlabelled), len(from_source), g)]

    def lenet():
        return LeNet().to(memory_format=torch.channels_last)

    data, begin = (source, everything), time.perf_counter()
    if name == "adda":
        pretrained = train(methods.SourceOnly(lenet, 500, 10, sgd), data, order(), True)
        net = train(methods.Adda(pretrained, lenet, 500, adam(betas=(0.5, 0.999)), [500, 500, 1]), data, order(), False)
    elif name == "mcd":
        net = train(methods.Mcd(lenet, 500, 10, adam(weight_decay=5e-4), [500, 10], balance=0.01), data, order(), False)
    elif name == "cdan_e":
        net = train(methods.CdanE(lenet, 500, 10, sgd, critic=[500, 500, 1]), data, order(), True)
    else:
        batch = order()
        if options.order:
            given = numpy.load(options.order)
            batch = [torch.from_numpy(given[key]).long() for key in ("mnist", "usps")]
        net = train(Program(name, options.weights), data, batch, True)
    seconds = time.perf_counter() - begin
    net.eval()
    with torch.no_grad():
        right = (net.predict(everything[test]).argmax(1) == target_labels[test]).float().mean().item()
    line = {"method": name, "seed": seed, "epochs": epochs, "accuracy": right, "seconds": round(seconds, 1)}
    print(json.dumps({**line, "losses": net.losses} if isinstance(net, Program) else line), flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", required=True)
    arguments.add_argument("--method", choices=("source_only", "dann", "mmd", "cdan_e", "mcd", "adda"), default="dann")
    arguments.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments.add_argument("--epochs", type=int)
    arguments.add_argument("--threads", type=int, default=2)
    for name in ("--weights", "--order", "--test"):
        arguments.add_argument(name)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    source, target = mnist(options.data), usps(options.data)
    for seed in options.seeds:
        run(options, seed, source, target)


if __name__ == "__main__":
    main()
