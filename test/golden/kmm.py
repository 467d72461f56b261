"""Kernel mean matching: the same steps in numpy, in double precision, and the optimum by scipy's sequential quadratic programming."""
import json

import numpy
import scipy.optimize

from golden import DATA, note_versions, save_fields

g = numpy.random.default_rng(19)
n, m, d, width = 60, 45, 3, 1.5
first = g.normal(size=(n, d)).astype(numpy.float32)
second = (0.6 * g.normal(size=(m, d)) + 0.8).astype(numpy.float32)
a, b = first.astype(float), second.astype(float)


def kernel(x, z):
    return numpy.exp(-((x[:, None] - z[None]) ** 2).sum(2) / (2 * width * width))


K, pull = kernel(a, a), kernel(a, b).sum(1) * n / m
slack = (numpy.sqrt(n) - 1) / numpy.sqrt(n)


def project(v, bound, slack):
    """The nearest point of the box and the slab: the shift is a root of a monotone function."""
    total = lambda t: numpy.clip(v - t, 0, bound).sum()
    wanted = min(max(total(0), n * (1 - slack)), n * (1 + slack))
    if wanted == total(0):
        return numpy.clip(v, 0, bound)
    return numpy.clip(v - scipy.optimize.brentq(lambda t: total(t) - wanted, v.min() - bound, v.max(), xtol=1e-14), 0, bound)


def matched(bound=1000, slack=slack, steps=500):
    w = ahead = numpy.ones(n)
    rate = 1 / K.sum(1).max()
    for i in range(steps):
        moved = project(ahead - rate * (K @ ahead - pull), bound, slack)
        w, ahead = moved, moved + i / (i + 3) * (moved - w)
    return w


def objective(w):
    return w @ K @ w / 2 - pull @ w


def optimum(bound, slack):
    limits = [{"type": "ineq", "fun": lambda w: n * (1 + slack) - w.sum()}, {"type": "ineq", "fun": lambda w: w.sum() - n * (1 - slack)}]
    return scipy.optimize.minimize(lambda w: objective(w) / n, numpy.ones(n), jac=lambda w: (K @ w - pull) / n, method="SLSQP", bounds=[(0, bound)] * n,
                                   constraints=limits, options={"maxiter": 5000, "ftol": 1e-13}).fun * n


values = {"optimum": optimum(1000, slack), "optimum_bounded": optimum(2, 0.05)}
for bound, few, name in ((1000, slack, "optimum"), (2, 0.05, "optimum_bounded")):
    reached = objective(matched(bound, few, 4000))
    assert abs(reached - values[name]) < 3e-6 * abs(values[name]), (name, reached, values[name])
save_fields("kmm", first=first, twenty=matched(steps=20), bounded=matched(2, 0.05, 20), loose=matched(1.25, 0.0, 5))
save_fields("kmm-second", second=second)
(DATA / "kmm.json").write_text(json.dumps({key: float(v) for key, v in values.items()}, indent=1) + "\n")
note_versions()
