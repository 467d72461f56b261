"""Optimizers that look elsewhere and schedules that remember, by execution: what the golden vectors of a plain net do not reach."""
import harness
from harness import read_weights

# Dropout, batch norm and an average: the second look must draw the same and write no statistics.
DRAWS = """import std
fn cloud() { let y = uniform_int([], below: 2); return (x: normal([4]) + y, y: classes(y, 2)) }
domain d { generate samples(48, fn(i) => cloud()); fields x: f32[4], y: class(2) }
module body() (x: [n, c]) -> [n, 2] { a = linear(8); norm = batch_norm(); drop = dropout(0.5); b = linear(2); return b(drop(norm(a(x)))) }
model net = body()
stage learn { on d.all batch 8; minimize cross_entropy(net(d.x), d.y); optimizer OPTIMIZER; epochs 2 }
evaluate d.all { predict softmax(net(d.x)) against d.y; report accuracy }
"""

# The other layer has moved already when the second optimizer looks elsewhere: what it sees is the clause's own point.
PARTS = """import std
domain d { generate samples(8, fn(i) => (x: 1.0)); fields x: f32 }
module weight(first: float) () -> [] { param w: [] = full([], first); return w }
model net { a = weight(0.5); b = weight(3.0) }
stage learn {
  on d.all batch 8
  minimize 0.5 * square(net.a() * net.b() - 1) + 0 * mean(d.x)
  optimizer sgd(0.1); optimizer sam(sgd(0.1), radius: 0.3) for net.b
  steps 1
}
evaluate d.all { report a = net.a() + 0 * mean(whole(d.x)), b = net.b() }
"""

# Optimizers and schedules around each other, with an option of the program for an argument of the inner schedule.
AROUND = """import std
param factor = 0.5
domain d { generate samples(8, fn(i) => (x: 1.0)); fields x: f32 }
module weight() () -> [] { param w: [] = zeros(); return w }
model net { a = weight(); b = weight() }
stage learn {
  on d.all batch 4
  minimize net.a() + 0 * mean(d.x) over net.a
  repeat 2 { minimize net.b() + 0 * mean(d.x) using clipped(sam(lookahead(sgd(1), steps: 2, alpha: 0.5), radius: 0.1), norm: 0.5) }
  optimizer sgd(1)
  schedule warmed_up(plateau(factor: factor, patience: 1), steps: 2)
  epochs 6
  state seen: int = 0
  update seen = seen + 1
  keep least where(seen >= 12, 0.0, 1.0) + 0 * mean(whole(d.x)) over d.all
}
report a = net.a(), b = net.b()
"""


class Optimizers(harness.Case):
    def weights(self, text, name, *arguments):
        program = self.build(text)
        self.run_ok(program, "train", "--out", name, *arguments)
        return read_weights(self.folder / name / "weights.safetensors")

    def test_sam_of_radius_0_is_what_it_is_around(self):
        plain = self.weights(DRAWS.replace("OPTIMIZER", "sgd(0.1, momentum: 0.9)"), "plain")
        sharp = self.weights(DRAWS.replace("OPTIMIZER", "sam(sgd(0.1, momentum: 0.9), radius: 0)"), "sharp")
        moved = self.weights(DRAWS.replace("OPTIMIZER", "sam(sgd(0.1, momentum: 0.9), radius: 0.5)"), "moved")
        self.assertEqual(set(plain), set(sharp))
        self.assertIn("net.norm.running_mean", plain)
        for name in plain:
            for a, b in zip(plain[name], sharp[name]):
                self.assertAlmostEqual(a, b, delta=1e-5, msg=name)
        self.assertGreater(max(abs(a - b) for a, b in zip(plain["net.a.weight"], moved["net.a.weight"])), 1e-3)

    def test_sam_of_a_part_sees_what_the_clause_found(self):
        found = harness.figures(self.results(self.build(PARTS), "train"), "d.all")
        self.assertAlmostEqual(found["a"], 0.5 - 0.1 * (0.5 * 3 - 1) * 3, delta=1e-6)
        # b is looked at 0.3 further along its gradient, beside the a that the clause found.
        self.assertAlmostEqual(found["b"], 3 - 0.1 * (0.5 * 3.3 - 1) * 0.5, delta=1e-6)

    def test_schedules_and_optimizers_around_others(self):
        # Two steps an epoch: 0 and 1/2 on the way up, four of 1, then nothing has improved for two epochs: four of 1/2, two of 1/4.
        # The last epoch improves, so that its parameters stay.  Two steps with lookahead go half of twice the way, and what
        # sam finds elsewhere is not what was clipped before it.
        found = harness.figures(self.results(self.build(AROUND), "train"), "report")
        self.assertAlmostEqual(found["a"], -7, delta=1e-5)
        self.assertAlmostEqual(found["b"], -7, delta=1e-5)
        found = harness.figures(self.results(self.build(AROUND), "train", "--factor", "0.25"), "report")
        self.assertAlmostEqual(found["a"], -4.5 - 4 * 0.25 - 2 * 0.0625, delta=1e-5)


if __name__ == "__main__":
    harness.main()
