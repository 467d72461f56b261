"""Recipes of fine-tuning as whole small programs on made data: each asserts what the recipe is for.  How each part counts by itself is in
figures.py (`keep`, `stop`), choices.py (samplers) and golden/recipes.xfer (numbers beside PyTorch's)."""
import math
import statistics
import harness
from harness import figure, figures, read_weights
from report import Page

# Three kinds of points, far from zero and of unequal spread; the target's lie elsewhere.
POINTS = """import std
fn point(shift: float, spread: float) {
  let y = uniform_int([], below: 3)
  return (x: spread * normal([6]) + 2 * f32(iota(6) % 3 == y) + shift, y: classes(y, 3))
}
domain s { generate train: samples(96, fn(i) => point(0, 1)); generate valid: samples(60, fn(i) => point(0, 1)); fields x: f32[6], y: class(3) }
domain t {
  generate train: samples(96, fn(i) => point(0.7, 1.3)); generate test: samples(200, fn(i) => point(0.7, 1.3)); fields x: f32[6], y: class(3)
  hide y in train
}
"""

# A trunk of three blocks and a head, taught before they are tuned.
TAUGHT = POINTS + """
param epochs = 6; param steps = 1; param pull = 0.0
module block() (x: [n, d]) -> [n, 8] { layer = linear(8, use_bias: false); norm = batch_norm(); return relu(norm(layer(x))) }
module blocks() (x: [n, d]) -> [n, 8] { body = [block() for i in range(3)]; return in_order(body, x) }
model net { trunk = blocks(); head = linear(3) }
stage taught { on s.train batch 16; minimize cross_entropy(net.head(net.trunk(s.x)), s.y); optimizer sgd(0.1, momentum: 0.9); epochs 3 }
"""
TUNE = """stage tune {
  on s.valid as d batch 20
  minimize cross_entropy(net.head(net.trunk(d.x)), d.y)
  %s
}
"""
RATE = "optimizer sgd(0.1, momentum: 0.9); epochs epochs"

# Few samples, every fifth with a wrong label: what a wide net learns of them is wrong from some epoch on.
NOISY = """import std
param epochs = 60
fn noisy(i, wrong: bool) {
  let y = uniform_int([], below: 2)
  return (x: normal([10]) + 0.8 * f32(y), y: classes(where((i % 5 == 0) and wrong, 1 - y, y), 2))
}
domain d { generate train: samples(40, fn(i) => noisy(i, true)); generate valid: samples(400, fn(i) => noisy(i, false)); fields x: f32[10], y: class(2) }
model net = mlp([64, 2])
stage tune {
  on d.train batch 8
  loss task = cross_entropy(net(d.x), d.y); minimize task
  optimizer adam(0.01); epochs epochs
  CHOICE
}
evaluate d.valid { predict softmax(net(d.x)) against d.y; report accuracy, nats = cross_entropy(net(d.x), d.y) }
"""
EARLY = "keep least task over d.valid; stop when patience(4)"

# A run that goes wrong: from epoch 6 on the head is pulled to zero.  What the target says without labels is enough to see it.
WRONG = POINTS + """
param epochs = 12
fn sound(given epoch: int) -> [] = where(epoch < 6, 1.0, 0.0)
model net { trunk = mlp([16]); head = linear(3) }
stage tune {
  on s.train, t.train batch 16
  loss task = cross_entropy(net.head(relu(net.trunk(s.x))), s.y)
  minimize sound() * task + (1 - sound()) * l2(net.head)
  optimizer sgd(0.2); epochs epochs
  CHOICE
}
evaluate t.test { let g = net.head(relu(net.trunk(t.x))); predict softmax(g) against t.y; report accuracy, nats = cross_entropy(g, t.y) }
"""
UNLABELLED = "keep best information_maximization(net.head(relu(net.trunk(t.x)))) over t.train"

# Every tenth sample is of the second class, and the two overlap.
RARE = """import std
fn drawn(y) = (x: normal([2]) + f32(y), y: classes(y, 2))
domain d { generate train: samples(600, fn(i) => drawn(int(i % 10 == 0))); generate test: samples(600, fn(i) => drawn(i % 2)); fields x: f32[2], y: class(2) }
model net = linear(2)
stage learn { on d.train SAMPLER batch 60; minimize cross_entropy(net(d.x), d.y WEIGHT); optimizer sgd(0.2); epochs 12 }
evaluate d.test { predict softmax(net(d.x)) against d.y; report accuracy, class_recall }
"""

# 30 samples and 6 of a second class; the same with each of the 6 five times.
REPEATED = """import std
fn made(j) = (x: stack([sin(f32(j)), cos(3 * f32(j)), f32(j >= 30)]), y: classes(int(j >= 30), 2))
domain few { generate samples(36, fn(i) => made(i)); fields x: f32[3], y: class(2) }
domain many { generate samples(60, fn(i) => made(where(i < 36, i, 30 + i % 6))); fields x: f32[3], y: class(2) }
model net = mlp([8, 2])
state start = snapshot(net); state weighted = snapshot(net)
stage by_weight { on few.all batch 36; minimize cross_entropy(net(few.x), few.y, class_weight: [1, 5]); optimizer sgd(0.5, momentum: 0.9); steps 20 }
update weighted = net
stage by_count {
  update net = start before stage
  on many.all batch 60; minimize cross_entropy(net(many.x), many.y); optimizer sgd(0.5, momentum: 0.9); steps 20
}
report off = norm(net - weighted), moved = norm(net - start)
"""


def places(weights, *names):
    """The parts of the net of TAUGHT whose values are not those of another run."""
    return {name for name in weights if any(part in name for part in names)}


class Recipes(harness.Case):
    def train(self, text, *arguments, out="run"):
        """The results of a run, and its parameters and statistics when it has ended."""
        results = self.results(self.build(text), "train", "--out", out, "--overwrite", *arguments)
        return results, read_weights(self.folder / out / "weights.safetensors")

    def tuned(self, clauses, *arguments):
        """The net of TAUGHT behind a stage with these clauses."""
        return self.train(TAUGHT + TUNE % clauses, *arguments)[1]

    def taught(self):
        return self.train(TAUGHT)[1]

    def judged(self, out="run", stage="tune"):
        """What `keep` judged each epoch by."""
        return [line["keep"] for line in self.lines(f"{out}/metrics.jsonl") if line.get("stage") == stage and "keep" in line]

    def assertMoved(self, before, after, moved):
        """Exactly the parts that `moved` names have other values; all others are equal to the bit."""
        self.assertEqual(set(before), set(after))
        self.assertEqual({name for name in after if after[name] != before[name]}, moved)


class Choices(Recipes):
    # It ends so many epochs behind the best one, long before the last, with the parameters of the best; what it has
    # learnt meanwhile is of the training samples alone.
    def test_early_stopping(self):
        results, weights = self.train(NOISY.replace("CHOICE", EARLY))
        judged = self.judged()
        best = judged.index(min(judged))
        self.assertGreater(best, 0)
        self.assertLess(len(judged), 60)
        self.assertEqual(len(judged), best + 1 + 4)
        self.assertAlmostEqual(figure(results, "d.valid", "nats"), min(judged), places=6)
        task = [line["task"] for line in self.lines() if "task" in line]
        self.assertEqual(len(task), len(judged))
        self.assertLess(task[-1], task[best])
        # The bits of a run that was told where to end.
        told, ended = self.train(NOISY.replace("CHOICE", ""), "--epochs", best + 1, out="told")
        self.assertEqual(weights, ended)
        # To the end it comes out worse.
        whole, _ = self.train(NOISY.replace("CHOICE", ""), out="whole")
        self.assertGreater(figure(whole, "d.valid", "nats"), figure(results, "d.valid", "nats") + 0.05)

    # The best epoch is that before the run went wrong, found by predictions on the target alone.
    def test_keeps_without_target_labels(self):
        results, weights = self.train(WRONG.replace("CHOICE", UNLABELLED))
        judged = self.judged()
        self.assertEqual(len(judged), 12)
        best = judged.index(max(judged))
        self.assertTrue(0 < best < 6, judged)
        _, ended = self.train(WRONG.replace("CHOICE", ""), "--epochs", best + 1, out="told")
        self.assertEqual(weights, ended)
        last, _ = self.train(WRONG.replace("CHOICE", ""), out="whole")
        self.assertGreater(figure(results, "t.test", "accuracy"), 0.6)
        self.assertGreater(figure(last, "t.test", "nats"), figure(results, "t.test", "nats") + 0.1)
        # Nothing was chosen by hidden labels, so nothing says so; with them it does.
        said = lambda choice: self.run_ok(self.build(WRONG.replace("CHOICE", choice)), "train", "--overwrite").stderr
        self.assertNotIn("oracle", said(UNLABELLED))
        by_labels = UNLABELLED.replace("best information_maximization(", "best oracle accuracy(softmax(").replace(") over", "), t.y) over")
        self.assertIn("oracle", said(by_labels))

    # Seeds differ in where they stop; each is the run of that seed alone, and the table and the page have mean and deviation.
    def test_several_seeds(self):
        text = NOISY.replace("CHOICE", EARLY)
        results = self.results(self.build(text), "train", "--runs", 3, "--out", "runs", "--report")
        self.assertEqual([run["seed"] for run in results["runs"]], [0, 1, 2])
        epochs = set()
        for seed in range(3):
            judged = self.judged(f"runs/seed-{seed}")
            self.assertEqual(len(judged), judged.index(min(judged)) + 1 + 4)
            epochs.add(len(judged))
            self.train(text, "--seed", seed, out="alone")
            self.assertEqualFiles("alone/weights.safetensors", f"runs/seed-{seed}/weights.safetensors")
        self.assertGreater(len(epochs), 1)
        words = Page((self.folder / "runs/report.html").read_text()).words
        for name in ("accuracy", "nats"):
            values = [run["evaluations"][0]["figures"][name] for run in results["runs"]]
            mean, deviation = statistics.mean(values), statistics.stdev(values)
            self.assertGreater(deviation, 0)
            found = results["summary"][0][name]
            self.assertAlmostEqual(found["mean"], mean, places=6)
            self.assertAlmostEqual(found["deviation"], deviation, places=6)
            self.assertIn(f"{mean:.4f} ± {deviation:.4f}", words)


class Rare(Recipes):
    # What is rare is overlooked unless it weighs more or comes up more often.
    def test_recall(self):
        recall, accuracy = {}, {}
        for name, sampler, weight in (("plain", "", ""), ("weighted", "", ", class_weight: [1, 9]"), ("balanced", "by balanced(y)", "")):
            found = figures(self.train(RARE.replace("SAMPLER", sampler).replace(" WEIGHT", weight))[0], "d.test")
            recall[name], accuracy[name] = found["class_recall"], found["accuracy"]
        self.assertLess(recall["plain"][1], 0.4)
        for name in ("weighted", "balanced"):
            self.assertGreater(min(recall[name]), 0.6, name)
            self.assertGreater(accuracy[name], accuracy["plain"] + 0.1, name)     # of the test, whose classes are as frequent

    # A class that weighs five times is one whose samples are there five times: the same steps but for rounding (float32, 20 steps).
    def test_weight_is_count(self):
        found = figures(self.train(REPEATED)[0], "report")
        self.assertGreater(found["moved"], 0.5)
        self.assertLess(found["off"], 1e-4 * found["moved"])


class Freezing(Recipes):
    # Each phase has its policy: a frozen trunk, its norms with it; trained norms with the moments that they came with; with
    # those of each batch, of which none are kept; with running ones.
    def test_batch_norm_by_phase(self):
        before = self.taught()
        statistics = places(before, "running_")
        trunk, parameters = places(before, "net.trunk."), set(before) - statistics
        set_norms = 'set net.trunk with { ** is batch_norm -> it(statistics: "%s") }; ' + RATE
        after = {policy: self.tuned(clauses) for policy, clauses in
                 {"head": "freeze net.trunk; " + RATE, "frozen": set_norms % "frozen", "batch": set_norms % "batch", "running": RATE}.items()}
        self.assertEqual(len(statistics), 6)
        self.assertMoved(before, after["head"], set(before) - trunk)
        for policy in ("frozen", "batch"):
            self.assertMoved(before, after[policy], parameters)
        self.assertMoved(before, after["running"], parameters | statistics)
        # What a batch is normalised by is not the same.
        self.assertNotEqual(after["frozen"], after["batch"])
        # "batch" trains as "running" does, which keeps what it sees besides.
        self.assertEqual({name: after["batch"][name] for name in parameters}, {name: after["running"][name] for name in parameters})

    # After each epoch those parts have moved that were thawed before it, and no others; norms that are frozen keep their moments.
    def test_gradual(self):
        before = self.taught()
        clauses = "for i in range(3) { freeze net.trunk.body[i] until epoch 3 - i }; " + RATE
        moved = places(before, "net.head.")
        for epoch in range(1, 5):
            if epoch > 1:
                moved |= places(before, f"net.trunk.body.{4 - epoch}.")
            self.assertMoved(before, self.tuned(clauses, "--epochs", epoch), moved)
        self.assertEqual(moved, set(before))

    # One step moves each block by its rate.
    def test_rates_by_layer(self):
        before = self.taught()
        plain = self.tuned("optimizer sgd(0.1); steps steps")
        by_layer = self.tuned("optimizer sgd(0.1) rate net.trunk.body[i]: 0.25 ** (3 - i) for i in range(3); steps steps")
        parameters = set(before) - places(before, "running_")
        for name in parameters:
            way = lambda after: math.dist(after[name], before[name])
            factor = 0.25 ** (3 - int(name.split(".")[3])) if "body" in name else 1
            # A step is read off the difference of float32 numbers of about 1.
            self.assertGreater(way(plain), 1e-3, name)
            self.assertAlmostEqual(way(by_layer) / way(plain), factor, delta=2e-3, msg=name)

    # The pull is towards what was taught, not towards zero: the stronger it is, the nearer the trunk stays, while the head, which is free,
    # learns; with none it goes its way.
    def test_l2_sp(self):
        before = self.taught()
        trunk, head = places(before, "net.trunk.body.0.layer.weight", "net.trunk.body.1.layer.weight"), places(before, "net.head.")
        text = TAUGHT + (TUNE % ("state start = snapshot(net.trunk); optimizer sgd(0.05); epochs 20")).replace(", d.y)", ", d.y) + pull * l2_sp(net.trunk, start)")
        distance = lambda after, names: math.sqrt(sum(math.dist(after[name], before[name]) ** 2 for name in names))
        length = lambda weights, names: math.sqrt(sum(math.hypot(*weights[name]) ** 2 for name in names))
        found = {pull: self.train(text, "--pull", pull)[1] for pull in (0, 2, 10)}
        away = [distance(found[pull], trunk) for pull in (0, 2, 10)]
        self.assertGreater(away[0], 2 * away[1])
        self.assertGreater(away[1], 2 * away[2])
        self.assertLess(away[2], 0.05 * length(before, trunk))
        for after in found.values():
            self.assertGreater(distance(after, head), 0.1)
        # The same pull towards zero takes away what was taught.
        to_zero = self.train(text.replace("l2_sp(net.trunk, start)", "l2(net.trunk)"), "--pull", 2)[1]
        self.assertLess(length(to_zero, trunk), 0.7 * length(before, trunk))


if __name__ == "__main__":
    harness.main()
