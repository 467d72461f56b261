"""The acting clauses of a stage by execution: each on what the one before left, what is frozen, what is held, what is redone.

Values are chosen such that float32 holds them exactly, so what is expected is computed here and compared with ==.
"""
import harness
from harness import figures, single

# Linear models of one weight; `record` keeps what a value was at each step.
HEAD = """import std
fn record(log: [k], value: [], given step: int) -> [k] = where(iota(k) == step, value, log)
module slope(start: float) (x: [n]) -> [n] { param w: [] = full([], start); return w * x }
# An optimizer that shows its state: its n-th step is n times as long.
module counting(rate: []) (p: like p, g: like p) -> like p { state t: int = 0; update t = t + 1; return p - rate * g * (t + 1) }
domain d {
  generate samples(8, fn(i) => (x: 1.0 + 0 * f32(i), number: f32(i)))
  fields x: f32, number: f32
}
"""

# The second clause sees the b that the first left, as a number: its gradient does not go through the first step.
ORDER = HEAD + """
model net { a = slope(1.0); b = slope(2.0) }
stage learn {
  on d.all batch 4
  let ya = mean(net.a(d.x)); let yb = mean(net.b(d.x))
  state log_held: [4] = zeros(); state log_read: [4] = zeros(); state log_a: [4] = zeros()
  loss both = ya * yb
  hold old = yb
  minimize both over net.b using sgd(0.25)
  minimize both over net.a
  minimize ya * old over net.a
  repeat 2 { minimize both over net.a using sgd(0.0625) }
  update log_held = record(log_held, old)
  update log_read = record(log_read, yb)
  update log_a = record(log_a, net.a.w)
  watch seen = both + 0 * yb
  optimizer sgd(0.125); steps 4
}
report held = learn.log_held, read = learn.log_read, a = learn.log_a
"""

# A gradient is taken with respect to a value, not to what equals it: its parts joined again are not the whole, another computation of the same is
# another value, and a product that a scan makes in each step is one of what it scans.
RESPECT = HEAD + """
fn slopes(x: [n, t, d], m: [d, k]) -> [n, d] {
  let r = scan v in x along t from s = zeros([n, d]) { next s = s + grad(sum(v @ m), wrt: v) }
  return r.s
}
model net { a = slope(1.0) }
stage learn {
  on d.all batch 4
  state of_part: [4] = zeros(); state of_equal: [4] = zeros(); state of_scanned: [4] = zeros()
  let all = net.a(d.x)
  let front = all[0..2]; let back = all[2..4]
  let one = 2 * all; let other = 2 * all
  update of_part = record(of_part, sum(grad(sum(square(concat([front, back], axis: 0))), wrt: front)))
  update of_equal = record(of_equal, sum(grad(sum(one * other), wrt: one)))
  update of_scanned = record(of_scanned, sum(slopes(full([2, 3, 2], mean(d.x)), full([2, 2], 2.0))))
  minimize mean(all)
  optimizer sgd(0.0); epochs 2
}
report part = learn.of_part, equal = learn.of_equal, scanned = learn.of_scanned
"""

FREEZE = HEAD + """
model net { a = slope(1.0); b = slope(2.0); c = slope(4.0) }
stage learn {
  on d.all batch 4
  freeze net.a until epoch 1
  freeze net.b until step 3
  state log_a: [8] = zeros(); state log_b: [8] = zeros(); state log_c: [8] = zeros()
  minimize mean(net.a(d.x)) + mean(net.b(d.x)) + mean(net.c(d.x))
  update log_a = record(log_a, net.a.w)
  update log_b = record(log_b, net.b.w)
  update log_c = record(log_c, net.c.w)
  optimizer counting(0.125); epochs 4
}
stage later from learn {
  on d.all batch 4
  freeze net.c
  state start: [3]; state end: [3] = zeros()
  update start = stack([net.a.w, net.b.w, net.c.w]) before stage
  update end = stack([net.a.w, net.b.w, net.c.w]) after stage
  minimize mean(net.a(d.x)) + mean(net.b(d.x)) + mean(net.c(d.x))
  optimizer counting(0.125) rate net.b: 0.5; epochs 1
}
stage side from learn {
  on d.all batch 4
  state start: [3]
  update start = stack([net.a.w, net.b.w, net.c.w]) before stage
  minimize mean(net.a(d.x)) + mean(net.b(d.x)) + mean(net.c(d.x))
  optimizer counting(0.5); optimizer counting(0.25) for net.b; schedule half(); epochs 1
}
fn half(given step: int) -> [] = 1 / (1 + f32(step))
report a = learn.log_a, b = learn.log_b, c = learn.log_c, later_start = later.start, later_end = later.end, side_start = side.start,
       end = stack([net.a.w, net.b.w, net.c.w])
"""

# Every batch of an epoch is taken once by the three draws of a step; the step's own is the last of them.
FRESH = HEAD + """
model net { a = slope(0.0); b = slope(0.0) }
stage learn {
  on d.all batch 2
  state drawn: [] = 0; state kept: [] = 0; state own: [] = 0
  repeat 3 fresh { minimize mean(net.a(d.number)) over net.a; update drawn = drawn + sum(d.number) }
  repeat 3 { update kept = kept + sum(d.number) }
  update own = own + sum(d.number)
  minimize mean(net.b(d.x))
  optimizer sgd(0.125); steps 4
}
report drawn = learn.drawn, kept = learn.kept, own = learn.own, a = net.a.w, b = net.b.w
"""

APPLY = HEAD + """
model net { a = slope(1.0); b = slope(2.0) }
model other { a = slope(1.0); b = slope(2.0) }
stage given_gradient {
  on d.all batch 8
  loss task = mean(net.a(d.x)) * mean(net.b(d.x))
  apply grad(task, wrt: net) to net
  state end: [2] = zeros()
  update end = stack([net.a.w, net.b.w]) after stage
  optimizer counting(0.0625); steps 3
}
stage own_gradient {
  on d.all batch 8
  minimize mean(other.a(d.x)) * mean(other.b(d.x))
  optimizer counting(0.0625); steps 3
}
stage server {
  on d.all batch 8
  apply 2 * (net - other) + 1 to net.a using sgd(0.5)
  watch mean_x = mean(net.a(d.x))
  steps 1
}
report applied = given_gradient.end, own = stack([other.a.w, other.b.w]), a = net.a.w, b = net.b.w
"""

# `set` for one stage; a baseline that keeps the stage's updates.
SET = HEAD + """
module scaled(factor: float) (x: [n]) -> [n] { param w: [] = ones(); return w * x * factor }
model net { a = scaled(2.0) }
stage plain { on d.all batch 8; minimize mean(net.a(d.x)); optimizer sgd(0.125); steps 1 }
stage steep {
  on d.all batch 8
  set net with { a -> it(factor: 4.0) }
  let y = mean(net.a(d.x))
  state log_y: [2] = zeros()
  update log_y = record(log_y, y)
  minimize y
  optimizer sgd(0.125); steps 2
}
stage after { on d.all batch 8; minimize mean(net.a(d.x)); optimizer sgd(0.125); steps 1 }
evaluate d.all { report steep_y = mean(whole(net.a(d.x))) }
report log_y = steep.log_y, w = net.a.w
"""

BASELINE = HEAD + """
model net { a = slope(1.0) }
stage learn {
  on d.all batch 8
  state teacher: [] = 8
  state average = snapshot(net.a)
  loss task = mean(net.a(d.x))
  hold first = task
  minimize 2 * task
  update teacher = teacher / 2 + first + net.a.w
  update average = mix(average, net.a, 0.5)
  optimizer sgd(0.125, momentum: 0.5); steps 2
}
baseline once of learn { minimize task }
baseline outcome of learn
evaluate d.all { report average = mean(learn.average(d.x)), w = mean(net.a(d.x)), teacher = learn.teacher }
report teacher = learn.teacher, other = once.teacher
export averaged(x: like d.x) = learn.average(x) * 2
"""


# A definition draws once, however often and behind whichever clause it is read; each round of a repeat draws anew.
DRAWS = HEAD + """
model net { a = slope(1.0); drop = dropout(0.5) }
fn apart(x: [n], y: [n]) -> [] = sum(abs(x - y))
stage learn {
  on d.all batch 8
  let y = net.drop(d.x) + 0 * mean(net.a(d.x))
  let noise = normal([8]) + 0 * net.a.w
  state same: [] = 0; state rounds: [] = 0; state last: [8] = zeros(); state steps_apart: [] = 0; state modes: [] = 0; state kept: [] = 0; state before: [8] = zeros()
  hold first = y
  hold first_noise = noise
  minimize mean(net.a(d.x))
  update same = same + apart(y, first) + apart(noise, first_noise)
  repeat 2 { update rounds = rounds + apart(noise, last); update last = noise }
  update steps_apart = steps_apart + apart(noise, before)
  update before = noise
  update kept = kept + mean(f32(y == 0))
  update modes = modes + apart(eval(net.drop)(d.x), d.x) + apart(train(net.drop)(d.x), d.x)
  optimizer sgd(0.125); steps 40
}
evaluate d.all { report dropped = sum(f32(net.drop(d.x) == 0)) }
report same = learn.same, rounds = learn.rounds, steps_apart = learn.steps_apart, kept = learn.kept, modes = learn.modes
"""

# The longest source makes the epoch and drops its partial batch; the others go round without end.
EPOCHS = """import std
module slope(start: float) (x: [n]) -> [n] { param w: [] = full([], start); return w * x }
domain long { generate samples(11, fn(i) => (x: f32(i))); fields x: f32 }
domain short { generate samples(4, fn(i) => (x: f32(i))); fields x: f32 }
model net = slope(1.0)
stage by_longest {
  on long.all as a, short.all as b batch 2
  minimize mean(net(a.x)) + mean(net(b.x))
  state of_a: [] = 0; state of_b: [] = 0; state count: [] = 0; state epochs: [] = 0
  update of_a = of_a + sum(a.x); update of_b = of_b + sum(b.x); update count = count + 1
  update epochs = epochs + 1 every epoch
  optimizer sgd(0.0); epochs 4
}
stage by_name {
  on long.all as a, short.all as b batch 2
  epoch by b
  minimize mean(net(a.x)) + mean(net(b.x))
  state of_a: [] = 0; state of_b: [] = 0; state count: [] = 0
  update of_a = of_a + sum(a.x); update of_b = of_b + sum(b.x); update count = count + 1
  optimizer sgd(0.0); epochs 11
}
report a = by_longest.of_a, b = by_longest.of_b, count = by_longest.count, epochs = by_longest.epochs, named_a = by_name.of_a, named_b = by_name.of_b,
       named_count = by_name.count
"""


class Acts(harness.Case):
    def shown(self, text, report="report"):
        results = self.results(self.build(text), "train", "--out", "run", "--overwrite")
        return {name: single(value) for name, value in figures(results, report).items()}

    def test_order(self):
        found = self.shown(ORDER)
        a, b, losses = 1.0, 2.0, []
        for step in range(4):
            old = b
            losses.append(a * b)
            b -= 0.25 * a
            a -= 0.125 * b
            a -= 0.125 * old
            a -= 0.0625 * b
            a -= 0.0625 * b
            self.assertEqual(found["held"][step], single(old))
            self.assertAlmostEqual(found["read"][step], b, delta=1e-6)
            self.assertAlmostEqual(found["a"][step], a, delta=1e-6)
        # What is shown is the loss as the batch found it, before any clause; mean of the two steps of an epoch.
        for epoch, shown in enumerate(self.lines()):
            if "epoch" not in shown:
                continue  # an evaluation
            self.assertEqual(shown["both"], shown["seen"])
            self.assertAlmostEqual(shown["both"], (losses[2 * epoch] + losses[2 * epoch + 1]) / 2, delta=1e-6)

    def test_respect(self):
        found = self.shown(RESPECT)
        self.assertEqual(found, {"part": [4.0] * 4, "equal": [8.0] * 4, "scanned": [48.0] * 4})

    # A part thaws in its epoch or step; its optimizer begins there, that of the others goes on.
    def test_freeze_until(self):
        found = self.shown(FREEZE)
        values = {"a": 1.0, "b": 2.0, "c": 4.0}
        for step in range(8):
            for name, begin in (("a", 2), ("b", 3), ("c", 0)):
                if step >= begin:
                    values[name] -= 0.125 * (step - begin + 1)
                self.assertEqual(found[name][step], values[name], (name, step))
        left = [values[name] for name in "abc"]
        self.assertEqual(found["later_start"], left)
        self.assertEqual(found["later_end"], [left[0] - 0.375, left[1] - 0.1875, left[2]])
        # `from` goes back to where `learn` ended. The n-th step is n times as long, and the schedule halves the second.
        self.assertEqual(found["side_start"], left)
        self.assertEqual(found["end"], [left[0] - 1, left[1] - 0.5, left[2] - 1])

    def test_repeat_fresh(self):
        found = self.shown(FRESH)
        # 4 steps of 3 fresh batches and one of their own: 16 batches of 2, four times all samples.
        self.assertEqual(found["drawn"] + found["own"], 4 * sum(range(8)))
        self.assertEqual(found["kept"], 3 * found["own"])
        self.assertEqual(found["a"], -0.125 * found["drawn"] / 2)
        self.assertEqual(found["b"], -0.5)

    def test_apply(self):
        found = self.shown(APPLY)
        self.assertEqual(found["applied"], found["own"])
        a, b = 1.0, 2.0
        for step in range(3):
            a, b = a - 0.0625 * (step + 1) * b, b - 0.0625 * (step + 1) * a
        self.assertEqual(found["own"], single([a, b]))
        # The tree is 1 everywhere, as both models are equal; only net.a moves.
        self.assertEqual((found["a"], found["b"]), (single(a) - 0.5, single(b)))

    def test_set(self):
        found = self.shown(SET)
        self.assertEqual(found["log_y"], [4 * 0.75, 4 * 0.25])
        self.assertEqual(found["w"], 0.75 - 2 * 0.5 - 0.25)
        self.assertEqual(self.shown(SET, "d.all")["steep_y"], 2 * found["w"])

    def test_draws(self):
        found = self.shown(DRAWS)
        self.assertEqual(found["same"], 0)
        self.assertGreater(found["rounds"], 0)
        self.assertGreater(found["steps_apart"], 0)
        # 320 coins: within five standard deviations.
        self.assertAlmostEqual(found["kept"] / 40, 0.5, delta=5 * 0.5 / 320 ** 0.5)
        # A kept value is doubled and a dropped one is 0, each one away from 1; `eval` drops nothing.
        self.assertEqual(found["modes"], 40 * 8)
        evaluated = self.shown(DRAWS, "d.all")
        self.assertEqual(evaluated["dropped"], 0)

    def test_epochs(self):
        found = self.shown(EPOCHS)
        self.assertEqual((found["count"], found["epochs"]), (4 * 5, 4))
        # 40 of 4 x 11 samples of the long one; 40 samples are ten rounds of the short one.
        self.assertTrue(4 * 45 <= found["a"] <= 4 * 55, found["a"])
        self.assertEqual(found["b"], 10 * 6)
        # 22 steps of 2: four rounds of the long one, whose batches cross its ends, and eleven of the short one.
        self.assertEqual((found["named_count"], found["named_a"], found["named_b"]), (22, 4 * 55, 11 * 6))

    # A baseline replaces what trains; what keeps values stays, at its place behind it.
    def test_baseline(self):
        results = self.results(self.build(BASELINE), "train", "--out", "run")
        entry = results["runs"][0]["evaluations"][0]
        shown = {"learn": entry["figures"], "once": entry["baselines"]["once"], "outcome": entry["baselines"]["outcome"]}
        last = figures(results, "report")
        for name, rate in (("learn", 0.25), ("once", 0.125), ("outcome", 0.25)):
            w, velocity, teacher, average = 1.0, 0.0, 8.0, 1.0
            for _ in range(2):
                velocity = velocity / 2 + rate
                first, w = w, w - velocity
                teacher = teacher / 2 + first + w
                average = (average + w) / 2
            # What stands for the stage has states of its own, in an evaluation too.
            self.assertEqual(shown[name], {"average": average, "w": w, "teacher": teacher})
            if name != "outcome":
                self.assertEqual(last["teacher" if name == "learn" else "other"], teacher)
        # The run folder has it all; an exported program has the states that it reads, a weight file has the model alone.
        program = self.build(BASELINE)
        again = self.results(program, "evaluate", "--out", "run")
        self.assertEqual(again["runs"][0]["evaluations"], results["runs"][0]["evaluations"])
        self.run_ok(program, "export", "--out", "run", "--output", "averaged")
        self.write("x.csv", "x\n1\n3\n")
        rows = self.run_ok("./averaged", "--input", "x.csv").stdout.split()
        self.assertEqual([float(row.split(",")[1]) for row in rows[1:]], [2 * entry["figures"]["average"], 6 * entry["figures"]["average"]])
        self.refuse(r"has no 'learn\.[\w.]+', which a stage left", program, "evaluate", "--weights", "run/weights.safetensors")


if __name__ == "__main__":
    harness.main()
