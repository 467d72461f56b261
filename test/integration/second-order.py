"""Gradients through gradient steps, through what attention is made of: against finite differences in the compiled program itself."""
import harness

# What a step learns from `support` is judged on `query` (Finn et al. 2017).  Along a direction of all parameters: the derivative of the
# loss behind the inner steps, the same by five points of that loss; and the second derivative of the inner loss, by four points of its
# first.  Differences of h^4 and rounding of float32 over h stay below a thousandth.
PROGRAM = """import std
domain d {
  generate samples(6, fn(i) => (x: normal([5, 8]), z: normal([7, 8]), seen: iota(5) < 3 + i % 3, y: classes(i % 3, 3)))
  fields x: f32[5, 8], z: f32[7, 8], seen: bool[5], y: class(3)
}
# Low-rank update around a part (Hu et al. 2021, section 4.1), without its zero beginning, at which one factor has no second derivative.
module lora(inner: module([.., in]) -> [.., out], rank: int = 2) (x: [.., in]) -> [.., out] {
  param down: [in, rank] = kaiming_uniform(fan: in); param up: [rank, out] = kaiming_uniform(fan: rank)
  return inner(x) + x @ down @ up
}
module reader(inner: module) (x: [n, t, d], z: [n, m, d], seen: bool[n, t]) -> logits[n, 3] { body = inner; head = linear(3); return head(mean(BODY, axis: t)) }
module shared(heads: int) (x: [n, t, d]) -> [n, t, d] {
  query = linear(d); key = linear(d // 2); value = linear(d // 2)
  return attend(query(x), key(x), value(x), heads, causal: true)
}
model net = reader(KIND)
stage learn {
  on d.all batch 6
  let inner = fn(m) => cross_entropy(m(d.x, d.z, d.seen), d.y)
  let outer = fn(m, second) => cross_entropy(descend(m, inner, rate: 0.7, steps: 2, second_order: second)(reverse(d.x, axis: 2), reverse(d.z, axis: 1), d.seen), d.y)
  let way = stop_gradient(tree_map(fn(p) => cos(40 * p), params(net)))
  let moved = fn(k) => outer(net + 0.01 * k * way, true)
  let slope = fn(k) => dot(grad(inner(net + 0.01 * k * way), wrt: params(net)), way)
  minimize inner(net)
  optimizer sgd(1e-3); steps 1
  watch exact = dot(grad(outer(net, true), wrt: net), way)
  watch found = (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / 0.12
  watch first = dot(grad(outer(net, false), wrt: net), way)
  watch curve = dot(grad(dot(grad(inner(net), wrt: net), way), wrt: net), way)
  watch curve_found = (8 * (slope(1) - slope(-1)) - (slope(2) - slope(-2))) / 0.12
}
"""
ATTENTION = "multi_head_attention(2)"
# What stands in the net, and how it is called.
KINDS = {
    "attention": (ATTENTION, "body(x)"),
    "causal": ("multi_head_attention(4, causal: true, use_bias: false)", "body(x)"),
    "masked": (ATTENTION, "body(x, mask: seen)"),
    "memory": (ATTENTION, "body(x, memory: z)"),
    "low rank": (ATTENTION + " with { attention.{query, value} -> lora(it) expect 2 }", "body(x)"),
    "low rank and memory": (ATTENTION + " with { attention.key -> lora(it) }", "body(x, memory: z)"),
    "shared keys": ("shared(4)", "body(x)"),
    "layer": ("transformer_encoder_layer(2, hidden: 12, dropout_rate: 0, activation: gelu)", "body(x, mask: seen)"),
}


class SecondOrder(harness.Case):
    def test_attention(self):
        for name, (kind, body) in KINDS.items():
            with self.subTest(name):
                self.run_ok(self.build(PROGRAM.replace("KIND", kind).replace("BODY", body)), "train", "--out", "run", "--overwrite")
                found = self.lines()[0]
                for exact, differences in (("exact", "found"), ("curve", "curve_found")):
                    self.assertGreater(abs(found[exact]), 1e-2)
                    self.assertAlmostEqual(found[exact] / found[differences], 1, delta=2e-3)
                # What does not go through the inner gradients is another one.
                self.assertGreater(abs(found["first"] / found["found"] - 1), 2e-2)


if __name__ == "__main__":
    harness.main()
