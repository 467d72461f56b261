"""Samplers and sweeps: what batches are drawn, that the same is drawn again, and whose model a choice leaves."""
import json
import signal

import harness
from harness import XFERC, figures

HEAD = """import std
domain d {
  generate samples(30, fn(i) => (x: f32(i), y: classes(where(i < 20, 0, where(i < 25, 1, 2)), 3), user: i // 3, w: where(i == 7, 1.0, 0.0)))
  fields x: f32, y: class(3), user: int, w: f32
}
model net = linear(1)
fn record(log: [k, n], value: [n], given step: int) -> [k, n] = where(expand(iota(k), axis: 1) == step, expand(value, axis: 0), log)
"""

BALANCED = HEAD + """
stage learn {
  on d.all as s by balanced(y) batch 6
  state seen: [5, 6] = zeros()
  update seen = record(seen, f32(s.y))
  minimize mean(net(expand(s.x, axis: 1))); optimizer sgd(0.0); steps 5
}
report seen = learn.seen
"""

WEIGHTED = HEAD + """
stage learn {
  on d.all as s by weighted(w) batch 6
  state seen: [5, 6] = zeros()
  update seen = record(seen, s.x)
  minimize mean(net(expand(s.x, axis: 1))); optimizer sgd(0.0); steps 5
}
report seen = learn.seen
"""

GROUPS = HEAD + """
stage learn {
  on d.all as s by groups(user, size: 3) batch 4
  state users: [5, 4] = zeros(); state apart: [5, 4] = zeros()
  update users = record(users, f32(s.user)[.., 0])
  update apart = record(apart, max(f32(s.user), axis: 1) - min(f32(s.user), axis: 1))
  minimize mean(net(expand(s.x, axis: 2))); optimizer sgd(0.0); steps 5
}
report users = learn.users, apart = learn.apart
"""

PAIRS = HEAD + """
stage learn {
  on d.all as s by pairs(y) batch 6
  state wrong: [5, 6] = zeros(); state same: [5, 6] = zeros()
  update same = record(same, f32(s.same))
  update wrong = record(wrong, abs(f32(s.first.y == s.second.y) - f32(s.same)))
  minimize mean(net(expand(s.first.x, axis: 1))); optimizer sgd(0.0); steps 5
}
report same = learn.same, wrong = learn.wrong
"""

EPISODES = HEAD + """
stage learn {
  on d.all as task by episodes(ways: 2, shots: 1, queries: 2, label: y) batch 3
  state labels: [5, 3] = zeros(); state most: [5, 3] = zeros()
  update labels = record(labels, sum(f32(task.support.y), axis: 1))
  update most = record(most, max(f32(task.query.y), axis: 1))
  minimize mean(each t in task => mean(net(expand(t.query.x, axis: 1)))); optimizer sgd(0.0); steps 5
}
evaluate d.all as task by episodes(ways: 2, shots: 1, queries: 2, label: y) count 7 { report rows = f32(size(task.query.x, 0)) }
report labels = learn.labels, most = learn.most
"""

# The loss has its least value where the weight is 3: a large rate comes nearest in so few steps, and the larger one leaves.
SWEEP = """import std
param lr = 0.5
param scale = 1.0
domain d { generate samples(8, fn(i) => (x: 1.0)); fields x: f32 }
module weight() () -> [] { param value: [] = zeros(); return value }
model net { w = weight() }
sweep lr in [0.01, 0.4, 9.0], scale in [1.0, 0.5] {
  stage learn { on d.all batch 8; minimize scale * square(net.w() - 3) * mean(d.x); optimizer sgd(lr); epochs 3 }
  keep least square(net.w() - 3) over d.all
}
report w = net.w(), rate = lr, factor = scale
"""

# Program 23: a choice over a grid without labels of the target.
GRID = """import std
param lr = 0.01; param trade = 1.0
fn point(turn: float) {
  let y = uniform_int([], below: 2)
  let a = turn + f32(y) * 3.14159
  return (x: stack([2 * cos(a), 2 * sin(a)]) + 0.3 * normal([2]), label: classes(y, 2))
}
domain svhn { generate samples(256, fn(i) => point(0)); fields x: f32[2], label: class(2); split train: 1.0 }
domain mnist { generate train: samples(256, fn(i) => point(0.7)); generate test: samples(256, fn(i) => point(0.7)); fields x: f32[2], label: class(2); hide label in train }
model net { trunk = mlp([16, 8]); head = linear(2); critic = mlp([16, 1]) }
stage source { on svhn.train batch 64; minimize cross_entropy(net.head(net.trunk(svhn.x)), svhn.label); optimizer sgd(lr, momentum: 0.9); epochs 10 }
baseline source_only of source
sweep lr in [0.003, 0.01, 0.03], trade in [0.1, 1.0] {
  stage adapt {
    on svhn.train, mnist.train batch 64
    let fs, ft = jointly(net.trunk, [svhn.x, mnist.x])
    loss task  = cross_entropy(net.head(fs), svhn.label)
    loss align = dann(net.critic, fs, ft, strength: warmup(gamma: 10))
    minimize task + trade * align
    optimizer sgd(lr, momentum: 0.9); epochs 10
  }
  keep best snd(net.head(net.trunk(mnist.x))) over mnist.train
}
evaluate mnist.test { predict softmax(net.head(net.trunk(mnist.x))) against mnist.label; report accuracy, transfer_gain }
"""


class Choices(harness.Case):
    def found(self, text, *arguments):
        program = self.build(text)
        first = figures(self.results(program, "--seed", 3, *arguments), "report")
        again = figures(self.results(program, "--seed", 3, "--threads", 1, *arguments), "report")
        self.assertEqual(first, again)
        return first

    def test_balanced(self):
        for batch in self.found(BALANCED)["seen"]:
            self.assertEqual([batch.count(c) for c in range(3)], [2, 2, 2])

    def test_weighted(self):
        self.assertEqual(self.found(WEIGHTED)["seen"], [[7] * 6] * 5)

    def test_groups(self):
        found = self.found(GROUPS)
        self.assertEqual(found["apart"], [[0] * 4] * 5)
        self.assertGreater(len({user for batch in found["users"] for user in batch}), 5)

    def test_pairs(self):
        found = self.found(PAIRS)
        self.assertEqual(found["wrong"], [[0] * 6] * 5)
        self.assertEqual({value for batch in found["same"] for value in batch}, {0, 1})

    def test_episodes(self):
        found = self.found(EPISODES)
        self.assertEqual(found["labels"], [[1] * 3] * 5)                    # the two classes are 0 and 1
        self.assertEqual(found["most"], [[1] * 3] * 5)
        program = self.build(EPISODES)
        self.assertEqual(figures(self.results(program, "--seed", 3), "d.all")["rows"], 7)

    def test_sweep(self):
        found = self.found(SWEEP)
        self.assertAlmostEqual(found["rate"], 0.4, places=6)
        self.assertEqual(found["factor"], 1.0)
        # Three steps from 0: 3 - 3 * (1 - 2 * 0.4)^3.
        self.assertAlmostEqual(found["w"], 3 - 3 * 0.2 ** 3, places=5)

    def test_grid(self):
        program = self.build(GRID)
        found = figures(self.results(program, "train", "--seed", 3, "--out", "run"), "mnist.test")
        self.assertGreater(found["accuracy"], 0.9)
        self.assertIn("transfer_gain", found)
        lines = [json.loads(line) for line in (self.folder / "run/metrics.jsonl").read_text().splitlines()]
        points = [line for line in lines if "sweep" in line]
        self.assertEqual(len({json.dumps(point["options"]) for point in points if "options" in point}), 6, points[:2])

    # Stopped in any point of a sweep, the rest of it is the same to the bit.
    def test_resume(self):
        program = self.build(GRID.replace("epochs 10", "epochs 40"))
        self.results(program, "train", "--out", "whole")
        lines = (self.folder / "whole/metrics.jsonl").read_bytes().count(b"\n")
        for share, number in ((0.3, signal.SIGINT), (0.6, signal.SIGKILL), (0.85, signal.SIGINT)):
            folder = f"part{share}"
            process = self.start(program, "train", "--out", folder)
            harness.wait_for_lines(self.folder / folder / "metrics.jsonl", process, share * lines)
            status, _, said = harness.interrupt(process, number)
            self.assertIn(status, (130, -number), f"the run ended before it could be stopped: {said}")
            self.run_ok(program, "train", "--out", folder, "--resume")
            for name in ("weights.safetensors", "metrics.jsonl"):
                self.assertEqualFiles(f"{folder}/{name}", f"whole/{name}")

    def test_runs(self):
        runs = self.results(self.build(GRID), "train", "--out", "runs", "--runs", 2)["runs"]
        self.assertEqual(len(runs), 2)

    def test_wrong(self):
        for text, words in (
            (SWEEP.replace("keep least square(net.w() - 3) over d.all", ""), "keep"),
            (SWEEP.replace("[0.01, 0.4, 9.0]", "[]"), "lr"),
            (SWEEP.replace("param lr = 0.5", "const lr = 0.5"), "a sweep goes over options"),
            (BALANCED.replace("balanced(y)", "balanced(x)"), "goes by a class or an int"),
            (EPISODES.replace("ways: 2", "ways: 0"), "ways"),
        ):
            self.refuse(words, XFERC, "check", self.write("wrong.xfer", text))


if __name__ == "__main__":
    harness.main()
