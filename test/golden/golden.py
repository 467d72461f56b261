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


def leaves(g):
    """A function that draws normal inputs from `g`: float32 values in double precision, whose gradients are asked for."""
    return lambda *shape, scale=1.0, shift=0.0: (torch.randn(*shape, generator=g) * scale + shift).float().double().requires_grad_()


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


def save_losses(name, values, sources, **fields):
    """data/NAME.json: the losses' values; data/NAME.npz: the sources, further fields, and g_LOSS_SOURCE, the gradients that are not 0."""
    for loss, value in values.items():
        for source, x in sources.items():
            found = torch.autograd.grad(value, x, retain_graph=True, allow_unused=True)[0]
            if found is not None and found.abs().max() > 0:
                fields[f"g_{loss}_{source}"] = found
    save_fields(name, **sources, **fields)
    (DATA / f"{name}.json").write_text(json.dumps({key: value.item() for key, value in values.items()}, indent=1) + "\n")
    note_versions()


def note_versions():
    """data/versions.json: what the committed data was made with."""
    versions = {"torch": torch.__version__.split("+")[0], "numpy": numpy.__version__}
    (DATA / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")
