"""ONNX both ways: exports written as ONNX files (with onnx and ONNX Runtime where the Python of XFER_PEER_PYTHON has them), and initialisers loaded by name."""
import json
import os
import struct
import subprocess
import sys
import unittest
import harness
from harness import MOONS, SOURCE, XFERC, read_weights, split_weights

CORPUS = SOURCE / "test/fuzz/corpus/weights"

def peer():
    python = os.environ.get("XFER_PEER_PYTHON", sys.executable)
    has = subprocess.run([python, "-c", "import onnx, onnxruntime, numpy"], capture_output=True).returncode == 0
    return python if has else None


# What ONNX Runtime makes of a file: inputs as JSON from standard input, outputs as JSON.
RUN = """
import json, sys
import numpy, onnx, onnxruntime
onnx.checker.check_model(onnx.load(sys.argv[1]), full_check=True)
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
types = {"tensor(float)": numpy.float32, "tensor(int32)": numpy.int32, "tensor(uint8)": numpy.uint8}
fed = json.load(sys.stdin)
inputs = {one.name: numpy.array(fed[one.name], types[one.type]) for one in session.get_inputs()}
print(json.dumps({one.name: value.tolist() for one, value in zip(session.get_outputs(), session.run(None, inputs))}))
"""


def flat(value):
    return [number for one in value for number in flat(one)] if isinstance(value, list) else [float(value)]


class Written(harness.Case):
    def compare(self, program, inputs, rows):
        """Outputs of the program's `predict` and of ONNX Runtime for the same samples, two at once and all."""
        python = peer()
        if not python:
            self.skipTest("no onnx, onnxruntime and numpy (XFER_PEER_PYTHON names a Python that has them)")
        self.write("net.xfer", program)
        self.run_ok(XFERC, "build", "net.xfer", "-o", "prog")
        self.run_ok("./prog", "train", "--out", "run")
        self.run_ok(XFERC, "onnx", "net.xfer", "--weights", "run/weights.safetensors")
        for name, (code, shape, values) in inputs.items():
            header = f"{{'descr': '{code}', 'fortran_order': False, 'shape': {tuple([rows] + shape)!r}, }}"
            header += " " * (63 - (10 + len(header)) % 64) + "\n"
            content = struct.pack(f"<{len(values)}{code[1]}", *values)
            self.write(f"{name}.npy", b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + content)
        given = [word for name in inputs for word in ("--input", f"{name}={name}.npy")]
        ours = self.run_ok("./prog", "predict", "--out", "run", *given, "--format", "jsonl").stdout.splitlines()
        ours = [json.loads(line) for line in ours]
        self.assertEqual(len(ours), rows)

        def nested(values, shape):
            step = len(values) // shape[0] if shape else 1
            return [nested(values[i:i + step], shape[1:]) for i in range(0, len(values), step)] if shape else values[0]
        for count in (rows, 2):
            fed = {name: nested(values[:len(values) // rows * count], [count] + shape) for name, (_, shape, values) in inputs.items()}
            ran = subprocess.run([python, "-c", RUN, str(self.folder / "net.onnx")], input=json.dumps(fed), capture_output=True, text=True)
            self.assertEqual(ran.returncode, 0, ran.stderr[-2000:])
            theirs = json.loads(ran.stdout)
            for name, found in theirs.items():
                wanted = [number for line in ours[:count] for number in flat(line[name])]
                got = flat(found)
                self.assertEqual(len(got), len(wanted), name)
                for a, b in zip(got, wanted):
                    self.assertLess(abs(a - b), 1e-4 * max(1, abs(b)), name)

    def test_moons(self):
        self.compare(MOONS, {"point": ("<f4", [2], [0.1 * i - 0.5 for i in range(10)])}, 5)

    # Trained for two steps on drawn samples of the shape of the export's one input.
    NET = """import std
domain drawn {{
  generate samples(8, fn(i) => (x: normal({shape}), y: classes(uniform_int([], below: 3), 3)))
  fields x: f32{shape}, y: class(3)
}}
model net {{ trunk = {trunk}; head = linear(3) }}
fn scores(x) = net.head({features})
stage learn {{ on drawn.all batch 4; minimize cross_entropy(scores(drawn.x), drawn.y); optimizer sgd(0.1); steps 2 }}
export chances(x: f32{shape}) = softmax(scores(x))
"""

    def test_nets(self):
        for trunk, features, shape in (
                ("lenet()", "net.trunk(x)", [28, 28, 1]),
                ("lstm(5, layers: 2, bidirectional: true)", "net.trunk(x).last", [6, 4]),
                ("gru(5)", "mean(net.trunk(x).all, axis: 1)", [6, 4]),
                ("conv_transpose(4, kernel: 3, stride: 2)", "mean(net.trunk(x), axis: [1, 2])", [5, 5, 2])):
            with self.subTest(trunk):
                count = 3
                for extent in shape:
                    count *= extent
                values = [(7919 * i % 101) / 50 - 1 for i in range(count)]
                self.compare(self.NET.format(trunk=trunk, features=features, shape=shape), {"x": ("<f4", shape, values)}, 3)
                for left in ("run", "prog"):
                    self.run_ok("rm", "-r", left)

    # `map` is over all fields; the file has the inputs that the export names, in the program's units and unmapped.
    def test_mapped(self):
        program = self.NET.format(trunk="mlp([4])", features="net.trunk(x)", shape=[2])
        program = program.replace("class(3)\n}", "class(3)\n  map x = 2 * x\n}").replace("x: f32[2]) = softmax", "x: like drawn.x) = softmax")
        self.write("net.xfer", program)
        self.run_ok(self.build(program), "train", "--out", "run")
        self.run_ok(XFERC, "onnx", "net.xfer", "--weights", "run/weights.safetensors")
        file = (self.folder / "net.onnx").read_bytes()
        self.assertIn(b"\x0a\x01x\x12", file)  # ValueInfoProto: name, type
        self.assertNotIn(b"\x0a\x01y\x12", file)
        self.run_ok("rm", "-r", "run")
        self.compare(program, {"x": ("<f4", [2], [0.1 * i - 0.5 for i in range(6)])}, 3)


class Refused(harness.Case):
    def test_exports(self):
        self.run_ok(self.build(MOONS), "train", "--steps", 4, "--out", "run")
        weights = ["--weights", "run/weights.safetensors"]
        self.write("moons.xfer", MOONS)
        self.refuse(r"there is no export 'other'; the program has \w+", XFERC, "onnx", "moons.xfer", *weights, "--export", "other")
        self.refuse("cannot read 'nowhere'", XFERC, "onnx", "moons.xfer", "--weights", "nowhere")
        self.refuse("is what the model is made of", XFERC, "onnx", "moons.xfer", *weights, "-o", "run/weights.safetensors")
        self.refuse("'xferc onnx' wants --weights", XFERC, "onnx", "moons.xfer", status=2)
        self.write("none.xfer", "\n".join(line for line in MOONS.splitlines() if not line.startswith("export")))
        self.refuse("the program has no export", XFERC, "onnx", "none.xfer", *weights)
        for value, why in (("cholesky(expand(x, axis: 1) * expand(x, axis: 2))", "ONNX has no operator for 'nn.cholesky'"),
                           ("x + normal([2])", "it draws random numbers")):
            self.write("odd.xfer", MOONS + f"\nexport odd(x: f32[2]) = {value}\n")
            self.refuse(f"the export 'odd' cannot be written as ONNX: {why}", XFERC, "onnx", "odd.xfer", *weights, "--export", "odd")
        self.assertNothingLeft(".", "moons.xfer", "none.xfer", "odd.xfer", "run")


class Read(harness.Case):
    def test_list_and_convert(self):
        said = self.run_ok(XFERC, "weights", CORPUS / "small.onnx").stdout
        self.assertRegex(said, r"(?m)^fc\.weight_t +f32 +\[2, 3\] +0 \.\. 5$")
        self.assertRegex(said, r"(?m)^7 tensors, \d+ values; ONNX, 265 bytes$")
        self.assertIn("metadata: note = seed\n", said)
        self.run_ok(XFERC, "convert", CORPUS / "small.onnx", "out.safetensors")
        header, _ = split_weights((self.folder / "out.safetensors").read_bytes())
        self.assertEqual((header["d"]["dtype"], header["b"]["dtype"], header["u"]["dtype"]), ("F64", "BF16", "U64"))
        self.assertEqual(list(read_weights(self.folder / "out.safetensors")["fc.bias"]), [1, 2, 3])
        self.refuse("the values of 'far' lie in a file beside it", XFERC, "weights", CORPUS / "external.onnx")

    # An operand of MatMul is [in, out] in the file, where a layer's weight is [out, in].
    def test_load(self):
        self.write("small.onnx", (CORPUS / "small.onnx").read_bytes())
        head = '  head = linear(3)\n  load "small.onnx" into net.head map { "fc.weight_t" -> TARGET, "fc.bias" -> "bias", "{h, i, u, d, b}" -> drop }\n'
        program = ("import std\ndomain drawn {\n  generate samples(6, fn(i) => (x: normal([2]), y: classes(uniform_int([], below: 3), 3)))\n"
                   "  fields x: f32[2], y: class(3)\n}\nmodel net {\n" + head +
                   "}\nstage fit { on drawn.all batch 3; minimize cross_entropy(net.head(drawn.x), drawn.y); optimizer sgd(0); steps 1 }\n")
        self.write("net.xfer", program.replace("TARGET", 'transposed("weight")'))
        self.run_ok(XFERC, "build", "net.xfer", "-o", "prog")
        self.run_ok("./prog", "train", "--out", "run")
        self.assertEqual(list(read_weights(self.folder / "run/weights.safetensors")["net.head.weight"]), [0, 3, 1, 4, 2, 5])
        self.write("net.xfer", program.replace("TARGET", '"weight"'))
        self.refuse(r"'weight' is \[2, 3\] in the file, \[3, 2\] in the model; it fits transposed", XFERC, "check", "net.xfer")
        self.write("net.xfer", program.replace('"small.onnx"', 'keras("small.onnx")').replace("TARGET", '"weight"'))
        self.refuse("lie in it as ONNX has them, not as Keras does", XFERC, "check", "net.xfer")


if __name__ == "__main__":
    unittest.main()
