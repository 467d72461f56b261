"""`xferc new`: every program that it writes is laid out, checks without a warning, builds and runs as it is."""
import re
import unittest
import harness
from harness import SOURCE, XFERC

KINDS = sorted(path.stem for path in (SOURCE / "compiler" / "Tools" / "Starters").glob("*.xfer"))


class Starters(harness.Case):
    def test_each_runs_as_it_is(self):
        self.assertEqual(KINDS, ["frozen-backbone", "tabular", "two-domains"])
        for kind in KINDS:
            with self.subTest(kind):
                name = kind.replace("-", "_")
                said = self.run_ok(XFERC, "new", name, f"--kind={kind}").stdout
                self.assertEqual(said, f"wrote '{name}.xfer', which runs as it is: xferc run {name}.xfer\n")
                text = (self.folder / f"{name}.xfer").read_text()
                self.assertIn(f"xferc check {name}.xfer", text)
                self.assertNotIn("NAME", text)
                self.run_ok(XFERC, "fmt", "--check", f"{name}.xfer")
                self.run_ok(XFERC, "check", "--strict", f"{name}.xfer")
                option = "steps" if re.search(r"^param steps", text, re.M) else "epochs"
                ran = self.run_ok(XFERC, "run", f"{name}.xfer", "--", f"--{option}", "2", "--out", name, timeout=300)
                self.assertRegex(ran.stdout + ran.stderr, r"accuracy +\S+")

    # The comments tell how to use files: what they propose is a domain that checks.
    def test_proposed_readers_check(self):
        for kind in KINDS:
            with self.subTest(kind):
                name = kind.replace("-", "_") + "_files"
                self.run_ok(XFERC, "new", name, f"--kind={kind}")
                text = (self.folder / f"{name}.xfer").read_text()
                read, fields = re.findall(r"^#   (?:read|fields) .*", text, re.M)
                plain = lambda line: re.sub(r"\s\s+\(.*", "", line[4:])
                domain = f"\ndomain proposed {{\n  {plain(read)}\n  {plain(fields)}\n}}\n"
                self.write(f"{name}.xfer", text + domain)
                said = self.run_ok(XFERC, "check", f"{name}.xfer").stderr
                self.assertEqual(re.findall(r"\[([a-z-]+)\]$", said, re.M), ["unused-domain"], said)

    def test_overwrites_nothing(self):
        self.write("mine.xfer", "import std\n")
        for name in ("mine", "mine.xfer"):
            self.refuse("'mine.xfer' is there already; choose another name", XFERC, "new", name)
        self.assertEqual((self.folder / "mine.xfer").read_text(), "import std\n")

    def test_refuses(self):
        self.refuse("other not in", XFERC, "new", "a", "--kind=other", status=2)
        for name in ("", ".xfer", "nowhere/"):
            self.refuse(f"'{name}' is no name for a program", XFERC, "new", name)
        self.refuse("cannot write 'nowhere/a.xfer'", XFERC, "new", "nowhere/a")
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
