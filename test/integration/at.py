"""`at` by execution: what a part or a `let` produced inside a call, with exact numbers."""
import harness
from harness import figures

HEAD = """import std
module times(by: float) (x: [n]) -> [n] { param w: [] = full([], by); let h = w * x; return h + 1 }
module deep() (x: [n]) -> [n] { first = times(2.0); second = times(3.0); return second(first(x)) }
module net() (x: [n]) -> (y: [n], z: [n]) {
  chain = [times(2.0) for i in range(3)]; heads = [times(4.0), times(5.0)]; inner = deep(); twice = times(6.0)
  let y = x
  for c in chain { let y = c(y) }
  let a = twice(y); let b = twice(a)
  return (y: inner(y), z: heads[0](y) + heads[1](y) + b)
}
fn halves(x: [n]) -> [n] { let half = x / 2; return half * half }
module looped() (x: [n, t]) -> [n] { cell = times(2.0); let r = scan c in x along t from s = zeros([n]) { next s = s + cell(c) }; return r.s }
domain d { generate samples(4, fn(i) => (x: f32(i), y: f32(i))); fields x: f32, y: f32 }
model m { net = net(); drop = times(1.0); looped = looped() }
"""

VALUES = HEAD + """
stage learn {
  on d.all batch 4
  let s = m.net(d.x)
  minimize mean(s at chain[0]) over m.net.chain[0] using sgd(1.0)
  run m.net(d.x); run m.drop(d.x); run m.looped(stack([d.x, d.x]))
  optimizer sgd(0.0); steps 1
}
evaluate d.all {
  let s = m.net(d.x); let f = halves(d.x)
  report chain = sum(s at chain), first = sum(s at chain[0]), h = sum(s at chain[1].h), inner = sum(s at inner.first), deep = sum(s at inner.second.h),
         lets = sum(s at y[1]), last = sum(s at y[-1]), a = sum(s at a), twice = sum(s at twice[1]), head = sum(s at heads[1]),
         direct = sum(m.net(d.x) at twice[0]), half = sum(f at half), product = sum(2 * halves(d.x) at half),
         inside = sum(each v in d.x => sum(m.net(full([1], v)) at chain))
}
"""

WRONG = {
    "never": ("m.net(d.x) at chian", "evaluates no part and no 'let' called 'chian'; did you mean 'chain'"),
    "several": ("m.net(d.x) at twice", "evaluates 'twice' 2 times; say which, such as 'at twice\\[0\\]'"),
    "several lets": ("m.net(d.x) at y", "evaluates 'y' 4 times"),
    "parallel": ("m.net(d.x) at heads", "evaluates 'heads' 2 times"),
    "number": ("m.net(d.x) at twice[2]", "evaluates 'twice' 2 times; there is no number 2"),
    "no call": ("d.x at chain", "looks inside a call of a module or a function"),
    "element": ("m.net(d.x).y at chain", "looks inside a call of a module or a function"),
    "arithmetic": ("(2 * m.drop(d.x)) at h", "looks inside a call of a module or a function"),
    "loop": ("m.looped(expand(d.y, axis: 1)) at cell", "evaluated by each iteration of a loop"),
    "jointly": ("jointly(m.drop, [d.x, d.y])[0] at h", "looks inside a call of a module or a function"),
}


class At(harness.Case):
    def test_values(self):
        found = figures(self.results(self.build(VALUES)), "d.all")
        xs = range(4)
        w = 2 - 1.5                                       # chain[0] after its step: the mean of d.x is 1.5
        c0 = [w * x + 1 for x in xs]
        c1 = [2 * x + 1 for x in c0]
        c2 = [2 * x + 1 for x in c1]
        twice = [[6 * x + 1 for x in c2]]
        twice.append([6 * x + 1 for x in twice[0]])
        first = [2 * x + 1 for x in c2]
        expected = {"chain": c2, "first": c0, "h": [2 * x for x in c0], "inner": first, "deep": [3 * x for x in first], "lets": c0,
                    "last": c2, "a": twice[0], "twice": twice[1], "head": [5 * x + 1 for x in c2], "direct": twice[0],
                    "half": [x / 2 for x in xs], "product": [x for x in xs], "inside": c2}
        for name, values in expected.items():
            self.assertEqual(found[name], sum(values), name)

    def test_nothing_is_computed_twice(self):
        text = HEAD.split("domain d")[0] + """
domain d { generate samples(4, fn(i) => (x: f32(i))); fields x: f32 }
model m = deep()
stage learn { on d.all batch 4; let s = m(d.x); minimize mean(s) + sum(s at first); optimizer sgd(0.1); steps 1 }
"""
        emitted = self.run_ok(harness.XFERC, "build", self.write("once.xfer", text), "--emit=xfer").stdout
        step = emitted[emitted.index("@learn.step0"):]
        self.assertEqual(step[:step.index("return")].count("nn.gradient"), 1)
        emitted = self.run_ok(harness.XFERC, "build", self.write("less.xfer", text.replace(" + sum(s at first)", "")), "--emit=xfer").stdout
        less = emitted[emitted.index("@learn.step0"):]
        self.assertEqual(step[:step.index("return")].count("nn.mul"), less[:less.index("return")].count("nn.mul"))

    def test_refused(self):
        for name, (text, says) in WRONG.items():
            with self.subTest(name):
                program = VALUES.split("evaluate")[0] + "evaluate d.all { report value = sum(" + text + ") }\n"
                self.refuse(says, harness.XFERC, "check", self.write(f"{name}.xfer", program))


if __name__ == "__main__":
    harness.main()
