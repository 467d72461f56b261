"""Losses of labels: values and gradients by PyTorch's own losses or by formulas on probabilities, in double precision."""
import torch
import torch.nn.functional as F

from golden import generator, leaves, save_losses

torch.set_default_dtype(torch.float64)
g = generator(6)
randn = leaves(g)
n, k = 12, 5
logits, other, mask = randn(n, k), randn(n, k), randn(n, 3, 3, k)
label = torch.randint(0, k, (n,), generator=g)
void = torch.where(torch.arange(n) % 4 == 1, 255, label)
hot = torch.randint(0, 2, (n, k), generator=g)
places = torch.randint(0, k, (n, 3, 3), generator=g)
weight = torch.rand(n, generator=g).float().double()
class_weight = torch.tensor([0.5, 1.0, 2.0, 1.5, 0.25])
pos_weight = torch.tensor([2.0, 0.5, 1.0, 3.0, 1.5])
p, q = F.softmax(logits, 1), F.softmax(other, 1)
counts = (void != 255).double()
chosen = p.gather(1, label[:, None])[:, 0]
t = 2 * hot - 1.0
sigmoid = torch.sigmoid(logits)
p_t = torch.where(hot == 1, sigmoid, 1 - sigmoid)
alpha = torch.where(hot == 1, 0.25, 0.75)
soft = lambda x: F.log_softmax(x / 3, 1)                              # noqa: E731
kl = lambda x, y: F.kl_div(y, x, log_target=True, reduction="batchmean")      # noqa: E731
m = (p + q) / 2
s = F.softmax(mask, -1)
is_place = F.one_hot(places, k).double()
inner, outer = (s * is_place).sum((1, 2)), (s + is_place).sum((1, 2))
ignored = {"ignore_index": 255}
values = {
    "nll": F.nll_loss(torch.log(p), label), "nll_weighted": F.nll_loss(F.log_softmax(logits, 1), label, weight=class_weight),
    "ignored": F.cross_entropy(logits, void, **ignored),
    "ignored_smoothed": F.cross_entropy(logits, void, label_smoothing=0.1, **ignored),
    "ignored_weighted": F.cross_entropy(logits, void, weight=class_weight, label_smoothing=0.2, **ignored),
    "ignored_samples": (F.cross_entropy(logits, void, reduction="none", **ignored) * weight).sum() / counts.sum(),
    "pseudo": (F.cross_entropy(logits, q.argmax(1), reduction="none") * (q.max(1).values >= 0.4)).mean(),
    "places": F.cross_entropy(mask.permute(0, 3, 1, 2), places),
    "focal": -((1 - chosen) ** 2 * torch.log(chosen)).mean(),
    "focal_weighted": -((1 - chosen) ** 0.5 * torch.log(chosen) * class_weight[label] * weight).mean(),
    "binary_focal": -(alpha * (1 - p_t) ** 2 * torch.log(p_t)).mean(), "binary_focal_plain": -((1 - p_t) ** 1.5 * torch.log(p_t)).mean(),
    "labels": F.multilabel_soft_margin_loss(logits, hot), "pos_weighted": F.binary_cross_entropy_with_logits(logits, hot.double(), pos_weight=pos_weight),
    "hinge": F.relu(1 - t * logits).mean(), "hinge_squared": (F.relu(0.5 - t * logits) ** 2).mean(),
    "multi_margin": F.multi_margin_loss(logits, label), "multi_margin_weighted": F.multi_margin_loss(logits, label, p=2, margin=0.7, weight=class_weight),
    "multi_label_margin": F.multilabel_margin_loss(
        logits, torch.stack([F.pad(row.nonzero()[:, 0], (0, k - int(row.sum())), value=-1) for row in hot])),
    "js": (p * (p / m).log() + q * (q / m).log()).sum(1).mean() / 2,
    "distilled": 9 * kl(soft(other.detach()), soft(logits)), "distilled_reverse": 9 * kl(soft(logits), soft(other.detach())),
    "dice": ((2 * inner + 1e-5) / (outer + 1e-5)).mean(),
}
save_losses("classification", values, {"logits": logits, "other": other, "mask": mask}, label=label, void=void, hot=hot, places=places, weight=weight)
