"""One program on every target and with every optimising pass switched off: the same results."""
import json
import platform
import re
import struct
import unittest
import harness
from harness import EXAMPLES, MOONS, XFERC, cpu_flags, read_weights

# What the x86-64 levels ask for beyond the base, by the names of /proc/cpuinfo.
NEEDS = {"x86-64": set(), "x86-64-v3": {"avx2", "fma", "bmi2"},
         "x86-64-v4": {"avx512f", "avx512vl", "avx512bw", "avx512dq"}}
PASSES = ("simplify", "hoist", "keep", "stream", "variance", "fuse", "reuse")
# Eight steps from equal weights: sums in another order differ in the last bits of f32 (2^-24 = 6e-8 relative), which
# eight steps with momentum keep below 1e-5; a wrong kernel is off by much more.
TOLERANCE = 1e-5


class Targets(harness.Case):
    def weights(self, name, *flags):
        self.results(self.build(MOONS, *flags), "train", "--steps", 8, "--out", name)
        return read_weights(self.folder / name / "weights.safetensors")

    def assertClose(self, found, wanted):
        self.assertEqual(found.keys(), wanted.keys())
        for path in wanted:
            worst = max(abs(a - b) for a, b in zip(found[path], wanted[path]))
            self.assertLessEqual(worst, TOLERANCE, path)

    @unittest.skipUnless(platform.machine() == "x86_64", "runs x86-64 code")
    def test_x86_levels(self):
        wanted = self.weights("native")
        for level, needs in NEEDS.items():
            with self.subTest(level):
                if needs <= cpu_flags():
                    self.assertClose(self.weights(level, f"--target-cpu={level}"), wanted)
                else:
                    self.refuse("lacks.*--target-cpu", self.build(MOONS, f"--target-cpu={level}"), "train")

    # An object for another machine: ELF, machine 183 (AArch64), relocatable.
    def test_aarch64_object(self):
        self.write("moons.xfer", MOONS)
        self.run_ok(XFERC, "build", "moons.xfer", "--target-cpu=aarch64", "--emit=obj", "-o", "moons.o")
        kind, machine = struct.unpack("<HH", (self.folder / "moons.o").read_bytes()[16:20])
        self.assertEqual((kind, machine), (1, 183))

    # Sharing memory moves values only, so its bits are equal; the others may change the order of sums.
    def test_each_pass_switched_off(self):
        wanted = self.weights("all")
        for name in PASSES:
            with self.subTest(name):
                found = self.weights(name, f"--disable={name}")
                self.assertClose(found, wanted)
                if name == "reuse":
                    self.assertEqualFiles(f"{name}/weights.safetensors", "all/weights.safetensors")
        self.assertClose(self.weights("none", "--disable=" + ",".join(PASSES)), wanted)

    def test_listed_passes_are_all(self):
        said = self.refuse("there is no pass 'nonsense'", XFERC, "build", EXAMPLES / "03-two-moons/program.xfer",
                           "--disable=nonsense", "-o", "moons")
        self.assertEqual(tuple(re.findall(r"^  ([\w-]+):", said.stderr, re.M)), PASSES)

    # A program says what the processor lacks instead of dying by a signal. The manifest in the executable is changed
    # to ask for an instruction set that this machine has not.
    @unittest.skipUnless(platform.machine() == "x86_64", "knows x86-64's names")
    def test_refuses_a_processor_without_its_instructions(self):
        lacking = [name for name, flag in (("amx-tile", "amx_tile"), ("avx512f", "avx512f"), ("sse4a", "sse4a"),
                                           ("avxvnniint8", "avx_vnni_int8")) if flag not in cpu_flags()]
        if not lacking:
            self.skipTest("this processor has every instruction set")
        program = self.build(MOONS).read_bytes()
        list_ = re.search(rb'"features": ?\[("[^\]]{20,})\]', program)
        self.assertTrue(list_)
        changed = json.dumps(lacking[0]).encode().ljust(len(list_.group(1)))
        damaged = self.write("moons", program[:list_.start(1)] + changed + program[list_.end(1):])
        damaged.chmod(0o755)
        self.refuse(f"{lacking[0]}, which this one lacks.*--target-cpu", damaged, "train")


if __name__ == "__main__":
    harness.main()
