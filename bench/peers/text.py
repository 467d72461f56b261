#!/usr/bin/env python3
"""Windows of text as arrays of characters, for our programs and for PyTorch.

  python3 bench/peers/text.py DATA FOLDER      reads DATA/names/names.txt and DATA/tinyshakespeare/shakespeare.txt.gz

Writes FOLDER/names.npz (27 characters, windows of 32) and FOLDER/shakespeare.npz (65 characters, windows of 64): x, and y one character
on.  Characters are numbered in the order of their codes.
"""
import argparse
import gzip
import pathlib

import numpy


def windows(text, length):
    """x, y: [windows, length] ints, one window behind the other."""
    table = {character: number for number, character in enumerate(sorted(set(text)))}
    ids = numpy.array([table[character] for character in text], dtype=numpy.int32)
    count = (len(ids) - 1) // length
    return ids[:count * length].reshape(count, length), ids[1:count * length + 1].reshape(count, length)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("data", type=pathlib.Path)
    arguments.add_argument("folder", type=pathlib.Path)
    options = arguments.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    plays = gzip.open(options.data / "tinyshakespeare/shakespeare.txt.gz", "rt").read()
    for name, text, length in (("names", (options.data / "names/names.txt").read_text(), 32), ("shakespeare", plays, 64)):
        x, y = windows(text, length)
        numpy.savez(options.folder / f"{name}.npz", x=x, y=y)


if __name__ == "__main__":
    main()
