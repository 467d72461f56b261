"""Random splits of a data set for a program of ours and its peer: the samples in a random order, divided as `split train: 0.7, test: 0.3` does.

A program divides its samples by a hash of their numbers; given in another order they are another split.
"""
import gzip
import json
import pathlib
import statistics
import subprocess
import tempfile

import numpy as np

WRAP = (1 << 64) - 1


def read(path):
    """An idx file of bytes: its first bytes up to the values, and the values."""
    raw = gzip.open(path).read()
    return raw[:4 + 4 * raw[3]], np.frombuffer(raw[4 + 4 * raw[3]:], np.uint8)


def spread(x):
    """splitmix64's finaliser (runtime/core/Hash.h)."""
    x = (x + 0x9E3779B97F4A7C15) & WRAP
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & WRAP
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & WRAP
    return x ^ x >> 31


def xxh64(text):
    """Of fewer than four bytes."""
    h = (0x27D4EB2F165667C5 + len(text)) & WRAP
    for byte in text:
        h ^= byte * 0x27D4EB2F165667C5 & WRAP
        h = (h << 11 | h >> 53) & WRAP
        h = h * 0x9E3779B185EBCA87 & WRAP
    h = (h ^ h >> 33) * 0xC2B2AE3D27D4EB4F & WRAP
    h = (h ^ h >> 29) * 0x165667B19E3779F9 & WRAP
    return h ^ h >> 32


def in_training(count, share=0.7):
    """Which samples of a domain are in `split train: share, ..` (runtime/data/Splits.cpp)."""
    salt = xxh64(b"all")
    return np.array([(spread(salt ^ spread(i)) >> 11) * 2.0 ** -53 < share for i in range(count)])


def order_of(split, count):
    return np.random.default_rng(split).permutation(count)


def evaluation(program, files, *options):
    """What the program's first evaluation says after a training on one thread, `files` (name: bytes) being its data."""
    with tempfile.TemporaryDirectory() as made:
        for name, content in files.items():
            path = pathlib.Path(made) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(gzip.compress(content, 1))
        said = subprocess.run([program.resolve(), "train", "--data", made, "--out", "run", "--threads", "1", "--json", *options], cwd=made,
                              check=True, capture_output=True, text=True).stdout
    return json.loads(said)["runs"][0]["evaluations"][0]


def print_means(found):
    for name, values in found.items():
        print(json.dumps({"method": name, "mean": round(statistics.mean(values), 4), "deviation": round(statistics.pstdev(values), 4)}), flush=True)
