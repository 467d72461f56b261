"""A run stops where a number is no number any more, before that reaches a parameter, and says where."""
import harness

# The loss is 0, where the derivative of the square root is infinite; with --late 1 only from the second epoch on.
PROGRAM = """import std
param late = 0.0
domain same { generate samples(32, fn(i) => (x: ones([3]))); fields x: f32[3] }
module scaled() (x: [n, d]) -> [n, d] { param weight: [d] = ones(); return x * weight }
model net { part = scaled() }
stage learn {
  on same.all batch 8
  state seen: [] = 0
  update seen = seen + 1
  let distance = sum(square(net.part(same.x) - 1 + late * where(seen < 5, 1, 0)))
  loss task = sqrt(distance)
  minimize task
  optimizer sgd(0.0); epochs 2
}
"""

# A norm has no slope at 0, of a tensor, of a tree, or in a gradient of a gradient (a critic whose units are all silent).
NORM = """import std
domain same { generate samples(8, fn(i) => (x: ones([3]))); fields x: f32[3] }
module scaled() (x: [n, d]) -> [n, d] { param weight: [d] = zeros(); return x * weight }
module silent() (x: [n, d]) -> [n] { param weight: [d] = full([d], -1.0); return sum(relu(x * weight), axis: d) }
model net { part = scaled(); critic = silent() }
stage learn {
  on same.all batch 8
  loss lengths = mean(norm(net.part(same.x), axis: 1)) + norm(params(net.part))
  loss penalty = gradient_penalty(net.critic, same.x, same.x)
  minimize lengths + penalty
  optimizer sgd(0.5); steps 3
}
report weight = net.part.weight, critic = net.critic.weight
"""


class NotFinite(harness.Case):
    def test_norm_of_nothing(self):
        found = harness.figures(self.results(self.build(NORM), "train", "--out", "run"), "report")
        self.assertEqual((found["weight"], found["critic"]), ([0, 0, 0], [-1, -1, -1]))

    def test_gradient(self):
        program = self.build(PROGRAM)
        self.refuse(r"program\.xfer:12:\d+.*the gradient of 'net\.part\.weight' is not finite", program, "train",
                    "--out", "run")
        self.assertFalse((self.folder / "run/weights.safetensors").exists())

    # The checkpoint of the epoch before stays, and holds finite numbers.
    def test_later(self):
        program = self.build(PROGRAM)
        self.refuse("the gradient of 'net.part.weight' is not finite", program, "train", "--out", "run", "--late", 1)
        self.assertTrue((self.folder / "run/checkpoint.xfer").exists())
        self.refuse("the gradient of 'net.part.weight' is not finite", program, "train", "--out", "run", "--resume")


if __name__ == "__main__":
    harness.main()
