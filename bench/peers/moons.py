#!/usr/bin/env python3
"""examples/03-two-moons in PyTorch: accuracy on 1,000 turned points, source only and adapted, one JSON line a seed and the means."""
import argparse
import json
import math
import time

import torch
import torch.nn.functional as F

from models import Mlp, Reverse, warmup

POINTS, TEST, BATCH, RATE = 300, 1000, 64, 0.05


def moons(count, degrees, g):
    """The points that examples/03-two-moons generates."""
    label = torch.randint(0, 2, (count,), generator=g)
    t = math.pi * torch.rand(count, generator=g)
    x = torch.where(label == 0, t.cos(), 1 - t.cos()) - 0.5 + 0.05 * torch.randn(count, generator=g)
    y = torch.where(label == 0, t.sin(), 0.5 - t.sin()) - 0.25 + 0.05 * torch.randn(count, generator=g)
    a = math.radians(degrees)
    return torch.stack([math.cos(a) * x - math.sin(a) * y, math.sin(a) * x + math.cos(a) * y], 1), label


def run(seed, adapt, steps):
    g = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    (xs, ys), (xt, _), (xe, ye) = moons(POINTS, 0, g), moons(POINTS, 30, g), moons(TEST, 30, g)
    trunk, head, critic = Mlp(2, [32, 32]), torch.nn.Linear(32, 2), Mlp(32, [32, 1])
    optimizer = torch.optim.SGD([*trunk.parameters(), *head.parameters(), *critic.parameters()], lr=RATE, momentum=0.9)
    side = torch.cat([torch.ones(BATCH, 1), torch.zeros(BATCH, 1)])
    for i in range(steps):
        if i * BATCH % (POINTS // BATCH * BATCH) == 0:
            source, target = torch.randperm(POINTS, generator=g), torch.randperm(POINTS, generator=g)
        at = i % (POINTS // BATCH) * BATCH
        s, t = source[at:at + BATCH], target[at:at + BATCH]
        f = F.relu(trunk(torch.cat([xs[s], xt[t]])))
        loss = F.cross_entropy(head(f[:BATCH]), ys[s])
        if adapt:
            loss = loss + F.binary_cross_entropy_with_logits(critic(Reverse.apply(f, warmup(i / steps))), side)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return (head(F.relu(trunk(xe))).argmax(1) == ye).float().mean().item()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=10)
    arguments.add_argument("--steps", type=int, default=1000)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    results = []
    for seed in range(options.seeds):
        begin = time.perf_counter()
        results.append((run(seed, False, options.steps), run(seed, True, options.steps)))
        print(json.dumps({"seed": seed, "source_only": results[-1][0], "dann": results[-1][1], "seconds": round(time.perf_counter() - begin, 2)}), flush=True)
    mean = [sum(column) / len(results) for column in zip(*results)]
    print(json.dumps({"source_only": mean[0], "dann": mean[1]}))


if __name__ == "__main__":
    main()
