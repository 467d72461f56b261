#!/usr/bin/env python3
"""Makes the program of a seed that fails small: shrink.py xfer-follow SEED. Prints the smallest program that fails in the same way.

A program is what a stream of choices makes; a choice that is cut becomes the first of its kind. Cutting in halves, then in smaller pieces, as long as
the program still fails, leaves the choices that matter (Zeller and Hildebrandt 2002).
"""

import sys
import tempfile

sys.dont_write_bytecode = True
from check import follow
from programs import Program


def outcome(tool, seed, cuts):
    """How it fails: the outcome, and what stands before the first number of the first mistake."""
    with tempfile.TemporaryDirectory() as folder:
        report = next(follow(tool, [seed], folder, cuts))
    if report["outcome"] in ("equal", "refused"):
        return None
    mistake = (report.get("mistakes") or [""])[0]
    return report["outcome"], mistake.split(":")[-1].split(" is ")[0][:20] if "element" not in mistake else "element"


def main():
    tool, seed = sys.argv[1], int(sys.argv[2])
    cuts, wanted = set(), outcome(tool, seed, ())
    if wanted is None:
        print(f"the program of seed {seed} does not fail")
        return 1
    size = Program(seed).choices.made // 2
    while size >= 1:
        start = 0
        while start < Program(seed, cuts).choices.made:
            piece = set(range(start, start + size)) - cuts
            try:
                fails = piece and outcome(tool, seed, cuts | piece) == wanted
            except Exception:  # the cut choices do not make a program
                fails = False
            if fails:
                cuts |= piece
                print(f"{len(cuts)} choices cut, {len(Program(seed, cuts).text)} characters", file=sys.stderr)
            start += size
        size //= 2
    print(Program(seed, cuts).text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
