"""Every file that a compiled program or xferc writes, where it cannot be written: an error that names the file and the
reason, and what was good stays good.

  of a run        the folder, checkpoint.xfer, metrics.jsonl, run.json, weights.safetensors, results.json, predictions-*.csv,
                  the folders of --runs, --trace, --step-times
  of other verbs  predict --output, export --output, predictions-*.csv of evaluate
  of both         standard output, and in the cache: unpacked data, values beyond 64 MiB (SpillBufferTest), programs of `run`
  of xferc        build -o (program, .weights, --emit) and its temporary folder, fmt, doc -o, new
"""
import os
import re
import resource
import shutil
import subprocess
import time
import unittest
import harness
from harness import MOONS, SLOWER, XFERC, idx

IDX = """
import std
domain d { read idx(image: "images.gz", label: "labels.gz"); fields image: u8[8, 8, 1], label: class(10) }
model net = mlp([10])
stage learn { on d.all batch 16; minimize cross_entropy(net(flatten(unit(d.image))), d.label); optimizer sgd(0.1); epochs 1 }
"""


# The moons with predictions, and a log that a small disk has no room for.
WORDY = MOONS.replace("evaluate turned.test", "evaluate turned.test { predict softmax(net.head(relu(net.trunk(turned.point)))) }\nevaluate turned.test", 1)

REASONS = {
    "full": r"the disk is full; make room|No space left on device",
    "read-only": r"the file system is read-only|Read-only file system",
    "taken": r"it is a folder|[Ii]s a directory|is no regular file|is there already",
    "nowhere": r"there is no such file or folder|No such file or directory",
}

# What writes one file outside of a run folder: the command, the file, and whether an old one of that name stays as it is
# (a log begins anew, `new` never replaces).
WRITERS = {
    "predict": (("PROGRAM", "predict", "--out", "run", "--input", "points.csv", "--output", "disk/rows.csv"), True),
    "predict as JSON": (("PROGRAM", "predict", "--out", "run", "--input", "points.csv", "--output", "disk/rows.jsonl"), True),
    "export": (("PROGRAM", "export", "--out", "run", "--output", "disk/reader"), True),
    "trace": (("PROGRAM", "train", "--steps", "4000", "--out", "new", "--overwrite", "--trace", "disk/trace.jsonl"), False),
    "step times": (("PROGRAM", "train", "--steps", "4000", "--out", "new", "--overwrite", "--step-times", "disk/times.jsonl"), False),
    "build": ((XFERC, "build", "small.xfer", "-o", "disk/small"), True),
    "build with weights beside": ((XFERC, "build", "small.xfer", "--weights=beside", "-o", "disk/small"), True),
    "object": ((XFERC, "build", "small.xfer", "--emit=obj", "-o", "disk/small.o"), True),
    "kernels": ((XFERC, "build", "small.xfer", "--emit=llvm", "-o", "disk/small.ll"), True),
    "tree": ((XFERC, "build", "small.xfer", "--emit=ast", "-o", "disk/small.ast"), True),
    "documentation": ((XFERC, "doc", "-o", "disk/library.txt"), True),
    "layout": ((XFERC, "fmt", "disk/untidy.xfer"), True),
    "new program": ((XFERC, "new", "disk/fresh.xfer"), True),
}
UNTIDY = "import std\nconst   a=1\n" + "# long\n" * 800


class Disk(harness.Case):
    """A small file system of its own; where none can be mounted the tests are skipped."""

    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        self.mount("-t", "tmpfs", "-o", "size=256k", "none", self.disk)
        self.program = self.build(MOONS)

    def mount(self, *words):
        mounted = subprocess.run(["mount", *words], capture_output=True)
        if mounted.returncode:
            self.skipTest("nothing can be mounted here: " + mounted.stderr.decode().strip())
        self.addCleanup(subprocess.run, ["umount", "-l", words[-1]], capture_output=True)

    def remount(self, mode):
        subprocess.run(["mount", "-o", f"remount,{mode}", self.disk], check=True)

    def fill(self, leave=0):
        """Leaves so many bytes free."""
        with open(self.disk / "fill", "wb", buffering=0) as file:
            try:
                while file.write(bytes(1024)):
                    pass
            except OSError:
                pass
            file.truncate(file.tell() // 4096 * 4096 - leave)

    def names(self, folder):
        return sorted(path.name for path in (self.disk / folder).iterdir())

    def contents(self, folder):
        """Of all files below a folder."""
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class FullDisk(Disk):

    # The disk fills up in the middle of a run. The checkpoint of before is there and resumes to the bits of a run on a
    # disk that has room.
    def test_while_training(self):
        steps = 20000
        process = self.start(self.program, "train", "--steps", steps, "--out", "disk/run")
        while not (self.disk / "run/checkpoint.xfer").exists() and process.poll() is None:
            time.sleep(0.001)
        self.fill()
        _, said = process.communicate(timeout=60 * SLOWER)
        self.assertEqual(process.returncode, 1)
        self.assertRegex(said.decode(), r"program: error: .*'disk/run/.*the disk is full; make room or write elsewhere; the "
                                        r"checkpoint of .* is kept in 'disk/run', --resume goes on from it")
        self.assertEqual([name for name in self.names("run") if "partial" in name], [])
        for line in (self.disk / "run/metrics.jsonl").read_bytes().splitlines(keepends=True):
            self.assertTrue(line.startswith(b"{") and line.endswith(b"}\n"), line)
        self.refuse(r"cannot write 'disk/run/predictions-turned.test.csv': the disk is full", self.program, "evaluate", "--out", "disk/run")
        self.run_ok("cp", "-r", "disk/run", "run")
        self.run_ok(self.program, "evaluate", "--out", "run")
        self.run_ok(self.program, "train", "--resume", "--out", "run")
        self.run_ok(self.program, "train", "--steps", steps, "--out", "whole")
        for name in ("weights.safetensors", "metrics.jsonl"):
            self.assertEqualFiles(f"run/{name}", f"whole/{name}")

    # Data are unpacked into the cache; there the message says which folder to choose.
    def test_cache(self):
        noise = os.urandom(64 * 6000)
        self.write("images.gz", idx((6000, 8, 8), noise))
        self.write("labels.gz", idx((6000,), [i % 10 for i in range(6000)]))
        train = (self.build(IDX), "train", "--out", "run")
        cache = {**os.environ, "XFER_CACHE": "disk/cache"}
        said = self.refuse(r"'disk/cache/data/.*the disk is full.*; set XFER_CACHE", *train, env=cache).stderr
        self.assertIn("domain 'd'", said)
        self.assertEqual(self.names("cache/data"), [])
        shutil.rmtree(self.disk / "cache")
        self.remount("ro")
        self.refuse(r"'disk/cache'.*the file system is read-only.*; set XFER_CACHE", *train, env=cache)
        self.remount("rw")
        self.write("disk/cache", "in the way")
        self.refuse(r"'disk/cache'.*file of that name is in the way; set XFER_CACHE", *train, env=cache)
        self.write("taken/data", "in the way")
        self.refuse(r"'taken/data'.*file of that name is in the way; set XFER_CACHE", *train, env={**os.environ, "XFER_CACHE": "taken"})

    # The programs of `run` are in the cache too. What is left there never passes for the program.
    def test_cache_of_programs(self):
        self.write("moons.xfer", MOONS)
        run = (XFERC, "run", "moons.xfer", "--", "train", "--steps", "40", "--overwrite")
        cache = {**os.environ, "XFER_CACHE": "disk/cache"}
        self.refuse(r"cannot write 'disk/cache/programs/.*No space left on device", *run, env=cache)
        self.assertEqual(list(self.contents(self.disk)), [])
        subprocess.run(["mount", "-o", "remount,size=64m", self.disk], check=True)
        self.run_ok(*run, env=cache)
        entry, = (self.disk / "cache/programs").iterdir()
        self.assertNothingLeft(entry, "moons", "files")
        program, files = (entry / "moons").read_bytes(), (entry / "files").read_bytes()
        # Room for the program and not for its list: both are as they were.
        self.write("moons.xfer", MOONS + "# another text\n")
        shutil.copytree(entry, self.folder / "entry")
        for free in (4096 * (len(program) // 4096 + 1), len(program) // 2 // 4096 * 4096):
            self.fill(free)
            self.refuse(r"cannot write 'disk/cache/programs/.*No space left on device", *run, env=cache)
            self.assertEqual(self.contents(entry), {"moons": program, "files": files})
            (self.disk / "fill").unlink()
        self.remount("ro")
        self.refuse(r"'disk/cache/.*Read-only file system", *run, env=cache)
        self.remount("rw")
        # A build that was killed between the two leaves a program with the list of another one, and halves.
        (entry / "moons").write_bytes(b"#!/bin/false\n")
        self.write(entry / "moons.123abc", "half"), self.write(entry / "files.123abc", "half")
        self.write("moons.xfer", MOONS)
        self.run_ok(*run, env=cache)
        self.assertNothingLeft(entry, "moons", "files")
        self.assertEqual((entry / "moons").read_bytes(), program)
        self.write("taken", "in the way")
        self.refuse("cannot make the cache folder 'taken/programs': .*set XFER_CACHE", *run, env={**os.environ, "XFER_CACHE": "taken"})

    # Where the linker works.
    def test_temporary_folder(self):
        self.write("moons.xfer", MOONS)
        build = (XFERC, "build", "moons.xfer", "-o", "moons")
        temporary = {**os.environ, "TMPDIR": "disk"}
        self.refuse("cannot link in 'disk': No space left.*TMPDIR", *build, env=temporary)
        self.assertEqual(self.names("."), [])
        self.fill() # not even the first object fits
        self.refuse("cannot link in 'disk': No space left.*TMPDIR", *build, env=temporary)
        self.remount("ro")
        self.refuse("cannot link in 'disk': Read-only file system; set TMPDIR", *build, env=temporary)
        self.assertFalse((self.folder / "moons").exists())

    # Where `evaluate` may not write its predictions, another --out alone is no help: there is no model.
    def test_evaluate_read_only(self):
        program = self.build(MOONS + "evaluate level.all { predict net.head(relu(net.trunk(level.point))) }\n")
        self.run_ok(program, "train", "--steps", 40, "--out", "disk/run")
        self.run_ok(program, "export", "--out", "disk/run", "--output", "trained")
        self.remount("ro")
        place = r"run folder cannot be written \(%s\): .*'disk/run.*read-only"
        self.refuse(place % "predictions are written there; name a copy of it with --out", program, "evaluate", "--out", "disk/run")
        self.refuse(place % "choose another one with --out", program, "evaluate", "--out", "disk/run", "--weights", "disk/run/weights.safetensors")
        self.run_ok("cp", "-r", "disk/run", "copy")
        self.run_ok(program, "evaluate", "--out", "copy")
        # A model inside the executable is not looked for anywhere.
        self.mount("--bind", "-o", "ro", self.disk, self.disk)
        ran = subprocess.run([self.folder / "trained", "evaluate"], cwd=self.disk, capture_output=True, text=True)
        self.assertEqual(ran.returncode, 1)
        self.assertRegex(ran.stderr, r"run folder cannot be made \(predictions are written there; call the program where it can write\): .*read-only")

    def test_every_writer(self):
        self.write("small.xfer", IDX)
        self.write("points.csv", "x,y\n" + "0.5,0.25\n" * 5000)
        self.run_ok(self.program, "train", "--steps", 40, "--out", "run")
        for name, (words, keeps) in WRITERS.items():
            words = [self.program if word == "PROGRAM" else word for word in words]
            path = self.folder / words[-1]
            for case in ("full", "read-only", "full, new", "read-only, new", "taken", "nowhere"):
                isNew, fault = case.endswith("new"), case.split(",")[0]
                if (name == "layout" and (isNew or fault in ("nowhere", "taken"))) or (name == "new program" and not isNew and fault in ("full", "read-only")):
                    continue
                with self.subTest(f"{name}, {case}"):
                    used = words
                    if fault == "taken":
                        path.mkdir()
                    elif fault == "nowhere":
                        used = words[:-1] + [words[-1].replace("disk/", "disk/nowhere/")]
                    elif not isNew:
                        path.write_text(UNTIDY if name == "layout" else "kept")
                    if fault == "full":
                        self.fill()
                    if fault == "read-only":
                        self.remount("ro")
                    before = self.contents(self.disk)
                    said = self.refuse(REASONS[fault], *used).stderr
                    self.assertIn(f"'{used[-1]}", said)
                    after = self.contents(self.disk)
                    if fault == "full" and not keeps:
                        after.pop(path.name), before.pop(path.name, None)
                    self.assertEqual(after, before)
                    self.remount("rw")
                    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                    for one in self.disk.iterdir():
                        one.unlink()


class FullRun(Disk):
    """The files of a run folder."""

    FILES = ["checkpoint.xfer", "metrics.jsonl", "run.json", "weights.safetensors", "results.json"]
    STEPS = 600 // SLOWER # in less than the time between two checkpoints

    def setUp(self):
        super().setUp()
        self.program = self.build(WORDY)
        self.words = (self.program, "train", "--steps", self.STEPS)
        self.run_ok(*self.words, "--out", "whole")
        self.predictions = sorted(path.name for path in (self.folder / "whole").glob("predictions*"))
        self.assertEqual(len(self.predictions), 2)   # with and without a truth

    def assertEnds(self, out):
        """Whatever stopped it: what is there is whole, and the run can be brought to its end."""
        folder = self.folder / out
        self.assertEqual([path.name for path in folder.iterdir() if "partial" in path.name], [])
        for line in (folder / "metrics.jsonl").read_bytes().splitlines(keepends=True) if (folder / "metrics.jsonl").exists() else []:
            self.assertTrue(line.startswith(b"{") and line.endswith(b"}\n"), line)
        begun = (folder / "checkpoint.xfer").exists()
        if begun:
            self.run_ok(self.program, "evaluate", "--weights", "whole/weights.safetensors")
        self.run_ok(*self.words, "--out", out, *(["--resume"] if begun else []))
        for name in ("weights.safetensors", "metrics.jsonl", *self.predictions):
            self.assertEqualFiles(f"{out}/{name}", f"whole/{name}")

    # With room for one page more each time, the disk is full at every file in turn.
    def test_every_file_of_a_run(self):
        named = set()
        for pages in range(64):
            self.fill(4096 * pages)
            ran = self.execute(*self.words, "--out", "disk/run")
            if ran.returncode == 0:
                break
            self.assertEqual(ran.returncode, 1, ran.stderr)
            found = re.search(r"error: .*cannot write 'disk/run/?([^']*)': the disk is full; make room", ran.stderr)
            self.assertTrue(found, ran.stderr)
            named.add(found.group(1))
            if (self.disk / "run/checkpoint.xfer").exists():
                self.assertRegex(ran.stderr, "the checkpoint of .* is kept in 'disk/run', --resume goes on from it")
            (self.disk / "fill").unlink()
            self.assertEnds("disk/run")
            shutil.rmtree(self.disk / "run")
        self.assertEqual(ran.returncode, 0)
        self.assertEqual(named, {*self.FILES, *self.predictions})

    # A name that is taken is found before the first step, and the run of before stays.
    def test_taken_and_protected(self):
        for name in self.FILES:
            for fault in ("taken", "protected"):
                run = self.folder / f"{fault}-{name}"
                shutil.copytree(self.folder / "whole", run)
                if fault == "taken":
                    (run / name).unlink()
                    (run / name).mkdir()
                else:
                    self.mount("--bind", run / name, run / name)
                    self.mount("-o", "remount,bind,ro", run / name)
                before = self.contents(run)
                for more in ((), ("--overwrite",), ("--resume",)):
                    with self.subTest(f"{name} {fault} {more}"):
                        says = rf"cannot write '{run.name}/{name}': " + ("it is a folder" if fault == "taken" else "the file system is read-only")
                        self.refuse(says, *self.words, "--out", run.name, *more)
                        self.assertEqual(self.contents(run), before)

    def test_unwritable_folder(self):
        shutil.copytree(self.folder / "whole", self.disk / "run")
        before = self.contents(self.disk)
        self.remount("ro")
        for more in ((), ("--overwrite",), ("--resume",), ("--runs", "2")):
            self.refuse(r"the run folder cannot be written \(choose another one with --out\): cannot write 'disk/run/trial': the "
                        "file system is read-only", *self.words, "--out", "disk/run", *more)
        self.refuse(r"the run folder cannot be made \(choose another one with --out\): cannot make folder 'disk/new': the file "
                    "system is read-only", *self.words, "--out", "disk/new")
        # Its predictions are written where the model is.
        self.refuse("cannot be written.*the file system is read-only", self.program, "evaluate", "--out", "disk/run")
        self.remount("rw")
        self.assertEqual(self.contents(self.disk), before)
        self.write("disk/several/seed-1", "in the way")
        self.refuse("cannot make folder 'disk/several/seed-1': a file of that name is in the way", *self.words, "--runs", 2, "--out",
                    "disk/several")

    # The table of several runs.
    def test_several_runs(self):
        (self.folder / "runs/results.json").mkdir(parents=True)
        self.refuse("cannot write 'runs/results.json': it is a folder", *self.words, "--runs", 2, "--out", "runs")
        self.assertNothingLeft("runs", "results.json")

    # Somebody removes the folder of a run.
    def test_vanished(self):
        process = self.start(self.program, "train", "--steps", 10000000, "--out", "gone")
        harness.wait_for(self.folder / "gone/checkpoint.xfer", process)
        shutil.rmtree(self.folder / "gone", ignore_errors=True)
        shutil.rmtree(self.folder / "gone", ignore_errors=True)
        _, said = process.communicate(timeout=60 * SLOWER)
        self.assertEqual(process.returncode, 1)
        self.assertRegex(said.decode(), "error: .*cannot write 'gone/checkpoint.xfer': there is no such file or folder")
        self.assertNotIn("is kept", said.decode())


class Limits(harness.Case):
    # A limit on the size of files ends in a message, not in a signal.
    def test_file_size(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000))
        program = self.build(MOONS)
        self.refuse("cannot write 'run/checkpoint.xfer': the file would be larger than is allowed", program, "train", "--steps",
                    40, "--out", "run", preexec_fn=limit)
        self.assertFalse((self.folder / "run/checkpoint.xfer").exists())

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full")
    def test_output(self):
        program = self.build(MOONS)
        self.run_ok(program, "train", "--steps", 40, "--out", "run")
        self.write("points.csv", "x,y\n0.5,0.25\n")
        with open("/dev/full", "wb") as full:
            for words in (("evaluate",), ("predict", "--input", "points.csv"), ("train", "--steps", "40")):
                ran = subprocess.run([program, *words, "--out", "run"], cwd=self.folder, stdout=full, stderr=subprocess.PIPE,
                                     timeout=60 * SLOWER)
                self.assertEqual(ran.returncode, 1, words)
                self.assertRegex(ran.stderr.decode(), "error: the output cannot be written")

    # A device is not replaced by a file.
    def test_device(self):
        program = self.build(MOONS)
        self.run_ok(program, "train", "--steps", 40, "--out", "run")
        self.refuse("cannot write '/dev/null': it is a device", program, "export", "--out", "run", "--output", "/dev/null")
        self.assertFalse(os.path.isfile("/dev/null"))

    # Data that another process shortens while they are read end the run with a message; the checkpoint stays.
    def test_data_that_shrinks(self):
        count = 60000
        self.write("images.gz", idx((count, 8, 8), bytes(64 * count), packed=False))
        self.write("labels.gz", idx((count,), [i % 10 for i in range(count)], packed=False))
        program = self.build(IDX.replace("epochs 1", "epochs 1000"))
        process = self.start(program, "train", "--data", ".", "--out", "run")
        while not (self.folder / "run/checkpoint.xfer").exists() and process.poll() is None:
            time.sleep(0.01)
        os.truncate(self.folder / "images.gz", 64)
        _, said = process.communicate(timeout=60 * SLOWER)
        self.assertEqual(process.returncode, 1, said[-500:])
        self.assertRegex(said.decode(), "error: a file was shortened")
        # The data are not what they were, and the message says so.
        self.refuse("images.gz.*copy the file again", program, "train", "--data", ".", "--resume", "--out", "run")


if __name__ == "__main__":
    harness.main()
