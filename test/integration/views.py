"""Further views of a sample, and views that take turns: which draws they make, in which epoch.

`log` keeps the values of a step; with one step an epoch, batch by batch sorted by the sample's number.
"""
import harness
from harness import figures

HEAD = """import std
fn record(log: [k, n], value: [n], given epoch: int) -> [k, n] = where(expand(iota(k), axis: 1) == epoch, expand(value, axis: 0), log)
domain d {
  generate samples(4, fn(i) => (x: f32(i), y: f32(i)))
  fields x: f32, y: f32
}
model net = linear(1)
"""

VIEWS = HEAD + """
stage learn {
  on d.all as s batch 4
  augment s.three = s.x + uniform([]) views 3
  augment s.x = s.x + 0.5
  augment s.weak = s.x + uniform([])
  augment s.both, s.other = (s.weak - s.x, s.weak - s.x)
  state three: [7, 4] = zeros(); state weak: [7, 4] = zeros(); state shifted: [7, 4] = zeros(); state same: [7, 4] = zeros()
  let order = sort(s.y)
  update three = record(three, sort(s.three)[0])
  update weak = record(weak, sort(s.weak)[0])
  update shifted = record(shifted, sort(s.x)[0])
  update same = record(same, s.both - s.other)
  minimize mean(net(expand(s.three, axis: 1))); optimizer sgd(0.0); epochs 7
}
report three = learn.three, weak = learn.weak, shifted = learn.shifted, same = learn.same
"""

WRONG = {
    "evaluation": (VIEWS + "evaluate d.all as s { report m = mean(learn.seen) }\n", "is a view that 'augment' adds"),
    "map": (HEAD.replace("fields x: f32, y: f32", "fields x: f32, y: f32; map x = 2 * x views 2") + "evaluate d.all { report m = mean(d.x) }\n",
            "'views' stands behind an 'augment'"),
    "none": (VIEWS.replace("views 3", "views 0"), "'views' wants an int from 1"),
    "option": ("param k = 3\n" + VIEWS.replace("views 3", "views k"), "'views' wants an int from 1|is an option of the program"),
    "split": (VIEWS.replace("s.weak", "s.all"), "'all' is a split of 'd'"),
    "unknown": (VIEWS.replace("sort(s.weak)", "sort(s.wek)"), "'wek' is no field of 's'"),
}


class Views(harness.Case):
    def test_draws(self):
        program = self.build(VIEWS)
        found = figures(self.results(program, "--seed", 5), "report")
        self.assertEqual(found["three"][:3], found["three"][3:6])           # the view of epoch e is number e % 3
        self.assertEqual(found["three"][0], found["three"][6])
        self.assertNotEqual(found["three"][0], found["three"][1])
        self.assertNotEqual(found["three"][1], found["three"][2])
        self.assertEqual(len({tuple(row) for row in found["weak"]}), 7)     # without `views` another one in each epoch
        self.assertEqual(found["shifted"], [[0.5, 1.5, 2.5, 3.5]] * 7)
        self.assertEqual(found["same"], [[0] * 4] * 7)
        for row in found["weak"]:                                           # reads what the clause before it left
            for number, value in enumerate(row):
                self.assertTrue(number + 0.5 <= value < number + 1.5, row)
        again = figures(self.results(program, "--seed", 6), "report")
        self.assertNotEqual(found["three"][0], again["three"][0])

    def test_explain(self):
        said = self.run_ok(harness.XFERC, "explain", self.write("views.xfer", VIEWS)).stdout
        self.assertIn("fixed for a sample and view (3)", said)

    def test_refused(self):
        for name, (text, says) in WRONG.items():
            with self.subTest(name):
                if name == "evaluation":
                    text = text.replace("let order = sort(s.y)", "let seen = s.weak")
                self.refuse(says, harness.XFERC, "check", self.write(f"{name}.xfer", text))


if __name__ == "__main__":
    harness.main()
