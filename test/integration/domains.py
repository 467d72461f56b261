"""What a program knows about its domains, by execution: batch norm's policies, and who may read a hidden label."""
import math
import harness
from harness import XFERC, figures

NORM = """import std
# Two domains whose columns are far apart.
domain p { generate samples(8, fn(i) => (x: stack([f32(i), 2 * f32(i)]))); fields x: f32[2] }
domain q { generate samples(8, fn(i) => (x: stack([16 + f32(i), 1 - f32(i)]))); fields x: f32[2] }
model two { norm = batch_norm(); scale = linear(1) }
model mixed { norm = batch_norm() }
model own { norm = batch_norm(domains: ["p", "q"]) }
model still { norm = batch_norm(); drop = dropout(0.5); head = linear(1, use_bias: false) }
stage separate {
  on p.all, q.all batch 8
  minimize mean(square(two.scale(two.norm(p.x)))) + mean(square(two.scale(two.norm(q.x))))
  watch again = mean(two.norm(p.x))
  optimizer sgd(0.125); steps 1
}
stage together {
  on p.all, q.all batch 8
  let a, b = jointly(mixed.norm, [p.x, q.x])
  run (a, b)
  steps 1
}
stage each_own { on p.all, q.all batch 8; run own.norm(p.x); run own.norm(q.x); steps 2 }
stage frozen {
  on p.all batch 8
  freeze still.norm, still.drop
  state before: [] = 0
  update before = norm(still.head.weight) before stage
  let y = still.drop(still.norm(p.x))
  minimize 0 * mean(still.head(y))
  watch seen = mean(abs(y - p.x / sqrt(1 + 1e-5)))
  optimizer sgd(0.125, weight_decay: 0.5); steps 2
}
evaluate p.all { let y = own.norm(p.x); report p_mean = mean(y, axis: 0) }
evaluate q.all { let y = own.norm(q.x); report q_mean = mean(y, axis: 0) }
report two_mean = two.norm.running_mean, two_var = two.norm.running_var, two_count = f32(two.norm.num_batches_tracked),
       mixed_mean = mixed.norm.running_mean, mixed_var = mixed.norm.running_var, mixed_count = f32(mixed.norm.num_batches_tracked),
       own_p = own.norm.running_mean["p"], own_q = own.norm.running_mean["q"], own_p_var = own.norm.running_var["p"], own_count = f32(own.norm.num_batches_tracked["q"]),
       still_mean = still.norm.running_mean, still_count = f32(still.norm.num_batches_tracked), still_weight = still.norm.weight,
       head_before = frozen.before, head_after = norm(still.head.weight)
"""

# Labels of `t` are hidden where it trains, in what is split off that part, and in `all`; not in the test part.
HIDDEN = """import std
domain s { generate samples(40, fn(i) => (x: normal([2]), y: classes(i % 2, 2))); fields x: f32[2], y: class(2) }
domain t { generate samples(60, fn(i) => (x: normal([2]), y: classes(i % 2, 2))); fields x: f32[2], y: class(2)
  split train: 0.5, test: 0.5; split few: 0.5 of train; hide y in train }
model net = linear(2)
stage learn {
  on s.all, t.train batch 8
  let p = net(s.x); let q = net(t.x)
  loss task = cross_entropy(p, s.y)
  minimize task
  optimizer sgd(0.1); epochs 2
  @
}
evaluate t.test { predict softmax(net(t.x)) against t.y; report accuracy }
"""

ALLOWED = {
    "watch": "watch peek = cross_entropy(q, t.y)",
    "watch over": "watch peek = accuracy(q, t.y) over t.train",
    "oracle": "keep best oracle accuracy(q, t.y) over t.train",
    "choice by visible labels": "keep best accuracy(q, t.y) over t.test",
    "choice without labels": "keep best information_maximization(q) over t.train",
    "state": "state hit: [] = 0; update hit = mean(f32(argmax(q, axis: 1) == t.y)); watch hits = hit",
    "timed state": "state hit: [] = 0; update hit = accuracy(whole(q), whole(t.y)) every epoch; watch hits = hit",
    "the other fields": "minimize mean(square(q))",
}

FORBIDDEN = {
    "loss": "minimize cross_entropy(q, t.y)",
    "through a let": "let y = t.y; minimize cross_entropy(q, y)",
    "through arithmetic": "minimize mean(q * onehot(t.y, 2))",
    "as a weight": "minimize mean(cross_entropy(p, s.y, weight: f32(t.y)))",
    "through a state": "state hit: [] = 0; update hit = mean(f32(t.y)); minimize hit * task",
    "through a timed state": "state hit: [] = 0; update hit = mean(f32(whole(t.y))) every epoch; minimize hit * task",
    "through a gradient": "apply grad(cross_entropy(q, t.y), wrt: net) to net",
    "keep": "keep best accuracy(q, t.y) over t.train",
    "stop": "stop when accuracy(q, t.y) > 0.9 over t.train",
    "weights from labels": "update net = params(net) * mean(f32(t.y))",
    "a held value": "hold y = f32(t.y); minimize mean(square(q)) * mean(y)",
}


class Domains(harness.Case):
    def test_batch_norm(self):
        results = self.results(self.build(NORM), "train", "--out", "run")
        found = figures(results, "report")
        columns = {"p": ([i for i in range(8)], [2 * i for i in range(8)]), "q": ([16 + i for i in range(8)], [1 - i for i in range(8)])}
        mean = {name: [sum(c) / 8 for c in both] for name, both in columns.items()}
        var = {name: [sum((x - m) ** 2 for x in c) / 7 for c, m in zip(both, mean[name])] for name, both in columns.items()}

        def near(name, expected):
            for got, want in zip(found[name], expected):
                self.assertAlmostEqual(got, want, delta=1e-6 * max(1, abs(want)), msg=name)
        # Two calls in one step: the mean of both proposals, one write, and `watch` proposes nothing.
        near("two_mean", [0.1 * (a + b) / 2 for a, b in zip(mean["p"], mean["q"])])
        near("two_var", [0.9 + 0.1 * (a + b) / 2 for a, b in zip(var["p"], var["q"])])
        # One call: the mixture.
        both = [a + b for a, b in zip(columns["p"], columns["q"])]
        middle = [sum(c) / 16 for c in both]
        near("mixed_mean", [0.1 * m for m in middle])
        near("mixed_var", [0.9 + 0.1 * sum((x - m) ** 2 for x in c) / 15 for c, m in zip(both, middle)])
        # Each domain its own, twice.
        for name in "pq":
            near("own_" + name, [m * (0.1 + 0.9 * 0.1) for m in mean[name]])
        near("own_p_var", [0.81 + 0.19 * v for v in var["p"]])
        self.assertEqual([found[name + "_count"] for name in ("two", "mixed", "own", "still")], [1, 1, 2, 0])
        # Evaluation reads the row of its domain.
        for name in "pq":
            got = figures(results, name + ".all")[name + "_mean"]
            for value, m, v in zip(got, mean[name], var[name]):
                self.assertAlmostEqual(value, 0.81 * m / math.sqrt(0.81 + 0.19 * v + 1e-5), places=5)
        # Frozen: evaluation mode (no dropout, running statistics), no update of them, no decay. What trains decays.
        self.assertEqual((found["still_mean"], found["still_weight"]), ([0, 0], [1, 1]))
        self.assertAlmostEqual(found["head_after"], found["head_before"] * (1 - 0.125 * 0.5) ** 2, places=6)
        line, = [line for line in (self.folder / "run/metrics.jsonl").read_text().splitlines() if '"frozen"' in line and '"epoch": 1,' in line]
        self.assertIn('"seen": 0', line)

    def test_mixed_batch_of_separate_statistics(self):
        self.write("bad.xfer", NORM.replace("run own.norm(p.x); run own.norm(q.x)", "let a, b = jointly(own.norm, [p.x, q.x]); run a; run b"))
        self.refuse(r"\[domain-not-single\]", XFERC, "check", "bad.xfer")

    # C14: a hidden label may be looked at, never acted on.
    def test_allowed_reads(self):
        for name, clause in ALLOWED.items():
            with self.subTest(name):
                results = self.results(self.build(HIDDEN.replace("@", clause)), "train", "--out", "run", "--overwrite")
                figures(results, "t.test")["accuracy"]

    def test_forbidden_reads(self):
        for name, clause in FORBIDDEN.items():
            with self.subTest(name):
                self.write("bad.xfer", HIDDEN.replace("@", clause))
                self.refuse(r"bad\.xfer:\d+:\d+: error: .*hidden.* \[hidden-value\]", XFERC, "check", "bad.xfer")

    # Hidden in a split: hidden in what is made of it and in `all`.
    def test_hidden_with_its_parts(self):
        for split, hidden in (("few", True), ("all", True), ("test", False)):
            with self.subTest(split):
                self.write("program.xfer", HIDDEN.replace("t.train batch", f"t.{split} batch").replace("@", "minimize cross_entropy(q, t.y)"))
                if hidden:
                    self.refuse(r"\[hidden-value\]", XFERC, "check", "program.xfer")
                else:
                    self.run_ok(XFERC, "check", "program.xfer")


if __name__ == "__main__":
    harness.main()
