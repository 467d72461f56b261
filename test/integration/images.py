"""Folders, archives and tables of images, from the files to predictions with the names of their classes."""
import json
import os
import re
import shutil
import signal
import zipfile
import harness
from harness import HALVES, figure, png

PROGRAM = """
import std
param source = "shots"
param room = 4096.0
param broken = "fail"
param epochs = 8
""" + HALVES[HALVES.index("module small_net"):] + """
domain shots {
  read images(source, resize: true, cache: room, on_error: broken)
  fields image: u8[12, 12, 3], label: class(2)
  map image = unit(image)
  split train: 0.7, test: 0.3
}
model net = small_net(2)
stage learn { on shots.train batch 8; minimize cross_entropy(net(shots.image), shots.label); optimizer adam(1e-2); epochs epochs }
evaluate shots.test { predict softmax(net(shots.image)) against shots.label; report accuracy, confusion }
export sides(image: like shots.image) = softmax(net(image))
"""


def half(number, top):
    """A picture whose upper or lower half is bright, of its own size."""
    height, width = 12 + number % 7, 13 + number % 5
    return png(height, width, [bytes(((190 if (row < height // 2) == top else 60) + (number * 31 + row * 17 + k * 7) % 60) for k in range(3 * width))
                               for row in range(height)])


class Images(harness.Case):
    def shots(self, folder="shots", classes=("low", "top"), count=40):
        for number in range(count):
            for name in classes:
                self.write(f"{folder}/{name}/{number:03}.png", half(number, name == classes[1]))

    def train(self, out, *arguments):
        return self.results(self.build(PROGRAM), "train", "--out", out, *arguments)

    def test_from_folder_to_names(self):
        self.shots()
        self.write("new/a,b.png", half(50, True))
        self.write("new/c.png", half(51, False))
        program = self.build(PROGRAM)
        self.assertGreater(figure(self.train("run"), "shots.test", "accuracy"), 0.9)
        # By name, in the run and in an evaluation.
        matrix = r"\(row: label, column: prediction\)\n +low +top\n +low +\d+ +\d+\n +top +\d+ +\d+\n"
        self.assertRegex(self.run_ok(program, "train", "--out", "run", "--overwrite").stdout, matrix)
        self.assertRegex(self.run_ok(program, "evaluate", "--out", "run").stdout, matrix)
        facts = json.loads((self.folder / "run/run.json").read_text())["data"][0]
        self.assertEqual([facts["samples"], facts["skipped"], len(facts["files"])], [80, 0, 80])
        for model in (("--out", "run"), ("--weights", "run/weights.safetensors")):
            said = self.run_ok(program, "predict", "--input", "new", *model).stdout.splitlines()
            self.assertEqual(said[0], "sample,file,value[0],value[1],class,name")
            self.assertRegex(said[1], r'^0,"new/a,b.png",.*,1,top$')
            self.assertRegex(said[2], r"^1,new/c.png,.*,0,low$")
        said = self.run_ok(program, "predict", "--input", "new/c.png", "--input", "new/a,b.png", "--format", "jsonl", "--out", "run").stdout
        self.assertEqual([(one["file"], one["class"], one["name"]) for one in map(json.loads, said.splitlines())],
                         [("new/c.png", 0, "low"), ("new/a,b.png", 1, "top")])
        # An executable with the model in it knows the names as well.
        self.run_ok(program, "export", "--out", "run", "--output", "alone")
        self.assertIn(",1,top\n", self.run_ok("./alone", "predict", "--input", "new").stdout)

    # Where the samples come from, how many threads there are and what is kept decoded changes no bit.
    def test_equal_bits(self):
        self.shots()
        self.train("run", "--threads", 1)
        with zipfile.ZipFile(self.folder / "shots.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((self.folder / "shots").rglob("*.png"), reverse=True):
                archive.write(path, "all/" + str(path.relative_to(self.folder / "shots")))
        rows = [f"shots/{path.parent.name}/{path.name},{path.parent.name}" for path in sorted((self.folder / "shots").rglob("*.png"))]
        self.write("shots.csv", "\n".join(["image,label"] + rows) + "\n")
        for way in (["--threads", 2], ["--room", 0], ["--room", 0.01], ["--source", "shots.zip"], ["--source", "shots.csv", "--room", 0]):
            self.train("other", *way, "--overwrite")
            self.assertEqualFiles("run/weights.safetensors", "other/weights.safetensors")

    # `?` and a size in `map` are what a field of that size and `resize: true` are.
    def test_sizes_that_vary(self):
        self.shots()
        self.write("new/a.png", half(50, True))
        self.train("run")
        varying = self.build(PROGRAM.replace("resize: true, ", "").replace("u8[12, 12, 3]", "u8[?, ?, 3]").replace(
            "map image = unit(image)", "map image = resize(image, [12, 12])"))
        self.run_ok(varying, "train", "--out", "other")
        self.assertEqual(harness.split_weights((self.folder / "run/weights.safetensors").read_bytes())[1],
                         harness.split_weights((self.folder / "other/weights.safetensors").read_bytes())[1])
        self.assertRegex(self.run_ok(varying, "predict", "--input", "new", "--out", "other").stdout, r"0,new/a.png,.*,1,top")

    def test_damaged_files(self):
        self.shots()
        self.write("shots/low/003.png", (self.folder / "shots/low/003.png").read_bytes()[:90])
        program = self.build(PROGRAM)
        self.refuse(r"domain 'shots': '(\./)?shots/low/003.png' is truncated: .*on_error: \"skip\"", program, "train", "--out", "run")
        self.assertFalse((self.folder / "run/checkpoint.xfer").exists())
        ran = self.run_ok(program, "train", "--out", "run", "--broken", "skip")
        self.assertIn("1 of 80 images in './shots' cannot be read and are left out", ran.stderr)
        self.assertEqual(json.loads((self.folder / "run/run.json").read_text())["data"][0]["skipped"], 1)
        told = "domain 'shots': 1 of 80 samples cannot be read and are left out"
        self.assertIn(told, ran.stdout)
        evaluated = self.run_ok(program, "evaluate", "--out", "run", "--broken", "skip", "--report")
        self.assertIn(told, evaluated.stdout)
        self.assertIn(told, (self.folder / "run/report.html").read_text())

    def test_folders_that_are_no_classes(self):
        self.shots()
        program = self.build(PROGRAM)
        (self.folder / "shots/new").mkdir()
        self.refuse("there is no image in 'new'", program, "train")
        self.write("shots/new/1.png", half(1, True))
        self.refuse(r"is class\(2\), but './shots' has 3 names for it: low, new, top", program, "train")
        shutil.rmtree(self.folder / "shots/new")
        # Two domains that do not mean the same by class 1.
        self.shots("other", ("low", "up"), 4)
        domain = PROGRAM[PROGRAM.index("domain shots"):PROGRAM.index("model net")]
        both = PROGRAM.replace("model net", domain.replace("domain shots", "domain other").replace("source", '"other"') + "model net")
        self.refuse("domain 'other' calls class 1 of 'label' 'up', domain 'shots' calls it 'top'", self.build(both), "train")

    def test_changed_data(self):
        self.shots()
        program = self.build(PROGRAM)
        self.run_ok(program, "train", "--out", "run")
        resume = (program, "train", "--out", "run", "--resume", "--epochs", 12)
        first = self.folder / "shots/low/000.png"
        kept = first.read_bytes()
        first.write_bytes(half(1, False))
        self.refuse(r"the data have changed since the run was begun: '(\./)?shots/low/000.png' has another content; put them back", *resume)
        # Judging by other data may be meant; it is said, also by a program that has its model inside.
        changed = "warning: the data have changed since the model was trained: "
        ran = self.run_ok(program, "evaluate", "--out", "run")
        self.assertRegex(ran.stderr, changed + r"'(\./)?shots/low/000.png' has another content; the figures are of the data as they are now")
        self.run_ok(program, "export", "--out", "run", "--output", "copy")
        self.assertIn(changed + "those of domain 'shots'", self.run_ok(self.folder / "copy", "evaluate").stderr)
        first.rename(self.folder / "shots/low/zzz.png")
        self.refuse(r"shots/low/000.png' is gone, '(\./)?shots/low/zzz.png' is new", *resume)
        (self.folder / "shots/low/zzz.png").unlink()
        first.write_bytes(kept)
        (self.folder / "shots").rename(self.folder / "moved")
        self.run_ok(program, "train", "--out", "run", "--resume", "--epochs", 12, "--data", self.link("moved"))
        self.assertNotIn("warning", self.run_ok(program, "evaluate", "--out", "run", "--data", "elsewhere").stderr)

    def link(self, target):
        """A data folder in which the images lie under their old name."""
        (self.folder / "elsewhere").mkdir()
        os.symlink(self.folder / target, self.folder / "elsewhere/shots")
        return "elsewhere"

    def check_kills(self, program, room):
        """A run that is killed three times ends in the bits of one that is not."""
        words = (program, "train", "--epochs", 3000 // harness.SLOWER, "--room", room)
        self.run_ok(*words, "--out", "whole", "--overwrite", timeout=300)
        shutil.rmtree(self.folder / "part", ignore_errors=True)
        for lines in (200, 900, 1800):
            begun = (self.folder / "part/checkpoint.xfer").exists()
            process = self.start(*words, "--out", "part", *(["--resume"] if begun else []))
            harness.wait_for_lines(self.folder / "part/metrics.jsonl", process, lines // harness.SLOWER)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            self.assertEqual(process.returncode, -signal.SIGKILL)
        self.run_ok(*words, "--out", "part", "--resume", timeout=300)
        for name in ("weights.safetensors", "metrics.jsonl"):
            self.assertEqualFiles(f"whole/{name}", f"part/{name}")

    def test_killed_runs(self):
        self.shots()
        for room in (4096, 0.01):
            self.check_kills(self.build(PROGRAM), room)

    # The same of a net whose weights were loaded, of which a part is frozen.
    def test_killed_runs_of_loaded_weights(self):
        self.shots()
        self.train("first", "--epochs", 2)
        (self.folder / "start.safetensors").write_bytes((self.folder / "first/weights.safetensors").read_bytes())
        text = re.sub(r"(?<!_)\bnet\(", "all.net(", PROGRAM.replace(
            "model net = small_net(2)", 'model all { net = small_net(2); load "start.safetensors" into all.net map { "net.*" -> "*" }; freeze all.net.conv1 }'))
        self.check_kills(self.build(text), 0.01)
        kept = [harness.read_weights(self.folder / path) for path in ("start.safetensors", "part/weights.safetensors")]
        self.assertEqual(list(kept[0]["net.conv1.weight"]), list(kept[1]["all.net.conv1.weight"]))
        self.assertNotEqual(list(kept[0]["net.head.weight"]), list(kept[1]["all.net.head.weight"]))


if __name__ == "__main__":
    harness.main()
