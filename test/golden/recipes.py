"""Recipes of transfer learning as whole runs: a trunk of four linear layers, each with batch norm, and a head, all steps on one batch of all samples
(an epoch is a step), against torch.optim in double precision.

Schedules and rates are written from the published formulas: the slanted triangle and rates that fall by 2.6 a layer (Howard and Ruder 2018, sections
3.2 and 3.3), L2-SP (Li et al. 2018).  What is frozen is in evaluation mode and no parameter group; momentum begins where a layer thaws.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from golden import generator, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
g = generator(11)
x = torch.randn(24, 6, generator=g).float().double()
shifted = (1.5 * torch.randn(24, 6, generator=g) + 0.7).float().double()
label = torch.randint(0, 3, (24,), generator=g)
CLASS_WEIGHT = torch.tensor([0.5, 1.0, 2.0])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.ModuleList(nn.ModuleDict({"layer": nn.Linear(a, 8), "norm": nn.BatchNorm1d(8)}) for a in (6, 8, 8, 8))
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        for block in self.body:
            x = torch.tanh(block["norm"](block["layer"](x)))
        return self.head(x)


start = Net()
with torch.no_grad():
    for name, value in start.state_dict().items():
        if value.dtype.is_floating_point:
            made = torch.randn(value.shape, generator=g) * 0.4 + (1 if name.endswith(("norm.weight", "running_var")) else 0)
            value.copy_((made.abs() + 0.2 if name.endswith("running_var") else made).float().double())


def fresh():
    net = Net()
    net.load_state_dict(start.state_dict())
    return net


def slanted(i, steps, peak=0.1, ratio=32):
    cut = max(int(peak * steps), 1)
    p = i / cut if i < cut else 1 - (i - cut) / (cut * (1 / peak - 1))
    return (1 + p * (ratio - 1)) / ratio


def task(net, **options):
    return F.cross_entropy(net(x), label, **options)


def run(net, steps, groups, thaw=(0,) * 4, loss=task, factor=lambda i: 1, make=lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), norms=True):
    """`groups`: what the rate of each layer of the trunk is multiplied with; `thaw`: the step from which each moves."""
    optimizer = make([{"params": net.head.parameters(), "times": 1.0}])
    rate = optimizer.param_groups[0]["lr"]
    for i in range(steps):
        for k, block in enumerate(net.body):
            block.train(i >= thaw[k] and norms)
            if i == thaw[k]:
                optimizer.add_param_group({"params": list(block.parameters()), "times": groups[k]})
        for group in optimizer.param_groups:
            group["lr"] = rate * group["times"] * factor(i)
        value = loss(net)
        for p in net.parameters():
            p.requires_grad_(True)
            p.grad = None
        value.backward()
        for k, block in enumerate(net.body):
            if i < thaw[k]:
                for p in block.parameters():
                    p.grad = None
        optimizer.step()
    return net


nets = {
    "last": run(fresh(), 6, (0, 0, 0.1, 0.1), thaw=(99, 99, 0, 0)),
    "gradual": run(fresh(), 10, [2.6 ** (i - 4) for i in range(4)], thaw=(4, 3, 2, 1), factor=lambda i: slanted(i, 10)),
    "layerwise": run(fresh(), 6, [0.75 ** (4 - i) for i in range(4)], make=lambda p: torch.optim.AdamW(p, lr=0.02, eps=1e-3, weight_decay=0.05)),
    "frozen_norms": run(fresh(), 6, (1,) * 4, norms=False),
    "penalized": run(fresh(), 6, (1,) * 4, make=lambda p: torch.optim.SGD(p, lr=0.05), loss=lambda net: task(net)
                     + 0.003 * sum(p.abs().sum() for p in net.body.parameters()) + 0.05 * sum(p.square().sum() for p in net.head.parameters()) / 2
                     + 0.1 * sum((p - q).square().sum() for p, q in zip(net.body.parameters(), start.body.parameters())) / 2),
    "weighted": run(fresh(), 6, (1,) * 4, loss=lambda net: task(net, weight=CLASS_WEIGHT)),
    "adabn": fresh(),
}
for module in nets["adabn"].modules():
    if isinstance(module, nn.BatchNorm1d):
        module.reset_running_stats()
        module.momentum = None
with torch.no_grad():
    nets["adabn"].train()(shifted)

fields = {}
for name, net in nets.items():
    fields["y_" + name] = net.eval()(shifted if name == "adabn" else x)
save_fields("recipes", x=x, shifted=shifted, label=label, **fields)
keep = lambda net: {key.replace("body.", "trunk.body."): value for key, value in net.state_dict().items()}
save_weights("recipes", {f"{name}.{key}": value for name in nets for key, value in keep(start).items()})
save_weights("recipes-after", {f"{name}.{key}": value for name, net in nets.items() for key, value in keep(net).items()})
note_versions()
