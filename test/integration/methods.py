"""Methods of the field on small data by execution: each against the same written another way, or computed here."""
import re
import harness
from harness import XFERC, figures, read_weights, single

CLOUD = """import std
fn cloud(shift: float) { let y = uniform_int([], below: 2); return (x: normal([4]) + y + shift, y: classes(y, 2)) }
domain s { generate samples(48, fn(i) => cloud(0)); fields x: f32[4], y: class(2) }
domain t { generate samples(48, fn(i) => cloud(0.5)); fields x: f32[4], y: class(2); split train: 0.5, test: 0.5; hide y in train }
"""

# Saito et al. 2018: the second clause trains the heads against the generator, the third the generator against the heads.
MCD = CLOUD + """
fn class_balance(p: prob[n, k]) -> [] = -mean(log(mean(p, axis: n)))
model net { g = mlp([6]); f1 = mlp([5, 2]); f2 = mlp([5, 2]) }
stage mcd {
  on s.all, t.train batch 8
  let fs = net.g(s.x); let ft = net.g(t.x); let p1 = softmax(net.f1(ft)); let p2 = softmax(net.f2(ft))
  loss task = cross_entropy(net.f1(fs), s.y) + cross_entropy(net.f2(fs), s.y) + 0.01 * (class_balance(p1) + class_balance(p2))
  loss gap  = mean(abs(p1 - p2))
  minimize task
  minimize task - gap over net.f1, net.f2
  repeat 2 { minimize gap over net.g }
  optimizer adam(2e-3, weight_decay: 5e-4); epochs 3
  keep best information_maximization(net.f1(ft) + net.f2(ft)) over t.train
}
evaluate t.test { predict softmax(net.f1(net.g(t.x)) + net.f2(net.g(t.x))) against t.y; report accuracy }
"""

# The same: every clause names its values itself, what the clause does not train is snapshotted or detached, the repeat is written out.
MCD_AGAIN = CLOUD + """
fn class_balance(p: prob[n, k]) -> [] = -mean(log(mean(p, axis: n)))
fn fit(g, f1, f2, xs, y, xt) -> [] = cross_entropy(f1(g(xs)), y) + cross_entropy(f2(g(xs)), y) + 0.01 * (class_balance(softmax(f1(g(xt)))) + class_balance(softmax(f2(g(xt)))))
fn apart(g, f1, f2, xt) -> [] = mean(abs(softmax(f1(g(xt))) - softmax(f2(g(xt)))))
model net { g = mlp([6]); f1 = mlp([5, 2]); f2 = mlp([5, 2]) }
stage mcd {
  on s.all, t.train batch 8
  minimize fit(net.g, net.f1, net.f2, s.x, s.y, t.x)
  minimize fit(fn(x) => stop_gradient(net.g(x)), net.f1, net.f2, s.x, s.y, t.x) - apart(fn(x) => stop_gradient(net.g(x)), net.f1, net.f2, t.x)
  minimize apart(net.g, snapshot(net.f1), snapshot(net.f2), t.x)
  minimize apart(net.g, snapshot(net.f1), snapshot(net.f2), t.x)
  optimizer adam(2e-3, weight_decay: 5e-4); epochs 3
  keep best information_maximization(net.f1(net.g(t.x)) + net.f2(net.g(t.x))) over t.train
}
evaluate t.test { predict softmax(net.f1(net.g(t.x)) + net.f2(net.g(t.x))) against t.y; report accuracy }
"""

# Gulrajani et al. 2017 and Shen et al. 2018, without draws in the penalty so that the repeat can be written out.
WDGRL = CLOUD + """
fn penalty(critic: module, a: [n, d], b: [n, d]) -> [] {
  let z = stop_gradient(0.25 * a + 0.75 * b)
  return mean(square(norm(grad(sum(critic(z)), wrt: z), axis: d) - 1))
}
model net { trunk = mlp([6]); head = linear(2); critic = mlp([5, 1]) }
stage wdgrl {
  on s.all, t.train batch 8
  let fs = net.trunk(s.x); let ft = net.trunk(t.x)
  loss task     = cross_entropy(net.head(fs), s.y)
  loss distance = mean(net.critic(fs)) - mean(net.critic(ft))
  @
  minimize task + 0.1 * distance over net.trunk, net.head using adam(1e-3)
  epochs 3
}
evaluate t.test { predict softmax(net.head(net.trunk(t.x))) against t.y; report accuracy }
"""
CRITIC = "minimize -distance + 10 * penalty(net.critic, fs, ft) over net.critic using sgd(0.01)\n"

# Finn et al. 2017: the gradient goes through the inner step, and does not where the step is detached.
MAML = """import std
module slope() (x: [n]) -> [n] { param w: [] = ones(); return w * x }
domain d { generate samples(4, fn(i) => (x: 1.0 + 0 * f32(i))); fields x: f32 }
model second = slope()
model first = slope()
fn objective(m, x) -> [] = 0.5 * mean(square(m(x)))
stage inner {
  on d.all batch 4
  let tuned = descend(second, fn(m) => objective(m, d.x), rate: 0.25, steps: 2)
  let plain = descend(first, fn(m) => objective(m, d.x), rate: 0.25, steps: 2, second_order: false)
  minimize objective(tuned, d.x)
  minimize objective(plain, d.x)
  optimizer sgd(0.5); steps 2
}
report second = second.w, first = first.w
"""

# Parts that are handed over belong to the whole as those that it makes: with its fast weights, its copies and its averages.
HANDED = """import std
module slope() (x: [n]) -> [n] { param w: [] = ones(); return w * x }
module around(inner: module) (x: [n]) -> [n] { return 2 * inner(x) }
domain d { generate samples(4, fn(i) => (x: 1.0 + 0 * f32(i))); fields x: f32 }
model own { part = slope() }
model listed = sequential([slope(), fn(x) => 2 * x])
model wrapped = around(slope())
model ruled = sequential([slope()]) with { part[0] -> around(it) }
fn objective(m, x) -> [] = 0.5 * mean(square(m(x)))
for k in range(3) { state kept[k] = snapshot([listed, wrapped, ruled][k]) }
stage learn {
  on d.all batch 4
  state average = snapshot(listed)
  for m in [listed, wrapped, ruled] { minimize objective(descend(m, fn(f) => objective(f, d.x), rate: 0.0625, steps: 2), d.x) }
  minimize objective(descend(own.part, fn(f) => 4 * objective(f, d.x), rate: 0.0625, steps: 2), 2 * d.x)
  update average = mix(average, listed, 0.5)
  optimizer sgd(0.0625); steps 2
}
evaluate d.all {
  report own = mean(2 * own.part(d.x)), all = [mean(m(d.x)) for m in [listed, wrapped, ruled]], kept = [mean(k(d.x)) for k in kept], average = mean(learn.average(d.x)),
         moved = mean((listed - params(listed))(d.x)), plain = total(params(learn.average))
}
"""

# Several parts where one may stand, and each by itself.
PARTS = """import std
domain d { generate samples(8, fn(i) => (x: normal([4]), y: classes(i % 2, 2))); fields x: f32[4], y: class(2) }
model net { a = linear(3); b = sequential([linear(5), batch_norm(), linear(2)]) }
stage learn {
  on d.all batch 8
  START
  let fit = cross_entropy(net.b(net.a(d.x)), d.y)
  minimize fit + PENALTY
  optimizer sgd(0.1); steps 3
}
REPORT
"""
TOGETHER = PARTS.replace("START", "state start = snapshot([net.a, net.b])").replace("PENALTY", "0.3 * l2_sp([net.a, net.b], start) + 0.02 * l1([net.a, net.b]) + 0.1 * l2([net.a, net.b])")
APART = PARTS.replace("START", "state start_a = snapshot(net.a); state start_b = snapshot(net.b)").replace(
    "PENALTY", "0.3 * (l2_sp(net.a, start_a) + l2_sp(net.b, start_b)) + 0.02 * (l1(net.a) + l1(net.b)) + 0.1 * (l2(net.a) + l2(net.b))")
SUMS = """
evaluate d.all {
  let both = [net.a, net.b]
  let calm = eval(snapshot(both))
  let g = grad(cross_entropy(net.b(net.a(d.x)), d.y), wrt: both)
  report norm = norm(both), apart = sqrt(dot(net.a, net.a) + dot(net.b, net.b)), dot = dot(both, params(both)),
         called = max(abs(calm[1](calm[0](d.x)) - net.b(net.a(d.x)))), slope = norm(g), slopes = sqrt(sum([square(norm(grad(cross_entropy(net.b(net.a(d.x)), d.y), wrt: part))) for part in both]))
}
"""

# Forms of one recurrence.
SCAN = """import std
const length = 5
domain d { generate samples(6, fn(i) => (x: full([5], f32(i)) + f32(iota(5)) / 4)); fields x: f32[5] }
module decay(unrolled: bool) (x: [n, t]) -> [n] {
  param rate: [] = full([], 0.5)
  if unrolled {
    let h = zeros([n])
    for i in range(length) { let h = rate * h + x[.., i] }
    return h
  }
  let r = scan a in x along t from h = zeros([n]) { next h = rate * h + a; yield rate * h + a }
  return r.out[.., -1]
}
model looped = decay(false)
model written = decay(true)
stage learn {
  on d.all batch 3
  minimize mean(looped(d.x)) + mean(written(d.x))
  optimizer sgd(0.03125); steps 3
}
report looped = looped.rate, written = written.rate
"""

# A family of models, its number fixed by a const; a rate for each.
FAMILY = """import std
const count = 3
param lr = 0.25
module slope(start: float) (x: [n]) -> [n] { param w: [] = full([], start); return w * x }
domain d { generate samples(4, fn(i) => (x: 1.0 + 0 * f32(i))); fields x: f32 }
for k in range(count) { model local[k] = slope(k); state seen[k]: [] = 0 }
for k in range(count) {
  stage visit[k] {
    on d.all batch 4
    minimize mean(local[k](d.x))
    optimizer sgd(lr) rate local[k]: k + 1; steps 2
  }
  update seen[k] = local[k].w
}
report all = stack([seen[k] for k in range(count)]), mean = mean([m.w for m in local])
"""

PAIR = """import std
module pair() (x: [n, a]) -> [n, 2] { body = linear(3); norm = batch_norm(); head = linear(2); return head(norm(body(x))) }
domain d { generate samples(8, fn(i) => (x: full([4], f32(i)), y: classes(i % 2, 2))); fields x: f32[4], y: class(2) }
"""

SAVES = PAIR + """
model source = pair()
stage learn { on d.all batch 8; minimize cross_entropy(source(d.x), d.y); optimizer sgd(0.1); epochs 3 }
"""

# Loaded part by part; a state of the program is made behind the loading; what is frozen stays what was loaded.
LOADS = PAIR + """
param file = "saved/weights.safetensors"
model net {
  trunk = pair(); extra = linear(2)
  load file into net.trunk.body map { "source.body.*" -> "*", "source.norm.*" -> drop, "source.head.*" -> drop }
  load file into net.trunk.norm map { "source.norm.*" -> "*", "source.body.*" -> drop, "source.head.*" -> drop }
}
state first = snapshot(net.trunk)
stage learn { on d.all batch 8; freeze net.trunk.body; minimize cross_entropy(net.extra(net.trunk(d.x)), d.y); optimizer sgd(0.1); epochs 1 }
report mean = first.norm.running_mean, count = f32(first.norm.num_batches_tracked), moved = norm(first.norm - net.trunk.norm)
"""


class Methods(harness.Case):
    def train(self, text, folder="run", *flags):
        return self.results(self.build(text, *flags), "train", "--out", folder, "--overwrite")

    def assertSameRun(self, one, other, tolerance):
        first, second = self.train(one, "one"), self.train(other, "other")
        weights, others = (read_weights(self.folder / name / "weights.safetensors") for name in ("one", "other"))
        self.assertEqual(weights.keys(), others.keys())
        for name, values in weights.items():
            for value, expected in zip(values, others[name]):
                self.assertAlmostEqual(value, expected, delta=tolerance, msg=name)
        self.assertEqual(first["runs"][0]["evaluations"], second["runs"][0]["evaluations"])

    # 18 steps of Adam on the same numbers in another order of additions.
    def test_mcd(self):
        self.assertSameRun(MCD, MCD_AGAIN, 1e-5)

    def test_wdgrl(self):
        self.assertSameRun(WDGRL.replace("@", "repeat 3 { " + CRITIC.strip() + " }"), WDGRL.replace("@", 3 * CRITIC), 0)
        # The critic's steps are what they claim: three of one batch are not one.
        once = self.train(WDGRL.replace("@", CRITIC), "once")
        self.assertNotEqual(read_weights(self.folder / "once/weights.safetensors"), read_weights(self.folder / "one/weights.safetensors"))

    def test_maml(self):
        found = figures(self.train(MAML), "report")
        first = second = 1.0
        for _ in range(2):
            second -= 0.5 * (0.75 ** 4) * second    # d/dw of (0.75^2 w)^2 / 2
            first -= 0.5 * (0.75 ** 2) * first      # as if the tuned weight did not depend on w
        self.assertAlmostEqual(found["second"], second, places=6)
        self.assertAlmostEqual(found["first"], first, places=6)

    def test_modules_as_arguments(self):
        found = figures(self.train(HANDED), "d.all")
        w = 1.0
        average = 1.0
        for _ in range(2):
            w -= 0.0625 * 4 * (0.75 ** 4) * w       # d/dw of (2 * 0.75^2 w)^2 / 2
            average = 0.5 * average + 0.5 * w
        self.assertAlmostEqual(found["own"], 2 * w, places=6)
        for value in found["all"]:
            self.assertAlmostEqual(value, 2 * w, places=6)
        self.assertEqual(found["kept"], [2, 2, 2])
        self.assertAlmostEqual(found["plain"], average, places=6)
        self.assertAlmostEqual(found["average"], 2 * average, places=6)
        self.assertEqual(found["moved"], 0)

    # Sums in another order.
    def test_several_parts(self):
        self.assertSameRun(TOGETHER.replace("REPORT", ""), APART.replace("REPORT", ""), 1e-6)
        found = figures(self.train(TOGETHER.replace("REPORT", SUMS)), "d.all")
        self.assertAlmostEqual(found["norm"], found["apart"], places=5)
        self.assertAlmostEqual(found["dot"], found["norm"] ** 2, places=4)
        self.assertEqual(found["called"], 0)
        self.assertAlmostEqual(found["slope"], found["slopes"], places=6)
        self.assertGreater(found["slope"], 0)

    def test_scan(self):
        found = figures(self.train(SCAN), "report")
        self.assertAlmostEqual(found["looped"], found["written"], places=6)
        self.assertNotEqual(found["looped"], 0.5)

    def test_family(self):
        for count in (3, 5):
            found = figures(self.train(FAMILY, "run", "--const", f"count={count}"), "report")
            expected = [k - 2 * 0.25 * (k + 1) for k in range(count)]
            self.assertEqual(found["all"], expected)
            self.assertEqual(single(found["mean"]), single(sum(expected) / count))
        self.refuse("no 'const nothing'", XFERC, "build", self.write("f.xfer", FAMILY), "--const", "nothing=3")
        self.refuse("error", XFERC, "build", self.write("f.xfer", FAMILY), "--const", "count=many")

    def test_load(self):
        self.train(SAVES, "saved")
        found = figures(self.train(LOADS), "report")
        saved, loaded = (read_weights(self.folder / name / "weights.safetensors") for name in ("saved", "run"))
        for part in ("weight", "bias"):
            self.assertEqual(loaded["net.trunk.body." + part], saved["source.body." + part])
        self.assertEqual(single(found["mean"]), list(saved["source.norm.running_mean"]))
        self.assertEqual(found["count"], 3)
        self.assertGreater(found["moved"], 0)
        # The head of the model is in neither: load what the file has.
        text = re.sub(r"(?s)  load file into net.trunk.norm.*?}", '  load file into net.trunk map { "source.head.*" -> drop, "source.*" -> "*" }', LOADS)
        self.refuse("(?s)does not fit 'net.trunk'.*load into the parts that the file has", self.build(text), "train", "--out", "other")


if __name__ == "__main__":
    harness.main()
