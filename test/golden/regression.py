"""Losses of numbers and penalties on parameters: values and gradients by PyTorch's own losses or by formulas, in double precision."""
import torch
import torch.nn.functional as F

from golden import generator, leaves, save_losses, save_weights

torch.set_default_dtype(torch.float64)
g = generator(5)
randn = leaves(g)
n, k = 10, 4
a, b, spread = randn(n, k), randn(n, k), randn(n, k)
count = torch.poisson(torch.full((n, k), 2.0), generator=g)
rows = torch.rand(n, generator=g).float().double()
elements = torch.rand(n, k, generator=g).float().double()
variance = F.softplus(spread)
w = [randn(k, 3), randn(3)]
start = [(x + 0.3 * torch.randn(x.shape, generator=g)).detach().float().double() for x in w]
each = {"huber": F.huber_loss(a, b, delta=0.8, reduction="none"), "smooth_l1": F.smooth_l1_loss(a, b, beta=0.5, reduction="none")}
values = {
    "huber": F.huber_loss(a, b, delta=0.8), "huber_rows": (each["huber"] * rows[:, None]).mean(),
    "smooth_l1": F.smooth_l1_loss(a, b, beta=0.5), "smooth_l1_elements": (each["smooth_l1"] * elements).mean(),
    "mae_rows": ((a - b).abs() * rows[:, None]).mean(), "log_cosh": torch.log(torch.cosh(a - b)).mean(),
    "poisson": F.poisson_nll_loss(a, count), "gaussian": F.gaussian_nll_loss(a, b, variance),
}
trees = {
    "l1": sum(x.abs().sum() for x in w), "l2": sum((x ** 2).sum() for x in w) / 2,
    "l2_sp": sum(((x - y) ** 2).sum() for x, y in zip(w, start)) / 2,
}
save_losses("regression", values | trees, {"a": a, "b": b, "spread": spread}, count=count, rows=rows, elements=elements)
names = ("layer.0.weight", "layer.0.bias")
save_weights("regression", dict(zip(names, (w[0].T, w[1]))))
save_weights("regression-start", dict(zip(names, (start[0].T, start[1]))))
for name, value in trees.items():
    found = torch.autograd.grad(value, w)
    save_weights(f"regression-{name}", dict(zip(names, (found[0].T, found[1]))))
