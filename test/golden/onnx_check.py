#!/usr/bin/env python3
"""A net of stdlib/nets as an ONNX file: `onnx.checker` finds nothing, and ONNX Runtime computes the outputs of zoo.py's data, for any number of samples.

Usage: onnx_check.py XFERC NET
Weights and inputs are made by formula.py.  Needs onnx, onnxruntime and numpy, in the Python that XFER_PEER_PYTHON names (default: this one); without
them the exit status is 77 (skipped).  The outputs are PyTorch's, so that what is compared is the file alone.
"""
import gzip
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import formula

DATA = pathlib.Path(__file__).resolve().parent / "data" / "zoo"
# ONNX Runtime's rounding: the outputs are off by less than this, over the largest one, where float32 itself is not (kept with the data).
TOLERANCE, TIMES = 1e-4, 10

PROGRAM = """import std
model net = {net}
{functions}export outputs(x: {x}) = {output}
"""

PEER = """
import json, sys
import numpy, onnx, onnxruntime
path, golden = sys.argv[1], json.load(open(sys.argv[2]))
model = onnx.load(path)
onnx.checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
x = numpy.array(golden["x"], numpy.float32 if golden["real"] else numpy.int32).reshape(golden["shape"])
y = numpy.array(golden["y"]["values"], numpy.float64).reshape(golden["y"]["shape"])
name = session.get_inputs()[0].name
off = [abs(session.run(None, {name: x[:n]})[0] - y[:n]).max() / abs(y).max() for n in (len(x), 1)]
print(json.dumps({"off": float(max(off)), "nodes": len(model.graph.node)}))
"""


def main():
    xferc, name = sys.argv[1:]
    python = os.environ.get("XFER_PEER_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import onnx, onnxruntime, numpy"], capture_output=True).returncode:
        print(f"skipped: {python} has no onnx, onnxruntime and numpy (XFER_PEER_PYTHON names another)")
        sys.exit(77)
    golden = json.loads(gzip.decompress((DATA / f"{name}.json.gz").read_bytes()))
    side, count, bert = golden["side"], golden["count"], golden["net"].startswith("bert")
    shape = [side, side, 3] if side else [12]
    x = formula.values("x", count * math.prod(shape))
    fed = {"x": list(x) if side else [int((v + 1) * 11.49) for v in x], "shape": [count] + shape, "real": bool(side), "y": golden["y"]}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        formula.write_weights(folder / "weights.safetensors", golden["parameters"], prefix="net.")
        (folder / "net.xfer").write_text(PROGRAM.format(
            net=golden["net"], x=f"f32{shape}" if side else "token(23)[12]", output="joined(net(x))" if bert else "net(x)",
            functions="fn joined(y) = concat([y.all, expand(y.pooled, axis: 1)], axis: 1)\n" if bert else ""))
        (folder / "fed.json").write_text(json.dumps(fed))
        for command in ([xferc, "onnx", folder / "net.xfer", "--weights", folder / "weights.safetensors", "-o", folder / "net.onnx"],
                        [python, "-c", PEER, folder / "net.onnx", folder / "fed.json"]):
            ran = subprocess.run([str(word) for word in command], capture_output=True, text=True)
            if ran.returncode:
                sys.exit(f"{command[0]}: exit status {ran.returncode}\n{ran.stderr[-3000:]}")
    said = json.loads(ran.stdout.splitlines()[-1])
    allowed = max(TOLERANCE, TIMES * golden["float32"]["y"])
    print(f"{name}: off by {said['off']:.2e}, {allowed:.0e} allowed; {said['nodes']} nodes")
    sys.exit(not said["off"] <= allowed)


if __name__ == "__main__":
    main()
