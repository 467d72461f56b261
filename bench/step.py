#!/usr/bin/env python3
"""One training step, ours and PyTorch's, in turns on the same machine.

  bench/step.py --build build --data DIR [--python PYTHON] [--net lenet_dann] [--threads 1 2] [--json FILE]

Builds bench/step/NET.xfer, then lets it and bench/peers/step.py (eager, channels_last, compile) run one after the other, a few steps
each, for some rounds; who is not in turn is stopped.  Prints the median time of a step, the processor time of all its threads, and
the median of the rounds' ratios PyTorch / ours.  DIR holds the data, for the nets on text also what bench/peers/text.py writes.  Neighbours on the machine stretch time but not processor time, so with one thread the
latter is the one to trust; with several threads ours counts waiting as work.  Peak memory is that of the process less that of one
which has only started (ours: --help; PyTorch: import torch).
PYTHON (default: this one) has torch, numpy and safetensors.
"""
import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

BENCH = pathlib.Path(__file__).resolve().parent
NETS = ("lenet_dann", "resnet20", "lstm", "transformer")
MODES = ("eager", "channels_last", "compile")


# By default glibc gives tensors of 32 MiB and more back to the system at once, and their pages are made anew in every step: a step of
# MobileNetV2 in PyTorch takes twice the time. The comparison is with who knows that.
KEEPING = "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184"


class Ours:
    """A compiled program, stopped but for its turns."""

    name = "ours"

    def __init__(self, program, data, threads, folder, warmup=5):
        bare = subprocess.Popen([program, "--help"], stdout=subprocess.DEVNULL)
        self.bare = os.wait4(bare.pid, 0)[2].ru_maxrss
        self.times = folder / f"times-{threads}.jsonl"
        self.process = subprocess.Popen(
            [program, "train", "--data", data, "--threads", str(threads), "--out", folder / f"run-{threads}",
             "--step-times", self.times], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.taken = 0
        self.turn(warmup)

    def lines(self):
        if self.process.poll() is not None:
            sys.exit(f"step.py: our program ended with {self.process.returncode}")
        return self.times.read_text().splitlines() if self.times.exists() else []

    def turn(self, steps):
        """Runs about so many steps: mean seconds and processor seconds of one. The first, cut by the stop before, does not count."""
        self.process.send_signal(signal.SIGCONT)
        while len(self.lines()) < self.taken + steps + 1:
            time.sleep(0.002)
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(0.01)
        lines = [json.loads(line) for line in self.lines()]
        new, self.taken = lines[self.taken + 1:], len(lines)
        return [statistics.fmean(line[key] for line in new) for key in ("seconds", "processor_seconds")]

    def end(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        self.process.kill()
        self.process.wait()
        return (peak - self.bare) / 1024


class Peer:
    """PyTorch in one of its modes, waiting for its turns."""

    def __init__(self, python, net, mode, threads, options=()):
        self.name = mode
        self.process = subprocess.Popen(
            [python, BENCH / "peers/step.py", "--net", net, "--mode", mode, "--threads", str(threads), "--serve", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=dict(os.environ, OMP_NUM_THREADS=str(threads), GLIBC_TUNABLES=KEEPING))
        self.read("ready")

    def read(self, what):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"step.py: PyTorch ({self.name}) ended instead of printing {what}")
        return line

    def turn(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return [float(word) / steps for word in self.read("its time").split()]

    def end(self):
        self.process.stdin.close()
        peak = json.loads(self.read("its summary"))["peak_mib"]
        self.process.wait()
        return peak


def compare(options, net, threads, folder):
    program = folder / net
    subprocess.run([options.build / "bin/xferc", "build", BENCH / "step" / f"{net}.xfer", "-o", program], check=True)
    sides = [Ours(program, options.data, threads, folder)]
    sides += [Peer(options.python, net, mode, threads) for mode in options.modes]
    print(f"{net}, threads: {threads}, executable: {program.stat().st_size / 1e6:.2f} MB")
    return rounds_of(sides, options.rounds, options.steps, {"net": net, "threads": threads})


def rounds_of(sides, count, steps, about):
    """Lets the sides, ours first, take turns; prints and returns a row of figures for each."""
    rounds = {side.name: [] for side in sides}
    for _ in range(count):
        for side in sides:
            rounds[side.name].append(side.turn(steps))
    print(f"  {'':14} {'ms':>8} {'cpu ms':>8} {'ratio':>7} {'cpu ratio':>9} {'MiB':>8}")
    table = []
    for side in sides:
        row = {**about, "side": side.name, "mib": round(side.end(), 1)}
        for at, name in ((0, "ms"), (1, "cpu_ms")):
            row[name] = round(1e3 * statistics.median(turn[at] for turn in rounds[side.name]), 3)
            ratios = [theirs[at] / ours[at] for theirs, ours in zip(rounds[side.name], rounds["ours"])]
            row[name.replace("ms", "ratio")] = round(statistics.median(ratios), 3)
        table.append(row)
        print(f"  {side.name:14} {row['ms']:8.2f} {row['cpu_ms']:8.2f} {row['ratio']:7.2f} {row['cpu_ratio']:9.2f} {row['mib']:8.1f}",
              flush=True)
    return table


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", type=pathlib.Path, required=True, help="build folder with bin/xferc")
    arguments.add_argument("--data", required=True, help="folder that holds mnist/, usps/, cifar10-jpeg/, and the files of bench/peers/text.py")
    arguments.add_argument("--python", default=sys.executable)
    arguments.add_argument("--net", nargs="+", choices=NETS, default=NETS)
    arguments.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    arguments.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    arguments.add_argument("--rounds", type=int, default=12)
    arguments.add_argument("--steps", type=int, default=6, help="steps a turn")
    arguments.add_argument("--json", type=pathlib.Path)
    options = arguments.parse_args()
    table = []
    with tempfile.TemporaryDirectory() as folder:
        for net in options.net:
            for threads in options.threads:
                table += compare(options, net, threads, pathlib.Path(folder))
    if options.json:
        options.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
