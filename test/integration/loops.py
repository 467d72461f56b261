"""What a `scan` hands from step to step: lists, tuples, records, trees and modules, with gradients, and what it yields.

Values are chosen such that float32 holds them exactly.
"""
import harness
from harness import figures

HEAD = """import std
domain d { generate samples(4, fn(i) => (x: 1.0 + f32(i) + f32(iota(3)))); fields x: f32[3] }
module slope(start: float) (x: [n]) -> [n] { param w: [] = full([], start); return w * x }
model net { a = slope(2.0) }
"""

# Sample i is [i + 1, i + 2, i + 3].
MIXTURES = HEAD.split("module slope")[0] + """
fn walk(x: [n, t]) = scan v in x along t from pair = (sum: zeros([n]), last: [zeros([n]), 0.0, (v: 1.0)], note: none), word = 0 {
  next pair = (last: [v, pair.last[1] + 1, (v: 2 * pair.last[2].v)], note: none, sum: pair.sum + v), word = word + 1
  yield (a: pair.sum, b: [v, v * word])
}
stage learn {
  on d.all batch 4
  state a: [3] = zeros(); state b: [3] = zeros(); state others: [5] = zeros()
  let r = walk(d.x)
  update others = stack([sum(r.pair.sum), sum(r.pair.last[0]), r.pair.last[1], r.pair.last[2].v, f32(r.word)])
  update a = sum(r.out.a, axis: 0); update b = sum(r.out.b[1], axis: 0)
  steps 1
}
report others = learn.others, a = learn.a, b = learn.b
"""

# Two steps halve w; the slope of what is left, by w, is a quarter: through a module, a tree and a list of both sides of a swap.
GRADIENTS = HEAD + """
fn tuned(m: module, k: int) -> module {
  let r = scan i in range(k) from m = m { next m = m - 0.25 * grad(m.w * m.w, wrt: m) }
  return r.m
}
fn swapped(x: [n]) -> [n] {
  let r = scan i in range(3) from both = [x, 2 * x] { next both = [both[1], both[0] * both[1]] }
  return r.both[0] + r.both[1]
}
evaluate d.all {
  let x = iota(3) + 1.0; let y = net.a(x)
  let steps = scan i in range(2) from m = net.a { next m = m * 1 - 0.25 * grad(m.w * m.w, wrt: m); yield m }
  report w = tuned(net.a, 2).w, slope = total(grad(tuned(net.a, 2).w, wrt: net.a)), applied = tuned(net.a, 1)(x),
         tree = total((scan i in range(3) from t = params(net.a) { next t = t * 2 }).t), plain = y, swapped = swapped(x), rise = grad(sum(swapped(x)), wrt: x),
         path = (scan i in range(2) from m = net.a { next m = m - 0.25 * grad(m.w * m.w, wrt: m); yield m.w }).out
}
""".replace("  let steps = scan i in range(2) from m = net.a { next m = m * 1 - 0.25 * grad(m.w * m.w, wrt: m); yield m }\n", "")

# Entries that a counter, a label or a size names; beyond the ends it is the first or the last one.
INDEXED = """import std
domain d { generate samples(4, fn(i) => (x: 1.0 + f32(i) + f32(iota(3)), y: classes(i % 3, 3))); fields x: f32[3], y: class(3) }
fn walk(x: [n], start: int) -> [] {
  let r = scan i in range(5) from s = 0.0 { next s = s + x[i + start] * (i + 1) }
  return r.s
}
# Non-maximum suppression, one box after the other.
fn kept(near: bool[k, k]) {
  let r = scan i in range(k) from alive = iota(k) >= 0 { next alive = alive and not (near[i] and alive[i] and iota(k) > i) }
  return f32(r.alive)
}
evaluate d.all {
  let x = f32(iota(3)) + 1; let m = reshape(f32(iota([12])), [2, 3, 2]); let one = iota(3)[1]; let at = fn(i) => int(x[i] - 1)
  report forth = walk(x, 0), back = walk(x, -3), slope = grad(walk(x, 0), wrt: x), rise = grad(walk(x, -3), wrt: x),
         row = m[one], entry = m[0, at(2), one], column = m[.., at(1)], part = m[1, at(0), 0..1], twice = m[at(0)][at(2)][at(1)], mixed = m[at(1), 1.., at(1)],
         last = d.x[size(d.x, 0) - 1], beyond = d.x[size(d.x, 0)], labelled = x[d.y[at(2)]], above = m[at(0) - 7, at(2) + 7, 0],
         kept = kept(expand(iota(4), axis: 0) - expand(iota(4), axis: 1) == 1)
}
"""

# Each sample ends at its own length: all of a record stands still there.
BOUNDED = """import std
domain d { generate samples(3, fn(i) => (x: bounded(1.0 + f32(iota(4)), i + 1))); fields x: f32[t <= 4] }
fn walk(x: [n, t]) = scan v in x along t from c = (sum: zeros([n]), both: [zeros([n]), ones([n])]) {
  next c = (sum: c.sum + v, both: [c.both[1], c.both[0] + v])
}
evaluate d.all {
  let r = walk(d.x)
  report sum = sum(r.c.sum), first = sum(r.c.both[0]), second = sum(r.c.both[1])
}
"""

# Program 24 in small: a cache for each block, a list of records, is what one step hands to the next; each word out is the best after those
# before it. The whole sequence in one call says the same.
DECODING = """import std
module causal_attention(heads: int) (x: [n, t, d]) -> [n, t, d] {
  query = linear(d, use_bias: false); key = linear(d, use_bias: false); value = linear(d, use_bias: false); out = linear(d, use_bias: false)
  return out(attend(rotary(query(x), iota(t), heads), rotary(key(x), iota(t), heads), value(x), heads, causal: true))
  fn step(x: [n, d], past: (k: [n, m, d], v: [n, m, d]), place: int) -> (y: [n, d], past: like past) {
    let k = set_row(past.k, place, rotary(key(x), place, heads)); let v = set_row(past.v, place, value(x))
    let y = attend(expand(rotary(query(x), place, heads), axis: 1), k, v, heads, visible: iota(m) <= place)
    return (y: out(squeeze(y, axis: 1)), past: (k: k, v: v))
  }
}
module decoder(words: int, width: int, depth: int, heads: int) (x: token[n, t]) -> logits[n, t, words] {
  embed = embedding(words, width); block = [causal_attention(heads) for i in range(depth)]
  let h = embed(x)
  for b in block { let h = h + b(h) }
  return h @ transpose(embed.weight)
  fn step(x: token[n], past: list, place: int) -> (logits: logits[n, words], past: list) {
    let h = embed(x); let now = []
    for b, p in zip(block, past) { let r = b.step(h, p, place); let h = h + r.y; let now = now + [r.past] }
    return (logits: h @ transpose(embed.weight), past: now)
  }
}
model lm { net = decoder(7, width: 8, depth: 2, heads: 2); freeze lm }
domain d { generate samples(5, fn(i) => (word: classes(i, 7))); fields word: class(7) }
fn generate(word: [n]) {
  let empty = [(k: zeros([n, 6, 8]), v: zeros([n, 6, 8])) for b in lm.net.block]
  let r = scan i in range(6) from word = int(word), past = empty {
    let s = lm.net.step(word, past, i)
    next word = argmax(s.logits, axis: 1), past = s.past
    yield (word: word, logits: s.logits)
  }
  return (word: transpose(r.out.word), logits: transpose(r.out.logits, [1, 0, 2]))
}
evaluate d.all {
  let out = generate(f32(d.word))
  let whole = lm.net(out.word)
  report difference = max(abs(out.logits - whole)), size = max(abs(whole))
}
"""

WRONG = {
    "fewer": ("from c = [v, v] { next c = [v] }", r"in 'c' a list of 2 becomes a list of 1 \[carry-differs\]"),
    "names": ("from c = (a: v) { next c = (b: v) }", r"in 'c' a record \(a\) becomes a record \(b\)"),
    "record": ("from c = v { next c = (a: v) }", r"in 'c' a tensor \[3\] becomes a record \(a\)"),
    "tensor": ("from c = (a: v) { next c = v }", r"in 'c' a record \(a\) becomes a tensor \[3\]"),
    "module": ("from c = net.a { next c = v }", r"in 'c' the module 'net.a' becomes a tensor \[3\]"),
    "shape": ("from c = [v] { next c = [zeros([2])] }", r"shapes-differ"),
    "function": ("from c = (f: fn(x) => x) { next c = c }", r"expected a tensor or a number, found a function"),
}


class Loops(harness.Case):
    def test_computed_index(self):
        found = figures(self.results(self.build(INDEXED), "train", "--out", "run", "--overwrite"), "d.all")
        m = [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]]
        self.assertEqual(found, {
            "forth": 1 + 2 * 2 + 3 * 3 + 4 * 3 + 5 * 3, "back": 1 + 2 + 3 + 4 * 1 + 5 * 2, "slope": [1, 2, 12], "rise": [10, 5, 0],
            "row": m[1], "entry": m[0][2][1], "column": [[1, 3, 5], [7, 9, 11]], "part": [m[1][0][0]], "twice": m[0][2][1], "mixed": [3 + 6, 5 + 6],
            "last": [4, 5, 6], "beyond": [4, 5, 6], "labelled": 3, "above": 4, "kept": [1, 0, 1, 0]})

    def test_mixtures(self):
        found = figures(self.results(self.build(MIXTURES)), "report")
        self.assertEqual(found, {"others": [42, 18, 3, 8, 3], "a": [0, 10, 24], "b": [0, 14, 36]})

    def test_gradients(self):
        found = figures(self.results(self.build(GRADIENTS)), "d.all")
        # [x, 2x] -> [2x, 2x^2] -> [2x^2, 4x^3] -> [4x^3, 8x^5]
        self.assertEqual(found, {"w": 0.5, "slope": 0.25, "applied": [1, 2, 3], "plain": [2, 4, 6], "tree": 16,
                                 "swapped": [4 * x ** 3 + 8 * x ** 5 for x in (1, 2, 3)],
                                 "rise": [12 * x ** 2 + 40 * x ** 4 for x in (1, 2, 3)], "path": [2, 1]})

    def test_bounded(self):
        found = figures(self.results(self.build(BOUNDED)), "d.all")
        # (0, 1) -> (1, 1) -> (1, 3) -> (3, 4), as far as each goes
        self.assertEqual(found, {"sum": 1 + 3 + 6, "first": 1 + 1 + 3, "second": 1 + 3 + 4})

    def test_decoding(self):
        found = figures(self.results(self.build(DECODING), "--seed", 4), "d.all")
        # Sums of eight products in another order.
        self.assertLess(found["difference"], 1e-5 * found["size"])
        self.assertGreater(found["size"], 0.1)

    def test_refused(self):
        for name, (text, says) in WRONG.items():
            with self.subTest(name):
                program = self.write(f"{name}.xfer", HEAD + "fn f(v: [n]) = scan i in range(3) " + text +
                                     "\nstage learn { on d.all batch 4; run f(d.x[0]).c; run net.a(d.x[0]); steps 1 }\n")
                self.refuse(says, harness.XFERC, "check", program)


if __name__ == "__main__":
    harness.main()
