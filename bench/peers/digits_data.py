"""MNIST, USPS and other idx files, as the recipes use them."""
import gzip
import pathlib

import numpy
import torch
import torch.nn.functional as F


def idx(path):
    """An idx file of bytes (.gz) as an array."""
    data = gzip.decompress(pathlib.Path(path).read_bytes())
    if data[:3] != b"\0\0\x08":
        raise SystemExit(f"{path}: not an idx file of bytes")
    rank = data[3]
    shape = numpy.frombuffer(data, ">u4", rank, 4).astype(int)
    return numpy.frombuffer(data, numpy.uint8, -1, 4 + 4 * rank).reshape(shape)


def grey(images, size=28):
    """[n, h, w] bytes -> [n, 1, size, size], (x / 255 - .5) / .5, resized as our `resize` does."""
    x = torch.from_numpy(images.copy()).float().unsqueeze(1) / 255
    if x.shape[-1] != size:
        x = F.interpolate(x, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
    return (x - 0.5) / 0.5


def mnist(folder):
    folder = pathlib.Path(folder) / "mnist"
    return grey(idx(folder / "train-images-idx3-ubyte.gz")), torch.from_numpy(idx(folder / "train-labels-idx1-ubyte.gz").astype("int64"))


def usps(folder):
    folder = pathlib.Path(folder) / "usps"
    return grey(idx(folder / "usps-train-images-idx3-ubyte.gz")), torch.from_numpy(idx(folder / "usps-train-labels-idx1-ubyte.gz").astype("int64"))
