"""Validators without labels where they are used: to keep an epoch, after a stage, and as a second training the other way round."""
import harness
from harness import figure, figures

DATA = """import std
fn moon(side: int, turn: float) {
  let a = 3.14159265 * uniform([])
  let x = where(side == 0, cos(a), 1 - cos(a)) - 0.5 + 0.1 * normal([])
  let y = where(side == 0, sin(a), 0.5 - sin(a)) - 0.25 + 0.1 * normal([])
  return (point: stack([cos(turn) * x - sin(turn) * y, sin(turn) * x + cos(turn) * y]), label: classes(side, 2))
}
domain here {
  generate train: samples(120, fn(i) => moon(i % 2, 0)); generate test: samples(80, fn(i) => moon(i % 2, 0))
  fields point: f32[2], label: class(2)
}
domain there { generate samples(90, fn(i) => moon(i % 2, 0.6)); fields point: f32[2], label: class(2); hide label in all }
model net { trunk = mlp([12, 6]); head = linear(2) }
"""

# Every validator may choose the epoch: none of them reads a label of the target.
KEEP = DATA + """
stage source {
  on here.train, there.all batch 30
  let g = net.head(relu(net.trunk(there.point)))
  minimize cross_entropy(net.head(relu(net.trunk(here.point))), here.label) + 0 * mean(g)
  optimizer adam(0.01); epochs 6
  keep CHOICE
}
evaluate there.all { predict softmax(net.head(net.trunk(there.point))) against there.label; report accuracy }
"""
CHOICES = ["best certainty(g) over there.all", "best diversity(g) over there.all", "best nuclear_norm(g) over there.all", "best snd(g) over there.all",
           "best class_clustering(net.trunk(there.point), g) over there.all",
           "least dev(net.trunk(here.train.point), net.trunk(here.test.point), sum((softmax(net.head(net.trunk(here.test.point))) - onehot(here.test.label)) "
           "* (softmax(net.head(net.trunk(here.test.point))) - onehot(here.test.label)), axis: 1), net.trunk(there.point)) over there.all",
           "least a_distance(net.trunk(here.point), net.trunk(there.point)) over here.test, there.all",
           "least sliced_wasserstein(net.trunk(here.point), net.trunk(there.point)) over here.test, there.all"]

# Reverse validation (Zhong et al. 2010): a second model learns the target's predicted labels and is judged on the source's true ones.
REVERSE = DATA + """
model back { trunk = mlp([12, 6]); head = linear(2) }
stage source {
  on here.train batch 30
  minimize cross_entropy(net.head(relu(net.trunk(here.point))), here.label)
  optimizer adam(0.02); epochs RUNS
}
stage reverse {
  on there.all batch 30
  freeze net
  minimize cross_entropy(back.head(relu(back.trunk(there.point))), argmax(net.head(relu(net.trunk(there.point))), axis: 1))
  optimizer adam(0.02); epochs 40
}
evaluate here.test { predict softmax(back.head(relu(back.trunk(here.point)))) against here.label; report reverse_accuracy = accuracy }
report apart = a_distance(whole(here.test.point), 1 + whole(there.all.point)), same = a_distance(whole(here.train.point), whole(here.test.point))
"""


class Validators(harness.Case):
    def test_keep(self):
        for choice in CHOICES:
            with self.subTest(choice):
                results = self.results(self.build(KEEP.replace("CHOICE", choice)), "train", "--out", "run", "--overwrite")
                lines = self.lines()
                kept = [line["keep"] for line in lines if "keep" in line]
                self.assertEqual(len(kept), 6)
                self.assertTrue(all(isinstance(value, float) or isinstance(value, int) for value in kept), kept)
                self.assertGreater(len(set(kept)), 1)
                self.assertGreater(figure(results, "there.all", "accuracy"), 0.3)

    def test_reverse(self):
        found = {}
        for epochs in (1, 40):
            results = self.results(self.build(REVERSE.replace("RUNS", str(epochs))), "train", "--out", "run", "--overwrite")
            found[epochs] = figure(results, "here.test", "reverse_accuracy")
        self.assertGreater(found[40], 0.7)
        self.assertGreater(found[40], found[1])
        # Moved moons can be told from straight ones by a line, two draws of one domain cannot.
        whole = figures(results, "report")
        self.assertTrue(0 <= whole["same"] < 0.5 < whole["apart"] <= 2, whole)

    def test_refused(self):
        path = self.write("program.xfer", KEEP.replace("CHOICE", "best -dev(net.trunk(here.point), net.trunk(here.point), sum(net.head(net.trunk(here.point)), axis: 1) * mean(f32(there.label)), net.trunk(there.point)) over here.test, there.all"))
        self.refuse("hidden-value", harness.XFERC, "check", path)


if __name__ == "__main__":
    harness.main()
