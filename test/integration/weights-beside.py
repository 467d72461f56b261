"""`--weights=beside`: the constants of a program in a file of their own, which must be there, whole, and the program's."""
import os
import shutil
import struct
import harness
from harness import MOONS, XFERC

VALUES = ", ".join(f"{(i * 37 % 101) / 500 - 0.1:.3f}" for i in range(32))
STATE = '"adapt.optimizer.velocity.net.trunk.layer[1].bias" : tensor<32xf32> owner "stage:adapt"'
HEADER = 128


class WeightsBeside(harness.Case):

    """Two moons, where the velocity of a bias starts from numbers: what the library writes starts from random keys or
    zeros, so the numbers are put into the stage `xfer`, which the compiler reads as well."""

    def program(self, text=MOONS):
        """The program as IR, with the constants."""
        self.write("moons.xfer", text)
        found = self.run_ok(XFERC, "build", "moons.xfer", "--emit=xfer").stdout
        (self.folder / "moons.xfer").unlink()
        self.assertEqual(found.count(STATE), 1)
        return self.write("moons.mlir", found.replace(STATE, f"{STATE} value dense<[{VALUES}]> : tensor<32xf32>"))

    def setUp(self):
        super().setUp()
        self.source = self.program()
        self.run_ok(XFERC, "build", self.source, "--weights=beside", "-o", "prog")
        self.weights = (self.folder / "prog.weights").read_bytes()

    def embedded(self):
        self.run_ok(XFERC, "build", self.source, "-o", "inside.exe")
        return "./inside.exe"

    def train(self, program, folder, *arguments):
        return self.results(program, "train", "--steps", 40, "--out", folder, *arguments)

    # The same program in every other respect: bits, hash, checkpoints.
    def test_same_as_embedded(self):
        self.assertEqual(len(self.weights), HEADER + 32 * 4)
        embedded = self.embedded()
        self.assertEqual(self.train("./prog", "beside")["hash"], self.train(embedded, "inside")["hash"])
        self.assertEqualFiles("beside/weights.safetensors", "inside/weights.safetensors")
        self.train(self.build(MOONS), "without")
        self.assertNotEqual((self.folder / "without/weights.safetensors").read_bytes(),
                            (self.folder / "beside/weights.safetensors").read_bytes(), "the constants do nothing")
        self.assertEqual(self.results("./prog", "evaluate", "--out", "inside")["runs"][0]["evaluations"],
                         self.results(embedded, "evaluate", "--out", "beside")["runs"][0]["evaluations"])

    # The constants are in the file and not in the executable.
    def test_not_inside(self):
        content = self.weights[HEADER:]
        self.assertFalse(content in (self.folder / "prog").read_bytes())
        self.assertTrue(content in (self.folder / self.embedded()).read_bytes())

    # Looked for beside the executable itself, wherever it is called from and through whichever link.
    def test_found_beside_the_executable(self):
        (self.folder / "elsewhere").mkdir()
        os.symlink("../prog", self.folder / "elsewhere" / "link")
        self.run_ok("elsewhere/link", "train", "--steps", 4, "--out", "run")
        os.rename(self.folder / "prog", self.folder / "elsewhere" / "moved")
        self.refuse("there is no such file.*elsewhere|elsewhere/moved.weights.*no such file", "elsewhere/moved", "train")
        os.rename(self.folder / "prog.weights", self.folder / "elsewhere" / "moved.weights")
        self.run_ok("elsewhere/moved", "train", "--steps", 4, "--out", "run")

    def test_missing(self):
        (self.folder / "prog.weights").unlink()
        for words in (("train",), ("evaluate",), ("export", "--output", "reader")):
            self.refuse(r"prog\.weights'.*no such file.*copy both", "./prog", *words, "--out", "run")
        self.run_ok("./prog", "--help")
        self.assertNothingLeft(".", "moons.mlir", "prog")

    def test_damaged(self):
        good, middle = self.weights, HEADER + (len(self.weights) - HEADER) // 2
        flip = lambda at: good[:at] + bytes([good[at] ^ 1]) + good[at + 1:]
        cases = {"empty": (b"", "holds no weights"), "text": (b"not weights at all" * 20, "holds no weights"),
                 "head": (good[:60], "truncated"), "half": (good[:middle], "truncated"),
                 "last byte": (good[:-1], "truncated"), "longer": (good + b"\0", "damaged"),
                 "content": (flip(middle), "damaged"), "size": (flip(80), "damaged"), "hash": (flip(20), "damaged"),
                 "version": (good[:8] + struct.pack("<I", 3) + good[12:], "version 3")}
        for name, (bad, says) in cases.items():
            with self.subTest(name):
                self.write("prog.weights", bad)
                self.refuse(r"prog\.weights'.*" + says, "./prog", "train", "--out", "run")
        self.assertFalse((self.folder / "run").exists())
        (self.folder / "prog.weights").unlink()
        (self.folder / "prog.weights").mkdir()
        self.refuse(r"prog\.weights'.*folder", "./prog", "train", "--out", "run")

    def test_of_another_program(self):
        other = self.program(MOONS.replace("critic = mlp([32, 1])", "critic = mlp([16, 1])"))
        self.run_ok(XFERC, "build", other, "--weights=beside", "-o", "other")
        shutil.copy(self.folder / "other.weights", self.folder / "prog.weights")
        self.refuse(r"prog\.weights' belongs to another program", "./prog", "train", "--out", "run")

    # An export stands by itself, and so does an export of it.
    def test_export(self):
        self.train("./prog", "run")
        self.run_ok("./prog", "export", "--out", "run", "--output", "reader")
        self.write("points.csv", "x,y\n-0.5,0.6\n0.5,-0.6\n")
        table = self.run_ok("./prog", "predict", "--out", "run", "--input", "points.csv").stdout
        (self.folder / "prog.weights").unlink()
        self.assertEqual(self.run_ok("./reader", "--input", "points.csv").stdout, table)
        self.run_ok("./reader", "export", "--output", "again")
        self.assertEqualFiles("reader", "again")
        self.run_ok("./reader", "train", "--steps", 4, "--out", "more")
        good = (self.folder / "reader").read_bytes()
        at = good.rindex(self.weights[HEADER:])
        bad = self.write("bad", good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        bad.chmod(0o755)
        self.refuse("model in this executable' is damaged", bad, "--input", "points.csv")

    # A build that fails leaves neither file; one that works leaves nothing else.
    def test_build_leaves_nothing(self):
        self.assertNothingLeft(".", "moons.mlir", "prog", "prog.weights")
        self.refuse("nowhere", XFERC, "build", self.source, "--weights=beside", "-o", "nowhere/prog")
        (self.folder / "taken").mkdir()
        self.refuse("taken", XFERC, "build", self.source, "--weights=beside", "-o", "taken")
        (self.folder / "taken").rmdir()
        self.assertNothingLeft(".", "moons.mlir", "prog", "prog.weights")
        self.refuse("leave '--emit=obj' out", XFERC, "build", self.source, "--weights=beside", "--emit=obj", status=2)


if __name__ == "__main__":
    harness.main()
