#!/usr/bin/env python3
"""examples/02-mnist-usps in PyTorch: the accuracy on the held-out USPS digits, one JSON line a run.

  python3 bench/peers/mnist_usps.py --data FOLDER --method dann --seeds 0 1 2

--weights starts from the first checkpoint of one of our runs, --order follows its batches: an .npz with the sample numbers
of each step, `mnist` and `usps`, both [steps, 64]; --test names its evaluation samples (.npy; else every tenth).
"""
import argparse
import json
import time

import numpy
import torch

from digits_data import mnist, usps
from models import Digits, load, warmup

BATCH = 64


def batches(count, steps, generator):
    """Endless fresh permutations, cut into batches across their seams."""
    order = torch.cat([torch.randperm(count, generator=generator) for _ in range(steps * BATCH // count + 1)])
    return order[:steps * BATCH].reshape(steps, BATCH)


def run(options, seed, source, target):
    torch.manual_seed(seed)
    images, labels = source
    everything, target_labels = target
    test = torch.from_numpy(numpy.load(options.test)).long() if options.test else torch.arange(0, len(everything), 10)
    seen = torch.ones(len(everything), dtype=torch.bool)
    seen[test] = False
    unlabelled = torch.nonzero(seen).flatten()
    net = Digits()
    if options.weights:
        load(net, options.weights)
    steps = options.epochs * (len(images) // BATCH)
    if options.order:
        order = numpy.load(options.order)
        from_source, from_target = (torch.from_numpy(order[name]).long() for name in ("mnist", "usps"))
        steps = len(from_source)
    else:
        g = torch.Generator().manual_seed(seed)
        per_epoch = len(images) // BATCH
        from_source = torch.cat([torch.randperm(len(images), generator=g)[:per_epoch * BATCH].reshape(per_epoch, BATCH) for _ in range(options.epochs)])
        from_target = unlabelled[batches(len(unlabelled), steps, g)]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-3)
    begin, losses = time.perf_counter(), []
    net.train()
    for i in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 0.01 * (1 + 0.001 * i) ** -0.75
        s, t = from_source[i], from_target[i]
        loss = net(images[s], everything[t], labels[s], options.method, warmup(i / steps))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if i < 50:
            losses.append(loss.item())
    seconds = time.perf_counter() - begin
    net.eval()
    with torch.no_grad():
        right = (net.head(net.trunk(everything[test])).argmax(1) == target_labels[test]).float().mean().item()
    print(json.dumps({"method": options.method, "seed": seed, "steps": steps, "accuracy": right, "seconds": round(seconds, 1), "losses": losses}), flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", required=True)
    arguments.add_argument("--method", choices=("source_only", "dann", "mmd"), default="dann")
    arguments.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments.add_argument("--epochs", type=int, default=10)
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
