"""Runs that are killed at any moment, again and again: what they leave is whole, and resuming ends in the bits of the run
that nobody disturbed.

XFER_KILLS says how many kills there are in all (10), XFER_SEED how they are drawn.
"""
import collections
import json
import os
import random
import re
import shutil
import signal
import struct
import time
import unittest
import harness
from choices import CLOUDS, LONG

KILLS = int(os.environ.get("XFER_KILLS", 10))
SEED = int(os.environ.get("XFER_SEED", 1))

# A run lasts some seconds, whatever it is built with, so that a kill finds it at work.
DRAWN, REPEATED, SEVERAL = 60000 // harness.SLOWER, 2400 // harness.SLOWER, 600 // harness.SLOWER

# What is chosen and drawn: samplers of every kind, a sweep with a point that is lost, a stage that starts from another one, a
# baseline, the best epoch, predictions.
CHOOSING = LONG.replace("steps = 3000", f"steps = {DRAWN}") + """
evaluate d.test { predict softmax(net.head(adapt.teacher(d.x))) }
export reader(x: like d.x) = softmax(net.head(net.trunk(x)))
"""

# What is remembered: by schedules, by optimizers around others, by averages of the weights, by stages that are repeated.
REMEMBERING = CLOUDS + """
param epochs = EPOCHS
fn worse(given stale: int) -> bool = stale >= 1000
model net = sequential([linear(8), batch_norm(), relu, dropout(0.3), linear(4)])
state rounds: [] = 0
repeat 3 {
  stage learn {
    on d.train batch 10
    augment d.x = d.x + 0.05 * normal([4])
    state slow = snapshot(net); state mean_of = snapshot(net)
    minimize cross_entropy(net(d.x), d.label)
    update slow = ema(slow, net, decay: 0.98, corrected: true)
    update mean_of = swa(mean_of, net, start: 0.3, period: 3)
    optimizer sam(lookahead(adam(2e-3), steps: 4), radius: 0.02)
    schedule warmed_up(plateau(factor: 0.7, patience: 40, floor: 0.01), steps: 50)
    epochs epochs
    keep least cross_entropy(net(d.x), d.label) over d.test
    stop when worse()
  }
  update rounds = rounds + 1
}
stage last from learn { on d.train batch 20; minimize cross_entropy(net(d.x), d.label); optimizer rmsprop(1e-3, momentum: 0.9, centered: true); schedule cosine(); epochs 300 }
evaluate d.test as t { predict softmax(learn.slow(t.x)) }
evaluate d.test as t { predict softmax(learn.mean_of(t.x)) against t.label; report accuracy, rounds }
export reader(x: like d.x) = softmax(net(x))
""".replace("EPOCHS", str(REPEATED))

# A write is caught while its partial file is there. Those of checkpoints come all the time, the others at the end of a run.
CAUGHT = ["checkpoint.xfer", "checkpoint.xfer", "checkpoint.xfer", "run.json", "weights.safetensors", "results.json", "predictions", "trial"]


def checkpoint_blocks(path):
    """Name -> bytes of a checkpoint's blocks, and its state without the time that it took."""
    data = path.read_bytes()
    size, = struct.unpack_from("<Q", data, 16)
    at, end = 32, 32 + size

    def text():
        nonlocal at
        length, = struct.unpack_from("<Q", data, at)
        at += 8 + length
        return data[at - length:at].decode()
    text()
    header = json.loads(text())
    count, = struct.unpack_from("<Q", data, at)
    at += 8
    base, blocks = (end + 63) // 64 * 64, {}
    for _ in range(count):
        name = text()
        offset, length, _ = struct.unpack_from("<QQQ", data, at)
        at += 24
        blocks[name] = data[base + offset:base + offset + length]
    header.pop("seconds")
    return header, blocks


def without_time(path, folder):
    """What stands in results.json, but for what differs between any two runs."""
    results = json.loads(path.read_text().replace(str(folder), "FOLDER"))
    results.pop("peak_memory"), results.pop("folder")
    for run in results["runs"]:
        run.pop("seconds")
    return results


class Kill(harness.Case):
    def setUp(self):
        super().setUp()
        self.chance, self.left = random.Random(SEED), collections.Counter()
        self.write("points.csv", "a,b,c,d\n" + "".join(f"{i},{i % 3},0.5,{-i}\n" for i in range(20)))

    def begun(self, folder):
        """Whether there is something to go on from; a finished run with another seed is not."""
        found = [folder / name for name in ("checkpoint.xfer", "checkpoint.xfer.previous") if (folder / name).exists()]
        return bool(found) and checkpoint_blocks(found[0])[0]["seed"] != "7"

    def wait_for_write(self, process, folder, name, seconds):
        """Returns while a file of that name is written, when the run is over, or when the time is up."""
        start, deadline = name + ".", time.monotonic() + seconds
        if name == "predictions":
            start = name
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if any(found.startswith(start) and found.endswith(".partial") for found in os.listdir(folder)):
                    return
            except FileNotFoundError:
                pass

    def kill(self, process, folders, seconds):
        """Kills at a random time within the seconds, or in the middle of a write; true unless the run was faster."""
        if self.chance.random() < 0.4:
            time.sleep(self.chance.uniform(0, seconds))
        else:
            self.wait_for_write(process, self.chance.choice(folders), self.chance.choice(CAUGHT), seconds)
            # Somewhere between the first byte and the moment behind the renaming.
            until = time.perf_counter() + self.chance.choice([0, self.chance.uniform(0, 2e-4), self.chance.uniform(0, 4e-3)])
            while time.perf_counter() < until:
                pass
        process.send_signal(signal.SIGKILL)
        _, said = process.communicate(timeout=60 * harness.SLOWER)
        self.assertIn(process.returncode, (0, -signal.SIGKILL), said[-2000:])
        return process.returncode != 0

    def assertWhole(self, folder):
        """Whatever has its name is complete; what is not has another one."""
        names = sorted(path.name for path in folder.iterdir())
        for name in names:
            if name.endswith(".partial"):
                self.left[name.split(".")[0] + ", half"] += 1
                continue
            content = (folder / name).read_bytes()
            if name.endswith(".json"):
                json.loads(content)
            elif name.endswith(".safetensors"):
                self.assertTrue(harness.read_weights(folder / name))
            elif name.endswith(".csv"):
                self.assertEqual(content.count(b"\n"), 61) # a head and the samples of d.test
            elif name.startswith("checkpoint.xfer"):
                checkpoint_blocks(folder / name)
            elif name == "metrics.jsonl":
                for line in content.split(b"\n")[:-1]:
                    json.loads(line)
        if "checkpoint.xfer" not in names:
            self.left["no checkpoint"] += 1
        elif "checkpoint.xfer.previous" not in names:
            self.left["no previous one"] += 1

    def assertSame(self, folder, whole, program):
        names = {path.name for path in whole.iterdir()}
        self.assertEqual({path.name for path in folder.iterdir()} | {"checkpoint.xfer.previous"}, names | {"checkpoint.xfer.previous"})
        for name in names:
            if name.endswith((".safetensors", ".jsonl", ".csv")):
                self.assertEqualFiles(folder / name, whole / name)
        self.assertEqual(checkpoint_blocks(folder / "checkpoint.xfer"), checkpoint_blocks(whole / "checkpoint.xfer"))
        self.assertEqual(without_time(folder / "results.json", folder), without_time(whole / "results.json", whole))
        self.assertEqual(json.loads((folder / "run.json").read_text())["status"], "finished")
        predict = ("predict", "--input", "points.csv", "--out")
        self.assertEqual(self.run_ok(program, *predict, folder).stdout, self.run_ok(program, *predict, whole).stdout)

    def assertSurvives(self, text, kills, *arguments, runs=1):
        """Kills runs of a program until there were so many kills, each run several times; `runs`: seeds of one call."""
        program = self.build(text)
        words = (program, "train", *arguments, *(("--runs", runs) if runs > 1 else ()))
        began = time.monotonic()
        self.run_ok(*words, "--out", "whole", "--threads", 1, timeout=300)
        seconds = time.monotonic() - began
        parts = [f"seed-{seed}" for seed in range(runs)] if runs > 1 else ["."]
        attempt = 0
        while kills > 0:
            attempt += 1
            folder = self.folder / f"part{attempt}"
            folders = [folder / part for part in parts]
            # Every other time a run with another seed is there already, whose files must not get into this one.
            if attempt % 2 == 0 and runs == 1:
                self.run_ok(program, "train", *arguments, "--seed", 7, "--out", folder)
            for _ in range(min(kills, self.chance.randint(2, 8))):
                for last in [one for one in folders if self.begun(one)][-1:]:
                    self.run_ok(program, "evaluate", "--out", last)
                process = self.start(*words, "--out", folder, *(["--resume"] if self.begun(folders[0]) else []))
                if not self.kill(process, folders, seconds * 0.6):
                    break
                kills -= 1
                self.left["kills"] += 1
                for one in folders:
                    if one.exists():
                        self.assertWhole(one)
            self.run_ok(*words, "--out", folder, *(["--resume"] if self.begun(folders[0]) else []), timeout=300)
            for one, part in zip(folders, parts):
                self.assertSame(one, self.folder / "whole" / part, program)
            if runs > 1:
                self.assertNothingLeft(folder, "results.json", *parts)
                self.assertEqual(without_time(folder / "results.json", folder),
                                 without_time(self.folder / "whole/results.json", self.folder / "whole"))
            shutil.rmtree(folder)

    def tearDown(self):
        if KILLS > 10:
            print(self.id(), dict(self.left), flush=True)
        super().tearDown()

    def test_choosing(self):
        self.assertSurvives(CHOOSING, KILLS * 4 // 10)

    def test_remembering(self):
        self.assertSurvives(REMEMBERING, KILLS * 3 // 10)

    def test_several_runs(self):
        self.assertSurvives(REMEMBERING, KILLS * 3 // 10, "--epochs", SEVERAL, runs=3)

    # What a kill cannot show, a power cut would: what is renamed is on the disk before, its new name soon after, and a
    # checkpoint never before the log that it knows of.
    @unittest.skipUnless(shutil.which("strace"), "there is no strace")
    def test_is_on_the_disk(self):
        program = self.build(REMEMBERING)
        # A sanitizer that looks for leaks traces as well, and a process has one tracer.
        traced = self.execute("strace", "-f", "-y", "-o", "calls", "-e", "trace=write,fsync,fdatasync,rename,mkdir", program,
                              "train", "--epochs", 20, "--out", "new/run", env={**os.environ, "LSAN_OPTIONS": "detect_leaks=0"})
        if traced.returncode:
            self.skipTest("nothing can be traced here: " + traced.stderr[-200:])
        fresh, names, renamed = set(), set(), set()  # partial files with bytes in memory, folders with names in memory
        log = False
        for line in (self.folder / "calls").read_text().splitlines():
            call = re.match(r'\d+ +(\w+)\((?:\d+<([^>]*)>|"([^"]*)")(?:, "([^"]*)")?.*= (-?\d+)', line)
            if not call or call[5] == "-1":
                continue
            path = os.path.join(self.folder, call[2] or call[3])
            if call[1] == "write":
                fresh.add(path)
                log |= path.endswith("metrics.jsonl")
            elif call[1] == "mkdir":
                names.add(os.path.dirname(path))
            elif call[1] == "fdatasync":
                fresh.discard(path)
                log &= not path.endswith("metrics.jsonl")
            elif call[1] == "fsync":
                fresh.discard(path), names.discard(path)
            else:
                name = os.path.basename(call[4])
                renamed.add(name)
                self.assertNotIn(path, fresh, line)
                self.assertNotIn(os.path.dirname(path), names, line)
                self.assertFalse(log and name == "checkpoint.xfer", line)
                names.add(os.path.dirname(path))
        self.assertEqual(names, set())
        self.assertEqual(renamed, {"checkpoint.xfer", "run.json", "results.json", "weights.safetensors", "predictions-d.test.csv", "predictions-d.test_2.csv"})


if __name__ == "__main__":
    harness.main()
