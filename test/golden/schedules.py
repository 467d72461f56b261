"""Schedules: the factor at each of 24 steps (8 epochs of 3), from torch.optim.lr_scheduler where it has the schedule, else by formula."""
import math

import torch
from torch.optim import lr_scheduler as torch_schedules

from golden import note_versions, save_weights

torch.set_default_dtype(torch.float64)
STEPS, PER_EPOCH = 24, 3
# What `keep` sees after each epoch: improvements, plateaus, and an improvement at the end.
WATCHED = [5.0, 4.0, 4.5, 4.2, 4.1, 3.0, 3.0, 2.0]


def by_torch(make, epochs=False):
    """The factors of a scheduler that is stepped after each step, or after each epoch."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)
    factors = []
    for i in range(STEPS):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if not epochs:
            scheduler.step()
        elif (i + 1) % PER_EPOCH == 0:
            watches = isinstance(scheduler, torch_schedules.ReduceLROnPlateau)
            scheduler.step(*([WATCHED[i // PER_EPOCH]] if watches else []))
    return factors


def by_formula(factor):
    return [factor(i) for i in range(STEPS)]


def triangle(i):
    cut, ratio = int(STEPS * 0.25), 32
    p = i / cut if i < cut else 1 - (i - cut) / (cut * (1 / 0.25 - 1))
    return (1 + p * (ratio - 1)) / ratio


def warm(o, steps, then):
    rise = torch_schedules.LambdaLR(o, lambda i: i / steps)
    return torch_schedules.SequentialLR(o, [rise, then(o)], milestones=[steps])


half = lambda i: 0.5 * (1 + math.cos(math.pi * i / STEPS))            # noqa: E731
cases = {
    "step": by_torch(lambda o: torch_schedules.StepLR(o, 5, gamma=0.3)),
    "step_epochs": by_torch(lambda o: torch_schedules.StepLR(o, 2, gamma=0.3), epochs=True),
    "multistep": by_torch(lambda o: torch_schedules.MultiStepLR(o, [4, 9, 20], gamma=0.5)),
    "multistep_epochs": by_torch(lambda o: torch_schedules.MultiStepLR(o, [1, 5], gamma=0.1), epochs=True),
    "exponential": by_torch(lambda o: torch_schedules.ExponentialLR(o, 0.8), epochs=True),
    "exponential_steps": by_formula(lambda i: 0.5 ** (i / 7)),
    "polynomial": by_torch(lambda o: torch_schedules.PolynomialLR(o, STEPS, power=2.0)),
    "linear": by_formula(lambda i: 0.1 + 0.9 * (1 - i / STEPS)),
    "cosine": by_torch(lambda o: torch_schedules.CosineAnnealingLR(o, STEPS, eta_min=0.05)),
    "cycles": by_formula(lambda i: math.cos(math.pi * 7 / 16 * i / STEPS)),
    "restarts": by_torch(lambda o: torch_schedules.CosineAnnealingWarmRestarts(o, 5, eta_min=0.1)),
    "restarts_longer": by_torch(lambda o: torch_schedules.CosineAnnealingWarmRestarts(o, 3, T_mult=2)),
    "triangle": by_formula(triangle),
    "fall": by_formula(lambda i: 1 - max(i / STEPS - 0.5, 0) / 0.5),
    "inverse_sqrt": by_formula(lambda i: min((i + 1) / 6, math.sqrt(6 / (i + 1)))),
    "warmed": by_torch(lambda o: warm(o, 6, lambda o: torch_schedules.CosineAnnealingLR(o, STEPS - 6))),
    "warmed_steps": by_torch(lambda o: warm(o, 6, lambda o: torch_schedules.StepLR(o, 6, gamma=0.5))),
    "product": by_formula(lambda i: min((i + 1) / 4, 1) * half(i)),
    "plateau": by_torch(lambda o: torch_schedules.ReduceLROnPlateau(o, factor=0.5, patience=1, threshold=0), epochs=True),
}


def one_cycle(**options):
    """OneCycleLR may not be stepped beyond its end."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = torch_schedules.OneCycleLR(optimizer, 1.0, total_steps=STEPS, cycle_momentum=False, **options)
    factors = [optimizer.param_groups[0]["lr"]]
    for _ in range(STEPS - 1):
        optimizer.step()
        scheduler.step()
        factors.append(optimizer.param_groups[0]["lr"])
    return factors


cases["one_cycle"] = one_cycle()
cases["one_cycle_linear"] = one_cycle(pct_start=0.4, anneal_strategy="linear", div_factor=10, final_div_factor=100)
save_weights("schedules", {f"{name}.factor": -torch.tensor(factors) for name, factors in cases.items()})
note_versions()
