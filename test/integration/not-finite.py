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


class NotFinite(harness.Case):
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
