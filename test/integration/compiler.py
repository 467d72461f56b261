"""The command line of the compiler: stages, the cache of `run`, explain, what it refuses."""
import json
import os
import re
import signal
import subprocess
import unittest
import harness
from harness import EXAMPLES, MOONS, SLOWER, XFERC

PROGRAM = harness.SCRATCH / "moons.xfer"
PROGRAM.write_text(MOONS)
BIN = os.path.dirname(XFERC)
# What each stage's text must hold.
STAGES = {"tokens": r"import", "ast": r"domain level", "xfer": r"xfer\.stage", "nn": r"nn\.contract",
          "grad": r"nn\.contract", "hoist": r"xfer\.bind<whole", "kernels": r"nn\.kernel", "schedule": r"nn\.kernel",
          "memory": r"function adapt\.step0: \d+ bytes", "rt": r"xfer_parallel|rt\.", "llvm": r"define ",
          "asm": r"\.globl\s+\w+"}


class Stages(harness.Case):
    def emit(self, stage):
        return self.run_ok(XFERC, "build", PROGRAM, f"--emit={stage}").stdout

    def test_each_stage_prints(self):
        for stage, pattern in STAGES.items():
            with self.subTest(stage):
                self.assertRegex(self.emit(stage), pattern)

    # IR stages read back; the syntax tree is a program again that elaborates to the same.
    def test_ir_reads_back(self):
        tool = os.path.join(BIN, "xfer-opt")
        for stage in ("xfer", "nn", "grad", "hoist", "kernels", "schedule"):
            if not os.path.exists(tool):
                self.skipTest("xfer-opt is not built")
            with self.subTest(stage):
                path = self.write(f"{stage}.mlir", self.emit(stage))
                self.assertRegex(self.run_ok(tool, path).stdout, "xfer.stage")

    def test_tree_reads_back(self):
        self.write("program.xfer", self.emit("ast"))
        again = self.run_ok(XFERC, "build", "program.xfer", "--emit=xfer").stdout
        strip = lambda text: re.sub(r" loc\([^\n]*\)|#loc[^\n]*", "", text)
        self.assertEqual(len(strip(again).splitlines()), len(strip(self.emit("xfer")).splitlines()))

    def test_unknown_stage(self):
        self.refuse("there is no stage 'nonsense'; known are\n +tokens", XFERC, "build", PROGRAM, "--emit=nonsense")

    def test_object(self):
        self.run_ok(XFERC, "build", PROGRAM, "--emit=obj", "-o", "moons.o")
        self.assertEqual((self.folder / "moons.o").read_bytes()[:4], b"\x7fELF")


class Check(harness.Case):
    # Every mistake of the file in one run, as text and as JSON.
    def test_reports_all(self):
        self.write("bad.xfer", MOONS.replace("mlp([32, 1])", "mpl([32, 1])").replace("linear(2)", "linaer(2)"))
        text = self.refuse(r"bad\.xfer:\d+:\d+: error: .*'mpl'.*\[[\w-]+\]", XFERC, "check", "bad.xfer").stderr
        self.assertRegex(text, "'linaer'; did you mean 'linear'")
        found = json.loads(self.execute(XFERC, "check", "bad.xfer", "--format=json").stdout)
        listed = found if isinstance(found, list) else found["diagnostics"]
        self.assertGreaterEqual(len(listed), 2)

    def test_good_program(self):
        for name in ("01-digits", "02-mnist-usps", "03-two-moons"):
            ran = self.run_ok(XFERC, "check", EXAMPLES / name / "program.xfer")
            self.assertEqual(ran.stdout + ran.stderr, "")


class Run(harness.Case):
    def run_program(self, *arguments, **options):
        return self.run_ok(XFERC, "run", "moons.xfer", *arguments, "--", "train", "--steps", 4, "--overwrite", **options)

    def entries(self, cache):
        return {path: path.stat().st_mtime_ns for path in (cache / "programs").rglob("moons")}

    # The second call runs what the first one built; a changed text, option or import builds again.
    def test_caches(self):
        cache = self.folder / "cache"
        environment = {**os.environ, "XFER_CACHE": str(cache)}
        path = self.write("moons.xfer", MOONS)
        self.run_program(env=environment)
        first = self.entries(cache)
        self.assertEqual(len(first), 1)
        self.run_program(env=environment)
        self.assertEqual(self.entries(cache), first)
        self.run_program("--disable=reuse", env=environment)
        self.assertEqual(len(self.entries(cache)), 2)
        path.write_text(MOONS.replace("mlp([32, 32])", "mlp([16, 16])"))
        self.run_program(env=environment)
        self.assertNotEqual({p: t for p, t in self.entries(cache).items() if p in first}, first)

    # What stands behind -- is the program's, and so is the exit status.
    def test_passes_arguments_and_status(self):
        self.write("moons.xfer", MOONS)
        self.assertIn("--resume", self.run_ok(XFERC, "run", "moons.xfer", "--", "train", "--help").stdout)
        self.refuse("nonsense", XFERC, "run", "moons.xfer", "--", "train", "--nonsense", status=2)

    def test_unwritable_cache(self):
        self.write("moons.xfer", MOONS)
        self.write("file", "")
        environment = {**os.environ, "XFER_CACHE": str(self.folder / "file" / "cache")}
        self.refuse("cannot make the cache folder '.*file/cache", XFERC, "run", "moons.xfer", env=environment)

    def test_broken_program_leaves_nothing(self):
        cache = self.folder / "cache"
        self.write("moons.xfer", MOONS.replace("mlp([32, 1])", "mpl([32, 1])"))
        self.refuse(r"moons\.xfer:\d+:\d+: error", XFERC, "run", "moons.xfer", env={**os.environ, "XFER_CACHE": str(cache)})
        self.assertEqual([path for path in cache.rglob("*") if path.is_file()], [])


class Explain(harness.Case):
    def test_sections(self):
        text = self.run_ok(XFERC, "explain", PROGRAM).stdout
        for section in ("net.trunk.layer[0].weight", "minimi", "Kernels", "Binding times", "Hoisted", "Memory",
                        "adapt.step0"):
            self.assertIn(section, text)


class CommandLine(harness.Case):
    def test_mistakes(self):
        for words in ((), ("frobnicate",), ("build",), ("check", "a.xfer", "b.xfer"), ("build", PROGRAM, "--nonsense"),
                      ("check", PROGRAM, "--format=xml"), ("build", PROGRAM, "--weights=elsewhere")):
            with self.subTest(words):
                ran = self.execute(XFERC, *words)
                self.assertEqual(ran.returncode, 2)
                self.assertTrue(ran.stderr.strip())

    # What is listed and not built yet says so.
    def test_not_built_yet(self):
        for word in ("tune", "lsp"):
            self.refuse("not built yet", XFERC, word, PROGRAM, status=2)

    def test_unknown_target(self):
        self.refuse("unknown target cpu 'vax'; known are native", XFERC, "build", PROGRAM, "--target-cpu=vax")

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full")
    def test_full_output(self):
        for words in (("build", PROGRAM, "--emit=ast"), ("build", PROGRAM, "--emit=xfer"), ("explain", PROGRAM),
                      ("check", PROGRAM, "--format=json")):
            with open("/dev/full", "wb") as full:
                ran = subprocess.run([XFERC, *words], stdout=full, stderr=subprocess.PIPE, timeout=60 * SLOWER)
            self.assertEqual(ran.returncode, 1, words)
            self.assertRegex(ran.stderr.decode(), "^xferc: error: cannot write to standard output: No space left on device\n$")

    def test_unwritable_output(self):
        self.refuse("nowhere/moons", XFERC, "build", PROGRAM, "-o", "nowhere/moons")
        self.assertNothingLeft(".")

    # As linkers do: a link that has the name of an executable gives way to it. Text is written through a link, as by an editor.
    def test_links(self):
        for name in ("target", "text"):
            self.write(name, "old")
        for name, target in (("link", "target"), ("dangling", "nowhere"), ("link.weights", "target"), ("through", "text")):
            (self.folder / name).symlink_to(target)
        self.run_ok(XFERC, "build", PROGRAM, "-o", "link", "--weights=beside")
        self.run_ok(XFERC, "build", PROGRAM, "-o", "dangling")
        self.run_ok(XFERC, "build", PROGRAM, "--emit=tokens", "-o", "through")
        self.assertEqual([(self.folder / name).is_symlink() for name in ("link", "dangling", "link.weights", "through")], [False, False, False, True])
        self.assertEqual((self.folder / "target").read_text(), "old")
        self.assertRegex((self.folder / "text").read_text(), "import")
        self.assertNothingLeft(".", "target", "text", "link", "link.weights", "dangling", "through")
        self.run_ok("./link", "--help")

    def test_percent_in_path(self):
        (self.folder / "100%").mkdir()
        self.run_ok(XFERC, "build", PROGRAM, "-o", "100%/moons", "--weights=beside")
        self.assertEqual(sorted(path.name for path in (self.folder / "100%").iterdir()), ["moons", "moons.weights"])
        self.run_ok(XFERC, "run", PROGRAM, "--", "--help", env={**os.environ, "XFER_CACHE": "100%"})

    # Ctrl-C in the middle of linking leaves nothing in the temporary folder and nothing beside the output.
    def test_interrupt(self):
        temporary = self.folder / "temporary"
        temporary.mkdir()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            for attempt in range(20):
                process = self.start(XFERC, "build", PROGRAM, "-o", "moons", env={**os.environ, "TMPDIR": str(temporary)})
                while process.poll() is None and not any(temporary.iterdir()):
                    pass
                status, _, _ = harness.interrupt(process, number)
                if status:
                    break
                (self.folder / "moons").unlink() # it was faster
            self.assertEqual(status, -number)
            self.assertEqual(list(temporary.iterdir()), [])
            self.assertNothingLeft(".", "temporary")


if __name__ == "__main__":
    harness.main()
