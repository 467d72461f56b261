"""Sums of singular values and their gradients, from predictions of full rank to nearly rank one, in float64; distances of flat clouds."""
import json

import numpy
import torch
import torch.nn.functional as F

from golden import DATA, generator, note_versions, save_fields

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
g = generator(23)
n, k = 24, 6
row, noise = torch.randn(1, k, generator=g), torch.randn(n, k, generator=g)
fields, values = {}, {}
# How far the rows of logits are from equal ones. At 0 all rows are equal, and the gradient has no direction but the one that there is.
for name, spread in {"full": 2.0, "near": 0.1, "nearer": 0.002, "one": 0.0}.items():
    logits = (row + spread * noise).float().double().requires_grad_()
    p = F.softmax(logits, 1)
    value = torch.linalg.matrix_norm(p, ord="nuc") / n
    fields[f"{name}"] = logits
    values[name] = value
    if spread:
        fields[f"g_{name}"] = torch.autograd.grad(value, logits)[0]

# Clouds in a plane of six dimensions, and of fewer points than dimensions.
basis = torch.linalg.qr(torch.randn(k, k, generator=g))[0]
flat = (torch.randn(n, 2, generator=g) @ basis[:2]).float().double()
other = (torch.randn(n, 2, generator=g) @ basis[:2] * 1.5 + 0.5).float().double()


def frechet(a, b):
    a, b = a.numpy(), b.numpy()
    first, second = numpy.cov(a.T), numpy.cov(b.T)
    values, vectors = numpy.linalg.eigh(first)
    root = vectors @ numpy.diag(numpy.sqrt(numpy.maximum(values, 0))) @ vectors.T
    shared = numpy.sqrt(numpy.maximum(numpy.linalg.eigvalsh(root @ second @ root), 0)).sum()
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + numpy.trace(first) + numpy.trace(second) - 2 * shared


values["flat"] = torch.tensor(frechet(flat, other))
save_fields("nuclear", **fields, flat=flat, other=other)
(DATA / "nuclear.json").write_text(json.dumps({key: value.item() for key, value in values.items()}, indent=1) + "\n")
note_versions()
