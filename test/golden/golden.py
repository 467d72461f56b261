"""What the golden scripts share: where data goes, how weights are named, which versions made them.

A golden script computes inputs and results with PyTorch or numpy, by formulas that owe nothing to this project, and writes them
under data/. The program of the same name (layers.py, layers.xfer) computes the results again and reports how far off it is.
Run `python3 test/golden/layers.py` to make the data anew; equal versions give equal files.
"""
import json
import pathlib

import numpy
import torch
from safetensors.numpy import save_file

DATA = pathlib.Path(__file__).resolve().parent / "data"


def generator(seed):
    """Random numbers of one script, the same on every run."""
    return torch.Generator().manual_seed(seed)


def array(x):
    """A tensor as numpy stores it: float32, int32 or uint8, contiguous."""
    x = x.detach().numpy() if isinstance(x, torch.Tensor) else numpy.asarray(x)
    if x.dtype == numpy.float64:
        x = x.astype(numpy.float32)
    if x.dtype == numpy.int64:
        x = x.astype(numpy.int32)
    return numpy.ascontiguousarray(x)


def channels_last(x):
    """[n, c, h, w], as PyTorch counts, to [n, h, w, c]."""
    return x.permute(0, 2, 3, 1)


def save_fields(name, **fields):
    """data/NAME.npz: one array a field, the sample axis first."""
    numpy.savez(DATA / f"{name}.npz", **{key: array(value) for key, value in fields.items()})


def save_weights(name, tensors):
    """data/NAME.safetensors: parameters under their paths, in PyTorch's layouts."""
    save_file({key: array(value) for key, value in tensors.items()}, str(DATA / f"{name}.safetensors"))


def note_versions():
    """data/versions.json: what the committed data was made with."""
    versions = {"torch": torch.__version__.split("+")[0], "numpy": numpy.__version__}
    (DATA / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")
