"""Optimizers beyond SGD and Adam: weights of a small net after ten steps on one batch, in double precision, from torch.optim where it
has the optimizer, else by the paper's algorithm written here leaf by leaf.  Half of them run under a schedule."""
import math

import torch
import torch.nn.functional as F

from golden import generator, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
STEPS = 10
NAMES = ("layer.0.weight", "layer.0.bias", "layer.1.weight", "layer.1.bias")
g = generator(8)
x = torch.randn(16, 4, generator=g).float().double()
label = torch.randint(0, 3, (16,), generator=g)
start = [(torch.randn(shape, generator=g) * 0.6).float().double() for shape in ((8, 4), (8,), (3, 8), (3,))]


def loss_of(p):
    return F.cross_entropy(F.relu(x @ p[0].T + p[1]) @ p[2].T + p[3], label)


def gradient(p):
    return torch.autograd.grad(loss_of(p), p)


def ratio(a, b):
    return (a.norm() / b.norm()) if a.norm() > 0 and b.norm() > 0 else torch.tensor(1.0)


class Own:
    """An optimizer as torch.optim has them, for the algorithms below: step(p, g, state, t, rate) returns the move of one leaf."""

    def __init__(self, p, lr, step):
        self.param_groups, self.move, self.state, self.t = [{"params": p, "lr": lr}], step, [{} for _ in p], 0

    def step(self):
        self.t += 1
        with torch.no_grad():
            for p, state in zip(self.param_groups[0]["params"], self.state):
                p.add_(self.move(p, p.grad, state, self.t, self.param_groups[0]["lr"]))


def lion(p, g, s, t, rate, decay=0.1):
    m = s.get("m", torch.zeros_like(p))
    s["m"] = 0.99 * m + 0.01 * g
    return -rate * ((0.9 * m + 0.1 * g).sign() + decay * p)


def lars(p, g, s, t, rate, decay=0.01):
    local = 0.02 * p.norm() / (g.norm() + decay * p.norm() + 1e-8)
    s["v"] = 0.9 * s.get("v", torch.zeros_like(p)) + rate * local * (g + decay * p)
    return -s["v"]


def lamb(p, g, s, t, rate, decay=0.1):
    s["m"] = 0.9 * s.get("m", torch.zeros_like(p)) + 0.1 * g
    s["v"] = 0.999 * s.get("v", torch.zeros_like(p)) + 0.001 * g ** 2
    d = s["m"] / (1 - 0.9 ** t) / ((s["v"] / (1 - 0.999 ** t)).sqrt() + 1e-6) + decay * p
    return -rate * ratio(p, d) * d


def torch_optimizer(name, lr, **options):
    return lambda p: getattr(torch.optim, name)(p, lr=lr, **options)


def own(step, lr):
    return lambda p: Own(p, lr, step)


def cosine(i):
    return 0.5 * (1 + math.cos(math.pi * i / STEPS))


CASES = {      # name: optimizer, factor on the rate at step i
    "adagrad": (torch_optimizer("Adagrad", 0.1), None),
    "adagrad_initial": (torch_optimizer("Adagrad", 0.1, lr_decay=0.1, initial_accumulator_value=0.2, weight_decay=0.05), cosine),
    "adadelta": (torch_optimizer("Adadelta", 1.0, weight_decay=0.01), cosine),
    "adamax": (torch_optimizer("Adamax", 0.05, weight_decay=0.01), None),
    "rmsprop": (torch_optimizer("RMSprop", 0.01), cosine),
    "rmsprop_centered": (torch_optimizer("RMSprop", 0.01, alpha=0.9, centered=True, momentum=0.5, weight_decay=0.01), None),
    "nadam": (torch_optimizer("NAdam", 0.05), cosine),
    "nadam_decayed": (torch_optimizer("NAdam", 0.05, weight_decay=0.1, decoupled_weight_decay=True), cosine),
    "radam": (torch_optimizer("RAdam", 0.05, weight_decay=0.01), None),
    "radam_early": (torch_optimizer("RAdam", 0.05, betas=(0.8, 0.6), weight_decay=0.1, decoupled_weight_decay=True), cosine),
    "amsgrad": (torch_optimizer("Adam", 0.05, amsgrad=True, betas=(0.9, 0.5)), cosine),
    "amsgrad_decayed": (torch_optimizer("AdamW", 0.05, amsgrad=True, betas=(0.9, 0.5), weight_decay=0.1), None),
    "lion": (own(lion, 0.01), cosine), "lars": (own(lars, 1.0), cosine), "lamb": (own(lamb, 0.05), cosine),
}

before, after = {}, {}


def finish(name, p):
    before.update({f"{name}.{key}": s for key, s in zip(NAMES, start)})
    after.update({f"{name}.{key}": s for key, s in zip(NAMES, p)})


def fresh():
    return [s.clone().requires_grad_() for s in start]


for name, (make, factor) in CASES.items():
    p = fresh()
    optimizer = make(p)
    rate = optimizer.param_groups[0]["lr"]
    for i in range(STEPS):
        optimizer.param_groups[0]["lr"] = rate * (factor(i) if factor else 1)
        for q, d in zip(p, gradient(p)):
            q.grad = d
        optimizer.step()
    finish(name, p)

# Sharpness-aware minimization around SGD with momentum: Foret et al. 2021, algorithm 1; Kwon et al. 2021, algorithm 1.
for name, adaptive in (("sam", False), ("asam", True)):
    p = fresh()
    optimizer = torch.optim.SGD(p, lr=0.2, momentum=0.9)
    for i in range(STEPS):
        d = gradient(p)
        scale = [q.detach().abs() if adaptive else torch.ones_like(q) for q in p]
        length = sum(((s * e) ** 2).sum() for s, e in zip(scale, d)).sqrt()
        there = [(q.detach() + 0.1 * s ** 2 * e / length).requires_grad_() for q, s, e in zip(p, scale, d)]
        for q, e in zip(p, gradient(there)):
            q.grad = e
        optimizer.step()
    finish(name, p)

# Lookahead around Adam: Zhang et al. 2019, algorithm 1.
p, slow = fresh(), [s.clone() for s in start]
optimizer = torch.optim.Adam(p, lr=0.05)
for i in range(STEPS):
    for q, d in zip(p, gradient(p)):
        q.grad = d
    optimizer.step()
    if (i + 1) % 4 == 0:
        with torch.no_grad():
            for s, q in zip(slow, p):
                s += 0.4 * (q - s)
                q.copy_(s)
finish("lookahead", p)

# Groups: the first layer at a tenth of the rate, biases by an optimizer of their own without decay.
p = fresh()
groups = [{"params": [p[0]], "lr": 0.02}, {"params": [p[2]]}, {"params": [p[1]], "lr": 0.05, "momentum": 0.0, "weight_decay": 0.0},
          {"params": [p[3]], "lr": 0.05, "momentum": 0.0, "weight_decay": 0.0}]
optimizer = torch.optim.SGD(groups, lr=0.2, momentum=0.9, weight_decay=0.1)
for i in range(STEPS):
    for q, d in zip(p, gradient(p)):
        q.grad = d
    optimizer.step()
finish("groups", p)

# Averages of the weights that plain SGD goes through.
p = fresh()
averaged = {name: [s.clone() for s in start] for name in ("ema", "ema_corrected", "swa")}
sums, weight, count = [torch.zeros_like(s) for s in start], 0.0, 0
for i in range(STEPS):
    found = gradient(p)
    with torch.no_grad():
        for q, d in zip(p, found):
            q -= 0.3 * d
    average = averaged["ema"]
    averaged["ema"] = [0.8 * a + 0.2 * q.detach() for a, q in zip(average, p)]
    sums, weight = [0.8 * s + 0.2 * q.detach() for s, q in zip(sums, p)], 0.8 * weight + 0.2
    averaged["ema_corrected"] = [s / weight for s in sums]
    if i + 1 > 4 and (i + 1 - 4) % 2 == 0:                            # start: 0.4, period: 2
        averaged["swa"] = [q.detach().clone() if count == 0 else a + (q.detach() - a) / (count + 1) for a, q in zip(averaged["swa"], p)]
        count += 1
for name, average in averaged.items():
    finish(name, average)

save_fields("adaptive", x=x, label=label)
save_weights("adaptive", before)
save_weights("adaptive-after", after)
note_versions()
