"""`each` by execution: what it goes over, what it gives, draws, states, gradients inside and around it.

Values are chosen such that float32 holds them exactly, so what is expected is computed here and compared with ==.
"""
import harness
from harness import figures, single

HEAD = """import std
module slope(start: float) (x: [n]) -> [n] { param w: [] = full([], start); return w * x }
domain d {
  generate samples(4, fn(i) => (x: 1.0 + f32(i) + f32(iota(3)), y: 2.0 * f32(i), number: i))
  fields x: f32[3], y: f32, number: int
}
"""

# Samples are x = [i + 1, i + 2, i + 3], y = 2 i for i = 0 .. 3.
MIXTURES = HEAD + """
fn columns(t: [r, c]) -> [r, c] = each v in t along c => v / sum(v)
evaluate d.all {
  let table = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]] + zeros([2, 3])
  let whole = each v in d.x => sum(v) - v[0]
  let pair = each v, s in (d.x, d.y) => s * v
  let nested = each a in (one: d.x, other: (d.y, d.x)) => a.one * a.other[0] + a.other[1]
  let source = each s in d => s.y + s.x[1]
  let block = each v in d.x { let total = sum(v); let total = total + 1; return (total: total, twice: (2 * v, 1)) }
  let outer = mean(d.y)
  let closed = each v in d.x => outer * v[0]
  report whole = sum(whole), pair = sum(pair, axis: 0), nested = sum(nested, axis: 0), source = sum(source), total = sum(block.total),
         twice = sum(block.twice[0], axis: 0), ones = sum(block.twice[1]), closed = sum(closed), rows = each row in table => sum(row),
         columns = columns(table), numbers = each i in range(3) => 10 * i, products = each i in range(2) => each j in range(3) => 10 * i + j,
         negative = each v in table along -1 => max(v)
}
"""

# Per-sample gradients, trees, and a map that is differentiated through: w = 2, loss of a sample is w^2 y x[0].
GRADIENTS = HEAD + """
model net { a = slope(2.0) }
fn loss(m: module, v: [k], s: []) -> [] = s * sum(m(m(v[0..1])))
stage learn {
  on d.all batch 4
  state squares: [] = 0; state seen: [3] = zeros(); state through: [] = 0; state tuned: [] = 0
  let g = each v, s in (d.x, d.y) => grad(loss(net.a, v, s), wrt: net.a)
  let outside = net.a(d.y)
  update squares = total(mean(g * g))
  update seen = stack([total(sum(g)), total(mean(square(each v in d.x => grad(sum(net.a(v)), wrt: net.a)))), mean(each s in outside => total(grad(s, wrt: net.a)))])
  let inner = fn(v, s) => net.a - 0.25 * grad(loss(net.a, v, s), wrt: net.a)
  update tuned = mean(each v, s in (d.x, d.y) => sum(inner(v, s)(v[0..1])))
  update through = total(grad(sum(each v in d.x => sum(net.a(v) * net.a(v))), wrt: net.a))
  minimize mean(each v, s in (d.x, d.y) => sum(inner(v, s)(v[0..1])))
  optimizer sgd(0.125); steps 1
}
report squares = learn.squares, seen = learn.seen, through = learn.through, tuned = learn.tuned, w = net.a.w
"""

# Each iteration draws for itself, also in a map inside a map and in a scan inside a map; a read is the same draw again.
DRAWS = HEAD + """
fn differ(u: [n]) -> [] { let s, i = sort(u); return sum(f32(s[1..] > s[0..-1])) }
stage learn {
  on d.all batch 4
  state differences: [6] = zeros()
  let flat = each v in d.x => uniform([2])
  let nested = each i in range(4) => each j in range(4) => uniform([])
  let scanned = each i in range(3) => looped(3)
  let twice = each v in d.x => (uniform([]), uniform([]))
  update differences = stack([differ(reshape(flat, [8])), differ(reshape(nested, [16])), differ(reshape(scanned, [9])),
                              differ(concat([twice[0], twice[1]])), sum(abs(flat - flat)), differ(learn_noise())])
  run net(d.y)
  minimize mean(net(d.y)); optimizer sgd(0.1); steps 1
}
fn looped(k: int) -> [k] { let r = scan i in range(k) from c = 0.0 { next c = c; yield uniform([]) }; return r.out }
fn learn_noise() -> [4] = each i in range(4) => normal([])
model net = slope(1.0)
report differences = learn.differences
"""

STATES = """import std
module counter() (x: [n]) -> [n] {
  state mean_seen: [] = 0 merge average; state most: [] = 0 merge max; state count: int = 0 merge sum
  update mean_seen = mean(x); update most = max(x); update count = 1
  return x
}
module keeper() (x: [n]) -> [n] { state last: [] = 0; update last = max(x); return x }
domain d { generate samples(4, fn(i) => (x: f32(i) + f32(iota(2)))); fields x: f32[2] }
model net { seen = counter(); scanned = counter(); both = counter(); w = linear(1) }
stage learn {
  on d.all batch 4
  run each v in d.x => net.seen(v)
  run (scan v in d.x from c = 0.0 => c + sum(net.scanned(v))).c
  run each v in d.x => each s in v => net.both(full([1], s))
  run net.both(d.x[.., 0])
  minimize mean(net.w(d.x)); optimizer sgd(0.1); steps 1
}
report seen = [net.seen.mean_seen, net.seen.most, f32(net.seen.count)], scanned = [net.scanned.mean_seen, net.scanned.most, f32(net.scanned.count)],
       both = [net.both.mean_seen, net.both.most, f32(net.both.count)]
"""

# What is computed for each sample of a whole split is what a step computes for its batch: filters of all samples, several images a
# sample, windows, and gradients of them.
CONVOLUTIONS = """import std
domain d { generate samples(8, fn(i) => (image: uniform([6, 6, 2]), pair: uniform([3, 6, 6, 2]))); fields image: f32[6, 6, 2], pair: f32[3, 6, 6, 2] }
module small() (x: [n, h, w, c]) -> [n, p] { a = conv(3, kernel: 3, stride: 2); b = conv(2, kernel: 3, padding: "valid"); return sum(tanh(b(max_pool(tanh(a(x)), 1))), axis: (1, 2)) }
model net = small()
fn fisher(m: module, x: [n, h, w, c]) -> [] = total(mean(each v in x => square(grad(sum(m(expand(v, axis: 0))), wrt: m))))
fn tuned(m: module, x: [n, k, h, w, c]) -> [n] = each v in x => sum((m - 0.1 * grad(sum(m(v)), wrt: m))(v))
fn pooled(x: [n, k, h, w, c]) -> [n] = each v in x => sum(square(max_pool(v, 2))) + sum(square(net(v)))
stage learn {
  on d.all batch 8
  state fisher_seen: [] = 0; state tuned_seen: [] = 0; state pooled_seen: [] = 0
  update fisher_seen = fisher(net, d.image); update tuned_seen = mean(tuned(net, d.pair)); update pooled_seen = mean(pooled(d.pair))
  minimize mean(net(d.image)); optimizer sgd(0.0); steps 1
}
evaluate d.all { report fisher = fisher(net, d.image), tuned = mean(tuned(net, d.pair)), pooled = mean(pooled(d.pair)),
  fisher_seen = learn.fisher_seen, tuned_seen = learn.tuned_seen, pooled_seen = learn.pooled_seen }
"""

# Program 5 without its sampler: tasks are lines through the origin; and Reptile's step (program 21) beside it.
TASKS = """import std
fn line(i: int) -> (sx: [4, 2], sy: [4], qx: [4, 2], qy: [4]) {
  let w = normal([2]); let sx = normal([4, 2]); let qx = normal([4, 2])
  return (sx: sx, sy: sx @ w, qx: qx, qy: qx @ w)
}
domain d { generate samples(64, fn(i) => line(i)); fields sx: f32[4, 2], sy: f32[4], qx: f32[4, 2], qy: f32[4] }
fn fit(m: module, x: [n, k], y: [n]) -> [] = mean(square(squeeze(m(x), axis: 1) - y))
model net = linear(1)
model slow = linear(1)
stage meta {
  on d.all as task batch 8
  let learned = fn(t) => descend(net, fn(m) => fit(m, t.sx, t.sy), rate: 0.2, steps: 4)
  loss query = mean(each t in task => fit(learned(t), t.qx, t.qy))
  minimize query
  apply mean(each u in task => slow - descend(slow, fn(m) => fit(m, u.sx, u.sy), rate: 0.2, steps: 4)) to slow using sgd(0.25)
  optimizer adam(1e-2); epochs 8
}
evaluate d.all as task {
  report learned = mean(each t in task => fit(meta.learned(t), t.qx, t.qy)), plain = mean(each t in task => fit(net, t.qx, t.qy)), slow = norm(slow), net = norm(net)
}
"""

# A batch with a bounded dimension: sample i has i + 1 real entries (2j, 2j + 1) + i, behind them is 1e6.
RAGGED = """import std
fn ragged(i: int) {
  let x = f32(reshape(iota(8), [4, 2])) + f32(i)
  return (x: bounded(where(expand(iota(4), axis: 1) <= i, x, 1e6), i + 1), kind: bounded(where(iota(4) <= i, classes(iota(4) % 3, 3), 2), i + 1), y: f32(i))
}
domain d { generate samples(3, fn(i) => ragged(i)); fields x: f32[k <= 4, 2], kind: class(3)[k], y: f32 }
fn rows(x: [n, k, c]) -> [n, c] = each v in x => sum(v, axis: k)
fn walked(v: [k]) -> [] = (scan a in v along k from s = 0.0 { next s = 2 * s + a }).s
fn positive(v: [k, c]) -> [m <= 3, c] = compact(v, v[.., 0] > 2, at_most: 3)
"""
RAGGED_EACH = RAGGED + """
evaluate d.all {
  let twice = each v, y in (d.x, d.y) => y * v
  let some = each v in d.x => positive(v)
  let tails = each v in d.x => v[1.., 0]
  let nested = each v in d.x => each c in v along 1 => sum(c)
  let source = each s in d => sum(s.x[.., 0]) + s.y
  report rows = sum(rows(d.x), axis: 0), length = sum(each v in d.x => f32(length(v))), mean = sum(each v in d.x => mean(v, axis: 0), axis: 0),
         most = sum(each v, c in (d.x, d.kind) => max(where(c == 1, v[.., 0], -1))), walked = each_sum(d.x), twice = sum(twice), joined = sum(twice + d.x),
         kept = sum(some), counts = sum(f32(length(some))), tails = sum(tails), tail_count = sum(f32(length(tails))), nested = sum(nested, axis: 0),
         source = sum(source), products = sum(each v in d.x => sum(v @ transpose(v))), best = sum(f32(each v in d.x => argmax(v[.., 0], axis: 0))),
         dense = sum(each v in d.x => sum(dense(v, -1)))
}
fn each_sum(x: [n, k, c]) -> [] = sum(each v in x => walked(v[.., 1]))
"""
# The same in a step, where batches have a fixed size, and by parameters and fields: what is not real has no slope.
RAGGED_STEP = RAGGED + """
module scaled(start: float) (x: [n, c]) -> [n, c] { param w: [] = full([], start); return w * x }
model net { a = scaled(2.0) }
stage learn {
  on d.all batch 3
  state seen: [] = 0; state rise: [] = 0
  let loss_of = fn(m) => mean(each v in d.x => mean(m(v)))
  update seen = total(grad(loss_of(net.a), wrt: net.a)); update rise = sum(dense(grad(loss_of(net.a), wrt: d.x), 0))
  minimize loss_of(net.a)
  optimizer sgd(0.5); steps 1
}
report w = net.a.w, seen = learn.seen, rise = learn.rise
"""

WRONG = {
    "list": ("each v in [1.0, 5.0] => v", "a list is walked by"),
    "number": ("each v in 3 => v", "goes over 'range"),
    "extents": ("each a, b in (d.x, ones([3])) => sum(a) + b", "has one extent along the axis"),
    "scalar": ("each v in mean(d.x) => v", "axis 0 is outside"),
    "names": ("each a, b, c in (d.x, d.y) => a", "3 names for 2 values"),
    "function": ("each v in d.x => fn(y) => y", "gives tensors, found a function"),
    "along bounded": ("each v in bounded(d.x, int(d.y) % 3 + 1) along 1 => v", "'each' cannot go along a bounded dimension"),
    "tensor list": ("each v in (d.x, [d.y, d.y]) => v", "here is a list"),
}


class Each(harness.Case):
    def values(self, text):
        return figures(self.results(self.build(text), "--seed", 3), "report")

    def test_what_it_goes_over_and_gives(self):
        found = figures(self.results(self.build(MIXTURES)), "d.all")
        xs = [[i + 1.0, i + 2.0, i + 3.0] for i in range(4)]
        ys = [2.0 * i for i in range(4)]
        columns = [sum(row[j] for row in xs) for j in range(3)]
        expected = {
            "whole": sum(sum(v) - v[0] for v in xs),
            "pair": [sum(y * v[j] for v, y in zip(xs, ys)) for j in range(3)],
            "nested": [sum(v[j] * y + v[j] for v, y in zip(xs, ys)) for j in range(3)],
            "source": sum(y + v[1] for v, y in zip(xs, ys)), "total": sum(sum(v) + 1 for v in xs),
            "twice": [2 * c for c in columns], "ones": 4, "closed": 3.0 * sum(v[0] for v in xs), "rows": [6, 15],
            "columns": [[single(1 / 5), single(2 / 7), single(3 / 9)], [single(4 / 5), single(5 / 7), single(6 / 9)]],
            "numbers": [0, 10, 20], "products": [[0, 1, 2], [10, 11, 12]], "negative": [4, 5, 6]}
        for name, value in expected.items():
            self.assertEqual(single(found[name]), value, name)

    def test_gradients(self):
        found = self.values(GRADIENTS)
        xs, ys = [1, 2, 3, 4], [0, 2, 4, 6]
        each = [2 * 2 * y * x for x, y in zip(xs, ys)]          # d/dw of w^2 y x
        sums = [3 * x + 3 for x in xs]
        norms = [x * x + (x + 1) ** 2 + (x + 2) ** 2 for x in xs]
        self.assertEqual(found["squares"], sum(g * g for g in each) / 4)
        self.assertEqual(found["seen"], [sum(each), sum(s * s for s in sums) / 4, sum(ys) / 4])
        self.assertEqual(found["through"], 2 * 2 * sum(norms))
        # (w - w y x / 2) x, and its derivative (1 - y x / 2) x
        self.assertEqual(found["tuned"], sum((2 - y * x) * x for x, y in zip(xs, ys)) / 4)
        self.assertEqual(found["w"], 2 - 0.125 * sum((1 - y * x / 2) * x for x, y in zip(xs, ys)) / 4)

    def test_draws(self):
        self.assertEqual(self.values(DRAWS)["differences"], [7, 15, 8, 7, 0, 3])

    def test_states(self):
        found = self.values(STATES)
        self.assertEqual(found["seen"], [2, 4, 4])
        self.assertEqual(found["scanned"], [2, 4, 4])
        # Eight calls with a mean of 2, and one with 1.5, in which the largest is 3.
        self.assertEqual(single(found["both"]), single([(8 * 2 + 1.5) / 9, 4, 9]))

    def test_convolutions(self):
        found = figures(self.results(self.build(CONVOLUTIONS)), "d.all")
        for name in ("fisher", "tuned", "pooled"):
            # Sums of a few hundred products in another order.
            self.assertAlmostEqual(found[name], found[name + "_seen"], delta=1e-4 * abs(found[name]), msg=name)
            self.assertGreater(abs(found[name]), 0.01)

    def test_inner_loops(self):
        found = figures(self.results(self.build(TASKS), "--seed", 3), "d.all")
        self.assertLess(found["learned"], found["plain"] / 2)
        self.assertLess(found["slow"], 1)    # lines of all directions: both starts go to the middle
        self.assertLess(found["net"], 1)

    def test_bounded(self):
        found = figures(self.results(self.build(RAGGED_EACH)), "d.all")
        xs = [[[2 * j + i, 2 * j + 1 + i] for j in range(i + 1)] for i in range(3)]
        kept = [[row for row in x if row[0] > 2][:3] for x in xs]
        column = [[row[1] for row in x] for x in xs]
        everything = sum(v for x in xs for row in x for v in row)
        twice = sum(i * v for i, x in enumerate(xs) for row in x for v in row)
        expected = {
            "rows": [sum(row[c] for x in xs for row in x) for c in range(2)], "length": 6,
            "mean": [sum(sum(row[c] for row in x) / len(x) for x in xs) for c in range(2)],
            "most": sum(max(row[0] if j % 3 == 1 else -1 for j, row in enumerate(x)) for x in xs),
            "walked": sum(sum(v * 2 ** (len(x) - 1 - j) for j, v in enumerate(x)) for x in column),
            "twice": twice, "joined": twice + everything, "kept": sum(v for x in kept for row in x for v in row), "counts": sum(map(len, kept)),
            "tails": sum(row[0] for x in xs for row in x[1:]), "tail_count": 3, "nested": [sum(row[c] for x in xs for row in x) for c in range(2)],
            "source": sum(row[0] for x in xs for row in x) + 3, "products": sum(sum(row[c] for row in x) ** 2 for x in xs for c in range(2)),
            "best": 3, "dense": everything - 2 * (3 + 2 + 1)}
        self.assertEqual({name: single(value) for name, value in found.items()}, single_all(expected))

    def test_bounded_step(self):
        found = self.values(RAGGED_STEP)
        means = [sum(v for j in range(i + 1) for v in (2 * j + i, 2 * j + 1 + i)) / (2 * (i + 1)) for i in range(3)]
        self.assertEqual(single([found["seen"], found["rise"], found["w"]]), single([sum(means) / 3, 2.0, 2 - 0.5 * sum(means) / 3]))

    def test_refused(self):
        for name, (text, says) in WRONG.items():
            with self.subTest(name):
                program = self.write(f"{name}.xfer", HEAD + "evaluate d.all { report value = sum(" + text + ") }\n")
                self.refuse(says, harness.XFERC, "check", program)
        text = STATES.replace("seen = counter()", "seen = keeper()").split("report seen")[0]
        self.refuse("is written by each iteration of a loop and has no 'merge'", harness.XFERC, "check", self.write("once.xfer", text))


def single_all(values):
    return {name: single(value) for name, value in values.items()}


if __name__ == "__main__":
    harness.main()
