"""Optimizers and schedules: weights of a small net after seven steps on one batch, from torch.optim in double precision.

Schedules multiply the rate; the factor at step i of n is written here from the published formula, not taken from PyTorch.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from golden import generator, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
STEPS = 7
NAMES = ("layer.0.weight", "layer.0.bias", "layer.1.weight", "layer.1.bias")
g = generator(3)
x = torch.randn(16, 4, generator=g).float().double()
label = torch.randint(0, 3, (16,), generator=g)
start = [(torch.randn(shape, generator=g) * 0.6).float().double() for shape in ((8, 4), (8,), (3, 8), (3,))]


def sgd(**options):
    return lambda p: torch.optim.SGD(p, **options)


def adam(**options):
    return lambda p: torch.optim.Adam(p, **options)


CASES = {      # name: optimizer, clipping, factor on the rate at progress t, step i
    "plain": (sgd(lr=0.5), None, None),
    "decayed": (sgd(lr=0.5, weight_decay=0.1), None, None),
    "momentum": (sgd(lr=0.2, momentum=0.9), None, None),
    "nesterov": (sgd(lr=0.2, momentum=0.9, nesterov=True, weight_decay=0.01), None, None),
    "adam": (adam(lr=0.05), None, None),
    "adam_decayed": (adam(lr=0.05, betas=(0.5, 0.99), weight_decay=0.1), None, None),
    "adamw": (lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.1), None, None),
    "clipped_norm": (sgd(lr=0.5, momentum=0.9), lambda p: nn.utils.clip_grad_norm_(p, 0.2), None),
    "clipped_value": (sgd(lr=0.5), lambda p: nn.utils.clip_grad_value_(p, 0.05), None),
    "steps_decay": (sgd(lr=0.5), None, lambda t, i: 0.5 ** (i // 3)),
    "share_decay": (sgd(lr=0.5), None, lambda t, i: 0.1 ** ((t >= 0.25) + (t >= 0.75))),
    "cosine": (sgd(lr=0.5), None, lambda t, i: 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * t))),
    "cosine_cycles": (sgd(lr=0.5), None, lambda t, i: math.cos(math.pi * t * 7 / 16)),
    "inverse": (sgd(lr=0.5), None, lambda t, i: (1 + 10 * t) ** -0.75),
    "inverse_steps": (sgd(lr=0.5), None, lambda t, i: (1 + 0.1 * i) ** -0.5),
    "rising": (sgd(lr=0.5), None, lambda t, i: 2 / (1 + math.exp(-10 * t)) - 1),
    "ramped": (sgd(lr=0.5), None, lambda t, i: min((i + 1) / 4, 1)),
}

before, after = {}, {}
for name, (make, clip, factor) in CASES.items():
    p = [s.clone().requires_grad_() for s in start]
    optimizer = make(p)
    rate = optimizer.param_groups[0]["lr"]
    for i in range(STEPS):
        if factor:
            optimizer.param_groups[0]["lr"] = rate * factor(i / STEPS, i)
        h = F.relu(x @ p[0].T + p[1])
        loss = F.cross_entropy(h @ p[2].T + p[3], label)
        optimizer.zero_grad()
        loss.backward()
        if clip:
            clip(p)
        optimizer.step()
    before.update({f"{name}.{key}": s for key, s in zip(NAMES, start)})
    after.update({f"{name}.{key}": s for key, s in zip(NAMES, p)})

save_fields("optimizers", x=x, label=label)
save_weights("optimizers", before)
save_weights("optimizers-after", after)
note_versions()
