"""Bounded dimensions and text, by execution: what is beyond the end of a sample must change nothing.

Padding of the made data is 1e6, so that whatever reads it is far off. Expected values are computed here, sample by
sample, without any padding.
"""
import gzip
import math
import random
import harness
from harness import XFERC, figure

MOST, WIDTH = 5, 2
random.seed(7)
RAGGED = [[[random.uniform(-1, 1) for _ in range(WIDTH)] for _ in range(length)] for length in (3, 1, 5, 2, 4, 5, 1)]


def table(samples=RAGGED):
    rows = ["t," + ",".join(f"x{i}" for i in range(MOST * WIDTH)) + ",y"]
    for number, sample in enumerate(samples):
        cells = [value for entry in sample for value in entry]
        cells += [1e6] * (MOST * WIDTH - len(cells))
        rows.append(",".join(map(str, [len(sample)] + cells + [number % 2])))
    return "\n".join(rows) + "\n"


DOMAIN = """import std
domain d {
  read csv("d.csv", x: "x0..x9")
  fields x: f32[t <= 5, 2], y: class(2)
}
"""


def softmax(values):
    largest = max(values)
    exps = [math.exp(v - largest) for v in values]
    return [e / sum(exps) for e in exps]


def column(sample, j):
    return [entry[j] for entry in sample]


class Bounded(harness.Case):
    def predictions(self, outputs, prelude=""):
        program = self.build(DOMAIN + prelude + f"export f(x: like d.x) = ({outputs})\n")
        self.write("d.csv", table())
        self.run_ok(program, "predict", "--input", "d.csv", "--output", "o.jsonl", "--format", "jsonl", "--out", "run")
        return self.lines("o.jsonl")

    def check(self, outputs, expected, prelude=""):
        rows = self.predictions(", ".join(f"{name}: {text}" for name, text in outputs.items()), prelude)
        self.assertEqual(len(rows), len(RAGGED))
        for sample, row in zip(RAGGED, rows):
            for name, value in expected(sample).items():
                found = row[name]
                for a, b in zip(harness_flat(found), harness_flat(value), strict=True):
                    # float32, sums of at most ten numbers of size one
                    self.assertAlmostEqual(a, b, delta=2e-6, msg=f"{name} of {sample}")

    def test_reductions(self):
        self.check({"mean": "mean(x, axis: 1)", "sum": "sum(x, axis: 1)", "largest": "max(x, axis: 1)",
                    "least": "min(x, axis: 1)", "place": "argmax(x, axis: 1)", "total": "mean(x, axis: [1, 2])",
                    "length": "length(x)", "count": "entries(x, axis: 1)", "product": "prod(x, axis: 1)",
                    "variance": "mean((x - mean(x, axis: 1, keep: true)) * (x - mean(x, axis: 1, keep: true)), axis: 1)"},
                   lambda s: {"mean": [sum(column(s, j)) / len(s) for j in range(2)],
                              "sum": [sum(column(s, j)) for j in range(2)],
                              "largest": [max(column(s, j)) for j in range(2)],
                              "least": [min(column(s, j)) for j in range(2)],
                              "place": [column(s, j).index(max(column(s, j))) for j in range(2)],
                              "total": sum(map(sum, s)) / len(s) / 2, "length": len(s), "count": len(s),
                              "product": [math.prod(column(s, j)) for j in range(2)],
                              "variance": [sum((v - sum(column(s, j)) / len(s)) ** 2 for v in column(s, j)) / len(s)
                                           for j in range(2)]})

    def test_attention(self):
        """softmax(x x^T) x, then the mean: library code that passes no mask."""
        def expected(s):
            rows = []
            for q in s:
                p = softmax([sum(a * b for a, b in zip(q, k)) for k in s])
                rows.append([sum(w * v[j] for w, v in zip(p, s)) for j in range(2)])
            return {"y": [sum(column(rows, j)) / len(rows) for j in range(2)]}
        self.check({"y": "attended(x)"}, expected,
                   "fn attended(x: [n, t, d]) -> [n, d] = mean(softmax(x @ transpose(x)) @ x, axis: t)\n")

    def test_shapes(self):
        """What goes on, and the ways out."""
        def padded(values, fill):
            return values + [fill] * (MOST - len(values))
        self.check({"dense": "dense(x[.., 0], -7)", "mask": "f32(mask(x))", "reversed": "dense(reverse(x, axis: 1), 0)",
                    "tail": "dense(x[.., 1.., 0], -7)", "head": "dense(x[.., ..-1, 0], -7)",
                    "two": "sum(x[.., 0..2, 0], axis: 1)", "steps": "sum(x[.., 1.., 0] - x[.., ..-1, 0], axis: 1)",
                    "turned": "sum(transpose(x), axis: 2)", "wide": "sum(concat([x, 2 * x], axis: 2), axis: 1)",
                    "split": "sum(reshape(x, [size(x, 0), 5, 2, 1]), axis: 1)", "places": "sum(where(mask(x), iota(5), 0), axis: 1)",
                    "sorted": "dense(sort(x, axis: 1)[0], 9)", "running": "max(cumsum(x, axis: 1), axis: 1)"},
                   lambda s: {"dense": padded(column(s, 0), -7), "mask": padded([1] * len(s), 0),
                              "reversed": s[::-1] + [[0, 0]] * (MOST - len(s)),
                              "tail": padded(column(s, 0)[1:], -7)[:MOST - 1], "head": padded(column(s, 0)[:-1], -7)[:MOST - 1],
                              "two": sum(column(s, 0)[:2]), "steps": s[-1][0] - s[0][0],
                              "turned": [sum(column(s, j)) for j in range(2)],
                              "wide": [k * sum(column(s, j)) for k in (1, 2) for j in range(2)],
                              "split": [[sum(column(s, j))] for j in range(2)], "places": sum(range(len(s))),
                              "sorted": [list(row) for row in zip(*(sorted(column(s, j)) for j in range(2)))] +
                                        [[9, 9]] * (MOST - len(s)),
                              "running": [max(sum(column(s, j)[:i + 1]) for i in range(len(s))) for j in range(2)]})

    def test_scan(self):
        """The carry stands still past the end, and what is yielded is bounded again; windows see zeros there."""
        def expected(s):
            h, out = 0.0, []
            for entry in s:
                h = math.tanh(0.5 * h + entry[0])
                out.append(h)
            smooth = [sum(column(s, 0)[max(i - 1, 0):i + 2]) for i in range(len(s))]
            pairs = [sum(column(s, 0)[i:i + 2]) for i in range(0, len(s) - 1, 2)]
            return {"last": h, "mean": sum(out) / len(out), "smooth": max(smooth), "pairs": sum(pairs),
                    "few": sum(sorted(column(s, 0))[-2:])}
        self.check({"last": "walk(x[.., 0]).h", "mean": "mean(walk(x[.., 0]).out, axis: 1)",
                    "smooth": "max(sum_window(expand(x[.., 0], axis: 2), 3, stride: 1, padding: \"same\")[.., 0], axis: 1)",
                    "pairs": "sum(sum_window(expand(x[.., 0], axis: 2), 2), axis: [1, 2])",
                    "few": "sum(top_k(x[.., 0], 2)[0], axis: 1)"}, expected,
                   "fn walk(x: [n, t]) = scan a in x along t from h = zeros([n]) "
                   "{ let g = tanh(0.5 * h + a); next h = g; yield g }\n")

    def test_compact(self):
        """What is kept is bounded: [m <= 3]."""
        def expected(s):
            kept = [v for v in column(s, 0) if v > 0][:3]
            return {"sum": sum(kept), "count": len(kept)}
        program = ("domain e { read csv(\"d.csv\", x: \"x0..x9\"); fields x: f32[t <= 5, 2]\n"
                   "  map x = positive(x[.., 0]) }\n"
                   "fn positive(x: [t]) -> [m <= 3] = compact(x, x > 0, at_most: 3)\n"
                   "export g(x: like e.x) = (sum: sum(x, axis: 1), count: length(x))\n")
        program = self.build(DOMAIN + program)
        self.write("d.csv", table())
        self.run_ok(program, "predict", "--input", "d.csv", "--output", "o.jsonl", "--format", "jsonl", "--out", "run")
        rows = self.lines("o.jsonl")
        for sample, row in zip(RAGGED, rows, strict=True):
            for name, value in expected(sample).items():
                self.assertAlmostEqual(row[name], value, delta=2e-6)

    def test_training(self):
        """Padding changes neither gradients nor figures: the same data with other padding trains to the same bits."""
        program = self.build(DOMAIN + """
model net { embed = linear(3); memory = lstm(4); head = linear(2) }
stage learn {
  on d.all batch 4
  let g = net.head(net.memory(net.embed(d.x)).last)
  minimize cross_entropy(g, d.y)
  optimizer adam(1e-2); epochs 3
}
evaluate d.all { predict softmax(learn.g) against d.y; report accuracy, mean = mean(d.x) }
""")
        self.write("d.csv", table())
        first = self.results(program, "--out", "a")
        self.write("d.csv", table().replace("1000000.0", "-3.5"))
        second = self.results(program, "--out", "b")
        values = [value for sample in RAGGED for entry in sample for value in entry]
        self.assertAlmostEqual(figure(first, "d.all", "mean"), sum(values) / len(values), delta=1e-6)
        for name in ("accuracy", "mean"):
            self.assertEqual(figure(first, "d.all", name), figure(second, "d.all", name))
        self.assertEqual(first["runs"][0]["evaluations"], second["runs"][0]["evaluations"])

    def test_refused(self):
        for text, says in [("reshape(x, [size(x, 0), 10])", "'reshape' cannot go along a bounded dimension.*dense"),
                           ("x[.., 1, 0..2]", r"'\[ \]' cannot go along a bounded dimension"),
                           ("concat([x, x], axis: 1)", "'concat' cannot go along"),
                           ("mean(flatten(x), axis: 1)", "'reshape' cannot go along"),
                           ("chunks(x, 5, axis: 1)[0]", "'chunks' cannot go along"),
                           ("x", "'export' cannot go along a bounded dimension"),
                           ("sum(x + bounded(ones([64, 5, 2]), length(x) - 1), axis: 1)", "lengths-differ"),
                           ("dense(mean(x, axis: 1), 0)", "'dense' wants a bounded dimension"),
                           ("length(y)", "unknown")]:
            with self.subTest(text):
                self.write("p.xfer", DOMAIN + f"export f(x: like d.x) = {text}\n")
                self.refuse(says, XFERC, "check", "p.xfer")

    def test_bad_lengths(self):
        program = self.build(DOMAIN + "export f(x: like d.x) = mean(x, axis: 1)\n")
        self.write("d.csv", table().replace("\n3,", "\n6,", 1))
        self.refuse("sample 0 has the value 6 in field 't'; a bounded dimension of 5 entries has from 0 to 5 real ones",
                    program, "predict", "--input", "d.csv", "--out", "run")


REVIEWS = """import std
const words = vocabulary("words.txt")
domain reviews {
  read tsv("reviews.tsv", text: "sentence", label: "label")
  fields text: string, label: class(2)
  map text = tokens(text, words, at_most: 6)
  split train: 0.8, test: 0.2
}
model net { embed = embedding(len(words), 8); memory = lstm(8); head = linear(2) }
stage learn {
  on reviews.train batch 16
  let g = net.head(net.memory(net.embed(reviews.text)).last)
  minimize cross_entropy(g, reviews.label)
  optimizer clipped(adam(2e-2), norm: 5); epochs 12
}
evaluate reviews.test { predict softmax(learn.g) against reviews.label; report accuracy, macro_f1 }
evaluate reviews.all { report count = mean(length(reviews.text)) }
export judge(text: like reviews.text) -> prob[2] = softmax(net.head(net.memory(net.embed(text)).last))
export number(text: string) = dense(tokens(text, words, at_most: 4), 0)
"""
WORDS = "[UNK]\ngood\nbad\nfilm\na\nvery\nn't\n.\n"


def reviews(count=200):
    rows = ["sentence\tlabel"]
    for number in range(count):
        label = number * 7 % 2
        filler = ["a film", "a very", "film .", "unheard", ""][number % 5]
        rows.append(f"{filler} {('bad', 'GOOD')[label]} film{' a' * (number % 3)}\t{label}")
    return "\n".join(rows) + "\n"


class Text(harness.Case):
    def program(self, text=REVIEWS, words=WORDS):
        (harness.SCRATCH / "data").mkdir(exist_ok=True)
        (harness.SCRATCH / "data" / "words.txt").write_text(words)
        return self.build(text, "--data", harness.SCRATCH / "data")

    def test_reviews(self):
        """Program 16: an LSTM on texts of made reviews."""
        program = self.program()
        self.write("reviews.tsv", reviews())
        results = self.results(program, "--out", "run")
        self.assertGreater(figure(results, "reviews.test", "accuracy"), 0.95)
        texts = [row.split("\t")[0].split() for row in reviews().splitlines()[1:]]
        self.assertAlmostEqual(figure(results, "reviews.all", "count"), sum(min(len(t), 6) for t in texts) / len(texts),
                               delta=1e-5)
        self.write("new.tsv", "sentence\nvery good film\na BAD , bad film\n")
        rows = self.run_ok(program, "predict", "--input", "new.tsv", "--export", "judge", "--out", "run").stdout.splitlines()
        self.assertEqual([row.split(",")[-1] for row in rows[1:]], ["1", "0"])

    def test_towers(self):
        """The text half of program 11: pieces, places, a mean over the tokens that there are, pairs that find each other."""
        program = self.program("""import std
const words = vocabulary("words.txt")
domain pairs {
  read tsv("pairs.tsv", text: "text", x: "x0..x3")
  fields text: string, x: f32[4]
  map text = tokens(text, words, at_most: 5)
}
module text_tower(count: int, width: int, out: int) (x: token[n, t]) -> [n, out] {
  embed = embedding(count, width); place = embedding(5, width); hidden = linear(width); project = linear(out)
  let h = embed(x) + 0.1 * place(iota(t))
  let a = softmax(h @ transpose(h)) @ h
  return project(mean(h + relu(hidden(a)), axis: t))
}
fn contrast(a: [n, d], b: [n, d], scale: []) -> [] {
  let s = scale * unit_rows(a) @ transpose(unit_rows(b))
  return (cross_entropy(s, classes(iota(n), n)) + cross_entropy(transpose(s), classes(iota(n), n))) / 2
}
model net { text = text_tower(len(words), 8, out: 4); vector = linear(4) }
stage align {
  on pairs.all batch 4
  minimize contrast(net.vector(pairs.x), net.text(pairs.text), 5)
  optimizer adam(1e-2); epochs 80
}
evaluate pairs.all { report near = mean(sum(unit_rows(net.vector(pairs.x)) * unit_rows(net.text(pairs.text)), axis: 1)) }
export place(text: like pairs.text) = net.text(text)
""", "[UNK]\nred\nblue\nbig\nsmall\n##s\n")
        texts = ["red", "blues", "big red big red", "small"]
        self.write("pairs.tsv", "text\tx0\tx1\tx2\tx3\n" + "".join(
            f"{text}\t" + "\t".join(str(int(i == j)) for j in range(4)) + "\n" for i, text in enumerate(texts)))
        results = self.results(program, "--out", "run")
        self.assertGreater(figure(results, "pairs.all", "near"), 0.8)

    def test_jointly(self):
        """One call on two domains, joined along the samples and taken apart again, with the lengths of each."""
        program = self.program("""import std
const words = vocabulary("words.txt")
domain a { read lines("a.txt"); fields text: string; map text = tokens(text, words, at_most: 4) }
domain b { read lines("b.txt"); fields text: string; map text = tokens(text, words, at_most: 4) }
module count() (x: [n, t, d]) -> [n, d] { return sum(x, axis: t) }
model net { embed = embedding(len(words), 3); table = count(); gap = linear(1) }
stage learn {
  on a.all, b.all batch 2
  let e = jointly(net.embed, [a.text, b.text])
  let total = jointly(net.table, e)
  watch first = mean(f32(length(e[0])))
  watch second = mean(f32(length(e[1])))
  watch same = sum(abs(total[0] - sum(net.embed(a.text), axis: 1))) + sum(abs(e[1] - net.embed(b.text)))
  minimize mean(square(net.gap(total[0]))) + mean(square(net.gap(total[1])))
  optimizer sgd(0.01); steps 2
}
evaluate a.all { report m = mean(net.embed(a.text)) }
""", "[UNK]\nred\nblue\n")
        self.write("a.txt", "red\nred\n")
        self.write("b.txt", "red blue red\nblue blue blue\n")
        self.run_ok(program, "--out", "run")
        seen = [line for line in self.lines() if "first" in line][-1]
        self.assertEqual((seen["first"], seen["second"], seen["same"]), (1, 3, 0))

    def test_numbers(self):
        """Words, punctuation, what is unknown, what is cut off, and an empty text; lower case because the words are."""
        program = self.program()
        self.write("reviews.tsv", reviews())
        self.run_ok(program, "--out", "run")
        self.write("t.tsv", "text\nGood film.\nit is n't bad\na,very a.b bad\n\"quoted\"\n \n")
        ran = self.run_ok(program, "predict", "--input", "t.tsv", "--export", "number", "--out", "run")
        rows = [[int(cell) for cell in row.split(",")[1:]] for row in ran.stdout.splitlines()[1:]]
        self.assertEqual(rows, [[1, 3, 7, 0], [0, 0, 6, 2], [4, 0, 5, 4], [0, 0, 0, 0], [0, 0, 0, 0]])
        self.assertIn("1 of 5 texts of field 'text' have more than 4 tokens and were cut", ran.stderr)

    def test_vocabulary(self):
        for words, says in [("", "it is empty"), ("a\n\nb\n", "line 2 is empty"), ("a\nb\na\n", "'a' stands in lines 1 and 3"),
                            (b"a\n\xff\n", "line 2 is not UTF-8")]:
            with self.subTest(says):
                self.write("words.txt", words)
                self.write("p.xfer", REVIEWS)
                ran = self.refuse("'words.txt' is no vocabulary: " + says, XFERC, "check", "p.xfer")
                self.assertEqual(ran.stderr.count("error:"), 1, ran.stderr)
        (self.folder / "words.txt").unlink()
        self.refuse("'words.txt' is not there; it is read while the program is built", XFERC, "check", "p.xfer")
        self.write("words.txt", "good\nfilm\n")
        self.run_ok(XFERC, "build", "p.xfer", "-o", "p")
        self.write("reviews.tsv", reviews())
        self.refuse("reviews.tsv' line 2: 'a' is not in the vocabulary.*add \\[UNK\\] to it", "./p", "--out", "run")

    def test_pieces(self):
        """WordPiece: the longest token, then the longest that goes on; a word that does not come out is unknown."""
        program = self.program(
            'import std\nconst words = vocabulary("words.txt")\n'
            'export f(text: string) = dense(tokens(text, words, at_most: 8, start: "[CLS]", end: "[SEP]"), 0)\n',
            "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\nable\n##a\n!\n")
        self.write("t.tsv", "text\nUnaffable able!\nuna unq\n\nun un un un un un un un\n")
        ran = self.run_ok(program, "predict", "--input", "t.tsv", "--out", "run")
        rows = [[int(cell) for cell in row.split(",")[1:]] for row in ran.stdout.splitlines()[1:]]
        self.assertEqual(rows, [[2, 4, 5, 6, 7, 9, 3, 0], [2, 4, 8, 1, 3, 0, 0, 0], [2, 4, 4, 4, 4, 4, 4, 3]])

    def test_lines_and_windows(self):
        """A sample a line, and parts of one text; gzipped too."""
        source = """import std
const letters = alphabet(file: "text.txt")
domain names { read lines("names.txt"); fields text: string; map text = characters(text, "abcé?", at_most: 4) }
domain book { read windows("book.txt.gz", length: 4, stride: 3); fields text: string; map text = characters(text, letters, exactly: 4) }
evaluate names.all { report count = sum(f32(iota(size(names.all)) * 0 + 1)), length = mean(length(names.text)) }
evaluate book.all { report sum = sum(f32(book.text), axis: 0), letters = len(letters) * 1.0 }
"""
        self.write("text.txt", "hello world")
        self.write("p.xfer", source)
        self.run_ok(XFERC, "build", "p.xfer", "-o", "p", timeout=300)
        self.write("names.txt", "abc\n\nécab\r\n  \nabcab\n")
        text = "hello world hello"
        self.write("book.txt.gz", gzip.compress(text.encode()))
        results = self.results("./p", "--out", "run")
        letters = sorted(set("hello world"))
        windows = [text[i:i + 4] for i in range(0, len(text) - 3, 3)]
        self.assertEqual(figure(results, "names.all", "count"), 3)
        self.assertAlmostEqual(figure(results, "names.all", "length"), 11 / 3, delta=1e-6)
        self.assertEqual(figure(results, "book.all", "sum"), [sum(letters.index(w[j]) for w in windows) for j in range(4)])
        self.write("names.txt", b"ab\xff\n")
        self.refuse("names.txt' line 1: .* is not in the vocabulary", "./p", "--out", "run2")
        self.write("names.txt", "a\n")
        self.write("book.txt.gz", gzip.compress(b"hel"))
        self.refuse("book.txt.gz' has 3 characters, and a window 4", "./p", "--out", "run3")
        self.write("book.txt.gz", gzip.compress(b"hell")[:-6])
        self.refuse("truncated", "./p", "--out", "run4")

    def test_refused(self):
        for old, new, says in [
                ("at_most: 6)", "at_most: 0)", "a text has from 1 to 524287 tokens"),
                (", at_most: 6)", ")", "'tokens' wants either 'at_most'"),
                ("words, at_most", "[], at_most", "'tokens' wants a vocabulary"),
                ("tokens(text, words", "tokens(label, words", "'tokens' wants a field of text"),
                ("  map text = tokens(text, words, at_most: 6)\n", "", "found the text 'text' of the samples"),
                ("embedding(len(words), 8)", "embedding(7, 8)", "classes")]:
            with self.subTest(new):
                self.write("words.txt", WORDS)
                self.write("p.xfer", REVIEWS.replace(old, new, 1))
                self.refuse(says, XFERC, "check", "p.xfer")

    def test_samplers(self):
        """Text in the parts that a sampler's elements have: what is drawn together says the same as its labels."""
        program = self.program("""import std
const words = vocabulary("words.txt")
domain d {
  read tsv("d.tsv", text: "sentence", label: "label")
  fields text: string, label: class(3)
  map text = tokens(text, words, at_most: 4)
}
model net = embedding(len(words), 3)
fn alike(y: [b, s]) -> [b, s, s] = f32(expand(y, axis: 1) == expand(y, axis: 2))
fn kinds(x) = mean(f32(x), axis: -1)
stage learn {
  on d.all as task by episodes(ways: 2, shots: 2, queries: 1) batch 2
  watch wrong = sum(abs(alike(kinds(task.support.text)) - alike(f32(task.support.label))))
  minimize mean(square(net(task.support.text))) + mean(square(net(task.query.text)))
  optimizer sgd(0.1); steps 5
}
evaluate d.all as pair by pairs(label) count 30 {
  report off = sum(abs(f32(pair.same) - f32(kinds(pair.first.text) == kinds(pair.second.text)))), same = mean(f32(pair.same))
}
evaluate d.all as group by groups(label, size: 3) count 20 {
  let k = kinds(group.text)
  report off = sum(abs(k - k[.., 0..1])) + sum(abs(k - f32(group.label) - 1)), lengths = mean(f32(length(group.text)))
}
""", "[UNK]\nred\nblue\ngreen\n")
        rows = [(["red", "blue", "green"][i % 3] + " ") * (1 + i % 4) + f"\t{i % 3}" for i in range(24)]
        self.write("d.tsv", "sentence\tlabel\n" + "\n".join(rows) + "\n")
        results = self.results(program, "--out", "run", "--seed", 2)
        self.assertEqual(figure(results, "d.all", "off"), 0)
        self.assertGreater(figure(results, "d.all", "same"), 0)
        self.assertEqual(figure(results, "d.all#2", "off"), 0)
        self.assertGreater(figure(results, "d.all#2", "lengths"), 1)
        self.assertLess(figure(results, "d.all#2", "lengths"), 4)
        self.assertEqual({line["wrong"] for line in self.lines() if "wrong" in line}, {0})

    def test_reader_without_text(self):
        program = self.program(REVIEWS.replace('tsv("reviews.tsv"', 'npz("reviews.npz"'))
        self.refuse("reader 'npz' has no text for field 'text'", program, "--out", "run")


def harness_flat(value):
    return [x for one in value for x in harness_flat(one)] if isinstance(value, list) else [value]


if __name__ == "__main__":
    harness.main()
