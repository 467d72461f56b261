#!/usr/bin/env python3
"""Runs a golden program, reads its JSON lines and fails where it is off.

Usage: check.py [--values FILE.json] [--tolerance 2e-5] COMMAND...     (without a command: reads the lines from standard input)
A number called off_NAME must be at most the tolerance; one called is_NAME must equal NAME of the values file, relative to it.
The last value of a name counts.  Exit status 1 when anything is off, or when there was nothing to compare.
"""
import argparse
import json
import math
import os
import subprocess
import sys


def number(value):
    """What is not finite is written as null: no number, and off by any tolerance."""
    return math.nan if value is None else value


def numbers(value, found):
    """Every number under a key off_* or is_*, at any depth."""
    if isinstance(value, dict):
        name = value.get("name")
        if isinstance(name, str) and "value" in value and isinstance(number(value["value"]), (int, float)):
            found[name] = number(value["value"])
        for key, inner in value.items():
            inner = number(inner) if key.startswith(("off_", "is_")) else inner
            if isinstance(inner, (int, float)) and not isinstance(inner, bool):
                found[key] = inner
            else:
                numbers(inner, found)
    elif isinstance(value, list):
        for inner in value:
            numbers(inner, found)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--values")
    arguments.add_argument("--tolerance", type=float, default=2e-5)
    arguments.add_argument("command", nargs=argparse.REMAINDER)
    options = arguments.parse_args()
    lines = sys.stdin
    if options.command:
        ran = subprocess.run(options.command, stdout=subprocess.PIPE, text=True)
        if ran.returncode:
            print(f"{options.command[0]}: exit status {ran.returncode}")
            return 1
        lines = ran.stdout.splitlines()
        if "--out" in options.command:
            # What a stage watches stands in the log of the run, what an evaluation reports on standard output.
            folder = options.command[options.command.index("--out") + 1]
            lines += open(os.path.join(folder, "metrics.jsonl"), encoding="utf-8").read().splitlines()
    wanted = json.load(open(options.values)) if options.values else {}
    found = {}
    for line in lines:
        line = line.strip()
        if line.startswith("{"):
            numbers(json.loads(line), found)
    off = {name: value for name, value in found.items() if name.startswith("off_")}
    for name, value in wanted.items():
        if f"is_{name}" not in found:
            off[f"is_{name} (missing)"] = math.inf
        else:
            off[f"is_{name}"] = abs(found[f"is_{name}"] - value) / max(abs(value), 1e-6)
    bad = {name: value for name, value in off.items() if not value <= options.tolerance}
    for name, value in bad.items():
        print(f"{name}: {value:.3g} is above {options.tolerance:g}")
    print(f"{len(off)} compared, {len(bad)} off, the largest {max(off.values(), default=math.nan):.3g}")
    return 1 if bad or not off else 0


if __name__ == "__main__":
    sys.exit(main())
