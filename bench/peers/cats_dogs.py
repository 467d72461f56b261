#!/usr/bin/env python3
"""examples/08-frozen-backbone on ten random splits, beside a logistic regression on the same features.

The program divides its images by a hash of their numbers; here it gets them in ten random orders.  The features are those of SqueezeNet 1.1 in
PyTorch with the same weights; scikit-learn's logistic regression with its own defaults sees the same samples.
"""
import argparse
import gzip
import json
import pathlib
import statistics
import subprocess
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression

IMAGES, LABELS = "catsdogs96-train-images-idx4-ubyte.gz", "catsdogs96-train-labels-idx1-ubyte.gz"
SIZE, TRAIN = 160, 0.7
WRAP = (1 << 64) - 1


def read(path):
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


def in_training(count):
    """Which samples of a domain are in `split train: 0.7, test: 0.3` (runtime/data/Splits.cpp)."""
    salt = xxh64(b"all")
    return np.array([(spread(salt ^ spread(i)) >> 11) * 2.0 ** -53 < TRAIN for i in range(count)])


def features(x, weights):
    def layer(z, name, **options):
        return F.relu(F.conv2d(z, weights[name + "/kernel"].permute(3, 2, 0, 1), weights[name + "/bias"], **options))

    def fire(z, i):
        s = layer(z, f"fire{i}/squeeze1x1")
        return torch.cat([layer(s, f"fire{i}/expand1x1"), layer(s, f"fire{i}/expand3x3", padding=1)], 1)
    z = F.interpolate(x.float().permute(0, 3, 1, 2), (SIZE, SIZE), mode="bilinear", align_corners=False)
    z = layer(z.flip(1) - torch.tensor([103.939, 116.779, 123.68])[:, None, None], "conv1", stride=2)
    for pair in ((2, 3), (4, 5)):
        z = F.max_pool2d(z, 3, 2, ceil_mode=True)
        for i in pair:
            z = fire(z, i)
    z = F.max_pool2d(z, 3, 2, ceil_mode=True)
    for i in (6, 7, 8, 9):
        z = fire(z, i)
    return z.mean((2, 3))


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=pathlib.Path, required=True)
    arguments.add_argument("--program", type=pathlib.Path, required=True, help="examples/08-frozen-backbone, built with --data")
    arguments.add_argument("--splits", type=int, default=10)
    arguments.add_argument("rest", nargs="*", help="options of the program, behind --")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    folder = options.data / "cats-dogs"
    (head_x, x), (head_y, y) = read(folder / IMAGES), read(folder / LABELS)
    x = x.reshape(len(y), 96, 96, 3)
    with torch.no_grad():
        weights = load_file(options.data / "weights" / "squeezenet1.1-imagenet-notop.safetensors")
        f = torch.cat([features(part, weights) for part in torch.tensor(x).split(24)]).numpy()
    train, found = in_training(len(y)), {"logistic": [], "frozen": [], "tuned": []}
    for split in range(options.splits):
        order = np.random.default_rng(split).permutation(len(y))
        fs, ys = f[order], y[order]
        fit = LogisticRegression(max_iter=5000).fit(fs[train], ys[train])
        found["logistic"].append(fit.score(fs[~train], ys[~train]))
        with tempfile.TemporaryDirectory() as made:
            (pathlib.Path(made) / "cats-dogs").mkdir()
            for name, content in ((IMAGES, head_x + x[order].tobytes()), (LABELS, head_y + ys.tobytes())):
                (pathlib.Path(made) / "cats-dogs" / name).write_bytes(gzip.compress(content, 1))
            said = subprocess.run([options.program.resolve(), "train", "--data", made, "--out", "run", "--json", *options.rest], cwd=made,
                                  check=True, capture_output=True, text=True).stdout
        one = json.loads(said)["runs"][0]["evaluations"][0]
        found["frozen"].append(one["baselines"]["frozen"]["accuracy"])
        found["tuned"].append(one["figures"]["accuracy"])
        print(json.dumps({"split": split, **{name: round(values[-1], 4) for name, values in found.items()}}), flush=True)
    for name, values in found.items():
        print(json.dumps({"method": name, "mean": round(statistics.mean(values), 4), "deviation": round(statistics.pstdev(values), 4)}))


if __name__ == "__main__":
    main()
