"""The files of `load` while a program is built: taken along or left beside, checked against the model, missing ones."""
import json
import os
import pathlib
import shutil
import struct
import harness
from harness import MOONS, XFERC, read_weights

CRITIC = "  critic = mlp([32, 1])\n"
DROPS = '"net.head.*" -> drop, "net.critic.*" -> drop, '
TRUNK = '"net.trunk.*" -> "*"'
CLAUSE = 'load "first.safetensors" into net.trunk'
STEPS = 30
HEADER, FOOTER = 128, 64


def moons(rules=DROPS + TRUNK, clause=CLAUSE):
    assert CRITIC in MOONS
    return MOONS.replace(CRITIC, f"{CRITIC}  {clause} map {{ {rules} }}\n")


def encode(tensors, metadata=()):
    """A safetensors file of float tensors: name -> (shape, numbers)."""
    header, data = dict(metadata), b""
    for name, (shape, values) in tensors.items():
        bytes_ = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(bytes_)]}
        data += bytes_
    return harness.join_weights(header, data)


class WeightFiles(harness.Case):
    saved = None  # weights of a short run of two moons

    def setUp(self):
        super().setUp()
        if WeightFiles.saved is None:
            self.run_ok(self.build(MOONS), "train", "--steps", STEPS, "--seed", 7, "--out", "first")
            WeightFiles.saved = (self.folder / "first/weights.safetensors").read_bytes()
            shutil.rmtree(self.folder / "first")
        self.write("src/moons.xfer", moons())
        self.file = self.write("src/first.safetensors", self.saved)
        self.numbers = read_weights(self.file)

    def make(self, *flags, output="prog"):
        return self.run_ok(XFERC, "build", "src/moons.xfer", "-o", output, *flags)

    def train(self, program, out, *arguments):
        self.run_ok(program, "train", "--steps", STEPS, "--out", out, *arguments)
        return json.loads((self.folder / out / "run.json").read_text())

    def edited(self, **changes):
        """The weights of before with other numbers in a tensor of the trunk, or other tensors."""
        header, _ = harness.split_weights(self.saved)
        shapes = {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}
        tensors = {name: (shapes[name], values) for name, values in self.numbers.items()}
        return encode({**tensors, **changes})


class Taken(WeightFiles):
    # With the file inside, beside, or read when the program runs: the same bits.
    def test_same_bits(self):
        self.make()
        self.make("--weights=beside", output="beside")
        os.rename(self.file, self.folder / "first.safetensors")
        os.mkdir(self.folder / "data")
        os.rename(self.folder / "first.safetensors", self.folder / "data/first.safetensors")
        said = self.make(output="late").stderr
        self.assertRegex(said, r"src/moons\.xfer:\d+:3: warning: 'first\.safetensors' is not there.*--data \[missing-weight-file\]")
        self.assertRegex(said, r"looked for: 'src/first\.safetensors', 'first\.safetensors'")
        late = self.train("./late", "at-run", "--data", "data")
        shutil.rmtree(self.folder / "data")
        inside, beside = self.train("./prog", "inside"), self.train("./beside", "beside.run")
        self.assertEqualFiles("inside/weights.safetensors", "at-run/weights.safetensors")
        self.assertEqualFiles("inside/weights.safetensors", "beside.run/weights.safetensors")
        self.run_ok(self.build(MOONS), "train", "--steps", STEPS, "--out", "without")
        self.assertNotEqual((self.folder / "inside/weights.safetensors").read_bytes(),
                            (self.folder / "without/weights.safetensors").read_bytes(), "the file does nothing")
        wanted = {"path": "first.safetensors", "into": "net.trunk", "bytes": len(self.saved)}
        for run, embedded in ((inside, True), (beside, True), (late, False)):
            self.assertEqual(run["weights"], [{**wanted, "hash": late["weights"][0]["hash"], "embedded": embedded}])
        self.assertEqual(inside["hash"], beside["hash"])
        self.assertNotEqual(inside["hash"], late["hash"], "a program without the file is another one")

    # What is inside is used, whatever lies in the data folder.
    def test_inside_is_used(self):
        self.make()
        self.train("./prog", "one")
        self.write("data/first.safetensors", "no weights")
        self.train("./prog", "two", "--data", "data")
        self.assertEqualFiles("one/weights.safetensors", "two/weights.safetensors")

    # The content is in the executable or in the file beside it, once, whole and nowhere else.
    def test_where_it_is(self):
        self.make()
        self.make("--weights=beside", output="beside")
        self.assertNothingLeft(".", "src", "prog", "beside", "beside.weights")
        self.assertNothingLeft("src", "moons.xfer", "first.safetensors")
        self.assertEqual((self.folder / "prog").read_bytes().count(self.saved), 1)
        self.assertEqual((self.folder / "beside").read_bytes().count(self.saved[-4096:]), 0)
        self.assertEqual((self.folder / "beside.weights").read_bytes().count(self.saved), 1)

    # Two clauses share one file; two files lie behind each other.
    def test_several(self):
        self.write("src/layer.safetensors", encode({"weight": ([32, 32], [0.01] * 1024), "bias": ([32], [0.5] * 32)}))
        self.write("src/moons.xfer", moons(rules=DROPS + TRUNK + ' }\n  load "first.safetensors" into net.critic map { '
                   '"net.head.*" -> drop, "net.trunk.*" -> drop, "net.critic.*" -> "*" }\n'
                   '  load "layer.safetensors" into net.trunk.layer[1] map { "fc.*" -> drop'))
        self.make()
        self.make("--weights=beside", output="beside")
        self.assertEqual((self.folder / "prog").read_bytes().count(self.saved), 1)
        shutil.rmtree(self.folder / "src")
        run = self.train("./prog", "inside")
        self.assertEqual([entry["into"] for entry in run["weights"]], ["net.trunk", "net.critic", "net.trunk.layer[1]"])
        self.train("./beside", "beside.run")
        self.assertEqualFiles("inside/weights.safetensors", "beside.run/weights.safetensors")

    # An option is a choice of the run: its default is neither looked for nor taken along.
    def test_option(self):
        self.write("src/moons.xfer", moons(clause="load start into net.trunk").replace(
            "model net", 'param start = "first.safetensors"\nmodel net'))
        self.assertEqual(self.make("--strict").stderr, "")
        self.assertEqual((self.folder / "prog").read_bytes().count(self.saved), 0)
        self.assertFalse(self.train("./prog", "run", "--data", "src")["weights"][0]["embedded"])

    # Another file makes another program: its checkpoints are not those of this one.
    def test_hash(self):
        self.make()
        self.run_ok("./prog", "train", "--steps", STEPS, "--out", "run")
        self.file.write_bytes(self.edited(**{"net.trunk.layer.1.bias": ([32], [0.25] * 32)}))
        self.make(output="other")
        self.refuse("another program", "./other", "evaluate", "--out", "run")

    # A copy of the program, with a trained model at its end, has the files as well, also when they were beside.
    def test_export(self):
        self.make()
        self.make("--weights=beside", output="beside")
        shutil.rmtree(self.folder / "src")
        self.train("./prog", "run")
        for program, copy in (("./prog", "one"), ("./beside", "two")):
            self.run_ok(program, "export", "--out", "run", "--output", copy)
        (self.folder / "beside.weights").unlink()
        for copy in ("one", "two"):
            self.train(f"./{copy}", f"{copy}.run")
            self.assertEqualFiles(f"{copy}.run/weights.safetensors", "run/weights.safetensors")
            self.run_ok(f"./{copy}", "export", "--output", f"{copy}.again")
            self.assertEqualFiles(copy, f"{copy}.again")

    # Looked for in --data first, then beside the clause, then in the current folder.
    def test_order_of_places(self):
        marked = lambda value: self.edited(**{"net.trunk.layer.1.bias": ([32], [value] * 32)})
        self.write("first.safetensors", marked(0.125))
        self.write("chosen/first.safetensors", marked(0.25))
        here, chosen = (struct.pack("<f", value) * 32 for value in (0.125, 0.25))
        self.make("--data", "chosen")
        self.assertEqual((self.folder / "prog").read_bytes().count(chosen), 1)
        self.make()
        self.assertEqual((self.folder / "prog").read_bytes().count(self.saved), 1)
        self.file.unlink()
        self.make()
        self.assertEqual((self.folder / "prog").read_bytes().count(here), 1)
        (self.folder / "first.safetensors").unlink()
        absolute = self.folder / "chosen/first.safetensors"
        self.write("src/moons.xfer", moons(clause=f'load "{absolute}" into net.trunk'))
        self.make()
        self.assertEqual((self.folder / "prog").read_bytes().count(chosen), 1)

    # Beside the clause is where the imported file is that has it.
    def test_imported(self):
        text = moons()
        begin = text.index("model net {")
        end = text.index("}\n\n", begin) + 2
        self.write("src/nets/net.xfer", "import std\n" + text[begin:end])
        self.write("src/moons.xfer", text[:begin].replace("import std", 'import std\nimport "nets/net.xfer"') + text[end:])
        self.file.unlink()
        self.assertRegex(self.make().stderr, r"src/nets/net\.xfer:\d+:3: warning: 'first\.safetensors' is not there")
        self.write("src/nets/first.safetensors", self.saved)
        self.assertEqual(self.make().stderr, "")
        self.assertEqual((self.folder / "prog").read_bytes().count(self.saved), 1)

    # The stage `xfer` as text is a program too.
    def test_from_ir(self):
        self.write("src/moons.mlir", self.run_ok(XFERC, "build", "src/moons.xfer", "--emit=xfer").stdout)
        self.make()
        self.run_ok(XFERC, "build", "src/moons.mlir", "-o", "again")
        self.train("./prog", "one")
        self.train("./again", "two")
        self.assertEqualFiles("one/weights.safetensors", "two/weights.safetensors")
        self.file.write_bytes(self.saved[:-1])
        self.refuse(r"src/moons\.mlir:\d+:\d+: error: 'src/first\.safetensors' is not a good", XFERC, "build",
                    "src/moons.mlir", "-o", "bad")
        self.file.unlink()
        self.assertRegex(self.run_ok(XFERC, "build", "src/moons.mlir", "-o", "bad").stderr, "warning: 'first")
        self.refuse("error: 'first", XFERC, "build", "src/moons.mlir", "-o", "worse", "--strict")


class Damaged(WeightFiles):
    # What happens to a program after it was built.
    def test_executable(self):
        self.make()
        good = (self.folder / "prog").read_bytes()
        at = good.index(self.saved)
        end = at + (len(self.saved) + 63) // 64 * 64
        self.assertEqual(len(good), end + FOOTER)
        flip = lambda where: good[:where] + bytes([good[where] ^ 1]) + good[where + 1:]
        cases = {"content": (flip(at + len(self.saved) // 2), r"load: 'first\.safetensors' in this executable is damaged"),
                 "footer": (flip(end + 20), "weight files inside cannot be found"),
                 "gone": (good[:at], r"'first\.safetensors' is no longer in this executable, from which something removed"),
                 "shorter": (good[:-FOOTER], "is no longer in this executable")}
        for name, (bad, says) in cases.items():
            with self.subTest(name):
                self.write("bad", bad).chmod(0o755)
                self.refuse(says, "./bad", "train", "--out", "run")

    def test_beside(self):
        self.make("--weights=beside")
        good = (self.folder / "prog.weights").read_bytes()
        flip = lambda where: good[:where] + bytes([good[where] ^ 1]) + good[where + 1:]
        cases = {"content": (flip(len(good) - len(self.saved) // 2), r"'first\.safetensors' in '.*/prog\.weights' is damaged"),
                 "truncated": (good[:-1], r"prog\.weights' is truncated"), "longer": (good + b"\0", r"prog\.weights' is damaged"),
                 "size": (flip(96), r"prog\.weights' is damaged"), "header": (good[:HEADER], r"prog\.weights' is truncated")}
        for name, (bad, says) in cases.items():
            with self.subTest(name):
                self.write("prog.weights", bad)
                self.refuse(says, "./prog", "train", "--out", "run")
        (self.folder / "prog.weights").unlink()
        self.refuse(r"prog\.weights'.*no such file.*copy both", "./prog", "train", "--out", "run")

    # A file that the compiler cannot take: an error at the clause, and no program.
    def refused(self, says, *flags):
        ran = self.refuse(r"(?s)src/moons\.xfer:\d+:3: error: .*" + says + r".*\[weight-file\].*\n *\d+ \|.*load \"first", XFERC,
                          "build", "src/moons.xfer", "-o", "prog", *flags)
        self.assertFalse((self.folder / "prog").exists())
        return ran.stderr

    def test_bad_files(self):
        header, _ = harness.split_weights(self.saved)
        lying = {**header, "net.head.bias": {**header["net.head.bias"], "data_offsets": [0, 1 << 40]}}
        cases = {"empty": (b"", "has only 0 bytes"), "truncated": (self.saved[:-1], "lies outside|nothing is said|not a good"),
                 "text": (b"these are no weights at all", "its header announces"), "head": (self.saved[:100], "announces"),
                 "lying": (harness.join_weights(lying, self.saved[-2000:]), "lies outside of the file"),
                 "json": (struct.pack("<Q", 3) + b"{,}", "it is not JSON")}
        for name, (bad, says) in cases.items():
            with self.subTest(name):
                self.file.write_bytes(bad)
                self.refused(says)
                self.refused(says, "--weights=beside")

    # Keys and shapes, with the map that fits; it is an error of the program, so `check` says it as well.
    def test_keys(self):
        self.write("src/moons.xfer", moons(rules=DROPS.rstrip(", ")))
        said = self.refused(r"'src/first\.safetensors' does not fit 'net\.trunk'")
        self.assertRegex(said, r"(?s)note: in the file, not in the model: 'net\.trunk\.layer\.0\.weight' \[32, 2\], .*this map fits:\n +map \{")
        self.refuse("does not fit 'net.trunk'", XFERC, "check", "src/moons.xfer")
        found = json.loads(self.execute(XFERC, "check", "src/moons.xfer", "--format=json").stdout)
        listed = found if isinstance(found, list) else found["diagnostics"]
        self.assertEqual([one["code"] for one in listed], ["weight-file"])
        # The map is ready to be pasted.
        proposed = said[said.index("\n  map {") + 8:]
        self.write("src/moons.xfer", moons(rules=" ".join(proposed[:proposed.index("\n  }")].split())))
        self.make()

    def test_shapes(self):
        self.file.write_bytes(self.edited(**{"net.trunk.layer.1.bias": ([31], [0.0] * 31)}))
        self.assertRegex(self.refused("does not fit"), r"of another shape: 'layer\.1\.bias' is \[31\] in the file, \[32\] in the model")

    def test_types(self):
        self.file.write_bytes(self.edited().replace(b'"net.trunk.layer.1.bias": {"dtype": "F32"',
                                                    b'"net.trunk.layer.1.bias": {"dtype": "I32"'))
        self.refused(r"tensor 'net\.trunk\.layer\.1\.bias' has the type i32, expected is f32")

    # A missing file is an error if the build is to be strict; `check` does not ask for it.
    def test_missing(self):
        self.file.unlink()
        self.refuse(r"src/moons\.xfer:\d+:3: error: 'first\.safetensors' is not there.*\[missing-weight-file\]", XFERC, "build",
                    "src/moons.xfer", "--strict", "-o", "prog")
        self.assertFalse((self.folder / "prog").exists())
        self.assertEqual(self.run_ok(XFERC, "check", "src/moons.xfer", "--strict").stderr, "")
        self.file.mkdir()
        self.assertRegex(self.make().stderr, "warning: 'first.safetensors' is not there")
        self.write("src/moons.xfer", moons(clause='load "" into net.trunk'))
        self.refuse(r"the name of the weight file is empty \[weight-file\]", XFERC, "build", "src/moons.xfer", "-o", "prog2")


class Cache(WeightFiles):
    def run_cached(self, out, *flags):
        ran = self.run_ok(XFERC, "run", "src/moons.xfer", *flags, "--", "train", "--steps", 4, "--out", out)
        run = json.loads((self.folder / out / "run.json").read_text())
        return ran.stderr, run["weights"][0]["hash"], run["hash"]

    # `run` builds again when the file changes, appears or goes.
    def test_rebuilds(self):
        _, before, program = self.run_cached("one")
        executables = lambda: {path: path.stat().st_mtime_ns for path in
                               pathlib.Path(os.environ["XFER_CACHE"]).glob("programs/*/moons")}
        built = executables()
        self.assertEqual(self.run_cached("two")[1:], (before, program))
        self.assertEqual(executables(), built, "nothing changed, and it was built again")
        self.file.write_bytes(self.edited(**{"net.trunk.layer.1.bias": ([32], [0.25] * 32)}))
        _, after, other = self.run_cached("three")
        self.assertNotEqual(after, before)
        self.assertNotEqual(other, program)
        # A folder that is named is another request; a file that appears in front of the one that was taken counts.
        os.mkdir(self.folder / "data")
        self.assertEqual(self.run_cached("four", "--data", "data")[1], after)
        self.write("data/first.safetensors", self.saved)
        self.assertEqual(self.run_cached("five", "--data", "data")[1], before)
        # A large file is known by its size and time.
        large = lambda value: self.edited(**{"net.head.large": ([5 << 20], [value] * (5 << 20))})
        self.file.write_bytes(large(1.0))
        first = self.run_cached("six")[1]
        built = executables()
        self.assertEqual(self.run_cached("seven")[1], first)
        self.assertEqual(executables(), built)
        self.file.write_bytes(large(2.0))
        self.assertNotEqual(self.run_cached("eight")[1], first)
        self.file.unlink()
        self.refuse(r"(?s)warning: 'first.*cannot read '\./first\.safetensors'", XFERC, "run", "src/moons.xfer", "--", "train",
                    "--out", "nine")
        # What the warning was overlooked for is in the cache now; a strict run does not take it.
        self.refuse("error: 'first.safetensors' is not there", XFERC, "run", "src/moons.xfer", "--strict", "--", "--help")


if __name__ == "__main__":
    harness.main()
