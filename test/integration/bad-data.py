"""Data files that are truncated, lie or hold what they should not: an error with the file, and no run behind it."""
import gzip
import os
import random
import struct
import zlib
import harness
from harness import digit_images, idx

IDX = """
import std
domain d {
  read   idx(image: "images.gz", label: "labels.gz")
  fields image: u8[8, 8, 1], label: class(10)
  map    image = unit(image)
}
model net = mlp([10])
stage learn {
  on d.all batch 16
  minimize cross_entropy(net(flatten(d.image)), d.label)
  optimizer sgd(0.1); epochs 1
}
evaluate d.all { predict softmax(net(flatten(d.image))) against d.label; report accuracy }
export reader(image: like d.image) = softmax(net(flatten(image)))
"""
TABLE = """
import std
domain d { read csv("table.csv", x: "a, b", label: "label"); fields x: f32[2], label: class(3) }
model net = mlp([3])
stage learn { on d.all batch 4; minimize cross_entropy(net(d.x), d.label); optimizer sgd(0.1); epochs 1 }
evaluate d.all { predict softmax(net(d.x)) against d.label; report accuracy }
"""
SVMLIGHT = TABLE.replace('csv("table.csv", x: "a, b", label: "label"); fields x: f32[2], label: class(3)',
                         'svmlight("rows.svmlight", from: 1); fields x: f32[3], label: class(2)').replace("mlp([3])", "mlp([2])")
ARRAYS = """
import std
domain d { read npz("d.npz", x: "x", label: "y"); fields x: f32[4], label: class(3) }
model net = mlp([3])
stage learn { on d.all batch 4; minimize cross_entropy(net(d.x), d.label); optimizer sgd(0.1); epochs 1 }
evaluate d.all { predict softmax(net(d.x)) against d.label; report accuracy }
"""


TSV = TABLE.replace('csv("table.csv"', 'tsv("table.tsv"')
NPY = ARRAYS.replace('npz("d.npz", x: "x", label: "y")', 'npy(x: "x.npy", label: "y.npy")')


def npy(kind, shape, values):
    header = repr({"descr": kind, "fortran_order": False, "shape": shape}).encode()
    header = header.ljust((len(header) + 10 + 64) // 64 * 64 - 11) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + values


def archive(members, packed=False, announced=None):
    """A zip file of stored or packed members; `announced` is the unpacked size that it tells instead of the true one."""
    body, directory = b"", b""
    for name, data in members.items():
        crc, raw, size = zlib.crc32(data), name.encode(), len(data) if announced is None else announced
        if packed:
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            data = packer.compress(data) + packer.flush()
        common = struct.pack("<HHHHHIIIHH", 20, 0, 8 if packed else 0, 0, 33, crc, len(data), size, len(raw), 0)
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + raw
        body += b"PK\x03\x04" + common + raw + data
    return body + directory + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory),
                                                            len(body), 0)


def damaged(data, chance):
    """The bytes with a few of them changed, added or cut off, most of them near the beginning."""
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        if not data:
            break
        at = chance.randrange(min(len(data), chance.choice((16, 64, 200, len(data)))))
        kind = chance.randrange(6)
        if kind == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[at] = chance.choice((0, 255, 127, 128))
        elif kind == 2:
            del data[at:at + chance.choice((1, 4, 50))]
        elif kind == 3:
            data[at:at] = bytes([chance.randrange(256)]) * chance.choice((1, 8))
        elif kind == 4:
            del data[at:]
        else:
            data[at:at + 8] = struct.pack("<Q", chance.choice((0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 63, 2 ** 64 - 1)))
    return bytes(data)


class BadData(harness.Case):
    def damage(self, name, good, program, *words, cases=25):
        """Whatever happens to the file, the program ends by itself: it refuses, naming the file, or takes it."""
        refused = 0
        for seed in range(cases):
            with self.subTest(f"{name} {seed}"):
                self.write(name, damaged(good, random.Random(seed)))
                ran = self.execute(program, *words, timeout=30)
                self.assertIn(ran.returncode, (0, 1), ran.stderr[-500:])
                self.assertNotRegex(ran.stderr, r"[\x00-\x08\x0b-\x1f\x7f]")
                if ran.returncode:
                    refused += 1
                    self.assertRegex(ran.stderr, r"program: error: (.*" + name.split("/")[-1] + r"|stage '|field|domain)")
        self.assertGreater(refused, cases // 2)

    def refuse_data(self, says, program):
        """train refuses, and leaves no folder behind."""
        self.refuse(r"(?s)program: error: .*" + says, self.build(program), "train", "--data", ".", "--out", "run", timeout=60)
        self.assertFalse((self.folder / "run").exists())


class Idx(BadData):
    def setUp(self):
        super().setUp()
        pixels, labels = digit_images(64, 8)
        self.images, self.labels = idx((64, 8, 8), pixels, packed=False), idx((64,), labels, packed=False)

    def refuse_files(self, says, images=None, labels=None):
        self.write("images.gz", self.images if images is None else images)
        self.write("labels.gz", self.labels if labels is None else labels)
        self.refuse_data(says, IDX)

    def test_good(self):
        self.write("images.gz", gzip.compress(self.images))
        self.write("labels.gz", self.labels)
        self.run_ok(self.build(IDX), "train", "--data", ".", "--out", "run")

    def test_missing(self):
        self.refuse_data("images.gz", IDX)
        self.write("labels.gz", self.labels)
        (self.folder / "images.gz").mkdir()
        self.refuse_data("images.gz", IDX)

    def test_truncated(self):
        self.refuse_files("images.gz.*copy the file again", images=self.images[:-1])
        self.refuse_files("images.gz.*truncated", images=self.images[:10])
        self.refuse_files("images.gz", images=b"")
        packed = gzip.compress(self.images)
        self.refuse_files("images.gz", images=packed[:len(packed) // 2])
        self.refuse_files("images.gz", images=packed[:12])
        self.refuse_files("images.gz", images=packed[:-4])

    def test_lying_sizes(self):
        self.refuse_files("images.gz.*copy the file again", images=self.images + b"more")
        for extents in ((2 ** 32 - 1, 8, 8), (2 ** 32 - 1,) * 3, (2 ** 31, 2 ** 31, 4), (0, 8, 8)):
            self.refuse_files("images.gz", images=b"\0\0\x08\x03" + struct.pack(">3I", *extents) + self.images[16:])
            self.refuse_files("images.gz", images=gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", *extents)))
        self.refuse_files("images.gz", images=b"\0\0\x08\xff" + struct.pack(">3I", 64, 8, 8) + self.images[16:])

    def test_wrong_magic(self):
        self.refuse_files("images.gz.*not an idx file", images=b"\x89PNG" + self.images[4:])
        self.refuse_files("images.gz", images=b"\x1f\x8bnonsense" * 20)

    def test_counts_and_shapes_that_disagree(self):
        _, fewer = digit_images(63, 8)
        self.refuse_files("6[34].*6[34]", labels=idx((63,), fewer, packed=False))
        pixels, _ = digit_images(64, 9)
        self.refuse_files("images.gz.*9", images=idx((64, 9, 9), pixels, packed=False))

    def test_labels_out_of_range(self):
        self.refuse_files("label", labels=self.labels[:-1] + b"\x0a")
        self.refuse_files("label", labels=self.labels[:20] + b"\xff" + self.labels[21:])

    # A few kilobytes that would unpack to gigabytes are stopped at the size that the header tells.
    def test_bomb(self):
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = packer.compress(self.images[:16])
        for _ in range(256):
            bomb += packer.compress(bytes(1 << 20))
        self.refuse_files("images.gz", images=bomb + packer.flush())

    # What is no file, or may not be read.
    def test_unreadable(self):
        self.write("labels.gz", self.labels)
        images = self.folder / "images.gz"
        os.mkfifo(images)
        self.refuse_data("images.gz.*it is a ", IDX)
        images.unlink()
        images.symlink_to("images.gz")
        self.refuse_data("images.gz", IDX)
        images.unlink()
        if os.geteuid() != 0:  # root may read everything
            self.write("images.gz", self.images).chmod(0)
            self.refuse_data("images.gz.*permission is denied", IDX)

    def test_random_damage(self):
        self.write("labels.gz", self.labels)
        words = ("train", "--data", ".", "--out", "run", "--overwrite")
        self.damage("images.gz", self.images, self.build(IDX), *words)
        self.damage("images.gz", gzip.compress(self.images), self.build(IDX), *words)
        self.write("images.gz", self.images)
        self.damage("labels.gz", self.labels, self.build(IDX), *words)

    def test_predict(self):
        self.write("images.gz", self.images)
        self.write("labels.gz", self.labels)
        program = self.build(IDX)
        self.run_ok(program, "train", "--data", ".", "--out", "run")
        self.write("bad.gz", self.images[:-5])
        self.refuse("bad.gz", program, "predict", "--out", "run", "--input", "bad.gz", "--output", "rows.csv")
        self.refuse("missing.gz", program, "predict", "--out", "run", "--input", "missing.gz", "--output", "rows.csv")
        self.refuse("no export 'writer'.*reader", program, "predict", "--out", "run", "--export", "writer", "--input",
                    "images.gz")
        self.assertFalse((self.folder / "rows.csv").exists())
        self.refuse("nowhere", program, "predict", "--out", "run", "--input", "images.gz", "--output", "nowhere/rows.csv")


class Table(BadData):
    HEAD = "a,b,label\n"
    ROWS = "".join(f"{i / 10},{-i / 10},{i % 3}\n" for i in range(12))

    def test_good(self):
        self.write("table.csv", self.HEAD + self.ROWS)
        self.run_ok(self.build(TABLE), "train", "--data", ".", "--out", "run")

    def test_bad_tables(self):
        for says, text in (("table.csv", ""), ("table.csv", self.HEAD), ("label", "a,b,c\n" + self.ROWS),
                           ("table.csv.*1[34]", self.HEAD + self.ROWS + "1,2\n"),
                           ("table.csv", self.HEAD + self.ROWS + "1,2,0,4\n"),
                           ("one", self.HEAD + self.ROWS + "one,2,0\n"), ("label", self.HEAD + self.ROWS + "1,2,3\n"),
                           ("label", self.HEAD + self.ROWS + "1,2,-1\n"), ("label", self.HEAD + self.ROWS + "1,2,nan\n"),
                           ("label", self.HEAD + self.ROWS + "1,2,0.5\n"), ("table.csv", self.HEAD + self.ROWS + '1,"2,0\n'),
                           ("table.csv", b"\x00\xff\xfe" * 50)):
            with self.subTest(text[-20:]):
                self.write("table.csv", text)
                self.refuse_data(says, TABLE)

    def test_tabs(self):
        self.write("table.tsv", (self.HEAD + self.ROWS).replace(",", "\t"))
        self.run_ok(self.build(TSV), "train", "--data", ".", "--out", "run")
        self.write("table.tsv", (self.HEAD + self.ROWS).replace(",", "\t") + "1\t2\n")
        self.refuse("table.tsv' line 14: found 2 columns, the first row has 3", self.build(TSV), "train", "--data", ".")
        self.write("table.tsv", self.HEAD + self.ROWS)
        self.refuse("there is no column 'a' in '.*table.tsv'", self.build(TSV), "train", "--data", ".")

    # Text tells no size; more than 200 times the packed bytes is not believed.
    def test_bomb(self):
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = packer.compress(self.HEAD.encode())
        for _ in range(64):
            bomb += packer.compress(b"0.5,0.5,1\n" * 100000)
        self.write("table.csv", bomb + packer.flush())
        self.refuse_data("table.csv' unpacks to more than .* not plausible", TABLE)

    def test_random_damage(self):
        text = (self.HEAD + self.ROWS).encode()
        for content in (text, gzip.compress(text * 20)):
            self.damage("table.csv", content, self.build(TABLE), "train", "--data", ".", "--out", "run", "--overwrite")

    # A value that is not a number makes a loss that is none: the run stops there and names the loss.
    def test_nan(self):
        self.write("table.csv", self.HEAD + self.ROWS.replace("0.5,", "nan,"))
        self.refuse_data("not finite|non-finite|nan", TABLE)


class Svmlight(BadData):
    ROWS = "".join(f"{'-1' if i % 2 else '+1'} 1:{i} 3:{i / 8}\n" for i in range(12))

    def test_good(self):
        for text in (self.ROWS, "# made\n\n" + self.ROWS.replace("\n", " # a row\r\n") + "1 \n", gzip.compress(self.ROWS.encode())):
            self.write("rows.svmlight", text)
            self.run_ok(self.build(SVMLIGHT), "train", "--data", ".", "--out", "run", "--overwrite")

    def test_bad_rows(self):
        for says, row in (("line 13: feature 0 does not fit field 'x', whose 3 are numbered from 1 to 3; .*give from: 0", "1 0:1"),
                          ("line 13: feature 4 does not fit", "1 4:1"), ("line 13: .*must rise", "1 2:1 1:1"),
                          ("line 13: .*begins with its label", "1:1 2:2"), ("line 13: .*index:value", "1 2"),
                          ("line 13: .*the label of field 'label' is 'two'", "two 1:1"), ("line 13: .*'1,2'; a sample has one", "1,2 1:1"),
                          ("-1 in line 2 and 0 in line 13", "0 1:1"), ("line 13: .*value 'nan'", "1 1:nan")):
            with self.subTest(row):
                self.write("rows.svmlight", self.ROWS + row + "\n")
                self.refuse_data(says, SVMLIGHT)
        self.write("rows.svmlight", "# nothing\n")
        self.refuse_data("rows.svmlight' holds no samples", SVMLIGHT)

    def test_random_damage(self):
        text = self.ROWS.encode()
        for content in (text, gzip.compress(text * 20)):
            self.damage("rows.svmlight", content, self.build(SVMLIGHT), "train", "--data", ".", "--out", "run", "--overwrite")


class Arrays(BadData):
    X = struct.pack("<24f", *range(24))
    Y = struct.pack("<6q", 0, 1, 2, 0, 1, 2)

    def good(self):
        return {"x.npy": npy("<f4", (6, 4), self.X), "y.npy": npy("<i8", (6,), self.Y)}

    def test_good(self):
        self.write("d.npz", archive(self.good()))
        self.run_ok(self.build(ARRAYS), "train", "--data", ".", "--out", "run")

    def test_bad_arrays(self):
        whole = archive(self.good())
        cases = {"truncated": whole[:-30], "half": whole[:len(whole) // 2], "empty": b"", "no zip": b"PK\x03\x04" * 9,
                 "no member": archive({"x.npy": self.good()["x.npy"]}),
                 "short data": archive({**self.good(), "x.npy": npy("<f4", (6, 4), self.X[:-4])}),
                 "shape lies": archive({**self.good(), "x.npy": npy("<f4", (10 ** 15, 4), self.X)}),
                 "counts": archive({**self.good(), "y.npy": npy("<i8", (5,), self.Y[:40])}),
                 "other shape": archive({**self.good(), "x.npy": npy("<f4", (4, 6), self.X)}),
                 "objects": archive({**self.good(), "x.npy": npy("|O", (6, 4), self.X)}),
                 "header": archive({**self.good(), "x.npy": b"\x93NUMPY\x01\x00\xff\xff{}"}),
                 "label": archive({**self.good(), "y.npy": npy("<i8", (6,), struct.pack("<6q", 0, 1, 2, 3, 1, 2))}),
                 "negative label": archive({**self.good(), "y.npy": npy("<i8", (6,), struct.pack("<6q", 0, 1, 2, -1, 1, 2))}),
                 "changed byte": whole.replace(self.X[40:60], b"\1" * 20)}
        for name, content in cases.items():
            with self.subTest(name):
                self.write("d.npz", content)
                self.refuse_data("d.npz|label", ARRAYS)

    # Labels as floating-point numbers are taken if they are whole; what is not a number is no label.
    def test_labels_that_are_no_numbers(self):
        self.write("d.npz", archive({**self.good(), "y.npy": npy("<f4", (6,), struct.pack("<6f", 0, 1, 2, 0, 1, 2))}))
        self.run_ok(self.build(ARRAYS), "train", "--data", ".", "--out", "whole")
        for bad in (float("nan"), float("inf"), 0.5, -1.0, 3.0, 1e30):
            values = struct.pack("<6f", 0, 1, bad, 0, 1, 2)
            self.write("d.npz", archive({**self.good(), "y.npy": npy("<f4", (6,), values)}))
            self.refuse_data("label|y", ARRAYS)

    def test_packed(self):
        self.write("d.npz", archive(self.good(), packed=True))
        self.run_ok(self.build(ARRAYS), "train", "--data", ".", "--out", "run")
        for announced in (1, 100, 2 ** 32 - 2):
            self.write("d.npz", archive(self.good(), packed=True, announced=announced))
            self.refuse("d.npz", self.build(ARRAYS), "train", "--data", ".", "--out", "other", timeout=60)

    # A few kilobytes that announce what they are and unpack to much more, or announce much more.
    def test_bomb(self):
        zeros = bytes(200 << 20)
        for announced in (96, 200 << 20):
            self.write("d.npz", archive({**self.good(), "x.npy": npy("<f4", (6, 4), zeros)}, packed=True, announced=announced))
            self.refuse_data("d.npz", ARRAYS)

    def test_single_files(self):
        good = self.good()
        for name, data in good.items():
            self.write(name, data)
        self.run_ok(self.build(NPY), "train", "--data", ".", "--out", "good")
        for says, name, data in (("x.npy.*6.*copy", "x.npy", good["x.npy"][:-1]), ("x.npy", "x.npy", good["x.npy"] + b"\0"),
                                 ("x.npy.*not an npy file", "x.npy", b"PNG" + good["x.npy"]), ("x.npy", "x.npy", b""),
                                 ("[56].*[56]", "y.npy", npy("<i8", (5,), self.Y[:40])), ("y.npy", "y.npy", good["y.npy"][:50])):
            with self.subTest(name):
                self.write(name, data)
                self.refuse_data(says, NPY)
                self.write(name, good[name])

    def test_random_damage(self):
        words = ("train", "--data", ".", "--out", "run", "--overwrite")
        self.damage("d.npz", archive(self.good()), self.build(ARRAYS), *words, cases=50)
        self.damage("d.npz", archive(self.good(), packed=True), self.build(ARRAYS), *words)


if __name__ == "__main__":
    harness.main()
