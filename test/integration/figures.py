"""Figures by execution: what is evaluated after each epoch and at the end, over splits that no batch divides."""
import csv
import math
import unittest
import harness
from harness import figures, single

HEAD = """import std
module slope(start: float) (x: [n]) -> [n] { param w: [] = full([], start); return w * x }
domain d {
  generate samples(10, fn(i) => (x: 1.0 + 0 * f32(i), number: f32(i)))
  fields x: f32, number: f32
}
domain v {
  generate samples(7, fn(i) => (x: f32(i), y: classes(i % 2, 2)))
  fields x: f32, y: class(2)
}
model net = slope(1.0)
"""

KEEP = HEAD + """
fn patience(epochs: int, given stale: int) -> bool = stale >= epochs
stage rising {
  on d.all batch 5
  minimize mean(net(d.x))
  optimizer sgd(0.125); epochs 20
  keep best -square(net.w - 0.25) * mean(v.x) over v.all
  stop when patience(2)
  watch far = square(net.w - 0.25) over v.all
  watch there = mean(net(v.x)) over v.all
  watch shown = mean(net(d.x))
  state final: [] = 0; state sum: [] = 0
  update final = net.w after stage
  update sum = sum + net.w
}
stage falling {
  on d.all batch 5
  update net = params(net) + 1 before stage
  minimize mean(net(d.x))
  optimizer sgd(0.125); epochs 3
  keep least square(net.w - 0.75) over d.all
}
baseline before of rising
evaluate v.all batch 3 {
  let p = net(v.x)
  predict stack([1 - p, p], axis: 1) against v.y
  report accuracy, confusion, macro_f1, middle = mean(p), total = sum(v.x), largest = max(v.x), count = sum(ones([size(v.x, 0)])), rows = size(v.x, 0)
}
evaluate v.all batch 4 { predict stack([net(v.x), v.x], axis: 1) }
report final = rising.final, w = net.w, sum = rising.sum
"""

# Equal figures keep the earliest epoch; NaN never wins.
TIES = HEAD + """
stage ties {
  on d.all batch 5
  minimize mean(net(d.x)); optimizer sgd(0.125); epochs 4
  keep best 0 * net.w over v.all
  state kept: [] = 0
  update kept = net.w after stage
}
stage nothing {
  on d.all batch 5
  minimize mean(net(d.x)); optimizer sgd(0.125); epochs 4
  keep best log(net.w) over v.all
  state kept: [] = 0
  update kept = net.w after stage
}
report ties = ties.kept, nan = nothing.kept
"""

# Splits of several sizes in one expression: each sum is over its own.
SEVERAL = HEAD + """
domain b { generate samples(5, fn(i) => (x: f32(i))); fields x: f32; split one: 0.6, two: 0.4 }
stage learn { on v.all batch 7; minimize mean(net(v.x)); optimizer sgd(0.0); epochs 1 }
evaluate b.one as o, b.two as t { report one = sum(o.x), two = sum(t.x), both = sum(o.x) + sum(t.x), rows = size(o.x, 0) + size(t.x, 0) }
evaluate v.all, b.all, d.all { report sums = sum(v.x) - sum(b.x) * sum(d.number), means = mean(net(v.x)) + mean(concat([net(b.x)])), largest = max(v.x) + max(b.x) }
"""

# Matrices with a split on one side or on both.
MATRICES = """import std
domain a { generate samples(7, fn(i) => (x: stack([f32(i), 1.0 + 0 * f32(i), f32(i % 3)]), y: classes(i % 2, 2))); fields x: f32[3], y: class(2) }
domain b { generate samples(5, fn(i) => (x: stack([f32(i) + 2, f32(i % 2), 1.0 + 0 * f32(i)]), y: classes(i % 2, 2))); fields x: f32[3], y: class(2) }
model net = linear(2)
stage learn { on a.all batch 7; minimize cross_entropy(net(a.x), a.y); optimizer sgd(0.0); epochs 1 }
evaluate a.all, b.all {
  let k = a.x @ transpose(b.x)
  report distance = sum(squared_distance(a.x, b.x)), k = sum(k), rows = sum(max(k, axis: 1)), columns = sum(max(k, axis: 0)),
         places = sum(f32(argmax(k, axis: 1))), aa = sum(a.x @ transpose(a.x)), bb = sum(transpose(b.x) @ b.x),
         outer = sum(expand(sum(a.x, axis: 1), axis: 1) * expand(sum(b.x, axis: 1), axis: 0)), soft = sum(softmax(transpose(k)))
}
"""

# Splits of 7 and 5 samples as one: what is computed of each sample, sums, and what reads all samples at once.
JOINED = """import std
domain a { generate samples(7, fn(i) => (x: stack([f32(i), 1.0 + 0 * f32(i), f32(i % 3)]), y: classes(i % 2, 2))); fields x: f32[3], y: class(2) }
domain b { generate samples(5, fn(i) => (x: stack([f32(i) + 2, f32(i % 2), 1.0 + 0 * f32(i)]), y: classes(i % 2, 2))); fields x: f32[3], y: class(2) }
module tripled() (x: [n, d]) -> [n, d] { param w: [] = full([], 3); return w * x }
model net = tripled()
fn gram(x: [n, d]) -> [n, n] = x @ transpose(x)
fn both(x: [n, d], z: [m, d]) -> [n + m, d] = concat([x, z])
fn domains(x: [n, d], z: [m, d]) -> [n + m] = concat([zeros([n]), ones([m])])
# The bias of a logistic regression of the domain alone, by gradient descent on all samples: log(5 / 7) in the end.
fn fitted(x: [n, d], z: [m, d]) -> [] {
  let r = scan i in range(400) from w = 0.0 { next w = w - 4 * grad(binary_cross_entropy(0 * mean(both(x, z), axis: 1) + w, domains(x, z)), wrt: w) }
  return r.w
}
stage learn { on a.all batch 7; minimize mean(net(a.x)); optimizer sgd(0.0); steps 1 }
evaluate a.all, b.all batch 2 {
  let x = concat([a.x, b.x])
  let f = net(x)
  let order, places = sort(x[.., 0])
  report count = size(x, 0), rows = size(a.x, 0) + size(b.x, 0) + 1, mean = mean(f, axis: 0), deviation = sqrt(mean(square(x[.., 0] - mean(x[.., 0])))),
         most = max(f), least = min(x), all = f32(all(x[.., 0] < 7)), product = prod(x[.., 0] + 1), hits = sum(f32(concat([a.y, b.y]) == 1)),
         gram = sum(gram(x) * expand(iota(size(x, 0)), axis: 1)), self = sum(transpose(f) @ f), median = gather(order, [6])[0], place = gather(places, [11])[0], first = gather(order, [0])[0],
         three = sum(concat([a.x, b.x, a.x, ones([2, 3])])), half = sum(domains(a.x, b.x)), swapped = sum(concat([b.x, a.x]) * expand(concat([ones([size(b.x, 0)]), zeros([size(a.x, 0)])]), axis: 1)),
         slope = total(grad(sum(square(concat([net(a.x), net(b.x)]))), wrt: net)), rise = [sum(grad(sum(concat([a.x, b.x]) * expand(iota(size(x, 0)), axis: 1)), wrt: part), axis: 0) for part in [a.x, b.x]],
         deep = sum(square(concat([net(concat([b.x, a.x])), b.x])), axis: 0), fitted = fitted(a.x, b.x), mmd = mmd(x, b.x, width: 2), distance = a_distance(concat([a.x, b.x]), b.x + 30)
  predict concat([a.x[.., ..2], b.x[.., ..2]]) against concat([a.y, b.y])
  report accuracy, confusion
}
"""

# What goes through windows and through loops, too, and what is drawn anew for the interval of a gain.
JOINED_NETS = """import std
domain a { generate samples(7, fn(i) => (x: uniform([12, 12, 1]), t: normal([5, 3]), y: classes(i % 3, 3))); fields x: f32[12, 12, 1], t: f32[5, 3], y: class(3) }
domain b { generate samples(9, fn(i) => (x: uniform([12, 12, 1]), t: normal([5, 3]), y: classes(i % 3, 3))); fields x: f32[12, 12, 1], t: f32[5, 3], y: class(3) }
module reader() (x: [n, t, d]) -> [n, 4] { cell = lstm(4); return cell(x).last }
model net { trunk = sequential([conv(4, 3), batch_norm(), relu, fn(x) => max_pool(x, size: 2), flatten, linear(3)]); words = reader() }
stage learn { on a.all batch 7; minimize cross_entropy(net.trunk(a.x), a.y) + mean(net.words(a.t)); optimizer sgd(0.1); steps 3 }
baseline start of learn { minimize 0.0001 * cross_entropy(net.trunk(a.x), a.y) }
evaluate a.all, b.all batch 4 {
  let p = softmax(net.trunk(concat([a.x, b.x])))
  let apart = concat([net.words(a.t), net.words(b.t)])
  predict p against concat([a.y, b.y])
  report accuracy, transfer_gain, off = max(abs(p - concat([softmax(net.trunk(a.x)), softmax(net.trunk(b.x))]))), words = max(abs(net.words(concat([a.t, b.t])) - apart)),
         size = max(abs(apart)), single = accuracy(softmax(net.trunk(a.x)), a.y) * 7 + accuracy(softmax(net.trunk(b.x)), b.y) * 9
}
"""


class Figures(harness.Case):
    def train(self, text, *arguments):
        return self.results(self.build(text), "train", "--out", "run", "--overwrite", *arguments)

    def test_keep_stop_watch(self):
        results = self.train(KEEP)
        lines = self.lines()
        rising = [line for line in lines if line.get("stage") == "rising" and "shown" in line]
        # 1, then 1/4 less an epoch: best at the third, and patience ends the stage two epochs later.
        self.assertEqual(len(rising), 5)
        for epoch, line in enumerate(rising):
            w = 1 - 0.25 * (epoch + 1)
            self.assertEqual(line["far"], (w - 0.25) ** 2)
            self.assertEqual(line["there"], 3 * w)
            self.assertEqual(line["keep"], -3 * (w - 0.25) ** 2)
            self.assertEqual(line["shown"], w + 0.1875)
        found = figures(results, "report")
        # States go back with the model: the sum is that of the six steps up to the best epoch.
        self.assertEqual((found["final"], found["w"], found["sum"]), (0.25, 0.75, sum(1 - step / 8 for step in range(1, 7))))

    # 7 samples in batches of 3: the last one is padded, and no figure sees it.
    def test_last_batch(self):
        results = self.train(KEEP)
        found = figures(results, "v.all")
        predicted = [int(0.75 * x > 1 - 0.75 * x) for x in range(7)]
        truth = [x % 2 for x in range(7)]
        table = [[sum(t == row and p == column for t, p in zip(truth, predicted)) for column in range(2)] for row in range(2)]
        self.assertEqual(found["confusion"], table)
        self.assertEqual(single(found["accuracy"]), single(sum(t == p for t, p in zip(truth, predicted)) / 7))
        scores = [2 * table[k][k] / (sum(table[k]) + table[0][k] + table[1][k]) for k in range(2)]
        self.assertAlmostEqual(found["macro_f1"], sum(scores) / 2, places=6)
        self.assertEqual((found["total"], found["largest"], found["count"], found["rows"]), (21, 6, 7, 7))
        self.assertEqual(found["middle"], 2.25)
        before = results["runs"][0]["evaluations"][0]["baselines"]["before"]
        self.assertEqual((before["middle"], before["count"]), (0.75, 7))

    # Without `against` the predictions are written, a row a sample, in the order of the data.
    def test_predictions(self):
        self.train(KEEP)
        path = self.folder / "run/predictions-v.all_2.csv"
        rows = list(csv.reader(path.read_text().splitlines()))
        self.assertEqual(rows[0], ["sample", "row", "value[0]", "value[1]"])
        self.assertEqual([[float(cell) for cell in row] for row in rows[1:]], [[i, i, 0.75 * i, i] for i in range(7)])

    def test_several_sizes(self):
        results = self.train(SEVERAL)
        found = figures(results, "b.one")
        self.assertEqual((found["both"], found["rows"]), (10, 5))
        self.assertEqual(found["one"] + found["two"], 10)
        found = figures(results, "v.all")
        self.assertEqual((found["sums"], found["means"], found["largest"]), (21 - 10 * 45, 5, 10))

    def test_matrices_of_splits(self):
        found = figures(self.train(MATRICES), "a.all")
        a, b = [(i, 1, i % 3) for i in range(7)], [(i + 2, i % 2, 1) for i in range(5)]
        k = [[sum(p * q for p, q in zip(x, y)) for y in b] for x in a]
        self.assertAlmostEqual(found.pop("distance"), sum(sum((p - q) ** 2 for p, q in zip(x, y)) for x in a for y in b), places=4)
        self.assertAlmostEqual(found.pop("soft"), 5, places=5)
        self.assertEqual(found, {"k": sum(map(sum, k)), "rows": sum(map(max, k)), "columns": sum(map(max, zip(*k))),
                                 "places": sum(row.index(max(row)) for row in k), "aa": sum(sum(c) ** 2 for c in zip(*a)),
                                 "bb": sum(sum(y) ** 2 for y in b), "outer": sum(map(sum, a)) * sum(map(sum, b))})

    def test_joined_splits(self):
        """Two splits of unequal size, one after the other, streamed and kept."""
        a, b = [(i, 1, i % 3) for i in range(7)], [(i + 2, i % 2, 1) for i in range(5)]
        x = a + b
        for flags in ((), ("--disable=stream",)):
            found = figures(self.results(self.build(JOINED, *flags), "train", "--out", "run", "--overwrite"), "a.all")
            self.assertEqual((found["count"], found["rows"], found["most"], found["least"], found["all"], found["hits"]), (12, 13, 18, 0, 1, 5))
            for value, column in zip(found["mean"], zip(*x)):
                self.assertAlmostEqual(value, 3 * sum(column) / 12, places=5)
            first = [row[0] for row in x]
            mean = sum(first) / 12
            self.assertAlmostEqual(found["deviation"], (sum((v - mean) ** 2 for v in first) / 12) ** 0.5, places=5)
            product = 1
            for v in first:
                product *= v + 1
            self.assertAlmostEqual(found["product"] / product, 1, places=5)
            self.assertEqual(found["gram"], sum(i * sum(p * q for p, q in zip(u, v)) for i, u in enumerate(x) for v in x))
            self.assertEqual(found["self"], 9 * sum(sum(p * q for row in x for p, q in [(row[i], row[j])]) for i in range(3) for j in range(3)))
            ordered = sorted(range(12), key=lambda i: first[i])
            self.assertEqual((found["median"], found["place"], found["first"]), (first[ordered[6]], ordered[11], first[ordered[0]]))
            self.assertEqual((found["three"], found["half"]), (sum(map(sum, a + b + a)) + 6, 5))
            self.assertEqual(found["swapped"], sum(map(sum, b)))
            self.assertEqual(found["slope"], 6 * sum(v * v for row in x for v in row))
            self.assertEqual(found["rise"], [[sum(range(7))] * 3, [sum(range(7, 12))] * 3])
            self.assertEqual(found["deep"], [9 * sum(v * v for v in column) + sum(v * v for v in second) for column, second in zip(zip(*x), zip(*b))])
            self.assertAlmostEqual(found["fitted"], math.log(5 / 7), places=4)
            kernel = lambda u, v: math.exp(-sum((p - q) ** 2 for p, q in zip(u, v)) / 8)
            within = lambda rows: sum(kernel(u, v) for i, u in enumerate(rows) for j, v in enumerate(rows) if i != j) / (len(rows) * (len(rows) - 1))
            self.assertAlmostEqual(found["mmd"], within(x) + within(b) - 2 * sum(kernel(u, v) for u in x for v in b) / 60, places=5)
            self.assertEqual(found["distance"], 2)
            hits = [int((row[1] > row[0]) == (i % 2)) for rows in (a, b) for i, row in enumerate(rows)]
            self.assertAlmostEqual(found["accuracy"], sum(hits) / 12, places=6)
            self.assertEqual(sum(map(sum, found["confusion"])), 12)

    def test_nets_of_joined_splits(self):
        results = self.train(JOINED_NETS)
        found = figures(results, "a.all")
        self.assertEqual((found["off"], found["words"]), (0, 0))
        self.assertGreater(found["size"], 0.01)
        self.assertAlmostEqual(found["accuracy"], found["single"] / 16, places=6)
        low, high = results["runs"][0]["evaluations"][0]["intervals"]["transfer_gain"]["start"]
        self.assertLessEqual(low, found["transfer_gain"])
        self.assertGreaterEqual(high, found["transfer_gain"])

    def test_built_in(self):
        """Functions of the language that its library does not use itself, on what is no data."""
        results = self.train("report whole = f32(all(iota([4]) < 4)), part = f32(all(iota([4]) < 3)), truth = sum(f32(bool(iota([3])))),\n"
                             "       real = sum(bounded(ones([2, 3]), iota([2]) + 1))\n")
        self.assertEqual(figures(results, "report"), {"whole": 1, "part": 0, "truth": 2, "real": 3})

    def test_library(self):
        """Functions of the library on an image of four values and on two of eight."""
        results = self.train("import std\nfn image() = unit(reshape(f32(iota([4])) / 4, [2, 2, 1]))\n"
                             "report inverted = sum(invert(image())), turned = max(abs(rotate(image(), degrees: 0) - image())),\n"
                             "       pooled = global_max_pool(reshape(f32(iota([16])), [2, 2, 2, 2]))\n")
        self.assertEqual(figures(results, "report"), {"inverted": 2.5, "turned": 0, "pooled": [[6, 7], [14, 15]]})

    def test_ties_and_nan(self):
        found = figures(self.train(TIES), "report")
        # nothing: 0.75 goes to 0.5, 0.25, 0, -0.25; log(0) is -inf, log(-0.25) NaN.
        self.assertEqual((found["ties"], found["nan"]), (0.75, 0.5))


# Figures of pixels keep a few numbers a sample.
PIXELS = """import std
domain cells {
  generate samples(COUNT, fn(i) => (image: uniform([64, 64, 1]), mask: classes(uniform_int([64, 64], below: 3), 3)))
  fields image: f32[64, 64, 1], mask: class(3)[64, 64]
}
module shifted() (x: [n, h, w, c]) -> logits[n, h, w, 3] { param bias: [3] = zeros(); return concat([1 - 2 * x, 0 * x + 0.1, 2 * x - 1], axis: -1) + bias }
model net = shifted()
evaluate cells.all batch BATCH { predict softmax(net(cells.image)) against cells.mask
  report mean_iou, accuracy, log_loss, square = mse(net(cells.image), 0.5), middle = mean(cells.image), most = max(cells.image), three = mean(softmax(net(cells.image)), axis: [0, 1, 2]) }
"""

SUMS = """import std
domain d { generate samples(1000, fn(i) => (n: i, x: f32(i))); fields n: int, x: f32 }
module shift() (x: [n]) -> [n] { param a: [] = zeros(); return x + a }
model net = shift()
evaluate d.all batch 7 {
  report ints = sum(d.n * d.n), pairs = sum(onehot(d.n % 3, 3) * expand(net(d.x), axis: 1), axis: 0), mean = mean(exp(net(d.x) / 1000)),
         large = sum(where(d.n == 0, 16777216.0, 1.0) + 0 * net(d.x)), norm = sum(square(net(d.x) - sum(d.x) / 1000))
}
"""
WIDE = """import std
domain d { generate samples(COUNT, fn(i) => (x: f32(i) / COUNT)); fields x: f32 }
model net = mlp([8, 512])
evaluate d.all batch 64 { report middle = mean(mean(net(expand(d.x, axis: 1)), axis: 0)), sure = sum(square(mean(softmax(net(expand(d.x, axis: 1))), axis: 0))) }
"""


class Pixels(harness.Case):
    def evaluate(self, count, batch):
        text = PIXELS.replace("COUNT", str(count)).replace("BATCH", str(batch))
        results = self.results(self.build(text), "train", "--out", "run", "--overwrite")
        return figures(results, "cells.all"), results["peak_memory"]

    def test_any_batch(self):
        one, _ = self.evaluate(61, 8)
        for batch in (61, 1):
            other, _ = self.evaluate(61, batch)
            for name in ("mean_iou", "accuracy", "most"):        # of counts below 2^24
                self.assertEqual(one[name], other[name])
            for name in ("log_loss", "square", "middle"):        # float32 sums of 249,856 numbers in another order
                self.assertAlmostEqual(one[name], other[name], delta=1e-5 * abs(one[name]))

    # Sums that are added up batch by batch are those of the rows, to the bit where they are counts or small; each is over its own split.
    def test_streamed(self):
        for text in (SEVERAL, PIXELS.replace("COUNT", "61").replace("BATCH", "8"), SUMS):
            streamed, kept = (self.results(self.build(text, *flags), "train", "--out", "run", "--overwrite")["runs"][0]["evaluations"]
                              for flags in ((), ("--disable=stream",)))
            for one, other in zip(streamed, kept):
                for name, value in one["figures"].items():
                    if name in ("log_loss", "square", "middle", "three", "mean", "large", "norm"):     # float32 against double
                        first = value if isinstance(value, list) else [value]
                        for a, b in zip(first, other["figures"][name] if isinstance(value, list) else [other["figures"][name]]):
                            self.assertAlmostEqual(a, b, delta=1e-5 * max(abs(a), 1e-2))
                    else:
                        self.assertEqual(value, other["figures"][name], name)
        found = figures(self.results(self.build(SUMS), "train", "--out", "run", "--overwrite"), "d.all")
        self.assertEqual(found["ints"], sum(i * i for i in range(1000)))
        self.assertEqual(found["pairs"], [sum(i for i in range(1000) if i % 3 == k) for k in range(3)])
        # Double totals: a million and a thousand small numbers are not lost.
        self.assertEqual(single(found["large"]), single(2 ** 24 + 999))

    # A mean of wide rows keeps its total alone.
    def test_memory_of_means(self):
        peaks = {}
        for flags in ((), ("--disable=stream",)):
            for count in (1000, 20000):
                text = WIDE.replace("COUNT", str(count))
                peaks[flags, count] = self.results(self.build(text, *flags), "train", "--out", "run", "--overwrite")["peak_memory"]
        self.assertLess(peaks[(), 20000] - peaks[(), 1000], 4 << 20)
        self.assertGreater(peaks[("--disable=stream",), 20000] - peaks[("--disable=stream",), 1000], 30 << 20)

    # 32 KiB of data a sample; rows of all pixels would be 112 KiB more.
    @unittest.skipIf("thread" in harness.SANITIZER, "what a sanitizer notes of memory is counted too")
    def test_memory(self):
        _, few = self.evaluate(100, 8)
        _, many = self.evaluate(1100, 8)
        self.assertLess(many - few, 1000 * (32 << 10) * 1.3)

# The interval of a gain: what it is on other draws of the samples, the same for model and baseline.
GAIN = """import std
domain d {
  generate train: samples(64, fn(i) => point(i)); generate test: samples(400, fn(i) => point(i))
  fields x: f32[2], y: class(2)
}
fn point(i) {
  let side = i % 2
  return (x: normal([2]) + stack([f32(side), 0.5 * f32(side)]), y: classes(side, 2))
}
model net = linear(2)
stage learn { on d.train batch 32; minimize cross_entropy(net(d.x), d.y); optimizer sgd(0.0001); epochs 1 }
baseline before of learn
stage more { on d.train batch 32; minimize cross_entropy(net(d.x), d.y); optimizer sgd(0.5); epochs 20 }
evaluate d.test batch 64 { predict softmax(net(d.x)) against d.y; report FIRST, transfer_gain }
evaluate d.test batch 64 { predict softmax(net(d.x)) }
"""


class Gains(harness.Case):
    def gain(self, first, *arguments):
        results = self.results(self.build(GAIN.replace("FIRST", first)), "train", "--out", "run", "--overwrite", *arguments)
        return results, results["runs"][0]["evaluations"][0]

    def test_interval(self):
        results, found = self.gain("accuracy")
        low, high = found["intervals"]["transfer_gain"]["before"]
        gain = found["gains"]["transfer_gain"]["before"]
        self.assertTrue(low < gain < high, found)
        # Of a difference of shares, per sample -1, 0 or 1: 1.96 deviations of the mean, by the paired counts' bounds.
        self.assertTrue(0.03 < high - low < 2 * 1.96 * 2 / 400 ** 0.5, found)
        # Draws are of the samples alone: equal models have no difference in any of them.
        again, _ = self.gain("accuracy", "--threads", "1")
        self.assertEqual(again["runs"][0]["evaluations"], results["runs"][0]["evaluations"])
        # `evaluate` judges the run again and finds the same.
        program = self.build(GAIN.replace("FIRST", "accuracy"))
        self.assertEqual(self.results(program, "evaluate", "--out", "run")["runs"][0]["evaluations"], results["runs"][0]["evaluations"])
        shown = self.run_ok(program, "evaluate", "--out", "run").stdout
        self.assertIn(f"[{low:+.4f}, {high:+.4f}]  {gain:+.4f}", shown)

    # Any figure of whole splits has one, here an area under a curve; the percentiles do not depend on the seed of the run.
    def test_other_figures(self):
        for first in ("roc_auc", "macro_f1", "gain = mean(square(net(d.x)))"):
            with self.subTest(first):
                _, found = self.gain(first)
                low, high = found["intervals"]["transfer_gain"]["before"]
                self.assertTrue(low < found["gains"]["transfer_gain"]["before"] < high, found)

    def test_equal_models(self):
        text = GAIN.replace("FIRST", "accuracy").replace("sgd(0.5); epochs 20", "sgd(0.0); epochs 1")
        found = self.results(self.build(text), "train", "--out", "run", "--overwrite")["runs"][0]["evaluations"][0]
        self.assertEqual(found["intervals"]["transfer_gain"]["before"], [0, 0])

    # A report of the program has no samples, so its gain has no interval.
    def test_without_samples(self):
        text = GAIN.replace("evaluate d.test batch 64 { predict softmax(net(d.x)) against d.y; report FIRST, transfer_gain }", "report size = dot(params(net), params(net)), transfer_gain")
        found = self.results(self.build(text), "train", "--out", "run", "--overwrite")["runs"][0]["evaluations"]
        report = [one for one in found if one["name"] == "report"][0]
        self.assertEqual(report["intervals"], {})
        self.assertNotEqual(report["gains"]["transfer_gain"]["before"], 0)


if __name__ == "__main__":
    harness.main()
