#!/usr/bin/env python3
"""examples/01-digits in PyTorch: source only, adapted, and trained on target labels; one JSON line a seed and the means."""
import argparse
import ast
import json
import math
import pathlib
import re
import time

import torch
import torch.nn.functional as F

from models import Digits, warmup

BATCH, SOURCE, TARGET, TEST, RATE = 64, 3000, 3000, 1000, 1e-3
CLEAN = dict(turn=0, softness=0.03, texture=0, grain=0)
ROUGH = dict(turn=25, softness=0.08, texture=0.5, grain=0.1)


def glyphs():
    """The table of examples/01-digits/digits.xfer: [10, 13, 2], in hundredths there."""
    text = (pathlib.Path(__file__).resolve().parents[2] / "examples/01-digits/digits.xfer").read_text()
    table = re.search(r"const glyphs = (\[.*?\n\])", text, re.S).group(1)
    return torch.tensor(ast.literal_eval(table)) / 100


def ink(points, width, softness):
    """points: [n, 13, 2] -> [n, 28, 28], as `ink` of digits.xfer."""
    place = (torch.arange(28) - 13.5) * (1.25 / 14)
    a = points[:, None, None, :-1]
    d = points[:, None, None, 1:] - a
    ux, uy = place.view(1, 1, 28, 1) - a[..., 0], place.view(1, 28, 1, 1) - a[..., 1]
    t = ((ux * d[..., 0] + uy * d[..., 1]) / ((d * d).sum(-1) + 1e-6)).clamp(0, 1)
    distance = ((ux - t * d[..., 0]) ** 2 + (uy - t * d[..., 1]) ** 2).amin(-1).sqrt()
    return torch.sigmoid((width.view(-1, 1, 1) - distance) / softness)


def draw(count, g, turn, softness, texture, grain):
    """`count` digits: ([n, 1, 28, 28] normalised, labels)."""
    def uniform(*shape):
        return torch.rand(count, *shape, generator=g)

    def wave():
        place = (torch.arange(28) - 13.5) * (math.pi / 14)
        angle = 2 * math.pi * uniform(1, 1)
        distance = angle.cos() * place.view(1, 1, 28) + angle.sin() * place.view(1, 28, 1)
        return torch.sin((2 + 5 * uniform(1, 1)) * distance + 2 * math.pi * uniform(1, 1))

    label = torch.randint(0, 10, (count,), generator=g)
    bent = glyphs()[label] + 0.05 * torch.randn(count, 13, 2, generator=g)
    sized = bent * (0.8 + 0.35 * uniform(1, 2))
    x, y = sized[..., 0] - 0.35 * (uniform(1) - 0.5) * sized[..., 1], sized[..., 1]
    angle = (turn + 8 * (2 * uniform(1) - 1)) * (math.pi / 180)
    path = torch.stack([angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y], -1) + 0.2 * (uniform(1, 2) - 0.5)
    pen = ink(path, 0.08 + 0.06 * uniform(), softness)
    ground = texture * (0.5 + 0.25 * (wave() + wave()))
    image = (ground * (1 - pen) + pen + grain * torch.randn(count, 28, 28, generator=g)).clamp(0, 1)
    return ((image - 0.5) / 0.5).unsqueeze(1), label


def train(seed, source, target, test, adapt, epochs):
    """Accuracy on the test digits after training on the labels of `source`, adapted to `target` or not."""
    torch.manual_seed(seed)
    net = Digits()
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    per_epoch = len(source[0]) // BATCH
    for i in range(epochs * per_epoch):
        if i % per_epoch == 0:
            a, b = torch.randperm(len(source[0])), torch.randperm(len(target[0]))
        at = i % per_epoch * BATCH
        s, t = a[at:at + BATCH], b[at:at + BATCH]
        loss = net(source[0][s], target[0][t], source[1][s], "dann" if adapt else "source_only", warmup(i / (epochs * per_epoch)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        return (net.head(net.trunk(test[0])).argmax(1) == test[1]).float().mean().item()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    arguments.add_argument("--epochs", type=int, default=20)
    arguments.add_argument("--threads", type=int, default=2)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    results = []
    for seed in options.seeds:
        g = torch.Generator().manual_seed(100 + seed)
        source, target, test = draw(SOURCE, g, **CLEAN), draw(TARGET, g, **ROUGH), draw(TEST, g, **ROUGH)
        begin = time.perf_counter()
        row = {"source_only": train(seed, source, target, test, False, options.epochs), "dann": train(seed, source, target, test, True, options.epochs),
               "target_labels": train(seed, target, target, test, False, options.epochs)}
        results.append(row)
        print(json.dumps({"seed": seed, **row, "seconds": round(time.perf_counter() - begin, 1)}), flush=True)
    print(json.dumps({key: sum(row[key] for row in results) / len(results) for key in results[0]}))


if __name__ == "__main__":
    main()
