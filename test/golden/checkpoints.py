#!/usr/bin/env python3
"""Weight files as PyTorch and numpy write them, for the tests of their readers and as seeds of the fuzz target `weights`.

Writes test/fuzz/corpus/weights/{zip,zip-protocol-4,wrapped,legacy}.pt, arrays{,-deflated}.npz, and beside each kind what it must hold,
read back by torch.load or numpy.load: checkpoint.safetensors and arrays.safetensors. Storages of legacy.pt are called by addresses, which differ.
"""
import collections
import pathlib
import zipfile

import numpy
import torch
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file

CORPUS = pathlib.Path(__file__).resolve().parents[1] / "fuzz" / "corpus" / "weights"
torch.manual_seed(5)

weight = torch.randn(3, 2)
table = torch.arange(12, dtype=torch.float32).reshape(3, 4)
tensors = collections.OrderedDict({
    "fc.weight": weight,
    "fc.bias": torch.randn(3, dtype=torch.float64),
    "tied.weight": weight,  # the same storage
    "turned": weight.t(),  # strides (1, 2)
    "part": table[1:, ::2],  # an offset, and strides (4, 2)
    "repeated": torch.ones(1, 3).expand(2, 3),  # a stride of 0
    "half": torch.tensor([1.5, -2.0, 6e-8]).half(),
    "bfloat": torch.tensor([1.5, -3e38]).bfloat16(),
    "steps": torch.tensor(12345678901),
    "short": torch.tensor([-3, 7], dtype=torch.int16),
    "bytes": torch.tensor([0, 200, 255], dtype=torch.uint8),
    "flag": torch.tensor([True, False]),
    "empty": torch.zeros(0, 4),
    "parameter": torch.nn.Parameter(torch.tensor([0.25])),
})
tensors._metadata = {"": {"version": 1}}  # as state_dict() has it
# No element type without a storage of its own: PyTorch wrote none of them before the zip format.
tensors_of_zip = collections.OrderedDict(tensors, wide=torch.tensor([1, 65535], dtype=torch.uint16))

wrapped = {"epoch": 3, "best_prec1": 91.78, "arch": "net", "state_dict": {f"module.{k}": v for k, v in tensors_of_zip.items()},
           "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}}
for name, what, options in (("zip", tensors_of_zip, {}), ("zip-protocol-4", tensors_of_zip, {"pickle_protocol": 4}), ("wrapped", wrapped, {}),
                            ("legacy", tensors, {"_use_new_zipfile_serialization": False})):
    torch.save(what, CORPUS / f"{name}.pt", **options)
read = torch.load(CORPUS / "zip.pt", weights_only=False)
save_file({name: value.detach().clone().contiguous() for name, value in read.items()}, CORPUS / "checkpoint.safetensors")

arrays = {"params/dense/kernel": numpy.arange(6, dtype=">f4").reshape(2, 3), "columns": numpy.asfortranarray(numpy.arange(6.0).reshape(3, 2)),
          "half": numpy.array([1.5], numpy.float16), "steps": numpy.array(7), "flag": numpy.array([True])}
numpy.savez(CORPUS / "arrays.npz", **arrays)
numpy.savez_compressed(CORPUS / "arrays-deflated.npz", **arrays)
save_arrays({name: numpy.ascontiguousarray(value).astype(value.dtype.newbyteorder("=")).reshape(value.shape)
             for name, value in numpy.load(CORPUS / "arrays.npz").items()}, CORPUS / "arrays.safetensors")

# The pickles alone, behind no checksum, are seeds of the target `pickle`.
for name in ("zip", "zip-protocol-4", "wrapped"):
    with zipfile.ZipFile(CORPUS / f"{name}.pt") as archive:
        (CORPUS.parent / "pickle" / name).write_bytes(archive.read(f"{name}/data.pkl"))
