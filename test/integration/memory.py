"""`memory` in a stage: its peak is compared when the program is built, and where the data decide, when they are opened."""
import os
import re
import unittest
import harness
from harness import EXAMPLES, MOONS, XFERC

# After each epoch rows of the whole split are held, for the largest of them, so that the peak grows with the table; of the rest only sums are.
TABLE = """import std
domain d { read csv("table.csv", x: "a, b", label: "label"); fields x: f32[2], label: class(3) }
model net = mlp([3])
stage learn {
  on d.all batch 4
  minimize cross_entropy(net(d.x), d.label)
  optimizer sgd(0.1); epochs 1
  keep best information_maximization(net(d.x)) - max(net(d.x)) over d.all
  memory LIMIT
}
evaluate d.all { predict softmax(net(d.x)) against d.label; report accuracy }
export reader(x: like d.x) = softmax(net(x))
"""


def peaks(text):
    """The formula of every stage as `explain` prints it: fixed bytes and bytes a sample."""
    return {name: (int(fixed), sum(int(term) for term in re.findall(r"\+ (\d+) \* size\([\w.]+\)", terms)))
            for name, fixed, terms in re.findall(r"^stage ([\w.]+): (\d+)(.*) bytes at its peak$", text, re.M)}


class Memory(harness.Case):
    def explain(self, text):
        self.write("program.xfer", text)
        return peaks(self.run_ok(XFERC, "explain", "program.xfer").stdout)

    def moons(self, limit):
        return MOONS.replace("  steps steps\n", f"  steps steps\n  memory {limit}\n")

    # What explain prints is what is enforced, to the byte, for the stage and for its baseline.
    def test_limit_is_the_printed_peak(self):
        peak, samples = self.explain(MOONS)["adapt"]
        self.assertEqual(samples, 0)
        self.assertEqual(self.explain(self.moons(peak))["adapt"], (peak, 0))
        self.run_ok(self.build(self.moons(peak)), "train", "--steps", 4, "--out", "run")
        self.write("program.xfer", self.moons(peak - 1))
        said = self.refuse(r"program\.xfer:\d+:\d+: error: stage 'adapt' needs 0\.1\d MiB of memory, more than the "
                           r"0\.1\d MiB that 'memory' allows it; take smaller batches", XFERC, "build", "program.xfer",
                           "-o", "program").stderr
        self.assertRegex(said, r"program\.xfer:\d+:\d+: note: 0\.\d\d MiB for parameters.* intermediate values of 'adapt")
        self.assertNothingLeft(".", "program.xfer", "run")

    def test_batches_count(self):
        one = self.explain(MOONS)["adapt"][0]
        self.assertGreater(self.explain(MOONS.replace("batch 64", "batch 128"))["adapt"][0], 1.5 * one)

    def test_explains_every_stage(self):
        found = peaks(self.run_ok(XFERC, "explain", EXAMPLES / "02-mnist-usps" / "program.xfer").stdout)
        self.assertEqual(set(found), {"adapt", "source_only", "mmd"})
        self.assertGreater(found["adapt"][0], found["source_only"][0])

    # What is printed is what is allocated, but for the copies of `keep`, which are no buffers, and for what a run needs
    # beside its stage: the key of the initial values.
    @unittest.skipUnless("ALLOCATIONS" in os.environ, "there is no library that counts allocations")
    def test_peak_is_what_is_allocated(self):
        text = TABLE[:TABLE.index("evaluate")] + TABLE[TABLE.index("export"):]
        for change in (lambda text: text, lambda text: text.replace("mlp([3])", "mlp([512, 512, 3])"),
                       lambda text: re.sub("  keep best.*", "", text).replace("sgd(0.1)", "adam(0.1)")):
            changed = change(text.replace("LIMIT", "1GiB"))
            fixed, each = self.explain(changed)["learn"]
            copies = re.search(r"copies for 'keep': (\d+)", self.run_ok(XFERC, "explain", "program.xfer").stdout)
            wanted = fixed + 500 * each - (int(copies.group(1)) if copies else 0)
            self.table(500)
            self.run_ok(self.build(changed), "train", "--out", "run", "--overwrite", env={
                **os.environ, "LD_PRELOAD": os.environ["ALLOCATIONS"], "XFER_ALLOCATIONS": str(self.folder / "peak")})
            found = int((self.folder / "peak").read_text())
            self.assertGreaterEqual(found, wanted)
            self.assertLessEqual(found, wanted + 1024)

    # A sweep holds everything twice beside what it runs, and once where it has one point; the copies of `keep` are measured
    # here as well. Every weight of the net but one is small; what else is allocated in such pieces is text that is read.
    @unittest.skipUnless("ALLOCATIONS" in os.environ, "there is no library that counts allocations")
    def test_peak_of_a_sweep(self):
        stage = TABLE[TABLE.index("stage learn"):TABLE.index("evaluate")].replace("LIMIT", "1GiB").replace("sgd(0.1)", "sgd(lr, momentum: 0.9)")
        head = TABLE[:TABLE.index("stage learn")].replace("mlp([3])", "mlp([1024, 1024, 3])") + "param lr = 0.1\n"
        self.table(500)
        for points, copies in (("0.1", 1), ("0.1, 0.01", 2), ("0.1, 0.01, 0.001", 2)):
            text = head + f"sweep lr in [{points}] {{ {stage} keep least mean(d.x) over d.all }}\n" + \
                TABLE[TABLE.index("export"):]
            fixed, each = self.explain(text)["learn"]
            explained = self.run_ok(XFERC, "explain", "program.xfer").stdout
            values, = map(int, re.findall(r"values computed ahead: (\d+)", explained))
            self.assertEqual(re.findall(r"copies for 'sweep': (\d+)", explained), [str(copies * values)])
            self.run_ok(self.build(text), "train", "--out", "run", "--overwrite", "--threads", 1, env={
                **os.environ, "LD_PRELOAD": os.environ["ALLOCATIONS"], "XFER_ALLOCATIONS": str(self.folder / "peak"),
                "XFER_ALLOCATIONS_FROM": "4096"})
            found = int((self.folder / "peak").read_text())
            self.assertAlmostEqual(found, fixed + 500 * each, delta=200000)  # of more than 20 million

    def table(self, rows):
        self.write("table.csv", "a,b,label\n" + "".join(f"{i / 10},{-i / 10},{i % 3}\n" for i in range(rows)))

    # Where the number of samples decides, the run is refused before its first step and leaves nothing.
    def test_data_too_large(self):
        fixed, each = self.explain(TABLE.replace("LIMIT", "1GiB"))["learn"]
        self.assertGreater(each, 0)
        limit = fixed + 1000 * each + 4096  # each buffer is rounded up
        program = self.build(TABLE.replace("LIMIT", str(limit)))
        self.table(1000)
        self.run_ok(program, "train", "--out", "run")
        self.table(3000)
        self.refuse(r"program\.xfer:\d+:\d+: memory: stage 'learn' needs 0\.\d\d MiB of memory with these data, more than "
                    r"the 0\.\d\d MiB .*fewer samples", program, "train", "--out", "large")
        self.assertFalse((self.folder / "large" / "checkpoint.xfer").exists())
        # A model that is there already is evaluated with any data: no stage runs.
        self.run_ok(program, "evaluate", "--out", "run")


if __name__ == "__main__":
    harness.main()
