"""Modes by execution: `train(m)` and `eval(m)` against the mode of the place, and families of domains as lists."""
import harness
from harness import figures

MODES = """import std
module counting() (x: [n, d]) -> [n, d] { state calls: int = 0 merge sum; update calls = calls + 1; return x }
domain d { generate samples(40, fn(i) => (x: 1.0 + zeros([50]), y: f32(i))); fields x: f32[50], y: f32 }
model net { drop = dropout(0.5); seen = counting(); head = linear(1) }
stage learn {
  on d.all batch 40
  state trained: [3] = zeros()
  update trained = stack([mean(net.drop(d.x)), mean(eval(net.drop)(d.x)), f32(sum(int(eval(net.drop)(d.x) == 1)))])
  run net.seen(d.x)
  minimize mean(net.head(d.x)); optimizer sgd(0.0); steps 1
}
evaluate d.all batch 8 {
  let a = train(net.drop)(d.x); let b = train(net.drop)(d.x); let s = train(net.seen)(d.x)
  report plain = mean(net.drop(d.x)), kept = mean(f32(a == 2)), dropped = mean(f32(a == 0)), same = mean(f32(a == b)), rows = mean(f32(a[.., 0] == 2)),
         again = mean(f32(train(net.drop)(d.x) == a)), through = mean(s)
}
report trained = learn.trained, calls = net.seen.calls
"""

DEPTH = """import std
domain d { generate samples(400, fn(i) => (x: 1.0 + zeros([3, 5]))); fields x: f32[3, 5] }
model net { drop = stochastic_depth(0.25) }
evaluate d.all batch 80 {
  let a = train(net.drop)(d.x)
  report plain = mean(net.drop(d.x)), dropped = mean(f32(a[.., 0, 0] == 0)), kept = max(a), whole = mean(f32(a == expand(expand(a[.., 0, 0], axis: 1), axis: 1)))
}
"""

FAMILIES = """import std
for k in range(3) { domain part[k] { generate samples(4 + k, fn(i) => (x: f32(k) + zeros([2]), y: f32(k))); fields x: f32[2], y: f32 } }
model net = linear(1)
for k in range(3) { model local[k] = linear(1) }
stage learn {
  on [p.all for p in part] batch 2
  state seen: [4] = zeros()
  let means = [mean(p.x) for p in part] + [mean(part[0].y)]
  update seen = stack([means[-1], means[-2], sum([f32(i) * mean(p.y) for i, p in enumerate(part)]), sum([k * mean(p.y) for k, p in zip([1, 2, 3], part)])])
  minimize mean(net(part[0].x)) + sum([mean(m(part[0].x)) for m in local]); optimizer sgd(0.1); steps 1
}
state before: [3, 2] = stack([reshape(m.weight, [2]) for m in local])
update net = weighted_mean(local, weights: [size(p.all) for p in part])
report seen = learn.seen, domains = len(part), weight = reshape(net.weight, [2]), parts = [[m.weight[0, 0], m.weight[1, 0]] for m in local]
"""


class Modes(harness.Case):
    def test_modes(self):
        results = self.results(self.build(MODES), "--seed", 2)
        trained, calls = figures(results, "report")["trained"], figures(results, "report")["calls"]
        self.assertNotEqual(trained[0], 1)
        self.assertEqual(trained[1:], [1, 2000])
        self.assertEqual(calls, 1)                                   # evaluation writes no state
        found = figures(results, "d.all")
        self.assertEqual(found["plain"], 1)
        self.assertEqual(found["through"], 1)
        self.assertEqual(found["kept"] + found["dropped"], 1)
        self.assertAlmostEqual(found["kept"], 0.5, delta=0.06)        # 2000 draws: five deviations
        self.assertTrue(0.1 < found["rows"] < 0.9)                    # each sample draws for itself
        self.assertTrue(0.4 < found["same"] < 0.6)                    # two calls are two draws
        self.assertTrue(0.4 < found["again"] < 0.6)
        # A sample's draw does not depend on the batches of the evaluation.
        other = figures(self.results(self.build(MODES.replace("batch 8", "batch 40")), "--seed", 2), "d.all")
        self.assertEqual(found["kept"], other["kept"])

    def test_stochastic_depth(self):
        found = figures(self.results(self.build(DEPTH), "--seed", 2), "d.all")
        self.assertEqual(found["plain"], 1)
        self.assertAlmostEqual(found["kept"], 4 / 3, places=5)
        self.assertEqual(found["whole"], 1)                           # a sample goes around as a whole
        self.assertAlmostEqual(found["dropped"], 0.25, delta=0.09)    # 400 draws: four deviations

    def test_families(self):
        found = figures(self.results(self.build(FAMILIES), "--seed", 2), "report")
        self.assertEqual(found["seen"], [0, 2, 0 + 1 + 4, 0 + 2 + 6])
        self.assertEqual(found["domains"], 3)
        for place in range(2):
            expected = sum(size * part[place] for size, part in zip((4, 5, 6), found["parts"])) / 15
            self.assertAlmostEqual(found["weight"][place], expected, delta=1e-6)


if __name__ == "__main__":
    harness.main()
