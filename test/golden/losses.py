"""Losses, adaptation losses, validators and metrics: values and gradients by formulas in PyTorch, in double precision."""
import json

import torch
import torch.nn as nn
import torch.nn.functional as F

from golden import DATA, generator, leaves, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
g = generator(2)
randn = leaves(g)
n, m, k, d = 12, 12, 5, 7
logits, other = randn(n, k), randn(n, k)
fs = randn(n, d)
ft = (randn(m, d) * 1.5 + 0.4).detach().float().double().requires_grad_()
binary, targets = randn(n, 3), torch.rand(n, 3, generator=g).float().double()
label = torch.where(torch.arange(n) % 3 > 0, logits.argmax(1), torch.randint(0, k, (n,), generator=g)).clamp(max=k - 2)
weight = torch.rand(n, generator=g).float().double()
class_weight = torch.tensor([0.5, 1.0, 2.0, 1.5, 0.25])
critic = nn.Sequential(nn.Linear(d, 8), nn.ReLU(), nn.Linear(8, 1))
with torch.no_grad():
    for p in critic.parameters():
        p.copy_((torch.randn(p.shape, generator=g) * 0.5).float())


def kernels(x, y, variances):
    distance = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist") ** 2
    return sum(torch.exp(-distance / (2 * v)) for v in variances)


def unbiased(x, y, variances):
    total = 0.0
    for z in (x, y):
        off = [kernels(z[i:i + 1], z[j:j + 1], variances).sum() for i in range(len(z)) for j in range(len(z)) if i != j]
        total = total + torch.stack(off).mean()
    return total - 2 * kernels(x, y, variances).mean()


both = torch.cat([fs, ft]).detach()
spread = ((both[:, None] - both[None]) ** 2).sum(2).mean()
strength = 0.7
values = {
    "cross_entropy": F.cross_entropy(logits, label),
    "smoothed": F.cross_entropy(logits, label, label_smoothing=0.1),
    "class_weighted": F.cross_entropy(logits, label, weight=class_weight),
    "all_weighted": F.cross_entropy(logits, label, weight=class_weight, label_smoothing=0.2),
    "weighted": (F.cross_entropy(logits, label, reduction="none") * weight).mean(),
    "binary": F.binary_cross_entropy_with_logits(binary, targets),
    "mse": F.mse_loss(logits, other), "mae": F.l1_loss(logits, other),
    "kl": F.kl_div(F.log_softmax(other, 1), F.softmax(logits, 1), reduction="batchmean"),
    "entropy": torch.distributions.Categorical(logits=logits).entropy().mean(),
    "mmd": unbiased(fs, ft, [2.25]), "mk_mmd": unbiased(fs, ft, [spread * 2.0 ** e for e in range(-3, 2)]),
    "coral": ((torch.cov(fs.T) - torch.cov(ft.T)) ** 2).sum() / (4 * d * d),
    "dann": F.binary_cross_entropy_with_logits(critic(torch.cat([fs, ft])), torch.cat([torch.ones(n, 1), torch.zeros(m, 1)])),
    "information": torch.distributions.Categorical(probs=F.softmax(logits, 1).mean(0)).entropy()
    - torch.distributions.Categorical(logits=logits).entropy().mean(),
}
sources = {"logits": logits, "other": other, "binary": binary, "fs": fs, "ft": ft}
gradients = {}
for name, value in values.items():
    for which, x in sources.items():
        found = torch.autograd.grad(value, x, retain_graph=True, allow_unused=True)[0]
        if found is not None:
            gradients[name, which] = -strength * found if name == "dann" else found      # dann: reversed, scaled

# The gradient penalty at fixed points: the norm of the critic's gradient, and the penalty's own gradient in the critic's weights.
z = ((fs + ft) / 2).detach().requires_grad_()
slope = torch.autograd.grad(critic(z).sum(), z, create_graph=True)[0].norm(dim=1)
penalty = ((slope - 1) ** 2).mean()
second = torch.autograd.grad(penalty, list(critic.parameters()), allow_unused=True)
values["penalty"] = penalty

prediction = logits.argmax(1)
hits = torch.zeros(k, k)
for a, b in zip(label, prediction):
    hits[a, b] += 1
f1 = [2 * hits[c, c] / (hits[c].sum() + hits[:, c].sum()) for c in range(k) if hits[c].sum() + hits[:, c].sum() > 0]
values["accuracy"] = (prediction == label).double().mean()
values["macro_f1"] = torch.stack(f1).mean()

save_fields("losses", logits=logits, other=other, binary=binary, targets=targets, label=label, weight=weight, fs=fs, ft=ft,
            **{f"g_{a}_{b}": x for (a, b), x in gradients.items()})
names = ("layer.0.weight", "layer.0.bias", "layer.1.weight", "layer.1.bias")
save_weights("critic", dict(zip(names, critic.parameters())))
save_weights("critic-penalty", {k: torch.zeros_like(p) if s is None else s for k, s, p in zip(names, second, critic.parameters())})
(DATA / "losses.json").write_text(json.dumps({k: v.item() for k, v in values.items()}, indent=1) + "\n")
note_versions()
