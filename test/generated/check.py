#!/usr/bin/env python3
"""Generates programs and follows them beside the reference evaluator: check.py xfer-follow [--seeds 0-50] [--keep DIR].

Every program must be accepted by the compiler, run, and agree. A seed decides the program and how it is compiled: for which processor, and with
which optimising pass left out. Exit status 1 names the seeds that failed; `shrink.py` makes their programs small.
"""

import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from programs import generate

LIBRARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "stdlib")
TARGETS = ["native", "native", "x86-64-v3", "x86-64", "native", "native", "x86-64-v4"]
LEFT_OUT = [None, None, "fuse", None, "hoist", None, "variance", None, "simplify", None, "reuse", None, "stream"]


def processor_has(target):
    if target != "x86-64-v4":
        return True
    with open("/proc/cpuinfo") as file:
        return "avx512vl" in file.read()


def options_of(seed):
    """As for the program, by the seed alone; AVX-512 is tried where there is one."""
    target, left_out = TARGETS[seed % len(TARGETS)], LEFT_OUT[seed % len(LEFT_OUT)]
    options = [f"--target-cpu={target if processor_has(target) else 'native'}"]
    return options + ([f"--disable={left_out}"] if left_out else [])


def follow(tool, seeds, folder, cuts=()):
    """One report a seed, in the order of the seeds. A program that ends the tool is one with the outcome 'crashed'."""
    groups = collections.defaultdict(list)
    for seed in seeds:
        path = os.path.join(folder, f"program{seed}.xfer")
        with open(path, "w") as file:
            file.write(generate(seed, cuts))
        groups[tuple(options_of(seed))].append(seed)
    for options, members in groups.items():
        while members:
            paths = [os.path.join(folder, f"program{seed}.xfer") for seed in members]
            process = subprocess.Popen([tool, *options, *paths], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            out, errors = process.communicate()
            reports = [json.loads(line) for line in out.splitlines()]
            last = None
            for report in reports:
                report["seed"] = int(re.search(r"program(\d+)\.xfer$", report["file"]).group(1))
                report["options"] = options
                if report["outcome"] != "begun":
                    yield report
                    last = report["seed"]
            begun = reports[-1]["seed"] if reports else members[0]
            if begun != last or not reports:
                yield {"seed": begun, "options": options, "outcome": "crashed", "mistakes": [f"the tool ended with {process.returncode}: {errors[-2000:]}"]}
            elif errors.strip() and any(report["outcome"] in ("refused", "failed") for report in reports):
                print(errors, file=sys.stderr)
            members = members[members.index(begun) + 1:]


def library_entries():
    """What the library defines, and what each of its entries reads: {name: {names}}."""
    entries = {}
    for folder, _, files in os.walk(LIBRARY):
        for name in files:
            if name.endswith(".xfer"):
                with open(os.path.join(folder, name)) as file:
                    text = re.sub(r"#.*", "", file.read())
                for part in re.split(r"^(?=fn |module |const )", text, flags=re.M):
                    head = re.match(r"(?:fn|module|const) (\w+)", part)
                    if head:
                        entries[head.group(1)] = set(re.findall(r"[A-Za-z_]\w*", part)) - {head.group(1)}
    return entries


def entries_of(text, entries):
    found, left = set(), {name for name in re.findall(r"[A-Za-z_]\w*", re.sub(r"#.*", "", text)) if name in entries}
    while left:
        name = left.pop()
        found.add(name)
        left |= {other for other in entries[name] if other in entries} - found
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool")
    parser.add_argument("--seeds", default="0-50", help="from-to, without the last")
    parser.add_argument("--keep", help="a folder for the programs and reports.jsonl")
    parser.add_argument("--missing", action="store_true", help="name the library entries that no program reads")
    arguments = parser.parse_args()
    first, last = map(int, arguments.seeds.split("-"))
    start = time.time()
    operations, outcomes, sums, bad = collections.Counter(), collections.Counter(), collections.Counter(), []
    entries, touched = library_entries(), set()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or temporary
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "reports.jsonl"), "w") as log:
            for seed in range(first, last, 50):
                for report in follow(arguments.tool, range(seed, min(seed + 50, last)), folder):
                    outcomes[report["outcome"]] += 1
                    if report["outcome"] != "equal":
                        bad.append(report)
                        print(f"seed {report['seed']} {' '.join(report['options'])}: {report['outcome']}", *report.get("mistakes", [])[:6], sep="\n  ", flush=True)
                    for name, count in report.pop("operations", {}).items():
                        operations[name] += count
                    for key in ("calls", "values", "sensitive", "derivatives", "kinks"):
                        sums[key] += report.get(key, 0)
                    with open(os.path.join(folder, f"program{report['seed']}.xfer")) as file:
                        touched |= entries_of(file.read(), entries)
                    log.write(json.dumps(report) + "\n")
                    log.flush()
    count = last - first
    print(f"{count} programs: {', '.join(f'{n} {name}' for name, n in sorted(outcomes.items()))}; {(time.time() - start) / max(count, 1):.2f} s each")
    print(", ".join(f"{sums[key]} {name}" for key, name in (("calls", "calls compared"), ("values", "values"), ("sensitive", "of them sensitive to rounding"),
                                                           ("derivatives", "derivatives checked by differences"), ("kinks", "not to be checked so"))))
    print(f"{len(operations)} operations: " + ", ".join(f"{name} {operations[name]}" for name in sorted(operations)))
    print(f"{len(touched)} of {len(entries)} library entries")
    if arguments.missing:
        print("not read: " + " ".join(sorted(set(entries) - touched)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
