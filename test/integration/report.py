"""--report: a run as one page that needs nothing beside it."""
import base64
import html.parser
import re
import statistics
import struct
import zlib
import harness
from harness import HALVES

# Two domains of small images; the second is darker.
PROGRAM = "import std\n" + HALVES + """
domain light { generate samples(96, fn(i) => picture(i % 2)); fields image: f32[12, 12, 3], label: class(2) }
domain dark {
  generate samples(60, fn(i) => picture(i % 2)); fields image: f32[12, 12, 3], label: class(2)
  map image = 0.6 * image
}
model net { trunk = small_net(5); head = linear(2) }
stage learn {
  on light.all, dark.all batch 16
  let fs = relu(net.trunk(light.image))
  loss task  = cross_entropy(net.head(fs), light.label)
  loss alike = coral(fs, relu(net.trunk(dark.image)))
  minimize task + alike
  optimizer adam(3e-3); epochs 3
}
baseline source_only of learn { minimize task }
evaluate dark.all {
  let p = softmax(net.head(relu(net.trunk(dark.image))))
  predict p against dark.label
  report accuracy, confusion, class_recall, transfer_gain
}
evaluate dark.all { predict softmax(net.head(relu(net.trunk(dark.image)))) }
evaluate light.all { predict net.trunk(light.image) }
evaluate dark.all { predict net.trunk(dark.image) }
"""
# The same without a word for the page; the target is wider before `map`, and has no label that training may see.
BARE = PROGRAM[:PROGRAM.index("domain dark")] + """
domain dark {
  generate samples(700, fn(i) => picture(i % 2)); fields image: f32[12, 12, 3], label: class(2)
  map image = 0.6 * image
  split train: 0.3, test: 0.7
  hide label in train
}
fn scores(x: [n, k]) -> logits[n, k] = x
domain other { generate samples(40, fn(i) => (x: normal([5]))); fields x: f32[5] }
model net { trunk = small_net(5); first = linear(2); second = linear(2); side = linear(2) }
stage learn {
  on light.all, dark.train, other.all batch 16
  let fs = relu(net.trunk(light.image))
  loss task  = cross_entropy(net.first(fs), light.label) + cross_entropy(net.second(fs), light.label) + mean(square(net.side(other.x)))
  loss alike = coral(fs, relu(net.trunk(dark.image)))
  minimize task + alike
  optimizer adam(3e-3); epochs 3
}
baseline source_only of learn { minimize task }
evaluate dark.test {
  let f = relu(net.trunk(dark.image))
  predict TAG(net.first(f) + net.second(f)) against dark.label
  report accuracy, transfer_gain
}
"""
# A stage that makes the model worse, then one that mends it.
EARLY = """
import std
domain d { generate samples(200, fn(i) => (x: normal([4]) + 0.7 * f32(i % 2), label: classes(i % 2, 2))); fields x: f32[4], label: class(2); split train: 0.6, test: 0.4 }
model net = mlp([2])
stage first { on d.train batch 4; minimize 0 - cross_entropy(net(d.x), d.label); optimizer sgd(0.05); epochs 1 }
evaluate d.test { predict softmax(net(d.x)) against d.label; report accuracy }
stage second { on d.train batch 4; minimize cross_entropy(net(d.x), d.label); optimizer adam(0.1); epochs 10 }
"""
# What comes behind an evaluation and makes the model another one than it judged, and what does not.
BEHIND = EARLY[:EARLY.index("stage first")] + """
param rate = 0.05
model other = mlp([2])
state start = snapshot(net); state seen: [] = 0
stage learn { on d.train batch 4; minimize cross_entropy(net(d.x), d.label) + cross_entropy(other(d.x), d.label); optimizer adam(0.1); epochs 2 }
""" + EARLY[EARLY.index("evaluate"):EARLY.index("stage second")]
CHANGES = ["update net = start", "stage more from learn { on d.train batch 4; minimize cross_entropy(net(d.x), d.label); optimizer sgd(0.1); epochs 1 }",
           "stage passed { on d.train batch 4; watch w = mean(net(d.x)); update net = 0.5 * params(net) + params(start) after stage; epochs 1 }"]
KEEPS = ["", "update seen = total(params(other))", "stage apart { on d.train batch 4; minimize cross_entropy(other(d.x), d.label); optimizer sgd(0.1); epochs 1 }",
         "baseline before of learn"]
# It reads a state of each sample, which a stage writes.
SHIFTED = BEHIND.replace("state start", "state shift: f32 per d = 0.0; state start").replace("softmax(net(d.x))", "softmax(net(d.x) + expand(shift, axis: 1))")
SHIFTED += "stage bump { on d.test batch 4; watch w = mean(net(d.x)); update shift = shift + 1; epochs 1 }"
# Inside of a sweep every point is judged, and the last need not be the one that stays.
POINTS = EARLY[:EARLY.index("stage first")] + """
param rate = 0.05
sweep rate in [0.1, 0.0] {
  stage learn { on d.train batch 4; minimize cross_entropy(net(d.x), d.label); optimizer sgd(rate); epochs 2 }
""" + EARLY[EARLY.index("evaluate"):EARLY.index("stage second")] + "  keep least cross_entropy(net(d.x), d.label) over d.test\n}\n"
# Pictures of other shapes, and rows that are no features: numbers that are not finite, and far too many.
ODD = """
import std
domain wide {
  generate samples(20, fn(i) => (image: zeros([8, 500, 1]) + 0.01 * f32(i), label: classes(i % 2, 2))); fields image: f32[8, 500, 1], label: class(2)
}
domain grey {
  generate samples(20, fn(i) => (image: uniform([6, 5]), label: classes(i % 2, 2))); fields image: f32[6, 5], label: class(2)
}
model net = linear(2)
stage learn { on grey.all batch 4; minimize cross_entropy(net(flatten(grey.image)), grey.label); optimizer sgd(0.1); epochs 1 }
evaluate grey.all { predict softmax(net(flatten(grey.image))) }
evaluate wide.all { predict softmax(stack([mean(flatten(wide.image), axis: 1), ones([size(wide)])], axis: 1)) }
evaluate grey.all { predict log(flatten(grey.image) - 2) }
evaluate wide.all { predict concat([flatten(wide.image), flatten(wide.image), flatten(wide.image)], axis: 1) }
"""
TABLE = """
import std
domain d { read csv("table.csv", x: "a, b", label: "label"); fields x: f32[2], label: class(3) }
model net = mlp([3])
stage learn { on d.all batch 4; minimize cross_entropy(net(d.x), d.label); optimizer sgd(0.1); epochs 2 }
evaluate d.all { predict softmax(net(d.x)) against d.label; report accuracy, confusion }
"""


class Page(html.parser.HTMLParser):
    """The tags of a page and its text; every tag must be closed in its turn."""
    VOID = {"meta", "img", "path", "polyline", "circle"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words, self.attributes = [], [], "", []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, data):
        self.words += data


class Report(harness.Case):
    def page(self, path):
        text = (self.folder / path).read_text()
        page = Page(text)
        # Nothing is loaded and nothing runs.
        self.assertNotIn("script", page.tags)
        for name, value in page.attributes:
            if name in ("src", "href"):
                self.assertTrue(value.startswith("data:image/png;base64,"), value[:40])
        self.assertNotIn("url(", text)
        return page

    def test_images(self):
        program = self.build(PROGRAM)
        self.run_ok(program, "train", "--out", "plain")
        self.assertFalse((self.folder / "plain/report.html").exists())
        self.run_ok(program, "train", "--out", "run", "--report")
        self.assertEqualFiles("plain/weights.safetensors", "run/weights.safetensors")
        page = self.page("run/report.html")
        for words in ("accuracy", "source_only", "transfer_gain over source_only", "by class", "precision", "class_recall", "task", "alike",
                      "Predictions of dark.all", "samples", "before: source_only", "after: the model", "light.all"):
            self.assertIn(words, page.words)
        self.assertGreaterEqual(page.tags.count("img"), 12)
        self.assertEqual(page.tags.count("polyline"), 3)      # two losses of the stage, one of its baseline
        self.assertEqual(page.tags.count("circle"), 2 * (96 + 60))
        # Epochs count from 1, as the terminal's do; both directions of a plane have one scale.
        self.assertRegex(page.words, r"1epoch3\s")
        before = (self.folder / "run/report.html").read_text()
        for drawing in before.split("of the variance)")[1:]:
            points = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', drawing.split("</svg>")[0])
            across, down = (statistics.pvariance([float(point[d]) for point in points]) for d in (0, 1))
            shares = re.findall(r"\((\d+) % and (\d+) % of the variance\)", before)
            self.assertTrue(any(abs(across / (across + down) - int(a) / (int(a) + int(b))) < 0.02 for a, b in shares), (across, down))
        # The same page again of the trained model; it goes when another run begins.
        (self.folder / "run/report.html").unlink()
        self.run_ok(program, "evaluate", "--out", "run", "--report")
        again = (self.folder / "run/report.html").read_text()
        self.assertEqual(before.split("<h2>", 1)[1], again.split("<h2>", 1)[1])
        self.run_ok(program, "train", "--out", "run")
        self.assertFalse((self.folder / "run/report.html").exists())

    # Pictures, confusion, calibration and the features of both domains are drawn unasked; of domains with other fields nothing is.
    def test_unasked(self):
        pages = {}
        for tag in ("softmax", "log_softmax", "scores"):
            self.run_ok(self.build(BARE.replace("TAG", tag)), "train", "--out", "run" + tag, "--report")
            page = self.page(f"run{tag}/report.html")
            for words in ("Predictions of dark.test", "confusion", "by class", "precision", "expected calibration error", "samples",
                          "before: source_only", "after: the model", "dark.test", "light.all", "transfer_gain over source_only"):
                self.assertIn(words, page.words)
            self.assertNotIn("other.all", page.words)
            self.assertGreaterEqual(page.tags.count("img"), 12)
            test = len((self.folder / f"run{tag}/predictions-dark.test.csv").read_text().splitlines()) - 1
            self.assertEqual(page.tags.count("circle"), 2 * (96 + min(test, 500)))
            self.assertEqual(sum(int(count) for count in re.findall(r"<title>(\d+) samples", (self.folder / f"run{tag}/report.html").read_text())), test)
            pages[tag] = page.words.split("Predictions of", 1)[1]
        # Shares, their logarithms and logits say the same.
        self.assertEqual(pages["softmax"], pages["log_softmax"])
        self.assertEqual(pages["softmax"], pages["scores"])
        # Without a run of its own, of the kept model.
        self.run_ok(self.build(BARE.replace("TAG", "softmax")), "evaluate", "--out", "runsoftmax", "--report")
        self.assertEqual(self.page("runsoftmax/report.html").words.split("Predictions of", 1)[1], pages["softmax"])

    # One domain has nothing beside it, and a net that looks at all samples at once has no rows.
    def test_no_features(self):
        alone = BARE.replace("light.all, dark.train, other.all", "light.all").replace(" + mean(square(net.side(other.x)))", "").replace(
            "loss alike = coral(fs, relu(net.trunk(dark.image)))", "loss alike = mean(square(fs))").replace("dark.test", "light.all").replace(
            "dark.", "light.").replace("TAG", "softmax").replace("; side = linear(2)", "")
        coupled = BARE.replace("small_net(5); first", 'small_net(5) with { ** is batch_norm -> it(statistics: "batch") }; first').replace("TAG", "softmax")
        for name, text in (("alone", alone), ("coupled", coupled)):
            self.run_ok(self.build(text), "train", "--out", name, "--report")
            page = self.page(f"{name}/report.html")
            self.assertNotIn("circle", page.tags)
            self.assertIn("accuracy", page.words)

    def test_odd_shapes(self):
        self.run_ok(self.build(ODD), "train", "--out", "run", "--report")
        page = self.page("run/report.html")
        self.assertNotIn("circle", page.tags)
        sizes, shades = set(), set()
        for name, value in page.attributes:
            if name == "src":
                png = base64.b64decode(value.split(",", 1)[1], validate=True)
                sizes.add(struct.unpack(">II", png[16:24]))
                if struct.unpack(">II", png[16:24]) == (167, 3):
                    length, = struct.unpack(">I", png[33:37])
                    self.assertEqual(png[37:41], b"IDAT")
                    shades.add(zlib.decompress(png[41:41 + length])[1])
        self.assertEqual(sizes, {(5, 6), (167, 3)})   # every third pixel of 500 x 8
        # What lies between 0 and 1 is not stretched.
        self.assertGreater(len(shades), 5)
        self.assertLessEqual(shades, {int(2.55 * i) + d for i in range(20) for d in (0, 1)})

    # Predictions are those of the end: of the evaluation that judges that model where there is one, and said to be so where there is none.
    def test_stages(self):
        for name, last in (("both", EARLY[EARLY.index("evaluate"):EARLY.index("stage second")]), ("one", "")):
            results = self.results(self.build(EARLY + last), "train", "--out", name, "--report")
            first = harness.figure(results, "d.test", "accuracy")
            page = self.page(f"{name}/report.html")
            self.assertEqual(page.words.count("Predictions of d.test"), 1)
            self.assertEqual("at the end of the run" in page.words, not last)
            cells = [int(count) for count in re.findall(r'<td title="\d as \d: (\d+)"', (self.folder / f"{name}/report.html").read_text())]
            self.assertEqual(len(cells), 4)
            self.assertGreater((cells[0] + cells[3]) / sum(cells), first + 0.2)

    # Whatever else writes what the evaluation reads makes it another model's; what writes other things does not.
    def test_final_model(self):
        for texts, differs in (([BEHIND + one for one in CHANGES] + [SHIFTED, POINTS], True), ([BEHIND + one for one in KEEPS], False)):
            for number, text in enumerate(texts):
                self.run_ok(self.build(text), "train", "--out", f"run{differs}{number}", "--report")
                page = self.page(f"run{differs}{number}/report.html")
                self.assertIn("Predictions of d.test", page.words)
                self.assertEqual("at the end of the run" in page.words, differs, text)

    # Of several runs each has its page, and all together one that leads to them.
    def test_runs(self):
        results = self.results(self.build(PROGRAM), "train", "--out", "run", "--report", "--runs", 2)
        for seed in (0, 1):
            self.assertIn(f"seed {seed},", self.page(f"run/seed-{seed}/report.html").words)
        page = Page((self.folder / "run/report.html").read_text())
        links = [value for name, value in page.attributes if name in ("src", "href")]
        self.assertEqual(links, ["seed-0/report.html", "seed-1/report.html"])
        mean = results["summary"][0]["accuracy"]
        self.assertIn(f"{mean['mean']:.4f} ± {mean['deviation']:.4f}", page.words)
        self.assertIn("transfer_gain over source_only", page.words)
        for run in results["runs"]:
            self.assertIn(f"{run['evaluations'][0]['figures']['accuracy']:.4f}", page.words)
        # Runs that begin anew leave no page of those before.
        self.run_ok(self.build(PROGRAM), "train", "--out", "run", "--runs", 2)
        self.assertFalse((self.folder / "run/report.html").exists())

    # Names of classes come from the data, and are text whatever they are.
    def test_names(self):
        kinds = ["<script>", "a & b", "c' d"]
        self.write("table.csv", "a,b,label\n" + "".join(f"{i},{-i},{kinds[i % 3]}\n" for i in range(12)))
        self.run_ok(self.build(TABLE), "train", "--data", ".", "--out", "run", "--report")
        page = self.page("run/report.html")
        for kind in kinds:
            self.assertIn(kind, page.words)

    def test_not_writable(self):
        program = self.build(TABLE)
        self.write("table.csv", "a,b,label\n" + "".join(f"{i},{-i},{i % 3}\n" for i in range(12)))
        (self.folder / "run/report.html").mkdir(parents=True)
        self.refuse("report.html", program, "train", "--data", ".", "--out", "run", "--report")


if __name__ == "__main__":
    harness.main()
