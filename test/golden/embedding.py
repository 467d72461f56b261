"""Losses of embeddings: values and gradients by PyTorch's own losses or by loops over pairs, in double precision."""
import torch
import torch.nn.functional as F

from golden import generator, leaves, save_losses

torch.set_default_dtype(torch.float64)
g = generator(7)
randn = leaves(g)
n, d = 10, 6
a, b, c = randn(n, d), randn(n, d), randn(n, d)
label = torch.randint(0, 4, (n,), generator=g)
label[0] = 4                                                          # a class with one row
together = torch.randint(0, 2, (n,), generator=g)
weight = torch.rand(n, generator=g).float().double()
distance = F.pairwise_distance(a, b)


def info_nce(x, y, temperature):
    s = F.cosine_similarity(x[:, None], y[None], dim=2) / temperature
    return F.cross_entropy(s, torch.arange(len(x)))


def supervised(f, y, temperature):
    """Khosla et al. 2020, eq. 2, by its sums."""
    total, rows = 0.0, 0
    for i in range(len(f)):
        others = [j for j in range(len(f)) if j != i]
        partners = [j for j in others if y[j] == y[i]]
        if not partners:
            continue
        s = {j: F.cosine_similarity(f[i], f[j], dim=0) / temperature for j in others}
        below = torch.logsumexp(torch.stack(list(s.values())), 0)
        total, rows = total - sum(s[j] - below for j in partners) / len(partners), rows + 1
    return total / rows


def batch_hard(f, y, margin):
    total, rows = 0.0, 0
    for i in range(len(f)):
        positive = [(f[i] - f[j]).norm() for j in range(len(f)) if y[j] == y[i] and j != i]
        negative = [(f[i] - f[j]).norm() for j in range(len(f)) if y[j] != y[i]]
        if positive and negative:
            total, rows = total + F.relu(max(positive) - min(negative) + margin), rows + 1
    return total / rows


triplets = F.triplet_margin_loss(a, b, c, margin=0.5, reduction="none")
values = {
    "cosine": (1 - F.cosine_similarity(a, b)).mean(), "cosine_margin": F.cosine_embedding_loss(a, b, 2.0 * together - 1, margin=-0.2),
    "contrastive": torch.where(together == 1, distance ** 2, F.relu(4 - distance) ** 2).mean() / 2,
    "triplet": triplets.mean(), "triplet_weighted": (triplets * weight).mean(),
    "triplet_swap": F.triplet_margin_loss(a, b, c, margin=2, swap=True), "batch_hard": batch_hard(a, label, 0.7),
    "info_nce": info_nce(a, b, 0.1), "info_nce_symmetric": (info_nce(a, b, 0.2) + info_nce(b, a, 0.2)) / 2,
    "supervised": supervised(a, label, 0.3), "nt_xent": supervised(torch.cat([a, b]), torch.arange(n).repeat(2), 0.5),
}
save_losses("embedding", values, {"a": a, "b": b, "c": c}, label=label, together=together, weight=weight)
