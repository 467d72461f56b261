"""Adversarial adaptation losses: values, gradients in features and in critics, by the papers' formulas in PyTorch, in double precision."""
import json

import torch
import torch.nn as nn
import torch.nn.functional as F

from golden import DATA, generator, leaves, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
g = generator(5)
n, m, k, d, out = 12, 12, 5, 7, 6
strength, margin = 0.7, 3.0
randn = leaves(g)


def mlp(inputs, outputs):
    net = nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, outputs))
    with torch.no_grad():
        for p in net.parameters():
            p.copy_((torch.randn(p.shape, generator=g) * 0.5).float())
    return net


fs, ft = randn(n, d), randn(m, d, scale=1.5, shift=0.4)
gs, gt = randn(n, k, scale=2), randn(m, k, scale=2)
critics = {"exact": mlp(d * k, 1), "random": mlp(out, 1), "critic": mlp(d, 1), "adversary": mlp(d, k)}
rf, rp = randn(d, out).detach(), randn(k, out).detach()
ones, zeros = torch.ones(n, 1), torch.zeros(m, 1)


def log_critic(critic, h):
    """log D and log(1 - D) of the probability D that a row is of the source."""
    p = torch.sigmoid(critics[critic](h)).squeeze(1)
    return p.log(), (1 - p).log()


def rows(joint):
    """joint(f, p) row by row, for the source and the target."""
    for f, logits in ((fs, gs), (ft, gt)):
        p = torch.exp(logits - logits.logsumexp(1, keepdim=True)).detach()
        yield torch.stack([joint(f[i], p[i]) for i in range(len(f))]), 1 + torch.exp((p * p.log()).sum(1))


(hs, ws), (ht, wt) = rows(lambda f, p: torch.outer(f, p).flatten())
(rs, _), (rt, _) = rows(lambda f, p: (f @ rf) * (p @ rp) / out ** 0.5)
w_mean = (ws.sum() + wt.sum()) / (n + m)
ys, yt = gs.argmax(1), gt.argmax(1)
adversary_s, adversary_t = F.softmax(critics["adversary"](fs), 1), F.softmax(critics["adversary"](ft), 1)
values = {
    "cdan": -(log_critic("exact", hs)[0].sum() + log_critic("exact", ht)[1].sum()) / (n + m),
    "cdan_e": -((ws * log_critic("random", rs)[0]).sum() + (wt * log_critic("random", rt)[1]).sum()) / w_mean / (n + m),
    "adda_critic": -log_critic("critic", fs.detach())[0].mean() - log_critic("critic", ft.detach())[1].mean(),
    "adda_mapping": -log_critic("critic", ft)[0].mean(),
    "mdd": -margin * adversary_s[range(n), ys].log().mean() - (1 - adversary_t[range(m), yt]).log().mean(),
    "wasserstein": critics["critic"](fs).mean() - critics["critic"](ft).mean(),
}
uses = {"cdan": "exact", "cdan_e": "random", "adda_critic": "critic", "adda_mapping": "critic", "mdd": "adversary", "wasserstein": "critic"}
reversed_ones = ("cdan", "cdan_e", "mdd")
gradients, moved = {}, {}
for name, value in values.items():
    for which, x in (("fs", fs), ("ft", ft), ("gs", gs), ("gt", gt)):
        found = torch.autograd.grad(value, x, retain_graph=True, allow_unused=True)[0]
        assert which in ("fs", "ft") or found is None, (name, which)
        if found is not None:
            gradients[f"g_{name}_{which}"] = -strength * found if name in reversed_ones else found
    parameters = list(critics[uses[name]].parameters())
    for key, p, x in zip(("layer.0.weight", "layer.0.bias", "layer.1.weight", "layer.1.bias"), parameters,
                         torch.autograd.grad(value, parameters, retain_graph=True)):
        moved[f"{name}.{key}"] = x

save_fields("adversarial", fs=fs, ft=ft, gs=gs, gt=gt, **gradients)
weights = {f"{name}.layer.{i // 2}.{'bias' if i % 2 else 'weight'}": p
           for name, critic in critics.items() for i, p in enumerate(critic.parameters())}
save_weights("adversarial", {**weights, "joint.rf": rf, "joint.rp": rp})
save_weights("adversarial-gradients", moved)
(DATA / "adversarial.json").write_text(json.dumps({key: v.item() for key, v in values.items()}, indent=1) + "\n")
note_versions()
