#!/usr/bin/env python3
"""HDF5 files as h5py and Keras write them, for the tests of `xferc convert`: test/integration/data/{keras,arrays}.h5. Needs h5py.

The numbers of a dataset are 0, 1, 2, .. in the order of its elements, so that a test knows them.
"""
import pathlib

import h5py
import numpy

DATA = pathlib.Path(__file__).resolve().parents[1] / "integration" / "data"
DATA.mkdir(exist_ok=True)


def count(*shape, dtype="<f4"):
    return numpy.arange(numpy.prod(shape)).reshape(shape).astype(dtype)


with h5py.File(DATA / "keras.h5", "w", libver="latest") as f:  # the layout of model.save("f.h5") of Keras 2
    f.attrs["keras_version"], f.attrs["backend"] = "2.12.0", "tensorflow"
    weights = f.create_group("model_weights")
    weights.attrs["layer_names"] = [b"conv", b"depthwise", b"norm", b"dense"]
    for layer, parts in (("conv", {"kernel": (3, 3, 2, 4), "bias": (4,)}), ("depthwise", {"depthwise_kernel": (3, 3, 4, 2)}),
                         ("norm", {"gamma": (8,), "beta": (8,), "moving_mean": (8,), "moving_variance": (8,)}),
                         ("dense", {"kernel": (8, 3), "bias": (3,)})):
        for name, shape in parts.items():
            packed = {"compression": "gzip", "chunks": shape} if len(shape) > 1 else {}
            weights.create_dataset(f"{layer}/{layer}/{name}:0", data=count(*shape), **packed)
    f.create_dataset("optimizer_weights/Adam/iter:0", data=3)

with h5py.File(DATA / "arrays.h5", "w", libver="latest") as f:
    f.create_dataset("train/image", data=count(2, 3, 2, dtype="u1"), chunks=(1, 3, 2), compression="gzip", shuffle=True)
    f.create_dataset("train/label", data=count(2, dtype=">i8"))
    f.create_dataset("half", data=count(3, dtype="<f2"))
    f.create_dataset("scalar", data=numpy.float64(1.5))
    f.create_dataset("flag", data=numpy.array([True, False]))
    f.create_dataset("name", data="a text")
    f["other"] = h5py.ExternalLink("/etc/passwd", "/x")  # is not followed
