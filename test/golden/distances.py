"""Distances between sets of features and validators without labels: numpy, scipy and scikit-learn, in double precision."""
import json

import numpy
import scipy.linalg
import scipy.stats
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_mutual_info_score

from golden import DATA, note_versions, save_fields

g = numpy.random.default_rng(8)
n, m, d, k = 90, 70, 4, 3
mixing = g.normal(size=(d, d))
first = (g.normal(size=(n, d)) @ mixing).astype(numpy.float32)
second = (1.3 * g.normal(size=(m, d)) @ mixing + 0.8).astype(numpy.float32)
centres = 3 * g.normal(size=(k, d))
kind = g.integers(0, k, n)
crowd = (centres[kind] + g.normal(size=(n, d))).astype(numpy.float32)
logits = (2 * numpy.eye(k)[numpy.where(g.random(n) < 0.75, kind, g.integers(0, k, n))] + 0.5 * g.normal(size=(n, k))).astype(numpy.float32)
loss = g.gamma(2, 0.5, n).astype(numpy.float32)
equal = (first[:70][::-1] * 1.1 - 0.3).astype(numpy.float32)          # as many rows as `second`
a, b, f, lg, ls = (x.astype(float) for x in (first, second, crowd, logits, loss))


def mersenne64(seed, count):
    """The 64-bit Mersenne twister (Nishimura and Matsumoto 2000)."""
    mask = (1 << 64) - 1
    state = [seed & mask]
    for i in range(1, 312):
        state.append((6364136223846793005 * (state[-1] ^ (state[-1] >> 62)) + i) & mask)
    out, place = [], 312
    while len(out) < count:
        if place == 312:
            for i in range(312):
                x = (state[i] & 0xFFFFFFFF80000000) | (state[(i + 1) % 312] & 0x7FFFFFFF)
                state[i] = state[(i + 156) % 312] ^ (x >> 1) ^ (0xB5026F5AA96619E9 if x & 1 else 0)
            place = 0
        x = state[place]
        place += 1
        x ^= (x >> 29) & 0x5555555555555555
        x ^= (x << 17) & 0x71D67FFFEDA60000
        x ^= (x << 37) & 0xFFF7EEE000000000
        out.append((x ^ (x >> 43)) & mask)
    return out


def seeded_normal(shape, seed):
    """normal(shape, seed: ..): Box and Muller on 24 bits of two generators."""
    count = int(numpy.prod(shape))
    u, v = (numpy.array([x >> 40 for x in mersenne64(3 * seed + part, count)]) / 2 ** 24 for part in (1, 2))
    return (numpy.sqrt(-2 * numpy.log(1 - u)) * numpy.cos(2 * numpy.pi * v)).reshape(shape)


def hashed_half(count):
    return (numpy.arange(count) % 65521 * 15731 % 65521) % 2 == 1


def standardised(x, z):
    both = numpy.concatenate([x, z])
    return [(y - both.mean(0)) / both.std(0) for y in (x, z)]


def fitted(x, z, wx, wz):
    """Rows of x are 1, of z 0."""
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    return model.fit(numpy.concatenate([x, z]), numpy.r_[numpy.ones(len(x)), numpy.zeros(len(z))], numpy.r_[wx, wz])


def a_distance(x, z):
    total = len(x) + len(z)
    x, z = standardised(x, z)
    hx, hz = hashed_half(len(x)), hashed_half(len(z))
    model = fitted(x[hx], z[hz], numpy.full(hx.sum(), total / 4 / hx.sum()), numpy.full(hz.sum(), total / 4 / hz.sum()))
    error = ((model.predict(x[~hx]) == 0).mean() + (model.predict(z[~hz]) == 1).mean()) / 2
    return 2 * (1 - 2 * error)


def sliced(x, z, directions, points, seed):
    u = seeded_normal((directions, d), seed)
    u /= numpy.linalg.norm(u, axis=1, keepdims=True)
    at = (numpy.arange(points) + 0.5) / points
    q = [numpy.sort(u @ y.T, axis=1)[:, numpy.minimum((at * len(y)).astype(int), len(y) - 1)] for y in (x, z)]
    return numpy.sqrt(((q[0] - q[1]) ** 2).mean())


def dev(train, valid, losses, target):
    both = numpy.concatenate([train, target])
    scale = lambda y: (y - both.mean(0)) / both.std(0)
    model = fitted(scale(target), scale(train), numpy.ones(len(target)), numpy.ones(len(train)))
    p = model.predict_proba(scale(valid))
    w = p[:, 1] / p[:, 0] * len(train) / len(target)
    eta = -numpy.cov(w * losses, w)[0, 1] / w.var(ddof=1)
    return (w * losses).mean() + eta * w.mean() - eta


def clusters(x):
    start = [x[((x - x.mean(0)) ** 2).sum(1).argmin()]]
    while len(start) < k:
        start.append(x[numpy.min([((x - c) ** 2).sum(1) for c in start], axis=0).argmax()])
    return KMeans(k, init=numpy.array(start), n_init=1, max_iter=300, tol=0).fit_predict(x)


p = numpy.exp(lg) / numpy.exp(lg).sum(1, keepdims=True)
z = p / numpy.linalg.norm(p, axis=1, keepdims=True)
near = numpy.exp(z @ z.T / 0.05) * (1 - numpy.eye(n))
near /= near.sum(1, keepdims=True)
covariances = numpy.cov(a.T), numpy.cov(b.T)
mean_a, mean_b = a.mean(0), b.mean(0)
values = {
    "a_distance": a_distance(a, b), "a_distance_far": a_distance(a, b + 30), "a_distance_same": max(a_distance(a, a[::-1]), 0),
    "sliced": sliced(a, b, 64, 1000, 0), "sliced_seed": sliced(a, b, 16, 100, 3),
    "sliced_exact": numpy.sqrt(numpy.mean([((numpy.sort(equal.astype(float) @ u) - numpy.sort(b @ u)) ** 2).mean()
                                           for u in (lambda v: v / numpy.linalg.norm(v, axis=1, keepdims=True))(seeded_normal((64, d), 0))])),
    "frechet": ((mean_a - mean_b) ** 2).sum() + numpy.trace(covariances[0] + covariances[1] - 2 * scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real),
    "mean_cosine": 1 - mean_a @ mean_b / numpy.linalg.norm(mean_a) / numpy.linalg.norm(mean_b),
    "coral": ((covariances[0] - covariances[1]) ** 2).sum() / (4 * d * d),
    "certainty": -scipy.stats.entropy(p, axis=1).mean(), "diversity": scipy.stats.entropy(p.mean(0)),
    "information": scipy.stats.entropy(p.mean(0)) - scipy.stats.entropy(p, axis=1).mean(),
    "nuclear_norm": numpy.linalg.svd(p, compute_uv=False).sum() / n,
    "snd": scipy.stats.entropy(near, axis=1).mean(), "dev": dev(a, f, ls, b),
    "class_clustering": adjusted_mutual_info_score(clusters(f), lg.argmax(1)),
}


def mmd(x, z, width):
    kernel = lambda s, t: numpy.exp(-((s[:, None] - t[None]) ** 2).sum(2) / (2 * width * width))
    off = lambda s: (kernel(s, s).sum() - len(s)) / (len(s) * (len(s) - 1))
    return off(x) + off(z) - 2 * kernel(x, z).mean()


values["mmd"] = mmd(a, b, 2)
save_fields("distances", first=first, crowd=crowd, logits=logits, loss=loss)
save_fields("distances-second", second=second, equal=equal)
(DATA / "distances.json").write_text(json.dumps({key: float(v) for key, v in values.items()}, indent=1) + "\n")
note_versions()
