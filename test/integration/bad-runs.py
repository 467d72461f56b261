"""Run folders, checkpoints and command lines of programs that are wrong: refused, and what was good stays."""
import os
import harness
from harness import MOONS

OTHER = MOONS.replace("mlp([32, 32])", "mlp([16, 16])")


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
