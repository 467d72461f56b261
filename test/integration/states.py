"""States of stages and of the program by execution: when each update runs, what it sees, and that all of it resumes.

Values are chosen such that float32 holds them exactly, so what is expected is computed here and compared with ==.
"""
import signal
import harness
from harness import figures, single

# `record` keeps what a value was at each step: the history of a run is then a figure of it.
HEAD = """import std
fn record(log: [k], value: [], given step: int) -> [k] = where(iota(k) == step, value, log)
module slope(start: float) (x: [n], given training: bool) -> [n] {
  param w: [] = full([], start)
  state calls: int = 0
  if training { update calls = calls + 1 }
  return w * x * (1 if training else 10)
}
domain d {
  generate samples(8, fn(i) => (x: 1.0 + 0 * f32(i), number: f32(i)))
  fields x: f32, number: f32
}
model net = slope(1.0)
"""

TIMED = HEAD + """
stage learn {
  on d.all batch 4
  let y = net(d.x)
  state epochs_seen: [] = 0; state threes: [] = 0; state evaluated: []; state number: []; state first: []; state final: [] = 0
  state pairs: [] = 100
  state log_epochs: [6] = zeros(); state log_threes: [6] = zeros(); state log_evaluated: [6] = zeros(); state log_w: [6] = zeros()
  state log_after: [6] = zeros(); state log_pairs: [6] = zeros()
  update log_w = record(log_w, net.w)
  minimize mean(y)
  update log_after = record(log_after, net.w) every step
  update log_epochs = record(log_epochs, epochs_seen)
  update log_threes = record(log_threes, threes)
  update log_pairs = record(log_pairs, pairs)
  update log_evaluated = record(log_evaluated, evaluated)
  update epochs_seen = epochs_seen + 1 every epoch
  update threes = threes + 1 every 3 steps
  update pairs = pairs + 1 every 2 epochs
  update evaluated = mean(whole(y)) every 2 steps
  update number = sum(whole(d.number)) before stage
  update first = net.w before stage
  update final = net.w after stage
  optimizer sgd(0.125); epochs 3
}
report epochs_seen = learn.log_epochs, threes = learn.log_threes, pairs = learn.log_pairs, evaluated = learn.log_evaluated, w = learn.log_w,
       after_step = learn.log_after, first = learn.first, final = learn.final, number = learn.number, calls = f32(net.calls)
"""

MODULES = HEAD + """
state started = snapshot(net)
state offset: like net = zeros()
state passes: [] = 0
state table: [2, 2] = zeros()
repeat 2 {
  stage learn {
    on d.all batch 8
    state teacher = snapshot(net)
    state moved: like net = zeros()
    state log_teacher: [4] = zeros(); state log_output: [4] = zeros(); state log_moved: [4] = zeros(); state log_calls: [4] = zeros()
    minimize mean(net(d.x))
    update teacher = mix(teacher, net, 0.75)
    update moved = moved + (net - started)
    update log_teacher = record(log_teacher, teacher.w)
    update log_output = record(log_output, mean(teacher(d.x)))
    update log_moved = record(log_moved, total(moved))
    update log_calls = record(log_calls, f32(net.calls))
    optimizer sgd(0.125); steps 4
  }
  update passes = passes + 1
}
update offset = net - started
update started = net
update table[0, 1] = passes
update table[1] = [3, passes * 10]
report passes, teacher = learn.log_teacher, output = learn.log_output, moved = learn.log_moved, calls = learn.log_calls, w = net.w, table,
       teacher_calls = f32(learn.teacher.calls), offset = total(offset), started = started.w, net_calls = f32(net.calls)
"""

# Federated averaging (McMahan et al. 2017): clients train copies, the server averages them by their numbers of samples.
FEDERATED = """import std
const clients = 3; const rounds = 4
module reader() (x: [n, 2]) -> logits[n, 2] { param weight: [2, 2] = zeros(); param bias: [2] = zeros(); return x @ weight + bias }
fn weighted_mean(modules: list, weights: list) = sum([params(m) * (w / sum(weights)) for m, w in zip(modules, weights)])
model net = reader()
for k in range(clients) {
  domain client[k] {
    read csv("client" + str(k) + ".csv", x: "x0, x1", y: "y")
    fields x: f32[2], y: class(2)
  }
  model local[k] = reader()
}
repeat rounds {
  for k in range(clients) {
    stage visit[k] {
      update local[k] = net before stage
      on client[k].all batch 4 + 4 * k; optimizer sgd(0.5); epochs 2
      minimize cross_entropy(local[k](client[k].x), client[k].y)
    }
  }
  update net = weighted_mean(local, weights: [size(client[k].all) for k in range(clients)])
}
evaluate client[0].all as c { predict softmax(net(c.x)) against c.y; report accuracy }
report weight = net.weight, bias = net.bias
"""

# Everything that a checkpoint must hold, in one program that is long enough to be stopped in the middle.
EVERYTHING = """import std
param steps = 3000
fn patience(epochs: int, given stale: int) -> bool = stale >= epochs
fn cloud() { let y = uniform_int([], below: 2); return (x: normal([4]) + y, y: classes(y, 2)) }
domain d { generate samples(100, fn(i) => cloud()); fields x: f32[4], y: class(2); split train: 0.7, valid: 0.3 }
domain u { generate samples(60, fn(i) => cloud()); fields x: f32[4], y: class(2); hide y }
model net { trunk = sequential([linear(8), batch_norm(), dropout(0.2)]); head = linear(2); critic = mlp([4, 1]) }
state anchor = snapshot(net.trunk)
state rounds: [] = 0
repeat 3 {
  stage learn {
    on d.train as s, u.all as t batch 16
    augment s.x = s.x + 0.01 * normal([4])
    freeze net.trunk until step 20
    state teacher = snapshot(net.trunk)
    state share: [4]
    let fs = net.trunk(s.x); let ft = net.trunk(t.x)
    loss task = cross_entropy(net.head(fs), s.y)
    loss gap = mean(square(teacher(t.x) - ft))
    hold old = ft
    repeat 2 fresh { minimize mean(net.critic(stop_gradient(fs))) - mean(net.critic(stop_gradient(ft))) + 0.1 * total(square(params(net.critic))) over net.critic using adam(1e-3) }
    minimize task + 0.1 * gap + 0.01 * mean(square(ft - old)) + 0.001 * mean(share) * mean(net.critic(ft)) over net.trunk, net.head
    update teacher = mix(teacher, net.trunk, 0.99)
    update share = mean(whole(s.x), axis: 0) every 7 steps
    optimizer sgd(0.05, momentum: 0.9) rate net.head: 0.5
    schedule cosine(); steps steps
    keep best accuracy(net.head(fs), s.y) over d.valid
  }
  update rounds = rounds + 1
  update anchor = mix(anchor, net.trunk, 0.5)
}
evaluate d.valid as s { predict softmax(net.head(learn.teacher(s.x))) against s.y; report accuracy, rounds }
"""

# What stands around stages: families, branches, baselines, evaluations in the middle, an early stop, updates before and after.
ORDERED = """import std
const clients = 3
param rounds_of_steps = 300
fn patience(epochs: int, given stale: int) -> bool = stale >= epochs
fn cloud(shift: float) { let y = uniform_int([], below: 2); return (x: normal([4]) + y + shift, y: classes(y, 2)) }
for k in range(clients) {
  domain client[k] { generate train: samples(64, fn(i) => cloud(k)); generate valid: samples(32, fn(i) => cloud(k)); fields x: f32[4], y: class(2) }
  model local[k] = mlp([8, 2]) with { layer[0] -> it() }
}
model net { trunk = sequential([batch_norm(), mlp([8, 2])]); drop = dropout(0.3) }
state score: [clients] = zeros()
state best = snapshot(net.trunk)
stage first {
  on client[0].train as c batch 16
  minimize cross_entropy(net.drop(net.trunk(c.x)), c.y)
  optimizer sgd(0.05, momentum: 0.9); steps rounds_of_steps
}
baseline start of first
repeat 6 {
  for k in range(clients) {
    stage visit[k] {
      on client[k].train as c batch 16
      update local[k] = mix(local[k], params(local[(k + 1) % clients]), 0.9) before stage
      state moved: like local[k] = zeros()
      minimize cross_entropy(local[k](c.x), c.y)
      update moved = moved * 0.5 + params(local[k])
      update score = score + total(square(moved)) * 1e-6 after stage
      optimizer adam(1e-3); epochs 12
      keep best accuracy(local[k](c.x), c.y) over client[k].valid
      stop when patience(3)
    }
    evaluate client[k].valid as c { predict softmax(local[k](c.x)) against c.y; report accuracy, seen = sum(score) }
  }
  update best = mix(best, net.trunk, 0.5)
}
stage second from first {
  on client[1].train as c batch 16
  set net with { drop -> it(rate: 0.1) }
  freeze net.trunk until epoch 2
  let g = grad(cross_entropy(net.drop(net.trunk(c.x)), c.y), wrt: net.trunk)
  apply g to net.trunk
  optimizer adam(1e-3); steps rounds_of_steps
  watch far = norm(best - net.trunk)
}
evaluate client[1].valid as c { predict softmax(net.trunk(c.x)) against c.y; report accuracy, transfer_gain }
report score, far = norm(best - net.trunk)
"""


def softmax_step(weight, bias, rows, rate):
    """One step of gradient descent on the mean cross-entropy of a linear classifier, in double precision."""
    import math
    change, shift = [[0.0, 0.0], [0.0, 0.0]], [0.0, 0.0]
    for x, label in rows:
        scores = [x[0] * weight[0][j] + x[1] * weight[1][j] + bias[j] for j in range(2)]
        powers = [math.exp(score - max(scores)) for score in scores]
        for j in range(2):
            error = powers[j] / sum(powers) - (label == j)
            shift[j] += error / len(rows)
            for i in range(2):
                change[i][j] += x[i] * error / len(rows)
    return ([[weight[i][j] - rate * change[i][j] for j in range(2)] for i in range(2)],
            [bias[j] - rate * shift[j] for j in range(2)])


class States(harness.Case):
    def shown(self, text, *arguments, report="report"):
        results = self.results(self.build(text), "train", "--out", "run", "--overwrite", *arguments)
        return {name: single(value) for name, value in figures(results, report).items()}

    # C3: `every` runs before the step concerned, step 0 included, and in evaluation mode, where this model is ten times steeper.
    def test_timed_updates(self):
        found = self.shown(TIMED)
        w = [1 - step / 8 for step in range(7)]
        self.assertEqual(found["w"], w[:6])
        self.assertEqual(found["after_step"], w[1:])
        self.assertEqual(found["epochs_seen"], [step // 2 + 1 for step in range(6)])
        self.assertEqual(found["threes"], [step // 3 + 1 for step in range(6)])
        self.assertEqual(found["pairs"], [101 + step // 4 for step in range(6)])
        self.assertEqual(found["evaluated"], [10 * w[step - step % 2] for step in range(6)])
        self.assertEqual((found["first"], found["final"], found["number"]), (w[0], w[6], sum(range(8))))
        # Evaluations wrote no state of the module.
        self.assertEqual(found["calls"], 6)

    # States that are modules and trees: begun anew with each run of the stage, frozen, read in evaluation mode.
    def test_modules_and_trees(self):
        found = self.shown(MODULES)
        w, teacher, moved = 0.5, 0.5, 0.0
        for step in range(4):
            w -= 0.125
            teacher = 0.75 * teacher + 0.25 * w
            moved += w - 1.0
            self.assertEqual((found["teacher"][step], found["output"][step], found["moved"][step]),
                             (teacher, 10 * teacher, moved))
            # As the batch found it: the write of this step comes when it is done.
            self.assertEqual(found["calls"][step], 4 + step)
        self.assertEqual((found["w"], found["started"], found["offset"]), (0, 0, -1))
        self.assertEqual((found["passes"], found["net_calls"], found["teacher_calls"]), (2, 8, 7))
        self.assertEqual(found["table"], [[0, 2], [3, 20]])

    def test_federated_averaging(self):
        clients = []
        for k in range(3):
            rows = [((i % 3 - k, (i * i) % 5 / 2), (i + k) % 2) for i in range(4 + 4 * k)]
            clients.append(rows)
            self.write(f"client{k}.csv", "x0,x1,y\n" + "".join(f"{x[0]},{x[1]},{y}\n" for x, y in rows))
        found = self.shown(FEDERATED)
        weight, bias = [[0.0, 0.0], [0.0, 0.0]], [0.0, 0.0]
        for _ in range(4):
            local = []
            for rows in clients:
                one = (weight, bias)
                for _ in range(2):
                    one = softmax_step(*one, rows, 0.5)
                local.append((one, len(rows) / sum(map(len, clients))))
            weight = [[sum(one[0][i][j] * share for one, share in local) for j in range(2)] for i in range(2)]
            bias = [sum(one[1][j] * share for one, share in local) for j in range(2)]
        # float32 against double: 24 steps with values below 2, each within a few units in the last place.
        for i in range(2):
            self.assertAlmostEqual(found["bias"][i], bias[i], delta=2e-6)
            for j in range(2):
                self.assertAlmostEqual(found["weight"][i][j], weight[i][j], delta=2e-6)


class Resuming(harness.Case):
    # Stopped anywhere, in any run of the repeated stage, the rest of the run is the same to the bit.
    def test_everything_resumes(self):
        self.assertResumes(EVERYTHING, signal.SIGINT)

    def test_program_order_resumes(self):
        self.assertResumes(ORDERED, signal.SIGKILL, "--rounds-of-steps", 6000)

    def assertResumes(self, text, number, *arguments):
        program = self.build(text)
        self.results(program, "train", "--out", "whole", "--threads", 1, *arguments)
        whole = (self.folder / "whole/metrics.jsonl").read_bytes().count(b"\n")
        for attempt, share in enumerate((0.1, 0.35, 0.6)):
            self.stop(program, f"part{attempt}", share * whole, number, *arguments)
            self.run_ok(program, "train", "--out", f"part{attempt}", "--resume")
            for name in ("weights.safetensors", "metrics.jsonl"):
                self.assertEqualFiles(f"part{attempt}/{name}", f"whole/{name}")


if __name__ == "__main__":
    harness.main()
