"""Run folders, checkpoints and command lines of programs that are wrong: refused, and what was good stays."""
import importlib
import os
import random
import struct
import harness
from harness import MOONS

bad_data = importlib.import_module("bad-data")
damaged = bad_data.damaged

OTHER = MOONS.replace("mlp([32, 32])", "mlp([16, 16])")


BOUNDED = """
import std
param lr = 0.1; param momentum = 0.5; param count = 2; param share = 0.1; param heat = 2.0; param free = 1.0
param bound = 1.0; param fall = 0.5; param part = 0.25
domain d { generate samples(32, fn(i) => (x: normal([3]), y: classes(i % 2, 2))); fields x: f32[3], y: class(2) }
model net = mlp([2])
stage learn {
  on d.all batch 8
  minimize focal(net(d.x), d.y, gamma: count) + distillation(net(d.x), free * net(d.x), temperature: heat)
  optimizer adam(lr, beta1: momentum); schedule cosine(floor: share); epochs 1
}
stage more {
  on d.all batch 8
  minimize binary_focal(net(d.x)[.., 0], f32(d.y), alpha: part)
  optimizer clipped(sgd(0.1), norm: bound); schedule plateau(factor: fall); epochs 1
  keep least square(mean(net(d.x))) over d.all
}
evaluate d.all { predict net(d.x) against d.y; report accuracy }
"""


class BadRuns(harness.Case):
    def setUp(self):
        super().setUp()
        self.program = self.build(MOONS)

    def train(self, folder="run"):
        self.run_ok(self.program, "train", "--steps", 40, "--out", folder)

    def test_command_line(self):
        for words in (("train", "--nonsense"), ("frobnicate",), ("train", "--steps", "many"), ("train", "--lr", "nan"),
                      ("train", "--steps", "1.5"), ("train", "--threads", "0"), ("train", "--seed", "-1"),
                      ("train", "--seed", "9" * 30), ("train", "--runs", "0"), ("train", "--resume", "--overwrite"),
                      ("predict",), ("export",), ("train", "extra"), ("train", "--lr")):
            with self.subTest(words):
                ran = self.execute(self.program, *words)
                self.assertEqual(ran.returncode, 2, ran.stderr)
                self.assertTrue(ran.stderr.strip())
        self.assertNothingLeft(".")

    # What the library says of an argument at compile time, the program says of an option when it starts; the default counts, too.
    def test_settings_beyond_bounds(self):
        program = self.build(BOUNDED)
        for words, says in ((("--lr", "-1"), "--lr -1: the rate of adam is 0 or more, not -1"),
                            (("--momentum", "1"), r"--momentum 1: the beta1 of adam lies in \[0, 1\), not 1"),
                            (("--count", "-2"), "--count -2: the gamma of focal is 0 or more, not -2"),
                            (("--share", "1.5"), r"--share 1.5: the floor of cosine lies in \[0, 1\], not 1.5"),
                            (("--heat", "0"), "--heat 0: the temperature of distillation is above 0, not 0"),
                            (("--bound", "0"), "--bound 0: the norm of clipped is above 0, not 0"),
                            (("--fall", "1"), r"--fall 1: the factor of plateau lies in \(0, 1\), not 1"),
                            (("--part", "1.5"), r"--part 1.5: the alpha of binary_focal lies in \[0, 1\], not 1.5")):
            with self.subTest(words):
                self.refuse(says, program, "train", *words)
        self.run_ok(program, "train", "--lr", 0, "--momentum", 0, "--share", 1, "--free", -1, "--out", "run")
        self.refuse("--lr -1: the rate of adam", program, "evaluate", "--out", "run", "--lr", "-1")
        self.refuse("--lr -2: the rate of adam is 0 or more, not -2", self.build(BOUNDED.replace("lr = 0.1", "lr = -2")), "train")
        self.assertFalse((self.folder / "runs").exists())

    # Folders that a run makes before it finds out that it cannot begin go again; what was there stays.
    def test_run_that_cannot_begin(self):
        program = self.build(bad_data.IDX)
        self.refuse("nothing/images.gz", program, "train", "--data", "nothing", "--out", "new/runs/one", "--runs", 2)
        self.assertFalse((self.folder / "new").exists())
        (self.folder / "old").mkdir()
        self.refuse("nothing/images.gz", program, "train", "--data", "nothing", "--out", "old/run")
        self.assertEqual(list((self.folder / "old").iterdir()), [])

    def test_unwritable_folder(self):
        self.write("file", "kept")
        self.refuse("file", self.program, "train", "--out", "file")
        self.refuse("file", self.program, "train", "--out", "file/run")
        self.assertEqual((self.folder / "file").read_text(), "kept")
        if os.path.exists("/dev/full"):
            self.refuse("error", self.program, "train", "--out", "/proc/self/nowhere")

    def test_no_model(self):
        for verb in (("evaluate",), ("export", "--output", "reader"), ("train", "--resume")):
            with self.subTest(verb):
                self.refuse("nowhere|checkpoint", self.program, *verb, "--out", "nowhere")
        self.assertFalse((self.folder / "reader").exists())

    # Whatever is done to both checkpoints, they are refused; a damaged newest one falls back to the one before.
    def test_damaged_checkpoint(self):
        self.train()
        newest, before = self.folder / "run/checkpoint.xfer", self.folder / "run/checkpoint.xfer.previous"
        good = newest.read_bytes()
        middle = len(good) // 2
        for name, bad in {"empty": b"", "short": good[:20], "half": good[:middle], "last byte": good[:-1],
                          "magic": b"X" * 8 + good[8:], "longer": good + b"\0",
                          "byte": good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1:]}.items():
            with self.subTest(name):
                newest.write_bytes(bad)
                if before.exists():
                    before.unlink()
                self.refuse("checkpoint.xfer", self.program, "evaluate", "--out", "run")
                self.assertEqual(newest.read_bytes(), bad)

    # A format that is newer than the program is refused by its number, and is not taken for damage.
    def test_newer_checkpoint(self):
        self.train()
        newest = self.folder / "run/checkpoint.xfer"
        good = newest.read_bytes()
        (self.folder / "run/checkpoint.xfer.previous").write_bytes(good)
        newest.write_bytes(good[:8] + struct.pack("<I", 2) + good[12:])
        for words in (("evaluate",), ("train", "--resume"), ("export", "--output", "reader")):
            self.refuse("checkpoint.xfer' has version 2, this program knows versions up to 1", self.program, *words, "--out",
                        "run")
        self.assertFalse((self.folder / "reader").exists())

    # The one before takes the place of a damaged one, and says so.
    def test_one_before(self):
        self.train()
        newest, before = self.folder / "run/checkpoint.xfer", self.folder / "run/checkpoint.xfer.previous"
        good = newest.read_bytes()
        for bad in (good[:len(good) // 2], b"", good[:-8] + bytes(8)):
            before.write_bytes(good)
            newest.write_bytes(bad)
            ran = self.run_ok(self.program, "evaluate", "--out", "run")
            self.assertRegex(ran.stderr, "warning: .*going on from the one before, 'run/checkpoint.xfer.previous'")
        newest.unlink()
        self.run_ok(self.program, "train", "--resume", "--out", "run")
        newest.unlink(missing_ok=True)
        newest.mkdir()
        before.unlink(missing_ok=True)
        self.refuse("no trained model in 'run'", self.program, "evaluate", "--out", "run")

    # A log that is not that of the checkpoint.
    def test_log_is_gone(self):
        self.train()
        for change in (lambda log: log.write_bytes(log.read_bytes()[:40]), lambda log: log.unlink()):
            change(self.folder / "run/metrics.jsonl")
            self.refuse("metrics.jsonl' is shorter than when the checkpoint was written", self.program, "train", "--resume",
                        "--out", "run")

    def damage(self, name, good, *words, cases=40):
        refused = 0
        for seed in range(cases):
            with self.subTest(f"{name} {seed}"):
                self.write(name, damaged(good, random.Random(seed)))
                ran = self.execute(self.program, *words, timeout=30)
                self.assertIn(ran.returncode, (0, 1), ran.stderr[-500:])
                if ran.returncode:
                    refused += 1
                    self.assertIn(name, ran.stderr)
        self.assertGreater(refused, cases // 2)

    # Whatever happens to these files, the program ends by itself and names the file.
    def test_random_damage(self):
        self.train()
        (self.folder / "run/checkpoint.xfer.previous").unlink(missing_ok=True)
        good = (self.folder / "run/checkpoint.xfer").read_bytes()
        weights = (self.folder / "run/weights.safetensors").read_bytes()
        self.damage("run/checkpoint.xfer", good, "evaluate", "--out", "run")
        self.damage("w.safetensors", weights, "evaluate", "--weights", "w.safetensors")
        self.write("run/checkpoint.xfer", good)
        self.damage("points.csv", b"x,y\n-0.5,0.6\n0.5,-0.6\n", "predict", "--out", "run", "--input", "points.csv")

    def test_foreign_checkpoint(self):
        self.train()
        kept = (self.folder / "run/checkpoint.xfer").read_bytes()
        other = self.build(OTHER)
        for words in (("evaluate",), ("train", "--resume"), ("export", "--output", "reader")):
            self.refuse("another program|other program", other, *words, "--out", "run")
        self.assertEqual((self.folder / "run/checkpoint.xfer").read_bytes(), kept)
        self.assertFalse((self.folder / "reader").exists())

    def test_bad_weights(self):
        self.train()
        good = (self.folder / "run/weights.safetensors").read_bytes()
        for name, bad in {"empty": b"", "half": good[:len(good) // 2], "header": b"\xff" * 8 + good[8:],
                          "text": b"not weights at all"}.items():
            with self.subTest(name):
                self.write("w.safetensors", bad)
                self.refuse("w.safetensors", self.program, "evaluate", "--weights", "w.safetensors")
        self.write("w.safetensors", good)
        self.refuse("w.safetensors", self.build(OTHER), "evaluate", "--weights", "w.safetensors")

    # What is written takes the place of a file, never of a folder, a pipe or a device.
    def test_outputs(self):
        self.train()
        self.write("points.csv", "x,y\n1,2\n")
        (self.folder / "folder").mkdir()
        os.mkfifo(self.folder / "pipe")
        for name, what in (("folder", "a folder"), ("pipe", "a pipe")):
            self.refuse(f"cannot write '{name}': it is {what}", self.program, "predict", "--out", "run", "--input", "points.csv", "--output", name)
            self.refuse(f"cannot write '{name}': it is {what}", self.program, "export", "--out", "run", "--output", name)
        self.assertTrue((self.folder / "pipe").is_fifo())

    # An export whose tail is damaged says so.
    def test_damaged_export(self):
        self.train()
        self.run_ok(self.program, "export", "--out", "run", "--output", "reader")
        good = (self.folder / "reader").read_bytes()
        self.write("points.csv", "x,y\n1,2\n")
        for at in (-20, -3000):
            bad = self.write("bad", good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
            bad.chmod(0o755)
            self.refuse("damaged", bad, "--input", "points.csv")
        self.refuse("nowhere", self.program, "export", "--out", "run", "--output", "nowhere/reader")


if __name__ == "__main__":
    harness.main()
