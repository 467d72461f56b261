"""Discrepancies between features or predictions: values and gradients by the papers' formulas in PyTorch, in double precision."""
import json

import torch
import torch.nn.functional as F

from golden import DATA, generator, leaves, note_versions, save_fields

torch.set_default_dtype(torch.float64)
g = generator(6)
n, k, d = 12, 5, 7
randn = leaves(g)
fs, ft = randn(n, d, shift=1), randn(n, d, scale=1.5, shift=1.4)
gs, gt = randn(n, k), randn(n, k, scale=2)
ps, pt = F.softmax(gs, 1), F.softmax(gt, 1)
both = torch.cat([fs, ft]).detach()
variances = [2.0 ** e * ((both[:, None] - both[None]) ** 2).sum(2).mean() for e in range(-3, 2)]


def kernel(a, b):
    return sum(torch.exp(-((a - b) ** 2).sum() / (2 * v)) for v in variances)


def joint(a, p, b, q):
    return kernel(a, b) * torch.exp(-((p - q) ** 2).sum() / (2 * 0.92 ** 2))


def unbiased(pairs_s, pairs_t):
    total = 0.0
    for rows in (pairs_s, pairs_t):
        total = total + torch.stack([joint(*rows[i], *rows[j]) for i in range(n) for j in range(n) if i != j]).mean()
    return total - 2 * torch.stack([joint(*a, *b) for a in pairs_s for b in pairs_t]).mean()


linear = torch.stack([kernel(fs[i], fs[i + 1]) + kernel(ft[i], ft[i + 1]) - kernel(fs[i], ft[i + 1]) - kernel(fs[i + 1], ft[i])
                      for i in range(0, n, 2)]).mean()
norms = fs.norm(dim=1)
values = {
    "mk_mmd_linear": linear,
    "jmmd": unbiased(list(zip(fs, ps)), list(zip(ft, pt))),
    "classifier_discrepancy": sum((ps[:, c] - pt[:, c]).abs() for c in range(k)).mean() / k,
    "class_balance": -sum(ps[:, c].mean().log() for c in range(k)) / k,
    "afn": ((norms - (norms.detach() + 0.5)) ** 2).mean(),
    "bsp": torch.linalg.svdvals(fs)[0] ** 2 + torch.linalg.svdvals(ft)[0] ** 2,
}
gradients = {}
for name, value in values.items():
    for which, x in (("fs", fs), ("ft", ft), ("gs", gs), ("gt", gt)):
        found = torch.autograd.grad(value, x, retain_graph=True, allow_unused=True)[0]
        if found is not None:
            gradients[f"g_{name}_{which}"] = found

save_fields("discrepancy", number=torch.arange(n), fs=fs, ft=ft, gs=gs, gt=gt, **gradients)
(DATA / "discrepancy.json").write_text(json.dumps({key: v.item() for key, v in values.items()}, indent=1) + "\n")
note_versions()
