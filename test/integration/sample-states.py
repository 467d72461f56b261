"""States with a row for each sample, by execution: whose rows a batch reads and writes, what a whole split sees, and what other data are told.

Values are chosen such that float32 holds them exactly, so what is expected is computed here and compared with ==.
"""
import harness
from harness import figures

HEAD = """import std
domain d {
  generate train: samples(20, fn(i) => (x: f32(i), y: classes(i % 3, 3)))
  generate rest:  samples(12, fn(i) => (x: f32(i) + 100, y: classes(i % 3, 3)))
  fields x: f32, y: class(3)
  split few: 0.5 of train
}
model net = linear(1)
fn score(x: [n]) -> [n] = squeeze(net(expand(x, axis: 1)), axis: 1)
"""

ROWS = HEAD + """
state everywhere: f32 per d = 1.0
stage learn {
  on d.train as s batch 5
  state total: f32 per s = 0.0
  state start per s = stack([whole(s.x), square(whole(s.x))], axis: 1)
  state twice: f32 per s = 2 * start[.., 0]
  state guess: class(3) per s
  state largest: f32 per s = 0.0
  update total = total + s.x
  update everywhere = 2 * everywhere
  update guess = whole(s.y) every epoch
  update largest = max(largest, total)
  watch wrong = mean(abs(start[.., 0] - s.x) + abs(start[.., 1] - square(s.x)) + abs(twice - 2 * s.x)) + mean(f32(argmax(onehot(guess), axis: 1) != argmax(onehot(s.y), axis: 1)))
  watch before = mean(total)
  minimize 1e-6 * mean(square(score(s.x) - twice))
  optimizer sgd(1e-4); epochs 3
}
evaluate d.train as s { report total = mean(abs(learn.total - 3 * s.x)), largest = mean(abs(learn.largest - learn.total)), rows = mean(learn.start, axis: 0) }
evaluate d.rest { report x = mean(d.x), all = mean(learn.total), own = mean(everywhere) }
report most = max(everywhere), least = min(everywhere), sum = sum(everywhere)
"""

# The samples of a split of a split are among those that have rows; a shorter source goes round; a sampler may draw a sample twice.
DRAWN = HEAD + """
state seen: f32 per d = 0.0
state other: f32 per d = 0.0
stage part { on d.few batch 2; update seen = seen + 1; minimize 1e-6 * mean(square(score(d.x))); optimizer sgd(1e-6); epochs 2 }
stage round {
  on d.train as long batch 5, d.rest as short batch 5
  state times: f32 per short = 0.0
  state here: f32 per long = 0.0
  update times = times + 1
  update here = here + long.x - short.x
  minimize 1e-6 * mean(square(score(long.x) - score(short.x)))
  optimizer sgd(1e-6); epochs 3
}
stage fair {
  on d.train by balanced(y) batch 6
  state drawn: f32 per d = 0.0
  update drawn = where(drawn > 0, drawn, d.x + 1)
  minimize 1e-6 * mean(square(score(d.x)))
  optimizer sgd(1e-6); epochs 4
}
evaluate d.few { report times = mean(seen) }
evaluate d.train { report seen = sum(seen), most = max(seen), other = sum(other), drawn = mean(where(fair.drawn > 0, abs(fair.drawn - d.x - 1), 0)), some = mean(fair.drawn) }
evaluate d.rest { report rounds = sum(round.times), most = max(round.times), least = min(round.times) }
report few = f32(size(d.few))
"""

FRESH = HEAD + """
stage learn {
  on d.train batch 4
  state mark: f32 per d = whole(d.x)
  repeat 2 fresh { minimize 1e-6 * mean(square(score(d.x) - mark)) }
  watch off = mean(abs(mark - d.x))
  optimizer sgd(1e-6); epochs 1
}
baseline alone of learn { minimize 1e-6 * mean(square(score(d.x))) }
evaluate d.train { report off = mean(abs(learn.mark - d.x)) }
"""

FILE = """import std
domain d { read csv("d.csv", x: "x"); fields x: f32 }
model net = linear(1)
state kept: f32 per d = whole(d.all.x)
stage learn { on d.all batch 2; minimize 1e-6 * mean(square(net(expand(d.x, axis: 1)))); optimizer sgd(1e-6); epochs 1 }
evaluate d.all { report off = %s }
export judge(x: like d.x) = squeeze(net(expand(x, axis: 1)), axis: 1)
"""


class SampleStates(harness.Case):
    def test_rows_of_a_batch_and_of_a_split(self):
        found = self.results(self.build(ROWS), "train", "--out", "run")
        squares = sum(i * i for i in range(20)) / 20
        self.assertEqual(figures(found, "d.train"), {"total": 0, "largest": 0, "rows": [9.5, squares]})
        # Read beside other samples, rows of a split are all that there are, and rows of a domain those of the samples that are read: here of some
        # that no batch has seen.
        self.assertEqual(figures(found, "d.rest"), {"x": 105.5, "all": 28.5, "own": 1})
        self.assertEqual(figures(found, "report"), {"most": 8, "least": 1, "sum": 20 * 8 + 12})
        log = [line for line in self.lines() if "wrong" in line]
        self.assertEqual([line["wrong"] for line in log], [0, 0, 0])
        self.assertEqual([line["before"] for line in log], [0, 9.5, 19])

    def test_which_samples_have_rows(self):
        found = self.results(self.build(DRAWN), "train", "--out", "run")
        few = figures(found, "report")["few"]
        steps = 2 * (few // 2)
        train = figures(found, "d.train")
        self.assertEqual(train["seen"], 2 * steps)
        self.assertLessEqual(train["most"], 2)
        self.assertEqual((train["other"], train["drawn"]), (0, 0))
        self.assertGreater(train["some"], 0)
        # 12 steps of 5 samples go round 12 samples five times; a batch across one of the four seams may hold a sample twice, and its row is
        # written once.
        rest = figures(found, "d.rest")
        self.assertEqual(rest["most"], 5)
        self.assertGreaterEqual(rest["least"], 3)
        self.assertIn(rest["rounds"], range(60 - 4 * 2, 61))

    def test_further_batches_and_baselines(self):
        found = self.results(self.build(FRESH), "train", "--out", "run")
        self.assertEqual(figures(found, "d.train")["off"], 0)
        self.assertTrue(all(line["off"] == 0 for line in self.lines() if "off" in line))

    def test_equal_for_every_number_of_threads(self):
        for threads in (1, 2):
            self.run_ok(self.build(ROWS), "train", "--out", f"run{threads}", "--threads", threads)
        self.assertEqualFiles("run1/weights.safetensors", "run2/weights.safetensors")
        self.assertEqualFiles("run1/metrics.jsonl", "run2/metrics.jsonl")

    def test_other_data(self):
        """Rows belong to the samples that the program was trained with; what reads none of them does not ask."""
        for name, figure, reads in (("reads", "mean(abs(kept - d.x))", True), ("not", "mean(d.x)", False)):
            self.write("d.csv", "x\n1\n2\n4\n")
            program = self.build(FILE % figure)
            self.run_ok(program, "train", "--data", ".", "--out", name)
            self.run_ok(program, "evaluate", "--data", ".", "--out", name)
            self.write("d.csv", "x\n1\n2\n4\n8\n")
            if reads:
                self.refuse("'d.all' has 4 samples, and 'kept', which this program reads, has a row for each of 3", program, "evaluate", "--data", ".", "--out", name)
            else:
                self.run_ok(program, "evaluate", "--data", ".", "--out", name)
            self.run_ok(program, "predict", "--out", name, "--input", "d.csv", "--output", "said.csv")
            self.refuse("the data have changed", program, "train", "--data", ".", "--out", name, "--resume")

    def test_memory_is_a_formula(self):
        said = self.run_ok(harness.XFERC, "explain", self.write("p.xfer", ROWS)).stdout
        self.assertRegex(said, r"5 of stage:learn: size\(d.train\) \+ 2 \* size\(d.train\) \+ size\(d.train\) \+ size\(d.train\) \+ size\(d.train\) numbers")
        self.assertRegex(said, r"1 of program: size\(d.all\) numbers")
        self.assertRegex(said, r"parameters, states and values computed ahead: \d+ .*\+ 8 \* size\(d.train\)")


if __name__ == "__main__":
    harness.main()
