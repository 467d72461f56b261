"""Disks that are full and files that grow beyond a limit: an error with its reason, and what was good stays good."""
import os
import resource
import subprocess
import time
import unittest
import harness
from harness import MOONS, idx

IDX = """
import std
domain d { read idx(image: "images.gz", label: "labels.gz"); fields image: u8[8, 8, 1], label: class(10) }
model net = mlp([10])
stage learn { on d.all batch 16; minimize cross_entropy(net(flatten(unit(d.image))), d.label); optimizer sgd(0.1); epochs 1 }
"""


class FullDisk(harness.Case):
    """A small file system of its own; where none can be mounted the tests are skipped."""

    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", self.disk], capture_output=True)
        if mounted.returncode:
            self.skipTest("no small file system can be mounted here: " + mounted.stderr.decode().strip())
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=True)
        self.program = self.build(MOONS)

    def fill(self):
        with open(self.disk / "fill", "wb", buffering=0) as file:
            try:
                while file.write(bytes(1024)):
                    pass
            except OSError:
                pass

    def names(self, folder):
        return sorted(path.name for path in (self.disk / folder).iterdir())

    # The disk fills up in the middle of a run. The checkpoint of before is there and resumes to the bits of a run on a
    # disk that has room.
    def test_while_training(self):
        steps = 20000
        process = self.start(self.program, "train", "--steps", steps, "--out", "disk/run")
        while not (self.disk / "run/checkpoint.xfer").exists() and process.poll() is None:
            time.sleep(0.001)
        self.fill()
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertRegex(said.decode(), r"program: error: .*'disk/run/.*the disk is full; the checkpoint of .* is kept in "
                                        r"'disk/run'")
        self.assertEqual([name for name in self.names("run") if "partial" in name], [])
        for line in (self.disk / "run/metrics.jsonl").read_bytes().splitlines(keepends=True):
            self.assertTrue(line.startswith(b"{") and line.endswith(b"}\n"), line)
        self.run_ok(self.program, "evaluate", "--out", "disk/run")
        self.run_ok("cp", "-r", "disk/run", "run")
        self.run_ok(self.program, "train", "--resume", "--out", "run")
        self.run_ok(self.program, "train", "--steps", steps, "--out", "whole")
        for name in ("weights.safetensors", "metrics.jsonl"):
            self.assertEqualFiles(f"run/{name}", f"whole/{name}")

    # What is written beside a good file does not touch it.
    def test_other_files(self):
        self.run_ok(self.program, "train", "--steps", 40, "--out", "run")
        self.write("points.csv", "x,y\n" + "0.5,0.25\n" * 5000)
        self.write("disk/rows.csv", "kept")
        self.fill()
        before = self.names(".")
        for words in (("export", "--output", "disk/reader"), ("predict", "--input", "points.csv", "--output", "disk/rows.csv")):
            self.refuse(f"cannot write '{words[-1]}': the disk is full", self.program, *words, "--out", "run")
        self.refuse("the disk is full", self.program, "train", "--steps", 40, "--out", "disk/new")
        self.assertEqual((self.disk / "rows.csv").read_text(), "kept")
        self.assertEqual([name for name in self.names(".") if name != "new"], before)

    # Data are unpacked into the cache; there the message says which folder to choose.
    def test_cache(self):
        noise = os.urandom(64 * 6000)
        self.write("images.gz", idx((6000, 8, 8), noise))
        self.write("labels.gz", idx((6000,), [i % 10 for i in range(6000)]))
        said = self.refuse(r"'disk/cache/data/.*the disk is full; set XFER_CACHE", self.build(IDX), "train", "--out", "run",
                           env={**os.environ, "XFER_CACHE": "disk/cache"}).stderr
        self.assertIn("domain 'd'", said)
        self.assertEqual(self.names("cache/data"), [])

    def test_compiler(self):
        self.write("moons.xfer", MOONS)
        for words in (("-o", "disk/moons"), ("-o", "disk/moons", "--weights=beside")):
            self.refuse("cannot write 'disk/moons': No space left", harness.XFERC, "build", "moons.xfer", *words)
            self.assertEqual(self.names("."), [])
        self.refuse("cannot link in 'disk/xferc-.*No space left.*TMPDIR", harness.XFERC, "build", "moons.xfer", "-o", "moons",
                    env={**os.environ, "TMPDIR": "disk"})
        self.assertEqual(self.names("."), [])
        self.fill()
        self.refuse("cannot write 'disk/moons.ll': No space left", harness.XFERC, "build", "moons.xfer", "--emit=llvm", "-o",
                    "disk/moons.ll")
        self.assertEqual(self.names("."), ["fill"])


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
                                     timeout=60)
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
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, said[-500:])
        self.assertRegex(said.decode(), "error: a file was shortened")
        # The data are not what they were, and the message says so.
        self.refuse("images.gz.*copy the file again", program, "train", "--data", ".", "--resume", "--out", "run")


if __name__ == "__main__":
    harness.main()
