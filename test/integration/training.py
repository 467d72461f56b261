"""Two moons: a program trains to what it claims, and to the same bits however it is run."""
import csv
import io
import json
import random
import re
import signal
import subprocess
import harness
from harness import MOONS, SLOWER, figure, interrupt, read_weights, wait_for

# Long enough to be interrupted in the middle.
STEPS = 12000


class Training(harness.Case):
    def train(self, folder, *arguments):
        return self.results(self.build(MOONS), "train", "--out", folder, *arguments)

    def interrupted(self, folder, number):
        """Starts a long run and stops it by a signal after its first checkpoint."""
        process = self.start(self.build(MOONS), "train", "--out", folder, "--steps", STEPS)
        self.wait_for_checkpoint(process, folder)
        return interrupt(process, number)

    def wait_for_checkpoint(self, process, folder):
        harness.wait_for(self.folder / folder / "checkpoint.xfer", process)
        self.assertIsNone(process.poll(), "the run ended before it could be interrupted")

    def assertResumes(self, folder, steps=STEPS):
        """Resuming ends at the bits of a run that was not interrupted, with the same log."""
        self.train("whole", "--steps", steps)
        self.results(self.build(MOONS), "train", "--out", folder, "--resume")
        self.assertEqualFiles(f"{folder}/weights.safetensors", "whole/weights.safetensors")
        self.assertEqualFiles(f"{folder}/metrics.jsonl", "whole/metrics.jsonl")

    # The claim of the example, as far as one seed shows it: a hundred have .946 +- .053.
    def test_reaches_its_claim(self):
        results = self.train("run")
        self.assertGreaterEqual(figure(results, "turned.test", "accuracy"), 0.84)
        self.assertGreater(figure(results, "turned.test", "transfer_gain"), 0.05)
        lines = self.lines()
        self.assertTrue(all("step" in line and "stage" in line for line in lines if "task" in line))
        run = json.loads((self.folder / "run/run.json").read_text())
        self.assertEqual((run["status"], run["options"]["steps"]), ("finished", 1000))
        self.assertRegex(run["hash"], "^[0-9a-f]{64}$")

    # Results never depend on the number of threads, nor on chance.
    def test_same_bits(self):
        for name, arguments in {"one": ("--threads", 1), "two": ("--threads", 2), "three": ("--threads", 3),
                                "again": ("--threads", 2)}.items():
            self.train(name, *arguments)
            self.assertEqualFiles(f"{name}/weights.safetensors", "one/weights.safetensors")
        self.train("other", "--seed", 1)
        self.assertNotEqual((self.folder / "other/weights.safetensors").read_bytes(),
                            (self.folder / "one/weights.safetensors").read_bytes())

    def test_resumes_after_kill(self):
        status, _, _ = self.interrupted("killed", signal.SIGKILL)
        self.assertEqual(status, -signal.SIGKILL)
        self.assertResumes("killed")

    # Killed again and again, whatever it is doing: in a stage, in its baseline, while a checkpoint is written.
    def test_resumes_after_many_kills(self):
        chance, program, kills, steps = random.Random(7), self.build(MOONS), 0, 8 * STEPS // SLOWER
        words = ("train", "--out", "killed", "--steps", steps)
        for _ in range(40):
            process = self.start(program, *words)
            try:
                process.communicate(timeout=chance.uniform(0.01, 0.9))
            except subprocess.TimeoutExpired:
                interrupt(process, signal.SIGKILL)
                kills += 1
            if process.returncode == 0:
                break
            self.assertEqual(process.returncode, -signal.SIGKILL)
            if (self.folder / "killed/checkpoint.xfer").exists():
                words = ("train", "--out", "killed", "--resume")
        self.assertGreater(kills, 4)
        self.assertResumes("killed", steps)
        self.assertFalse([path for path in (self.folder / "killed").iterdir() if "partial" in path.name])

    # Ctrl-C finishes the step, writes a checkpoint, says how to go on.
    def test_resumes_after_interrupt(self):
        status, _, said = self.interrupted("stopped", signal.SIGINT)
        self.assertEqual(status, 130)
        self.assertIn("--resume", said)
        run = json.loads((self.folder / "stopped/run.json").read_text())
        self.assertEqual(run["status"], "interrupted")
        self.assertResumes("stopped")

    # Two runs do not write into one folder; when the first has ended, in whichever way, the folder is free.
    def test_one_run_a_folder(self):
        process = self.start(self.build(MOONS), "train", "--out", "run", "--steps", 100 * STEPS)
        self.wait_for_checkpoint(process, "run")
        before = (self.folder / "run/run.json").read_bytes()
        for words in ((), ("--overwrite",), ("--resume",)):
            self.refuse("another run is writing in 'run'", self.build(MOONS), "train", "--out", "run", *words)
        self.assertEqual((self.folder / "run/run.json").read_bytes(), before)
        self.run_ok(self.build(MOONS), "evaluate", "--out", "run")
        interrupt(process, signal.SIGKILL)
        self.run_ok(self.build(MOONS), "train", "--out", "run", "--overwrite", "--steps", 8)
        self.train("runs", "--runs", 2, "--steps", 8)

    # A run that was interrupted is not overwritten by mistake.
    def test_keeps_an_interrupted_run(self):
        self.interrupted("stopped", signal.SIGINT)
        before = (self.folder / "stopped/checkpoint.xfer").read_bytes()
        self.refuse("--resume.*--overwrite|--overwrite.*--resume", self.build(MOONS), "train", "--out", "stopped")
        self.assertEqual((self.folder / "stopped/checkpoint.xfer").read_bytes(), before)
        self.refuse("steps", self.build(MOONS), "train", "--out", "stopped", "--resume", "--lr", "0.5", "--steps", 3)
        self.run_ok(self.build(MOONS), "train", "--out", "stopped", "--overwrite", "--steps", 8)

    # run.json names the weight files that a run started from, also after it was resumed without reading them.
    def test_records_weight_files(self):
        self.train("first", "--steps", 40)
        kept = self.folder / "first/weights.safetensors"
        tensors = {name: values for name, values in read_weights(kept).items() if name.startswith("net.trunk.")}
        self.assertEqual(len(tensors), 4)
        rules = ", ".join(f'"{part}*" -> drop' for part in ("net.head.", "net.critic."))
        program = self.build(MOONS.replace("  critic = mlp([32, 1])\n", "  critic = mlp([32, 1])\n  load \"first.safetensors\" "
                             f'into net.trunk map {{ {rules}, "net.trunk.*" -> "*" }}\n'))
        self.write("data/first.safetensors", kept.read_bytes())
        wanted = [{"path": "first.safetensors", "into": "net.trunk", "bytes": kept.stat().st_size, "embedded": False}]
        process = self.start(program, "train", "--data", "data", "--out", "run", "--steps", STEPS)
        self.wait_for_checkpoint(process, "run")
        interrupt(process, signal.SIGINT)
        for words in ((), ("train", "--resume", "--data", "data", "--out", "run")):
            if words:
                (self.folder / "data/first.safetensors").unlink()
                self.run_ok(program, *words)
            run = json.loads((self.folder / "run/run.json").read_text())
            hashes = [entry.pop("hash") for entry in run["weights"]]
            self.assertEqual(run["weights"], wanted)
            self.assertRegex(hashes[0], "^[0-9a-f]{16}$")
        self.refuse(r"program\.xfer:\d+:\d+: load: cannot read 'data/first.safetensors'", program, "train", "--data", "data",
                    "--out", "other")

    def test_several_runs(self):
        results = self.train("runs", "--runs", 3, "--steps", 200)
        self.assertEqual(len(results["runs"]), 3)
        self.assertEqual([run["seed"] for run in results["runs"]], [0, 1, 2])
        summary = results["summary"][0]["accuracy"]
        mean = sum(run["evaluations"][0]["figures"]["accuracy"] for run in results["runs"]) / 3
        self.assertAlmostEqual(summary["mean"], mean, places=5)

    # On no terminal the progress is plain lines, and the table ends the output.
    def test_plain_output(self):
        ran = self.run_ok(self.build(MOONS), "train", "--steps", 40)
        self.assertNotRegex(ran.stdout + ran.stderr, "[\r\x1b]")
        self.assertRegex(ran.stdout, r"(?s)source_only +model.*accuracy.*transfer_gain.*time .*peak memory")
        self.assertRegex(ran.stderr, r"adapt +epoch 10/10 .* samples/s")
        self.assertTrue((self.folder / "runs").is_dir())


class NotFinite(harness.Case):
    # The loss grows beyond all bounds after six tenths of the steps.
    TEXT = MOONS.replace("domain level {", "fn blow(given progress) = where(progress > 0.6, 1e38, 1)\ndomain level {", 1) \
        .replace("  minimize task + align\n", "  minimize task * blow() * blow() + align\n")
    LINE = next(number for number, line in enumerate(TEXT.splitlines(), 1) if "blow()" in line)
    SAYS = rf"stage 'adapt', epoch \d+, step (\d+): .*program\.xfer:{LINE}:12: the loss is not finite: the value is inf; " \
        r"the checkpoint of step \d+ of stage 'adapt' is kept in 'run'"

    # The place is named, the status is not 0, and the checkpoint of before is good: it evaluates, and a resumed run comes
    # to the same end.
    def test_stops_at_its_place(self):
        program = self.build(self.TEXT)
        said = self.refuse(self.SAYS, program, "train", "--steps", STEPS, "--out", "run").stderr
        self.assertEqual(json.loads((self.folder / "run/run.json").read_text())["status"], "failed")
        # A run of more than half a second has written a second checkpoint, beside which the first one stays.
        before = [path.name for path in (self.folder / "run").glob("checkpoint.xfer.previous")]
        self.assertNothingLeft("run", "run.json", "metrics.jsonl", "checkpoint.xfer", *before)
        kept = (self.folder / "run/checkpoint.xfer").read_bytes()
        evaluated = self.results(program, "evaluate", "--out", "run")
        self.assertGreater(figure(evaluated, "turned.test", "accuracy"), 0.3)
        self.refuse("--resume", program, "train", "--out", "run")
        self.assertEqual((self.folder / "run/checkpoint.xfer").read_bytes(), kept)
        again = self.refuse(self.SAYS, program, "train", "--resume", "--out", "run").stderr
        step = re.search(self.SAYS, said).group(1)
        self.assertEqual(re.search(self.SAYS, again).group(1), step)
        self.assertGreater(int(step), 0.6 * STEPS)

    # Nothing good was there yet.
    def test_from_the_beginning(self):
        said = self.refuse(r"program\.xfer:\d+:\d+: the loss is not finite: the value is nan", self.build(MOONS), "train",
                           "--lr", "1e30", "--out", "run").stderr
        self.assertNotIn("is kept", said)
        self.assertNothingLeft("run", "run.json", "metrics.jsonl")


class Verbs(harness.Case):
    def setUp(self):
        super().setUp()
        self.program = self.build(MOONS)
        self.trained = self.results(self.program, "train", "--out", "run")

    def test_evaluate(self):
        again = self.results(self.program, "evaluate", "--out", "run")
        self.assertEqual(again["runs"][0]["evaluations"], self.trained["runs"][0]["evaluations"])
        # A weight file has no baselines in it, but the model is the same.
        loaded = self.results(self.program, "evaluate", "--weights", "run/weights.safetensors")
        self.assertEqual(figure(loaded, "turned.test", "accuracy"), figure(self.trained, "turned.test", "accuracy"))

    # The export is a program by itself, whose default verb is predict.
    def test_export_and_predict(self):
        self.run_ok(self.program, "export", "--out", "run", "--output", "reader")
        self.write("points.csv", "x,y\n-0.5,0.6\n0.5,-0.6\n0.1,0.2\n")
        table = self.run_ok("./reader", "--input", "points.csv").stdout
        rows = list(csv.reader(io.StringIO(table)))
        self.assertEqual(rows[0], ["sample", "value[0]", "value[1]", "class"])
        self.assertEqual([row[0] for row in rows[1:]], ["0", "1", "2"])
        for row in rows[1:]:
            first, second = float(row[1]), float(row[2])
            self.assertAlmostEqual(first + second, 1, places=5)
            self.assertEqual(row[3], "0" if first >= second else "1")
        # The two halves of the moons.
        self.assertEqual([row[3] for row in rows[1:3]], ["0", "1"])
        lines = self.run_ok("./reader", "--input", "points.csv", "--format", "jsonl").stdout.splitlines()
        for line, row in zip(lines, rows[1:]):
            value = json.loads(line)
            self.assertEqual((value["sample"], value["class"]), (int(row[0]), int(row[3])))
            self.assertEqual(value["value"], [float(row[1]), float(row[2])])
        self.run_ok("./reader", "--input", "points.csv", "--output", "out.jsonl")
        self.assertEqual((self.folder / "out.jsonl").read_text().splitlines(), lines)
        # The same without exporting, and an export of the export.
        self.assertEqual(self.run_ok(self.program, "predict", "--out", "run", "--input", "points.csv").stdout, table)
        self.run_ok("./reader", "export", "--output", "reader2")
        self.assertEqualFiles("reader", "reader2")

    def test_help(self):
        for verb in ("train", "evaluate", "predict", "export"):
            shown = self.run_ok(self.program, verb, "--help").stdout
            self.assertRegex(shown, r"--steps N .*1000")
            self.assertRegex(shown, r"--lr NUMBER .*0.05")
        for option in ("--seed", "--threads", "--out", "--data", "--resume", "--json"):
            self.assertIn(option, self.run_ok(self.program, "train", "--help").stdout)
        self.assertTrue(re.search("train.*evaluate.*predict.*export", self.run_ok(self.program, "--help").stdout, re.S))


if __name__ == "__main__":
    harness.main()
