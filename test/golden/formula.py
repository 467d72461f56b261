"""Weights and inputs by a formula that golden scripts and tests both compute, so that only outputs have to be kept.

Values come from one table of a prime number of pseudo-random numbers in (-1, 1) with mean 0; a tensor begins at a place of its own and goes around.  Needs the standard library alone.
"""
import array
import json
import math
import struct
import zlib

PERIOD = 65537


def _table():
    state, values = 1, []
    for _ in range(PERIOD):
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        values.append((state >> 15 & 0x1FFF) / 4096 - 1)
    middle = sum(values) / PERIOD
    return [0.99 * (value - middle) for value in values]


TABLE = _table()


def values(name, count, scale=1.0, shift=0.0):
    """`count` float32 numbers, shift + scale * table, beginning where the name says."""
    first = zlib.crc32(name.encode()) % PERIOD
    around = array.array("f", (shift + scale * v for v in (TABLE[first:] + TABLE[:first])[:count]))
    return (around * (count // PERIOD + 1))[:count]


def parameter(name, shape):
    """A tensor of a state dict: matrices and filters for activations of about equal size, norms near their usual values."""
    count, last = math.prod(shape), name.rsplit(".", 1)[-1]
    if last == "num_batches_tracked":
        return array.array("i", [0])
    if last == "running_var":
        return values(name, count, 0.5, 1.0)
    if last == "weight" and len(shape) == 1:
        return values(name, count, 0.25, 0.75)
    if len(shape) == 1:
        return values(name, count, 0.1)
    return values(name, count, math.sqrt(3 / math.prod(shape[1:])))


def write_weights(path, tensors, prefix=""):
    """A safetensors file of [(name, shape)] with the numbers of `parameter`, each called after the prefix and its name."""
    header, end = {}, 0
    for name, shape in tensors:
        numbers = parameter(name, shape)
        size = len(numbers) * 4
        header[prefix + name] = {"dtype": "I32" if numbers.typecode == "i" else "F32", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in tensors:
            parameter(name, shape).tofile(file)
