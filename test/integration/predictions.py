"""predictions-*.csv: what evaluations predict, a line a sample, with its file or row, classes by name, and the truth."""
import csv
import zlib
import struct
import harness
from harness import figure

TABLE = """
import std
domain d {
  read train: csv("train.csv", x: "a, b", label: "kind")
  read test: csv("test.csv", x: "a, b", label: "kind")
  fields x: f32[2], label: class(3)
  split odd: 0.5 of test
}
model net = mlp([3])
stage learn { on d.train batch 4; minimize cross_entropy(net(d.x), d.label); optimizer adam(0.1); epochs 40 }
evaluate d.test { predict PREDICTED against d.label; report REPORTED }
evaluate d.odd { predict net(d.x) }
"""
PICTURES = """
import std
domain d { read images("pictures"); fields image: u8[?, ?, 3], label: class(2); map image = unit(resize(image, [8, 8])) }
model net = mlp([2])
stage learn { on d.all batch 4; minimize cross_entropy(net(flatten(d.image)), d.label); optimizer adam(0.05); epochs 20 }
evaluate d.all { predict softmax(net(flatten(d.image))) against d.label; report accuracy }
"""
NUMBERS = """
import std
domain d { generate samples(50, fn(i) => (x: normal([3]), y: f32(i) * ones([2]))); fields x: f32[3], y: f32[2]; split train: 0.6, test: 0.4 }
model net = mlp([2])
stage learn { on d.train batch 4; minimize mse(net(d.x), d.y); optimizer sgd(1e-4); epochs 1 }
evaluate d.test { predict net(d.x) against d.y }
"""
# What is no number or vector a sample, or is not computed sample by sample.
OTHERS = """
import std
domain d { generate samples(40, fn(i) => (x: uniform([4, 4, 1]), mask: classes(int(uniform([4, 4]) > 0.5), 2), label: classes(i % 2, 2)))
  fields x: f32[4, 4, 1], mask: class(2)[4, 4], label: class(2) }
model net { map = conv(2, kernel: 1); head = linear(2) }
stage learn { on d.all batch 8; minimize cross_entropy(net.map(d.x), d.mask) + cross_entropy(net.head(flatten(d.x)), d.label); optimizer sgd(0.1); epochs 1 }
evaluate d.all { predict softmax(net.map(d.x)) against d.mask; report accuracy }
evaluate d.all { let g = net.head(flatten(d.x)); predict softmax(g - mean(g, axis: 0)) against d.label; report accuracy }
"""


def png(height, width, colour):
    rows = b"".join(b"\0" + bytes(colour) * width for _ in range(height))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Predictions(harness.Case):
    def table(self, path):
        with open(self.folder / path, newline="") as file:
            return list(csv.DictReader(file))

    def data(self):
        kinds = ['a "b"', "c, d", "e"]
        for name, count in (("train", 30), ("test", 21)):
            self.write(name + ".csv", "a,b,kind\n" + "".join(
                f"{i % 3},{(i * 7) % 5},{csv_cell(kinds[i % 3])}\n" for i in range(count)))
        return sorted(kinds)

    # Class names as in the data, the rows of the file of the split, and the accuracy that the figures have.
    def test_classes(self):
        names = self.data()
        program = self.build(TABLE.replace("PREDICTED", "softmax(net(d.x))").replace("REPORTED", "accuracy"))
        results = self.results(program, "train", "--data", ".", "--out", "run")
        rows = self.table("run/predictions-d.test.csv")
        self.assertEqual(list(rows[0]), ["sample", "row", "value[0]", "value[1]", "value[2]", "class", "name", "truth", "truth_name"])
        self.assertEqual([row["row"] for row in rows], [str(i) for i in range(21)])   # not those behind the training file
        for row in rows:
            shares = [float(row[f"value[{k}]"]) for k in range(3)]
            self.assertAlmostEqual(sum(shares), 1, places=5)
            self.assertEqual(int(row["class"]), shares.index(max(shares)))
            self.assertEqual(row["name"], names[int(row["class"])])
            self.assertEqual(row["truth_name"], names[int(row["truth"])])
            self.assertEqual(row["truth_name"], ['a "b"', "c, d", "e"][int(row["row"]) % 3])
        hits = sum(row["class"] == row["truth"] for row in rows)
        self.assertAlmostEqual(figure(results, "d.test", "accuracy"), hits / 21, places=6)
        # Without 'against' there is no truth; the rows are those of the split.
        odd = self.table("run/predictions-d.odd.csv")
        self.assertEqual(list(odd[0]), ["sample", "row", "value[0]", "value[1]", "value[2]"])
        self.assertLess(len(odd), 21)
        self.assertTrue({row["row"] for row in odd} <= {str(i) for i in range(21)})
        # The same of the kept model, also for one who only predicts.
        (self.folder / "run/predictions-d.test.csv").rename(self.folder / "before.csv")
        self.run_ok(program, "evaluate", "--data", ".", "--out", "run")
        self.assertEqualFiles("before.csv", "run/predictions-d.test.csv")
        logits = self.build(TABLE.replace("PREDICTED", "net(d.x)").replace("; report REPORTED", ""))
        self.run_ok(logits, "train", "--data", ".", "--out", "logits")
        for one, other in zip(self.table("logits/predictions-d.test.csv"), rows):
            self.assertEqual((one["row"], one["truth"]), (other["row"], other["truth"]))

    # Samples that are files are known by them.
    def test_files(self):
        for i in range(6):
            self.write(f"pictures/{'red' if i % 2 else 'blue, dark'}/{i}.png", png(9 + i, 12, (200, 0, 0) if i % 2 else (0, 0, 200)))
        self.run_ok(self.build(PICTURES), "train", "--data", ".", "--out", "run")
        rows = self.table("run/predictions-d.all.csv")
        self.assertEqual(len(rows), 6)
        self.assertEqual(list(rows[0])[:2], ["sample", "file"])
        for row in rows:
            self.assertTrue((self.folder / row["file"]).exists(), row)
            self.assertEqual(row["truth_name"], row["file"].split("/")[-2])

    # Two folders of a domain, with files of the same names: each row says which it is, by the path below --data.
    def test_files_of_two_folders(self):
        for part, count in (("first", 4), ("second", 6)):
            for i in range(count):
                self.write(f"all/{part}/{'red' if i % 2 else 'blue'}/{i}.png", png(9, 12, (200, 0, 0) if i % 2 else (0, 0, 200)))
        text = PICTURES.replace('read images("pictures")', 'read train: images("first"); read test: images("second")')
        text = text.replace("on d.all", "on d.train") + "evaluate d.test { predict net(flatten(d.image)) }\n"
        self.run_ok(self.build(text), "train", "--data", "all", "--out", "run")
        files = [row["file"] for row in self.table("run/predictions-d.all.csv")]
        self.assertEqual(len(set(files)), 10)
        for file in files:
            self.assertTrue((self.folder / "all" / file).exists(), file)
        tested = [row["file"] for row in self.table("run/predictions-d.test.csv")]
        self.assertEqual(tested, [file for file in files if file.startswith("second/")])
        self.assertEqual(len(tested), 6)

    # A regression has no classes; nothing need be reported beside.
    def test_numbers(self):
        self.run_ok(self.build(NUMBERS), "train", "--out", "run")
        rows = self.table("run/predictions-d.test.csv")
        self.assertEqual(list(rows[0]), ["sample", "row", "value[0]", "value[1]", "truth[0]", "truth[1]"])
        for row in rows:
            self.assertEqual((row["row"], row["row"]), (row["truth[0]"], row["truth[1]"]))

    def test_others(self):
        self.run_ok(self.build(OTHERS), "train", "--out", "run")
        self.assertEqual(list((self.folder / "run").glob("predictions*")), [])

    # What stood there stays where the new rows cannot be written.
    def test_not_writable(self):
        self.data()
        program = self.build(TABLE.replace("PREDICTED", "softmax(net(d.x))").replace("REPORTED", "accuracy"))
        self.run_ok(program, "train", "--data", ".", "--out", "run")
        (self.folder / "run/predictions-d.test.csv").unlink()
        (self.folder / "run/predictions-d.test.csv").mkdir()
        self.refuse("predictions-d.test.csv': it is a folder", program, "evaluate", "--data", ".", "--out", "run")
        self.assertEqual([path.name for path in (self.folder / "run").iterdir() if "partial" in path.name], [])


def csv_cell(text):
    return '"' + text.replace('"', '""') + '"'


if __name__ == "__main__":
    harness.main()
