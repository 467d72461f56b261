"""Groups of parameters with optimizers of their own, each clipped by itself: weights after eight steps on one batch."""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F

from golden import generator, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
g = generator(13)
x = torch.randn(16, 4, generator=g).float().double()
label = torch.randint(0, 3, (16,), generator=g)
start = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
with torch.no_grad():
    for p in start.parameters():
        p.copy_((torch.randn(p.shape, generator=g) * 0.6).float())
names = ("layer.0.weight", "layer.0.bias", "layer.1.weight", "layer.1.bias")


def train(bound):
    """The first layer's gradient is bounded as one, the second's not at all; rates and decays differ."""
    net = copy.deepcopy(start)
    optimizers = [torch.optim.SGD(net[0].parameters(), lr=0.3, momentum=0.9, weight_decay=0.1), torch.optim.AdamW(net[2].parameters(), lr=0.05, weight_decay=0.2)]
    for _ in range(8):
        net.zero_grad()
        F.cross_entropy(net(x), label).backward()
        bound(list(net[0].parameters()))
        for optimizer in optimizers:
            optimizer.step()
    return dict(zip(names, net.parameters()))


def by_norm(parameters):
    length = torch.sqrt(sum((p.grad ** 2).sum() for p in parameters))
    for p in parameters:
        p.grad *= min(0.05 / (length + 1e-6), 1)


def by_value(parameters):
    for p in parameters:
        p.grad.clamp_(-0.01, 0.01)


save_fields("grouped", x=x, label=label)
save_weights("grouped", {f"{which}.{name}": p for which in ("norm", "value") for name, p in zip(names, start.parameters())})
save_weights("grouped-after", {f"{which}.{name}": p for which, bound in (("norm", by_norm), ("value", by_value)) for name, p in train(bound).items()})
note_versions()
