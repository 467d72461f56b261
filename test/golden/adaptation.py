"""What the other programs of adaptation leave out: weighted rows, penalties and directions of the library itself, nuclear norms, norms by domain."""
import json

import torch
import torch.nn as nn
import torch.nn.functional as F

from golden import DATA, generator, leaves, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
g = generator(11)
n, k, d = 12, 5, 7
strength, epsilon, xi = 0.7, 0.8, 0.5
randn = leaves(g)


def mlp(inputs, outputs, activation):
    net = nn.Sequential(nn.Linear(inputs, 8), activation, nn.Linear(8, outputs))
    with torch.no_grad():
        for p in net.parameters():
            p.copy_((torch.randn(p.shape, generator=g) * 0.6).float())
    return net


fs, ft = randn(n, d), randn(n, d, scale=1.5, shift=0.4)
logits = randn(n, k, scale=2)
weight = torch.rand(n, generator=g).float().double()
start = torch.randn(n, d, generator=g).float().double()
critic, net = mlp(d, 1, nn.ReLU()), mlp(d, k, nn.Tanh())

# Domain-adversarial loss, source rows weighted: from probabilities.
ps, pt = torch.sigmoid(critic(fs)).squeeze(1), torch.sigmoid(critic(ft)).squeeze(1)
dann_weighted = -((weight * ps.log()).sum() + (1 - pt).log().sum()) / (2 * n)

# The penalty where both ends of a pair are one point: no draw matters.
z = fs.detach().requires_grad_()
slope = torch.autograd.grad(critic(z).sum(), z, create_graph=True)[0]
penalty = ((slope.pow(2).sum(1).sqrt() - 1) ** 2).mean()


def divergence(p, at):
    return (p * (p.log() - F.log_softmax(net(at), 1))).sum(1).mean()


p = F.softmax(net(ft.detach()), 1).detach()
r = start / start.norm(dim=1, keepdim=True)
z = (ft.detach() + xi * r).requires_grad_()
r = torch.autograd.grad(divergence(p, z), z)[0]
r = r / r.norm(dim=1, keepdim=True)
vat = divergence(p, ft + epsilon * r)

bnm = -torch.linalg.svdvals(F.softmax(logits, 1)).sum() / n
values = {"dann_weighted": dann_weighted, "penalty": penalty, "vat": vat, "bnm": bnm}
gradients = {
    "g_dann_weighted_fs": -strength * torch.autograd.grad(dann_weighted, fs, retain_graph=True)[0],
    "g_dann_weighted_ft": -strength * torch.autograd.grad(dann_weighted, ft, retain_graph=True)[0],
    "g_vat_ft": torch.autograd.grad(vat, ft, retain_graph=True)[0],
    "g_bnm_logits": torch.autograd.grad(bnm, logits)[0],
}
names = ("layer.0.weight", "layer.0.bias", "layer.1.weight", "layer.1.bias")
moved = {f"penalty.{name}": x for name, x in zip(names, torch.autograd.grad(penalty, list(critic.parameters()), allow_unused=True)) if x is not None}
moved["penalty.layer.1.bias"] = torch.zeros(1)
moved["penalty.layer.0.bias"] = moved.get("penalty.layer.0.bias", torch.zeros(8))

# Two norms with one scale and shift: one batch each of the two domains, in training, then each in evaluation by its own statistics.
norm_s, norm_t = nn.BatchNorm1d(d), nn.BatchNorm1d(d)
with torch.no_grad():
    norm_s.weight.copy_(torch.rand(d, generator=g).float() + 0.5)
    norm_s.bias.copy_(torch.randn(d, generator=g).float())
    norm_t.load_state_dict(norm_s.state_dict())
    norm_s(fs), norm_t(ft)
    y_s, y_t = norm_s.eval()(fs), norm_t.eval()(ft)

save_fields("adaptation", fs=fs, ft=ft, logits=logits, weight=weight, start=start, y_s=y_s, y_t=y_t, **gradients)
weights = {f"{part}.{name}": x for part, module in (("critic", critic), ("net", net)) for name, x in zip(names, module.parameters())}
save_weights("adaptation", {**weights, "norm.weight": norm_s.weight, "norm.bias": norm_s.bias})
save_weights("adaptation-gradients", moved)
(DATA / "adaptation.json").write_text(json.dumps({key: value.item() for key, value in values.items()}, indent=1) + "\n")
note_versions()
