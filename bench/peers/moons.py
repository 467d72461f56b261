#!/usr/bin/env python3
"""examples/03-two-moons in PyTorch: accuracy on 1,000 turned points, one JSON line a method."""
import argparse
import json
import math
import statistics

import torch

import methods as m
from models import Mlp, warmup

POINTS, TEST, BATCH, RATE = 300, 1000, 64, 0.05


def moons(count, degrees, g):
    """The points that examples/03-two-moons generates."""
    label = torch.randint(0, 2, (count,), generator=g)
    t = math.pi * torch.rand(count, generator=g)
    x = torch.where(label == 0, t.cos(), 1 - t.cos()) - 0.5 + 0.05 * torch.randn(count, generator=g)
    y = torch.where(label == 0, t.sin(), 0.5 - t.sin()) - 0.25 + 0.05 * torch.randn(count, generator=g)
    a = math.radians(degrees)
    return torch.stack([math.cos(a) * x - math.sin(a) * y, math.sin(a) * x + math.cos(a) * y], 1), label


def methods(steps):
    """Each program of examples/03-two-moons: a function that makes what `train` takes."""
    trunk = lambda: torch.nn.Sequential(Mlp(2, [32, 32]), torch.nn.ReLU())
    sgd = lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9)
    adam = lambda rate, beta1=0.9: lambda p: torch.optim.Adam(p, lr=rate, betas=(beta1, 0.999))
    return {
        "source_only": lambda: m.SourceOnly(trunk, 32, 2, sgd),
        "dann": lambda: m.Dann(trunk, 32, 2, sgd, critic=[32, 1]),
        "cdan": lambda: m.Cdan(trunk, 32, 2, sgd, critic=[32, 1]),
        "mdd": lambda: m.Mdd(trunk, 32, 2, sgd, critic=[32, 2]),
        "coral": lambda: m.Coral(trunk, 32, 2, adam(1e-3), weight=1000.0),
        "wdgrl": lambda: m.Wdgrl(trunk, 32, 2, adam(1e-3), critic=[32, 1], make_critic=adam(5e-3)),
        "mcd": lambda: m.Mcd(trunk, 32, 2, adam(1e-2), critic=[32, 2]),
        "adda": lambda source: m.Adda(source, trunk, 32, adam(1e-3, 0.5), critic=[32, 1]),
    }


def train(net, points, steps, g):
    xs, ys, xt = points
    for i in range(steps):
        if i * BATCH % (POINTS // BATCH * BATCH) == 0:
            source, target = torch.randperm(POINTS, generator=g), torch.randperm(POINTS, generator=g)
        at = i % (POINTS // BATCH) * BATCH
        s, t = source[at:at + BATCH], target[at:at + BATCH]
        net.step(xs[s], ys[s], xt[t], warmup(i / steps))
    return net


def run(seed, name, steps):
    g = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    (xs, ys), (xt, _), (xe, ye) = moons(POINTS, 0, g), moons(POINTS, 30, g), moons(TEST, 30, g)
    made, points = methods(steps), (xs, ys, xt)
    if name == "adda":
        net = train(made["adda"](train(made["source_only"](), points, steps, g)), points, steps, g)
    else:
        net = train(made[name](), points, steps, g)
    with torch.no_grad():
        return (net.predict(xe).argmax(1) == ye).float().mean().item()


def main():
    names = list(methods(1))
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=10)
    arguments.add_argument("--steps", type=int, default=1000)
    arguments.add_argument("--method", choices=names, nargs="+", default=names)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    for name in options.method:
        found = [run(seed, name, options.steps) for seed in range(options.seeds)]
        print(json.dumps({"method": name, "mean": round(statistics.mean(found), 4), "deviation": round(statistics.stdev(found), 4), "accuracy": [round(a, 4) for a in found]}), flush=True)


if __name__ == "__main__":
    main()
