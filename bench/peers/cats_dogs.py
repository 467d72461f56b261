#!/usr/bin/env python3
"""examples/08-frozen-backbone on ten random splits, beside a logistic regression on the same features.

The features are those of SqueezeNet 1.1 in PyTorch with the same weights; scikit-learn's logistic regression with its own defaults sees the same samples.
"""
import argparse
import json
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression

from splits import evaluation, in_training, order_of, print_means, read

IMAGES, LABELS = "catsdogs96-train-images-idx4-ubyte.gz", "catsdogs96-train-labels-idx1-ubyte.gz"
SIZE = 160


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
    arguments.add_argument("--first", type=int, default=0, help="the seed of the first split's order")
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
    for split in range(options.first, options.first + options.splits):
        order = order_of(split, len(y))
        fs, ys = f[order], y[order]
        fit = LogisticRegression(max_iter=5000).fit(fs[train], ys[train])
        found["logistic"].append(fit.score(fs[~train], ys[~train]))
        one = evaluation(options.program, {f"cats-dogs/{IMAGES}": head_x + x[order].tobytes(), f"cats-dogs/{LABELS}": head_y + ys.tobytes()}, *options.rest)
        found["frozen"].append(one["baselines"]["frozen"]["accuracy"])
        found["tuned"].append(one["figures"]["accuracy"])
        print(json.dumps({"split": split, **{name: round(values[-1], 4) for name, values in found.items()}}), flush=True)
    print_means(found)


if __name__ == "__main__":
    main()
