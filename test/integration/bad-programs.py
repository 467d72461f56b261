"""Programs that are wrong from end to end: each gets an error with its place, and nothing is left behind."""
import os
import random
import resource
import subprocess
import unittest
import harness
from harness import MOONS, SANITIZER, XFERC

# A mistake must not eat the machine: more than this is a failure.
MEMORY = 6 << 30


# The shadow of a sanitizer wants the whole address space.
def limit():
    if not SANITIZER:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


class BadPrograms(harness.Case):
    def refuse_text(self, says, text, *arguments, timeout=30):
        """Refused by check and by build, without an executable."""
        self.write("bad.xfer", text)
        self.refuse(says, XFERC, "check", "bad.xfer", timeout=timeout, preexec_fn=limit)
        self.refuse(says, XFERC, "build", "bad.xfer", "-o", "bad", timeout=timeout, preexec_fn=limit)
        self.assertFalse((self.folder / "bad").exists())

    # Not text.
    def test_garbage(self):
        self.refuse_text(r"bad\.xfer:1:1: error: .* \[invalid-utf8\]", b"\xff\xfe\x00\x80" + random.Random(1).randbytes(3000))
        self.refuse_text(r"bad\.xfer:1:1: error: .* \[nul-byte\]", b"\0" * 100)
        self.refuse_text(r"\[invalid-utf8\]", MOONS.encode() + b"# \xff\n")

    def test_garbage_of_words(self):
        words = "import std param domain { } ( ) [ ] = : , . -> => \" 1 1e9 'x' # \n ; let for in if stage on batch model + @ **".split(" ")
        for seed in range(40):
            chance = random.Random(seed)
            self.write("bad.xfer", " ".join(chance.choice(words) for _ in range(300)))
            self.refuse(r"bad\.xfer:\d+:\d+: error: .* \[[\w-]+\]", XFERC, "check", "bad.xfer", timeout=30)

    # A file that ends anywhere, and one with a byte changed: refused or accepted, never a crash.
    def test_damaged_programs(self):
        for seed in range(60):
            chance = random.Random(seed)
            text = bytearray(MOONS.encode())
            if seed % 2:
                del text[chance.randrange(len(text)):]
            else:
                at = chance.randrange(len(text))
                text[at:at + chance.randrange(4)] = bytes([chance.randrange(32, 127)])
            self.write("bad.xfer", bytes(text))
            self.execute(XFERC, "check", "bad.xfer", timeout=30, preexec_fn=limit)

    def test_no_file(self):
        self.refuse("missing.xfer", XFERC, "check", "missing.xfer")
        self.refuse("missing.xfer", XFERC, "run", "missing.xfer")
        (self.folder / "folder.xfer").mkdir()
        self.refuse("folder.xfer.*directory", XFERC, "check", "folder.xfer")

    def test_too_large(self):
        self.refuse_text(r"at most 1048576 \[file-too-large\]", MOONS + "# more\n" * 200000)

    def test_too_deep(self):
        for text in ("(" * 20000 + "1" + ")" * 20000, "-" * 50000 + "1", "[" * 300 + "]" * 300, "1" + " + 1" * 20000,
                     "f" + "(1)" * 20000, "f" + ".x" * 20000, "not " * 20000 + "true", "(" * 20000):
            with self.subTest(text[:8]):
                self.refuse_text(r"bad\.xfer:1:\d+: error: .*\[(nesting-too-deep|unclosed-bracket)\]",
                                 "const a = " + text + "\n")
        blocks = "fn f(x) {\n" + "if x { " * 5000 + "}" * 5000 + "\n}\n"
        self.refuse_text(r"nesting-too-deep", blocks)

    def test_huge_extents(self):
        self.refuse_text(r"\[bad-extent\]", MOONS.replace("batch 64", "batch 1000000000000"))
        self.refuse_text(r"\[bad-extent\]", MOONS.replace("batch 64", "batch 0"))
        self.refuse_text(r"error", MOONS.replace("mlp([32, 32])", "mlp([-5])"))
        self.refuse_text(r"error", MOONS.replace("mlp([32, 32])", "mlp([0])"))
        self.refuse_text(r"\[number-too-large\]", MOONS.replace("mlp([32, 32])", "mlp([99999999999999999999999])"))
        self.refuse_text(r"\[integer-overflow\]", MOONS.replace("mlp([32, 32])", "mlp([9223372036854775807 + 1])"))
        self.refuse_text(r"\[range-too-long\]", MOONS.replace("mlp([32, 32])", "mlp([32 for i in range(10000000000)])"))

    # More than a machine has: said before anything is allocated, by the compiler where it is absurd, by the program where it is large.
    def test_huge_models(self):
        for width in ("1000000000", "1000000000000", "2 ** 40"):
            self.refuse_text(r"\[tensor-too-large\]", MOONS.replace("mlp([32, 32])", f"mlp([{width}])"))
        self.refuse_text(r"\[elaboration-too-long\]", MOONS.replace("mlp([32, 32])", "mlp([8 for i in range(1000000)])"), timeout=60)
        self.refuse_text(r"\[bad-extent\]", MOONS.replace("minimize task + align\n", "minimize task + align + mean(f32(iota(4000000000)))\n", 1))
        if SANITIZER:
            self.skipTest("a sanitizer allows no limit of memory to run into")
        huge = self.build(MOONS.replace("mlp([32, 32])", "mlp([40000, 40000])"))
        self.refuse("needs 6400000000 bytes, which this machine does not have free", huge, "train", "--out", "run", preexec_fn=limit)
        many = self.build(MOONS.replace("samples(300, fn(i) => moon(turn: 30))", "samples(2147483647, fn(i) => moon(turn: 30))"))
        self.refuse("not enough memory for 2147483647 samples", many, "train", "--out", "run", preexec_fn=limit)

    def test_numbers_of_the_wrong_kind(self):
        for says, old, new in ((r"\[number-too-large\]", "= 0.05\n", "= 1e400\n"), (r"\[number-too-large\]", "= 1000", "= 9999999999999"),
                               (r"\[wrong-type\]", "  steps steps", "  epochs 0"), (r"\[bad-generate\]", "samples(300, fn(i) => moon(turn: 30))", "samples(0, fn(i) => moon(turn: 30))"),
                               (r"\[bad-extent\]", "class(2)", "class(0)"), (r"\[bad-extent\]", "f32[2]", "f32[2.5]"), (r"\[bad-extent\]", "batch 64", "batch -1"),
                               (r"\[wrong-type\]", "sgd(lr, momentum: 0.9)", 'sgd(lr, momentum: "high")'),
                               (r"\[wrong-type\].*", "  steps steps", "  steps steps; freeze net.head until epoch 9223372036854775807"),
                               (r"\[bad-share\]", "  hide ", "  split a: 0.9, b: 0.9; hide "), (r"\[invalid-utf8\]", "# Two", "\udcff")):
            with self.subTest(new):
                text = MOONS.replace(old, new)
                self.assertNotEqual(text, MOONS)
                self.refuse_text(says, text.encode(errors="surrogateescape"))

    def test_names_of_the_runtime(self):
        for name in ("seed", "threads", "out", "step_times"):
            self.refuse_text(rf"bad.xfer:5:7: error: every program has an option '{name}'; give this 'param' another name \[reserved-option\]",
                             MOONS.replace("param lr    = 0.05", f"param {name} = 1.0\nparam lr = 0.05"))

    def test_nothing_to_do(self):
        for text, says in (("", "the file holds no program"), ("# nothing\n", "the file holds no program"), ("fn f(x) = x\n", "the program does nothing")):
            self.write("empty.xfer", text)
            if "fn" in text:
                self.run_ok(XFERC, "check", "empty.xfer")  # a library has nothing to do
            else:
                self.refuse(says, XFERC, "check", "empty.xfer")
            self.refuse("empty.xfer:1:1: error: " + says, XFERC, "build", "empty.xfer", "-o", "empty")
            self.refuse(says, XFERC, "run", "empty.xfer")
            self.assertNothingLeft(".", "empty.xfer")

    # Whatever is written, the sources stay, and what stands in the way is named.
    def test_outputs(self):
        self.write("program", MOONS)
        self.write("part.xfer", "const a = 1\n")
        self.write("whole.xfer", MOONS + 'import "part.xfer"\n')
        (self.folder / "folder").mkdir()
        before = sorted(path.name for path in self.folder.iterdir())
        for words in (("program",), ("program", "--emit=ast", "-o", "program"), ("whole.xfer", "-o", "part.xfer"), ("whole.xfer", "--emit=xfer", "-o", "part.xfer")):
            self.refuse("is a source of the program; give the output another name", XFERC, "build", *words)
        self.refuse("cannot write 'folder': it is a folder", XFERC, "build", "program", "-o", "folder")
        self.refuse("cannot write 'folder': it is a folder", XFERC, "build", "program", "--emit=obj", "-o", "folder")
        self.refuse("cannot write 'nowhere/x'", XFERC, "build", "program", "-o", "nowhere/x")
        self.refuse("no program for aarch64 can be linked here.*--emit=obj", XFERC, "build", "program", "--target-cpu=aarch64", "-o", "x")
        self.assertEqual(((self.folder / "program").read_text(), (self.folder / "part.xfer").read_text()), (MOONS, "const a = 1\n"))
        self.assertNothingLeft(".", *before)

    @unittest.skipUnless(os.path.exists("/dev/full"), "no device that is always full")
    def test_full_disk(self):
        self.write("moons.xfer", MOONS)
        self.refuse("cannot write '/dev/full': No space left", XFERC, "build", "moons.xfer", "--emit=asm", "-o", "/dev/full")
        self.refuse("cannot write '/dev/full': it is no ordinary file", XFERC, "build", "moons.xfer", "-o", "/dev/full")
        for words in (("explain", "moons.xfer"), ("build", "moons.xfer", "--emit=xfer")):
            with open("/dev/full", "w") as full:
                ran = subprocess.run([XFERC, *words], cwd=self.folder, stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual(ran.returncode, 1)
            self.assertRegex(ran.stderr, "cannot write to standard output: No space left")

    # Line ends and marks of other systems; inputs that are no file, or never end.
    def test_inputs(self):
        for name, content in (("crlf", MOONS.replace("\n", "\r\n")), ("bom", "\ufeff" + MOONS)):
            self.run_ok(XFERC, "check", self.write(f"{name}.xfer", content.encode()))
        self.refuse("file-too-large", XFERC, "check", "/dev/zero", timeout=10)
        self.refuse(r"\[unknown-character\]", XFERC, "check", self.write("cr.xfer", MOONS.replace("\n", "\r").encode()))
        self.refuse(r"\[invalid-utf8\]", XFERC, "check", self.write("utf16.xfer", MOONS.encode("utf-16")))

    def test_recursion_without_end(self):
        for head, value in (("fn f(x) = f(x)\n", "f(1)"), ("fn f(x) = g(x)\nfn g(x) = f(x) + 1\n", "f(3)")):
            self.refuse_text(r"bad\.xfer:\d+:\d+: error: calls are nested more than 200 deep; does a function call itself\? \[calls-too-deep\]",
                             head + f"const a = {value}\n" + MOONS.replace("mlp([32, 32])", "mlp([a])"))

    # A tree of calls that never ends in practice is stopped by the number of steps.
    def test_steps_without_end(self):
        self.refuse_text(r"bad\.xfer:\d+:\d+: error: .*\[[\w-]+\]",
                         "fn f(n) = 1 if n == 0 else f(n - 1) + f(n - 1)\nconst a = f(60)\n" +
                         MOONS.replace("mlp([32, 32])", "mlp([a])"), timeout=60)

    def test_division_by_zero(self):
        for bad in ("1 / 0", "1 // 0", "1 % 0"):
            self.refuse_text(r"bad\.xfer:1:11: error: division by zero \[division-by-zero\]",
                             f"const a = {bad}\n" + MOONS.replace("mlp([32, 32])", "mlp([a])"))

    def test_cycles(self):
        body = MOONS.replace("mlp([32, 32])", "mlp([a])")
        for head in ("const a = a + 1\n", "const a = b\nconst b = a\n", "const a = b\nconst b = c\nconst c = b\n"):
            self.refuse_text(r"bad\.xfer:\d+:\d+: error: '\w' is defined by itself; .*\[cyclic-definition\]", head + body)
        # A `let` reads the value of before, and there is none.
        self.refuse_text(r"unknown name 't'", MOONS.replace("let t = 3.14159265 * uniform([])", "let t = t + 1"))

    # Files may import each other: names are visible wherever they stand.
    def test_imports_in_a_circle(self):
        self.write("one.xfer", 'import "two.xfer"\nconst one = 32\n' + MOONS.replace("mlp([32, 32])", "mlp([one, two])"))
        self.write("two.xfer", 'import "one.xfer"\nconst two = 32\n')
        self.run_ok(XFERC, "check", "one.xfer", timeout=30)
        self.refuse_text(r"bad\.xfer:1:1: error: .*nowhere\.xfer.*\[cannot-read\]", 'import "nowhere.xfer"\n' + MOONS)
        (self.folder / "folder").mkdir()
        self.refuse_text(r"bad\.xfer:1:1: error: .*folder.*\[cannot-read\]", 'import "folder"\n' + MOONS)


if __name__ == "__main__":
    harness.main()
