#!/usr/bin/env python3
"""examples/10-cifar-shift in PyTorch: accuracy and cross entropy on all images behind JPEG, one JSON line a way of adapting."""
import argparse
import gzip
import json
import pathlib
import statistics

import torch
import torch.nn as nn
import torch.nn.functional as F

BATCH, RATE = 100, 1e-3


def read(folder, ending):
    raw = gzip.open(next(folder.glob(f"*{ending}"))).read()
    shape = [int.from_bytes(raw[4 + 4 * i:8 + 4 * i], "big") for i in range(raw[3])]
    return torch.frombuffer(bytearray(raw[4 + 4 * raw[3]:]), dtype=torch.uint8).view(shape)


class Block(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.appended = (b - a) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.appended, self.appended)) if self.appended else x))


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        for i, (a, b) in enumerate(((16, 16), (16, 32), (32, 64))):
            setattr(self, f"layer{i + 1}", nn.Sequential(*[Block(a if k == 0 else b, b, 2 if i and k == 0 else 1) for k in range(3)]))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        return self.linear(self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))).mean((2, 3)))


def batches(count):
    order = torch.randperm(count)
    return [order[at:at + BATCH] for at in range(0, count - BATCH + 1, BATCH)]


def adabn(net, x):
    net.train()
    with torch.no_grad():
        for batch in batches(len(x)):
            net(x[batch])


def minimize_entropy(net, x, training):
    net.train(training)
    norms = [one for one in net.modules() if isinstance(one, nn.BatchNorm2d)]
    optimizer = torch.optim.Adam([p for one in norms for p in (one.weight, one.bias)], lr=RATE)
    for batch in batches(len(x)):
        g = net(x[batch])
        optimizer.zero_grad(set_to_none=True)
        (-(g.softmax(1) * g.log_softmax(1)).sum(1).mean()).backward()
        optimizer.step()


@torch.no_grad()
def judged(net, x, y):
    net.eval()
    g = torch.cat([net(part) for part in x.split(500)])
    return (g.argmax(1) == y).float().mean().item(), F.cross_entropy(g, y).item()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=pathlib.Path, required=True)
    arguments.add_argument("--seeds", type=int, default=5)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    folder = options.data / "cifar10-jpeg"
    x, y = read(folder, "images-idx4-ubyte.gz"), read(folder, "labels-idx1-ubyte.gz").long()
    x = ((x.float() / 255 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])).permute(0, 3, 1, 2).contiguous()
    saved = torch.load(options.data / "cifar-resnet" / "resnet20-12fca82f.th", map_location="cpu", weights_only=True)["state_dict"]

    def loaded():
        net = ResNet20()
        net.load_state_dict({key.removeprefix("module."): value for key, value in saved.items()}, strict=False)
        return net
    found = {name: [] for name in ("loaded", "adabn", "tent", "calm")}
    for seed in range(options.seeds):
        torch.manual_seed(seed)
        net, calm = loaded(), loaded()
        found["loaded"].append(judged(net, x, y))
        adabn(net, x)
        found["adabn"].append(judged(net, x, y))
        minimize_entropy(net, x, training=True)
        found["tent"].append(judged(net, x, y))
        minimize_entropy(calm, x, training=False)
        found["calm"].append(judged(calm, x, y))
    for name, pairs in found.items():
        for what, values in zip(("accuracy", "nats"), zip(*pairs)):
            print(json.dumps({"method": name, "figure": what, "mean": round(statistics.mean(values), 4),
                              "deviation": round(statistics.pstdev(values) if len(values) < 2 else statistics.stdev(values), 4)}), flush=True)


if __name__ == "__main__":
    main()
