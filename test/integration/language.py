"""The 24 programs of the language's design (test/dsl/programs): what each is refused for, and for nothing else.

A program may lack parts of the library (unknown-name), or use what a later issue builds (not-supported-yet). With stand-ins for
those parts, the constructs that exist must pass, their images read as they are written.
"""
import json
import subprocess
import harness
from harness import SLOWER, SOURCE, XFERC

PROGRAMS = sorted((SOURCE / "test/dsl/programs").glob("[0-9][0-9]-*.xfer"))

# With the stand-ins: programs that pass.
PASS = {"01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "12", "13", "14", "15", "17", "18", "19", "20", "21", "23"}
# 24 divides [n, words] by a temperature of [n] samples, which decision 35 refuses.
REFUSED = {"24": "shapes-differ"}

class Language(harness.Case):
    def errors(self, path):
        ran = subprocess.run([XFERC, "check", "--format=json", path], capture_output=True, text=True, timeout=60 * SLOWER)
        self.assertIn(ran.returncode, (0, 1), f"{path}: {ran.stderr[-500:]}")
        found = [one for one in json.loads(ran.stdout) if one["severity"] == "error"]
        self.assertEqual(ran.returncode, 1 if found else 0)
        return found

    def test_as_written(self):
        for path in PROGRAMS:
            with self.subTest(path.stem):
                codes = {one["code"] for one in self.errors(path)}
                self.assertLessEqual(codes, {"not-supported-yet", "unknown-name", "cannot-read", REFUSED.get(path.stem[:2])})

    def test_with_stand_ins(self):
        self.write("words.txt", "[UNK]\ngood\nbad\n")
        self.write("wordpiece.txt", "[UNK]\ngood\n##s\n")
        self.write("parts.xfer", (SOURCE / "test/integration/Inputs/parts.xfer").read_text())
        self.write("data.xfer", (SOURCE / "test/dsl/programs/data.xfer").read_text())
        for path in PROGRAMS:
            number = path.stem[:2]
            with self.subTest(path.stem):
                found = self.errors(self.write(path.name, path.read_text() + '\nimport "parts.xfer"\n'))
                codes = {one["code"] for one in found}
                if number in PASS:
                    self.assertEqual(found, [])
                elif number in REFUSED:
                    self.assertEqual(codes, {REFUSED[number]}, found)


if __name__ == "__main__":
    harness.main()
