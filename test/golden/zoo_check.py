#!/usr/bin/env python3
"""One net of stdlib/nets at full depth against the data of zoo.py: its weights load without a map, its outputs and gradients agree.

Usage: zoo_check.py XFERC NET
Weights and inputs are made here by formula.py.  Differences are over the largest value.
"""
import gzip
import json
import math
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile

import formula
from check import numbers

DATA = pathlib.Path(__file__).resolve().parent / "data" / "zoo"
# What may be off: so many times what PyTorch is off in float32 beside float64 (kept with the data), since batch norms over few values enlarge
# every rounding, and relus turn over; but at least the second number, for the gradient by the input the third: one relu that turns over, on one side
# and not on the other, changes it so much.
TIMES, LEAST, LEAST_OF_INPUT = 10, 1e-5, 1e-3

PROGRAM = """import std
domain golden {{
  read   npz("golden.npz", x: "x", y: "y"{read})
  fields x: {x}, y: {y}{fields}
}}
model net = {net} {{ load "net.safetensors" into net }}
fn difference(a, b) -> [] = max(abs(a - b)) / max(abs(b))
{functions}evaluate golden.all as before batch {count} {{ report off_y = difference({output}, before.y){scores} }}
"""
# Nets that give several values: all of them in one.
JOINED = {"bert": "fn joined(y) = concat([y.all, expand(y.pooled, axis: 1)], axis: 1)\n",
          "inception_v3(classes: 10, aux": "fn joined(y) = concat([y.logits, y.aux], axis: 1)\n"}
SCORES = """, off_likelihood = difference(sequence_log_likelihood(net(before.x), before.x), before.likelihood),
         off_next_word = difference(next_word_loss(net(before.x), before.x), {next_word})"""
TRAINING = """stage check {{
  on golden.all batch {count}
  let x = golden.x
  let y = {output}
  let goal = mean(sin(y))
  let g = grad(goal, wrt: net)
  run goal
  watch off_trained_y = difference(y, golden.trained_y)
  watch off_gradient_norm = difference(sqrt(dot(g, g)), mean(golden.gradient_norm))
{more}  steps 1
}}
"""


def npy(shape, numbers, code):
    header = f"{{'descr': '<{code}4', 'fortran_order': False, 'shape': {tuple(shape)!r}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(numbers)}{code}", *numbers)


def write(folder, golden):
    """The program and its data."""
    side, count = golden["side"], golden["count"]
    shape = [side, side, 3] if side else [12]
    x = formula.values("x", count * math.prod(shape))
    fields = {"x": ([count] + shape, x if side else [int((v + 1) * 11.49) for v in x], "f" if side else "i"),
              "y": (golden["y"]["shape"], golden["y"]["values"], "f")}
    trains = "trained_y" in golden
    if trains:
        fields["trained_y"] = (golden["trained_y"]["shape"], golden["trained_y"]["values"], "f")
        fields["gradient_norm"] = ([count], [golden["gradient_norm"]] * count, "f")
        if side:
            fields["input_gradient"] = (golden["input_gradient"]["shape"], golden["input_gradient"]["values"], "f")
    scores = "likelihood" in golden
    if scores:
        fields["likelihood"] = ([count], golden["likelihood"]["values"], "f")
    with zipfile.ZipFile(folder / "golden.npz", "w") as archive:
        for name, (full, numbers, code) in fields.items():
            archive.writestr(f"{name}.npy", npy(full, numbers, code))
    formula.write_weights(folder / "net.safetensors", golden["parameters"])
    further = [name for name in fields if name not in ("x", "y")]
    text = PROGRAM.format(
        read="".join(f', {name}: "{name}"' for name in further),
        fields="".join(f", {name}: f32{fields[name][0][1:]}" for name in further),
        x=f"f32{shape}" if side else "token(23)[12]", y=f"f32{fields['y'][0][1:]}", net=golden["net"], count=count, output=result("before", golden),
        scores=SCORES.format(next_word=golden["next_word"]) if scores else "",
        functions="".join(function for start, function in JOINED.items() if golden["net"].startswith(start)))
    if trains:
        more = "  watch off_input_gradient = difference(strided(grad(goal, wrt: x), 16), golden.input_gradient)\n" if side else ""
        text += TRAINING.format(count=count, output=result("", golden), more=more)
    (folder / "program.xfer").write_text(text)


def result(source, golden):
    x = f"{source}.x" if source else "x"
    return f"joined(net({x}))" if golden["net"].startswith(tuple(JOINED)) else f"net({x})"


def main():
    xferc, name = sys.argv[1:]
    golden = json.loads(gzip.decompress((DATA / f"{name}.json.gz").read_bytes()))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write(folder, golden)
        # The weights stay outside: they may be large, and are found when the program runs.
        os.makedirs(folder / "built")
        os.rename(folder / "program.xfer", folder / "built/program.xfer")
        for command in ([xferc, "build", folder / "built/program.xfer", "-o", folder / "program"],
                        [folder / "program", "--data", folder, "--out", folder / "run", "--json"]):
            ran = subprocess.run([str(word) for word in command], cwd=folder / "built", capture_output=True, text=True)
            if ran.returncode:
                sys.exit(f"{command[0]}: exit status {ran.returncode}\n{ran.stderr[-3000:]}")
        log = folder / "run/metrics.jsonl"
        found = {}
        for line in ran.stdout.splitlines() + (log.read_text().splitlines() if log.exists() else []):
            if line.startswith("{"):
                numbers(json.loads(line), found)
    wanted = ["off_y"] + (["off_likelihood", "off_next_word"] if "likelihood" in golden else [])
    if "trained_y" in golden:
        wanted += ["off_trained_y", "off_gradient_norm"] + (["off_input_gradient"] if golden["side"] else [])
    bad = 0
    for off in wanted:
        value = found.get(off)
        bound = max(TIMES * golden["float32"][off[len("off_"):]], LEAST_OF_INPUT if off == "off_input_gradient" else LEAST)
        wrong = value is None or not value <= bound
        bad += wrong
        print(f"{name} {off}: {value if value is None else format(value, '.3g')}{f' is above {bound:g}' if wrong else ''}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
