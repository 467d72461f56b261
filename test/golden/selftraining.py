"""Losses on unlabelled samples alone: values and gradients by the papers' formulas in PyTorch, in double precision."""
import json

import torch
import torch.nn as nn
import torch.nn.functional as F

from golden import DATA, generator, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
g = generator(7)
n, k, d = 12, 5, 7
epsilon, xi, temperature = 0.8, 0.5, 2.5

logits = (torch.randn(n, k, generator=g) * 2).float().double().requires_grad_()
x, start = (torch.randn(n, d, generator=g).float().double() for _ in range(2))
net = nn.Sequential(nn.Linear(d, 8), nn.Tanh(), nn.Linear(8, k))
with torch.no_grad():
    for p in net.parameters():
        p.copy_((torch.randn(p.shape, generator=g) * 0.7).float())


def entropy(p):
    return -(p * p.log()).sum(-1)


def confusion():
    """Minimum class confusion, class by class."""
    y = F.softmax(logits / temperature, 1)
    w = 1 + torch.exp(-entropy(y.detach()))
    w = n * w / w.sum()
    total = 0.0
    for a in range(k):
        row = torch.stack([(w * y[:, a] * y[:, b]).sum() for b in range(k)])
        total = total + (row.sum() - row[a]) / row.sum()
    return total / k


def divergence(p, z):
    return (p * (p.log() - F.log_softmax(net(z), 1))).sum(1).mean()


# Two rounds of power iteration from a fixed start, then the loss along the direction that they found.
p = F.softmax(net(x), 1).detach()
r = F.normalize(start, dim=1)
for _ in range(2):
    z = (x + xi * r).requires_grad_()
    r = F.normalize(torch.autograd.grad(divergence(p, z), z)[0], dim=1)
vat = divergence(p, x + epsilon * r)
probabilities = F.softmax(logits, 1)
values = {
    "entropy_minimization": entropy(probabilities).mean(),
    "shot_im": entropy(probabilities).mean() - entropy(probabilities.mean(0)),
    "mcc": confusion(),
    "vat": vat,
}
gradients = {f"g_{name}_logits": torch.autograd.grad(value, logits, retain_graph=True)[0] for name, value in values.items() if name != "vat"}
moved = torch.autograd.grad(vat, list(net.parameters()))

names = ("layer.0.weight", "layer.0.bias", "layer.1.weight", "layer.1.bias")
save_fields("selftraining", logits=logits, x=x, start=start, direction=r, **gradients)
save_weights("selftraining", {f"net.{key}": p for key, p in zip(names, net.parameters())} | {f"want.{key}": p for key, p in zip(names, moved)})
(DATA / "selftraining.json").write_text(json.dumps({key: v.item() for key, v in values.items()}, indent=1) + "\n")
note_versions()
