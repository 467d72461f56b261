"""What a program chooses: which samples make a batch (samplers), how many of them are evaluated, and which point of a
grid goes on (sweeps)."""
import collections
import json
import signal
import harness
from harness import figure, single

# Labels 0: 60 samples, 1: 30, 2: 20, 3: 20 (numbers 110 to 129); users are the number modulo 7.
DATA = """import std
fn label_of(i: int) -> int = where(i < 60, 0, where(i < 90, 1, where(i < 110, 2, 3)))
domain d {
  generate train: samples(130, fn(i) => (x: f32(i), label: classes(label_of(i), 4), user: i % 7, importance: where(i < 10, 1.0, where(i < 20, 3.0, 0.0))))
  generate test: samples(50, fn(i) => (x: f32(i), label: classes(i % 5 % 4, 4), user: i % 7, importance: 1.0))
  fields x: f32, label: class(4), user: int, importance: f32
}
module scale() (x: [..s]) -> [..s] { param w: [] = zeros(); return w * x }
model net = scale()
"""
STEPS = "optimizer sgd(1e-4); steps 26"


def label_of(number):
    return 0 if number < 60 else 1 if number < 90 else 2 if number < 110 else 3


class Samplers(harness.Case):
    def drawn(self, clauses, *arguments, source="d"):
        """The samples of every step, as `--trace` writes them, and the last watched values."""
        program = self.build(DATA + clauses)
        self.run_ok(program, "train", "--out", "run", "--overwrite", "--trace", "trace.jsonl", *arguments)
        steps = self.lines("trace.jsonl")
        return [step["samples"][source] for step in steps], [step["watch"] for step in steps]

    # Every batch has 2 or 3 of each class, 26 batches have each equally often, and what the step reads is what was drawn.
    def test_balanced(self):
        batches, watched = self.drawn(
            "stage learn { on d.train by balanced(label) batch 10; minimize mean(net(d.x)); "
            "watch x = mean(d.x); watch ones = sum(where(d.label == 1, 1.0, 0.0)); " + STEPS + " }")
        counts = [collections.Counter(map(label_of, batch)) for batch in batches]
        for count in counts:
            self.assertEqual(sorted(count), [0, 1, 2, 3])
            self.assertTrue(all(2 <= times <= 3 for times in count.values()))
        self.assertEqual(sum(counts, collections.Counter()), {label: 65 for label in range(4)})
        for batch, watch in zip(batches, watched):
            self.assertEqual(single(watch["x"]), single(sum(batch) / 10))
            self.assertEqual(watch["ones"], sum(60 <= number < 90 for number in batch))

    # An expression of the fields and an option, computed when the program runs.
    def test_weighted(self):
        text = ("param boost = 1.0\nstage learn { on d.train by weighted(importance * boost + 0 * x) batch 100; "
                "minimize mean(net(d.x)); optimizer sgd(1e-4); steps 40 }")
        batches, _ = self.drawn(text)
        counts = collections.Counter(number for batch in batches for number in batch)
        self.assertEqual(sorted(counts), list(range(20)))
        light = sum(counts[number] for number in range(10))
        self.assertAlmostEqual(light, 1000, delta=125)  # 4000 draws of chance 1/4: 4.5 deviations of 27.4
        self.refuse("source 'd': the weight of sample 0 is -1; weights are finite and not negative",
                    self.build(DATA + text), "train", "--overwrite", "--boost", -1)
        self.refuse("source 'd': the 130 weights add up to 0", self.build(DATA + text), "train", "--overwrite",
                    "--boost", 0)

    # Program 21 of the language's design draws so: an element is a user with some of their samples.
    def test_groups(self):
        batches, watched = self.drawn(
            "stage learn { on d.train as c by groups(user, size: 5) batch 3; minimize mean(net(c.x)); "
            "watch first = sum(c.x[0]); watch mixed = sum(f32(max(c.user, axis: 1) - min(c.user, axis: 1))); " + STEPS +
            " }", source="c")
        turns = collections.Counter()
        for batch, watch in zip(batches, watched):
            self.assertEqual(len(batch), 15)
            self.assertEqual((watch["first"], watch["mixed"]), (sum(batch[:5]), 0))
            for start in (0, 5, 10):
                users = {number % 7 for number in batch[start:start + 5]}
                self.assertEqual(len(users), 1)
                turns[users.pop()] += 1
        # An epoch is two batches of three of the seven users; 13 epochs.
        self.assertEqual(sum(turns.values()), 78)
        for epoch in range(13):
            users = [batch[start] % 7 for batch in batches[2 * epoch:2 * epoch + 2] for start in (0, 5, 10)]
            self.assertEqual(len(set(users)), 6)

    def test_pairs(self):
        batches, watched = self.drawn(
            "stage learn { on d.train by pairs(label) batch 6; minimize mean(net(d.first.x)); "
            "watch same = sum(where(d.same, 1.0, 0.0)); watch second = sum(d.second.x); "
            "watch agree = sum(where(d.same == (d.first.label == d.second.label), 1.0, 0.0)); " + STEPS + " }")
        for batch, watch in zip(batches, watched):
            self.assertEqual([label_of(a) == label_of(b) for a, b in zip(batch[:6], batch[6:])], [True, False] * 3)
            self.assertEqual((watch["same"], watch["second"], watch["agree"]), (3, sum(batch[6:]), 6))

    # Support and query of an episode are of the same classes, numbered anew, class by class, without a sample in common.
    def test_episodes(self):
        batches, watched = self.drawn(
            "stage learn { on d.train as task by episodes(ways: 3, shots: 2, queries: 4) batch 2; "
            "augment task.x = task.x + 0 * uniform([])\n"
            "minimize mean(net(task.support.x)); watch support = sum(f32(task.support.label)); "
            "watch order = sum(f32(task.query.label[1]) * f32(iota(12))); watch x = sum(task.query.x[0]); " + STEPS +
            " }", source="task")
        for batch, watch in zip(batches, watched):
            self.assertEqual(len(batch), 36)
            self.assertEqual((watch["support"], watch["x"]), (12, sum(batch[12:24])))
            self.assertEqual(watch["order"], sum(i // 4 * i for i in range(12)))
            for episode in (0, 1):
                support = batch[6 * episode:6 * episode + 6]
                query = batch[12 + 12 * episode:24 + 12 * episode]
                self.assertEqual(len(set(support + query)), 18)
                ways = [{label_of(number) for number in support[2 * way:2 * way + 2] + query[4 * way:4 * way + 4]}
                        for way in range(3)]
                self.assertEqual([len(way) for way in ways], [1, 1, 1])
                self.assertEqual(len(set.union(*ways)), 3)

    # The same samples for any number of threads; others for another seed.
    def test_draws_are_determined(self):
        text = ("stage learn { on d.train as task by episodes(ways: 3, shots: 2, queries: 4) batch 2, d.test by "
                "balanced(label) batch 5; minimize mean(net(task.support.x)) + mean(net(d.x)); " + STEPS + " }")
        one, _ = self.drawn(text, "--threads", 1, source="task")
        self.assertEqual(self.drawn(text, "--threads", 2, source="task")[0], one)
        self.assertNotEqual(self.drawn(text, "--seed", 5, source="task")[0], one)

    # An epoch is as long as the elements of the source that leads suffice, or as `count` says.
    def test_epochs(self):
        stage = "stage learn { on d.train as task by %s; minimize mean(net(task.%s)); optimizer sgd(1e-4); epochs 2 }"
        for sampler, read, steps in (("balanced(label) batch 10", "x", 26), ("groups(user, size: 4) batch 2", "x", 6),
                                     ("groups(user, size: 4) batch 2 count 20", "x", 20),
                                     ("episodes(ways: 2, shots: 1, queries: 2) batch 4", "query.x", 10),
                                     ("pairs(label) batch 13", "first.x", 20)):
            self.assertEqual(len(self.drawn(stage % (sampler, read), source="task")[0]), steps, sampler)
        self.refuse("source 'task' has 7 groups, which do not fill the 8 of one step; take a smaller batch",
                    self.build(DATA + stage % ("groups(user, size: 4) batch 8", "x")), "train", "--overwrite")

    def test_data_that_do_not_suffice(self):
        stage = "stage learn { on d.test as task by %s batch 1; minimize mean(net(task.%s)); optimizer sgd(1e-4); epochs 1 }"
        self.refuse(r"stage 'learn': source 'task': an episode has 4 classes of 11 samples \(1 shots and 10 queries\), and "
                    r"1 of the 4 classes of 'label' have so many \(the largest has 20\); take fewer ways",
                    self.build(DATA + stage % ("episodes(ways: 4, shots: 1, queries: 10)", "query.x")), "train")

    # 33 elements of 4: the last batch is not full, and what is beyond the 33 does not count.
    def test_count(self):
        text = DATA + """
stage learn { on d.train batch 10; minimize mean(net(d.x)); optimizer sgd(1e-4); steps 3 }
evaluate d.test as task by episodes(ways: 3, shots: 1, queries: 2) batch 4 count 33 {
  report n = sum(f32(task.query.label * 0 + 1)), labels = sum(f32(task.support.label)), mean_x = mean(task.query.x)
}
evaluate d.test as task by episodes(ways: 3, shots: 1, queries: 2) batch 33 count 33 { report mean_x = mean(task.query.x) }
evaluate d.test by balanced(label) count 1024 { report zeros = mean(where(d.label == 0, 1.0, 0.0)), n = sum(0 * d.x + 1) }
evaluate d.test { report zeros = mean(where(d.label == 0, 1.0, 0.0)) }
"""
        results = self.results(self.build(text), "train", "--overwrite")
        self.assertEqual(figure(results, "d.test", "n"), 33 * 6)
        self.assertEqual(figure(results, "d.test", "labels"), 33 * 3)
        # The same episodes, whatever the batch.
        self.assertAlmostEqual(figure(results, "d.test", "mean_x"), figure(results, "d.test#2", "mean_x"), places=4)
        self.assertEqual(figure(results, "d.test#3", "n"), 1024)
        self.assertEqual(figure(results, "d.test#3", "zeros"), 0.25)
        self.assertEqual(single(figure(results, "d.test#4", "zeros")), single(0.4))
        again = self.results(self.build(text), "evaluate", "--out", "runs/program")
        self.assertEqual(figure(again, "d.test", "mean_x"), figure(results, "d.test", "mean_x"))

    # Every epoch is judged by the same episodes: a model that does not move has the same value.
    def test_figures_draw_the_same(self):
        text = DATA + """stage learn {
  on d.train as task by episodes(ways: 3, shots: 1, queries: 2) batch 2 count 8
  minimize mean(net(task.support.x)); watch seen = mean(task.query.x) + net.w * 0 over d.test
  optimizer sgd(0.0); epochs 3; keep best mean(task.query.x) + net.w * 0 over d.test
}
"""
        self.run_ok(self.build(text), "train", "--out", "run")
        lines = self.lines()
        self.assertEqual(len({line["seen"] for line in lines}), 1)
        self.assertEqual([line["keep"] for line in lines], [line["seen"] for line in lines])


# A quadratic bowl: w moves towards 1 by lr * steps; the value that judges is known.
BOWL = """import std
param lr = 0.125; param trade = 1.0; param swept = 0
domain d { generate samples(8, fn(i) => (x: 1.0 + 0 * f32(i))); fields x: f32 }
module point() (x: [n]) -> [n] { param w: [] = zeros(); return w * x }
model net = point()
"""
MOVE = "stage move { on d.all batch 8; minimize trade * mean(net(d.x)); state seen: [] = 0; update seen = seen + 1; optimizer sgd(lr); steps 2 }"


class Sweeps(harness.Case):
    def points(self, results):
        sweep = results["runs"][0]["sweeps"][0]
        return [point["value"] for point in sweep["points"]], sweep["chosen"]

    # Each point starts from the model before; the winner's model, stage states and options leave it.
    def test_points_and_winner(self):
        text = BOWL + "stage before { on d.all batch 8; minimize -mean(net(d.x)); optimizer sgd(lr); steps 1 }\n" + """
sweep lr in [0.5, 0.25, 2.0], trade in [1, -1] { %s
  update net = net - 0 * (net - net)
  keep %%s net.w + 0 * mean(net(d.x)) over d.all }
report w = net.w, lr, trade, seen = move.seen
export value(x: like d.x) = net(x) * lr
""" % MOVE
        expected = [0.125 - 2 * lr * trade for lr in (0.5, 0.25, 2.0) for trade in (1, -1)]
        for mode, chosen in (("best", 5), ("least", 4)):
            program = self.build(text % mode)
            results = self.results(program, "train", "--out", "run", "--overwrite")
            self.assertEqual(self.points(results), (expected, chosen))
            found = {name: figure(results, "report", name) for name in ("w", "lr", "trade", "seen")}
            self.assertEqual(found, {"w": expected[chosen], "lr": 2.0, "trade": 1.0 if chosen == 4 else -1.0, "seen": 2})
            facts = json.loads((self.folder / "run/run.json").read_text())
            self.assertEqual(facts["sweeps"][0]["chosen"], chosen)
            self.assertEqual(facts["options"]["lr"], 0.125)
            # Evaluated again, and exported, with the options of the winner.
            again = self.results(program, "evaluate", "--out", "run")
            self.assertEqual(figure(again, "report", "lr"), 2.0)
        lines = self.lines()
        self.assertEqual([line["value"] for line in lines if "point" in line], expected)
        table = self.run_ok(program, "train", "--out", "run", "--overwrite").stdout
        self.assertRegex(table, r"lr 2, trade 1 +-3.8750 +\*")

    # Ties keep the earliest, and what is no number never wins, not even as the first; a point that diverges is lost.
    def test_ties_and_lost_points(self):
        text = BOWL + "sweep lr in [%s] { " + MOVE + "; keep best %s over d.all }\nreport lr, w = net.w"
        for values, judge, chosen in (("0.25, 0.5, 0.5", "-net.w + 0 * mean(d.x)", 1), ("0.5, 0.25", "0 * mean(d.x)", 0),
                                      ("0.5, 0.25", "log(0.75 + net.w) + 0 * mean(d.x)", 1),
                                      ("3e38, 0.25", "0 * mean(d.x)", 1)):
            results = self.results(self.build(text % (values, judge)), "train", "--overwrite")
            self.assertEqual(self.points(results)[1], chosen, values)
            self.assertEqual(figure(results, "report", "lr"), single(float(values.split(",")[chosen])))
        self.refuse("the sweep has no best point: the value that judges is not a number at all 2 of them",
                    self.build(text % ("3e38, 3e38", "0 * mean(d.x)")), "train", "--overwrite")

    # A point is lost when its parameters are not finite, though the loss is: after that epoch, whether the clock wants a
    # checkpoint there or not.
    def test_lost_by_parameters(self):
        text = BOWL + """sweep lr in [3e38, 0.25] { stage move { on d.all batch 8; minimize 4 * tanh(mean(net(d.x))); optimizer sgd(lr); epochs 50 }
  evaluate d.all { report w = net.w + 0 * mean(whole(d.x)) }
  keep best net.w + 0 * mean(d.x) over d.all }"""
        self.assertEqual(self.points(self.results(self.build(text), "train", "--out", "run"))[1], 1)
        lines = self.lines()
        self.assertEqual([sum("stage" in line and "3e+38" in line["at"] for line in lines), sum("stage" in line and "0.25" in line["at"] for line in lines),
                          sum("evaluation" in line for line in lines)], [1, 50, 1])

    # The points share random keys: two equal ones end in the same bits.
    def test_points_share_keys(self):
        text = BOWL.replace("model net = point()\n", "") + """model noisy = mlp([4, 1])
sweep swept in [0, 1, 2] {
  repeat 2 { stage learn { on d.all batch 4; minimize mean(noisy(stack([d.x * uniform([4])], axis: 1))) + 0 * swept; optimizer sgd(0.1); steps 5 } }
  keep best total(params(noisy)) + 0 * mean(d.x) over d.all }
"""
        values, chosen = self.points(self.results(self.build(text), "train"))
        self.assertEqual((len(set(values)), chosen), (1, 0))

    # Inside of each other, and inside of `repeat`: every round chooses again, from where the one before ended.
    def test_nested(self):
        text = BOWL + """repeat 2 { sweep lr in [0.5, 1.0] {
  sweep trade in [1, -1] { stage move { on d.all batch 8; minimize trade * mean(net(d.x)); optimizer sgd(lr); steps 1 }
    keep least net.w + 0 * mean(d.x) over d.all }
  keep best net.w + 0 * mean(d.x) over d.all } }
report w = net.w, lr, trade"""
        results = self.results(self.build(text), "train")
        # The inner one goes down by lr, the outer one takes the one that went down least.
        self.assertEqual([figure(results, "report", name) for name in ("w", "lr", "trade")], [-1, 0.5, 1])
        self.assertEqual([sweep["chosen"] for sweep in results["runs"][0]["sweeps"]], [0, 0, 0, 0, 0, 0])

    def test_several_runs(self):
        text = BOWL + "sweep lr in [0.5, 0.25] { " + MOVE + "; keep best net.w + 0 * mean(d.x) over d.all }\nreport w = net.w"
        ran = self.run_ok(self.build(text), "train", "--runs", 3)
        self.assertRegex(ran.stdout, r"lr 0.25 +-0.5000 ± 0.0000 +3 of 3")


CLOUDS = """import std
fn cloud(shift: float) { let y = uniform_int([], below: 4); return (x: normal([4]) + f32(y) + shift, label: classes(y, 4)) }
domain d { generate train: samples(200, fn(i) => cloud(0.0)); generate test: samples(60, fn(i) => cloud(0.5)); fields x: f32[4], label: class(4) }
"""

# Both kinds of choice, long enough to be stopped in the middle of a point.
LONG = CLOUDS + """
param lr = 0.1; param steps = 3000
model net { trunk = sequential([linear(8), batch_norm(), dropout(0.2)]); head = linear(4) }
stage pre { on d.train by balanced(label) batch 16; minimize cross_entropy(net.head(net.trunk(d.x)), d.label); optimizer sgd(lr); steps 200 }
baseline before of pre
sweep lr in [0.05, 0.1, 1e30] {
  stage adapt {
    on d.train as task by episodes(ways: 3, shots: 2, queries: 2) batch 4, d.train as c by groups(label, size: 3) batch 5, d.train as p by pairs(label) batch 6, d.train as w by weighted(1 + abs(x[0])) batch 8
    augment task.x = task.x + 0.1 * normal([4])
    state teacher = snapshot(net.trunk)
    minimize mean(square(net.trunk(reshape(task.support.x, [24, 4])))) + 0.1 * mean(net.head(net.trunk(reshape(c.x, [15, 4])))) + 0.1 * mean(where(p.same, 1.0, -1.0) * sum(net.trunk(p.first.x) * net.trunk(p.second.x), axis: 1)) + cross_entropy(net.head(net.trunk(w.x)), w.label)
    update teacher = mix(teacher, net.trunk, 0.99)
    optimizer sgd(0.01 * lr, momentum: 0.9); steps steps
    keep best -cross_entropy(net.head(net.trunk(w.x)), w.label) over d.test
  }
  stage more from adapt { on d.train batch 16; minimize cross_entropy(net.head(net.trunk(d.x)), d.label); optimizer adam(1e-3); steps 200 }
  evaluate d.test { predict softmax(net.head(net.trunk(d.x))) against d.label; report accuracy, transfer_gain }
  keep best -cross_entropy(net.head(adapt.teacher(d.x)), d.label) over d.test
}
evaluate d.test { predict softmax(net.head(adapt.teacher(d.x))) against d.label; report accuracy, transfer_gain, lr }
"""


class Resuming(harness.Case):
    # Killed anywhere, in any point, the rest of the run is the same to the bit.
    def test_resumes(self):
        program = self.build(LONG)
        whole = self.results(program, "train", "--out", "whole", "--threads", 1)
        lines = (self.folder / "whole/metrics.jsonl").read_bytes().count(b"\n")
        for attempt, share in enumerate((0.15, 0.4, 0.7)):
            self.stop(program, f"part{attempt}", share * lines, signal.SIGKILL if attempt else signal.SIGINT)
            rest = self.results(program, "train", "--out", f"part{attempt}", "--resume")
            self.assertEqual(rest["runs"][0]["sweeps"], whole["runs"][0]["sweeps"])
            self.assertEqual(rest["runs"][0]["evaluations"], whole["runs"][0]["evaluations"])
            for name in ("weights.safetensors", "metrics.jsonl"):
                self.assertEqualFiles(f"part{attempt}/{name}", f"whole/{name}")


# Program 23 of the language's design on made data: digits are bright bars, the target's are dimmer on another ground.
GRID = """import std
param lr = 0.01; param trade = 1.0
fn digit(i: int, ground: float, light: float) {
  let label = i * 7 % 10
  let bar = where(iota(20) // 2 == label, light, 0.0)
  return (image: expand(expand(bar, axis: 1) * ones([20, 20]) + ground + 0.1 * normal([20, 20]), axis: -1), label: classes(label, 10))
}
domain svhn { generate train: samples(320, fn(i) => digit(i, 0.0, 1.0)); fields image: f32[20, 20, 1], label: class(10) }
domain mnist { generate train: samples(320, fn(i) => digit(i, 0.3, 0.5)); generate test: samples(100, fn(i) => digit(i, 0.3, 0.5)); fields image: f32[20, 20, 1], label: class(10); hide label in train }
module dtn(width: int = 32) (x: [n, h, w, c]) -> [n, width] {
  conv = conv(8, kernel: 5, stride: 2); norm = batch_norm(); out = linear(width)
  return relu(out(reshape(relu(norm(conv(x))), [n, size(relu(norm(conv(x))), 1) * size(relu(norm(conv(x))), 2) * 8])))
}
# Soft neighbourhood density (Saito et al. 2021, eq. 1-3): the entropy of how alike a prediction is to all others.
fn snd(g: logits[n, k], temperature: [] = 0.05) -> [] {
  let p = softmax(g); let z = p / expand(norm(p, axis: 1), axis: 1)
  let s = where(expand(iota(n), axis: 0) == expand(iota(n), axis: 1), -1e9, z @ transpose(z) / temperature)
  return mean(entropy(softmax(s)))
}
model net { trunk = dtn(); head = linear(10); critic = mlp([50, 1]) }
stage source { on svhn.train batch 64; minimize cross_entropy(net.head(net.trunk(svhn.image)), svhn.label); optimizer sgd(lr, momentum: 0.9); epochs 4 }
baseline source_only of source
sweep lr in [0.003, 0.01, 0.03], trade in [0.1, 1.0] {
  stage adapt {
    on svhn.train, mnist.train batch 64
    let fs, ft = jointly(net.trunk, [svhn.image, mnist.image])
    loss task  = cross_entropy(net.head(fs), svhn.label)
    loss align = dann(net.critic, fs, ft, strength: warmup(gamma: 10))
    minimize task + trade * align
    optimizer sgd(lr, momentum: 0.9); epochs 4
  }
  keep best snd(net.head(net.trunk(mnist.image))) over mnist.train
}
evaluate mnist.test { predict softmax(net.head(net.trunk(mnist.image))) against mnist.label; report accuracy, transfer_gain }
"""


class Grid(harness.Case):
    def test_program_23(self):
        results = self.results(self.build(GRID), "train", "--out", "run", timeout=300)
        sweep = results["runs"][0]["sweeps"][0]
        self.assertEqual([point["options"] for point in sweep["points"]],
                         [{"lr": lr, "trade": trade} for lr in (0.003, 0.01, 0.03) for trade in (0.1, 1)])
        values = [point["value"] for point in sweep["points"]]
        self.assertEqual(sweep["chosen"], values.index(max(values)))
        self.assertGreater(figure(results, "mnist.test", "accuracy"), 0.3)  # by chance 0.1


if __name__ == "__main__":
    harness.main()
