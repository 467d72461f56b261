"""Weight files of every format: listed, rewritten as safetensors, loaded into programs; and read back by other libraries."""
import io
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import unittest
import zipfile
import harness
from harness import MOONS, SOURCE, XFERC, read_weights, split_weights

CORPUS = SOURCE / "test/fuzz/corpus/weights"
DATA = pathlib.Path(__file__).resolve().parent / "data"
SHARED = pathlib.Path(os.environ.get("XFER_SHARED_DATA", SOURCE.parent / "shared/data"))


KERAS = """import std

fn picture() {
  return (image: normal([6, 6, 2]), label: classes(uniform_int([], below: 3), 3))
}
domain drawn {
  generate samples(9, fn(i) => picture())
  fields image: f32[6, 6, 2], label: class(3)
}
module small() (x: [n, h, w, c]) -> logits[n, 3] {
  first = conv(4, kernel: 3); depthwise = conv(8, kernel: 3, groups: 4, use_bias: false); norm = batch_norm(); dense = linear(3)
  return dense(mean(norm(depthwise(first(x))), axis: [1, 2]))
}
model net {
  trunk = small()
  load "net.safetensors" into net.trunk map {
    "conv.kernel" -> "first.weight", "conv.bias" -> "first.bias", "*.kernel" -> "*.weight", "*.depthwise_kernel" -> "*.weight",
    "*.gamma" -> "*.weight", "*.beta" -> "*.bias", "*.moving_mean" -> "*.running_mean", "*.moving_variance" -> "*.running_var"
  }
}
stage fit {
  on drawn.all batch 3
  loss task = cross_entropy(net.trunk(drawn.image), drawn.label)
  minimize task
  optimizer sgd(0)
  steps 2
}
"""


def text(word):
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def numbers(values):
    return b"(" + b"".join(b"J" + struct.pack("<i", value) for value in values) + b"t"


def checkpoint(tensors, wrapped=False):
    """What torch.save writes: name -> (shape, floats), column by column where there are two extents, as of x.T."""
    pickle, archive = b"}(", io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        for number, (name, (shape, values)) in enumerate(tensors.items()):
            strides = [1] * len(shape)
            for axis in reversed(range(len(shape) - 1)):
                strides[axis] = strides[axis + 1] * shape[axis + 1]
            if len(shape) == 2:
                rows, columns = shape
                strides, values = [1, rows], [values[i * columns + j] for j in range(columns) for i in range(rows)]
            pickle += text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + b"ctorch\nFloatStorage\n" + text(str(number))
            pickle += text("cpu") + b"J" + struct.pack("<i", len(values)) + b"tQK\0" + numbers(shape) + numbers(strides) + b"\x89}tR"
            members.writestr(f"net/data/{number}", struct.pack(f"<{len(values)}f", *values))
        pickle += b"u"
        if wrapped:
            pickle = b"}(" + text("epoch") + b"K\3" + text("state_dict") + pickle + b"u"
        members.writestr("net/data.pkl", b"\x80\2" + pickle + b".")
    return archive.getvalue()


def npz(tensors):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
        for name, (shape, values) in tensors.items():
            header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({''.join(f'{extent}, ' for extent in shape)}), }}"
            header += " " * (63 - (10 + len(header)) % 64) + "\n"
            members.writestr(f"{name}.npy", b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() +
                             struct.pack(f"<{len(values)}f", *values))
    return archive.getvalue()


class Case(harness.Case):
    def listing(self, path):
        return json.loads(self.run_ok(XFERC, "weights", path, "--format=json").stdout)

    @staticmethod
    def tensors(path):
        header, data = split_weights(path.read_bytes())
        return {key: (entry["dtype"], entry["shape"], data[slice(*entry["data_offsets"])]) for key, entry in header.items() if key != "__metadata__"}


class Formats(Case):
    # A program is the same whichever format its weights had; in it the file lies as it was.
    def test_same_bits(self):
        critic = "  critic = mlp([32, 1])\n"
        self.assertIn(critic, MOONS)
        self.run_ok(self.build(MOONS), "train", "--steps", 10, "--out", "first")
        saved = (self.folder / "first/weights.safetensors").read_bytes()
        header, _ = split_weights(saved)
        values = read_weights(self.folder / "first/weights.safetensors")
        tensors = {name: (header[name]["shape"], list(values[name])) for name in values}
        module = {f"module.{name}": value for name, value in tensors.items()}
        rules = 'map { "net.trunk.*" -> "*", "module.net.trunk.*" -> "*", "*head.*" -> drop, "*critic.*" -> drop }'
        ends = {}
        for name, content in (("w.safetensors", saved), ("w.pt", checkpoint(tensors)), ("wrapped.pth.tar", checkpoint(module, wrapped=True)),
                              ("w.npz", npz(tensors))):
            self.write(name, content)
            self.write("moons.xfer", MOONS.replace(critic, f'{critic}  load "{name}" into net.trunk {rules}\n'))
            self.run_ok(XFERC, "build", "moons.xfer", "-o", f"{name}.prog")
            (self.folder / name).unlink()
            self.run_ok(f"./{name}.prog", "train", "--steps", 10, "--out", f"{name}.run")
            ends[name] = (self.folder / f"{name}.run/weights.safetensors").read_bytes()
        self.assertEqual(len({content[-2000:] for content in ends.values()}), 1)
        self.assertNotEqual(ends["w.pt"][-2000:], saved[-2000:])

    # What a checkpoint holds beside tensors could run; it does not even get a chance.
    def test_foreign_global(self):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as members:
            members.writestr("net/data.pkl", b"\x80\2cposix\nsystem\n" + text(f"touch {self.folder}/ran") + b"\x85R.")
        self.write("w.pt", archive.getvalue())
        self.write("moons.xfer", MOONS.replace("  critic = ", '  load "w.pt" into net.trunk\n  critic = '))
        for command in ("weights w.pt", "convert w.pt w.safetensors", "check moons.xfer", "build moons.xfer -o prog"):
            self.refuse(r"it wants to call 'posix\.system', which is no part of a tensor", XFERC, *command.split())
        self.assertNothingLeft(".", "moons.xfer", "w.pt")

    def test_list(self):
        said = self.run_ok(XFERC, "weights", CORPUS / "wrapped.pt").stdout
        self.assertRegex(said, r"(?m)^module\.turned +f32 +\[2, 3\] +-?[\d.]+ \.\. [\d.]+$")
        self.assertRegex(said, r"(?m)^module\.steps +i64 +\[\] +1\.235e\+10$")
        self.assertRegex(said, r"(?m)^module\.empty +f32 +\[0, 4\]$")
        self.assertRegex(said, r"(?m)^15 tensors, \d+ values; PyTorch, \d+ bytes$")
        self.assertIn("beside tensors, and not loaded: 'epoch', 'best_prec1', 'arch', 'optimizer'\n", said)
        nan, infinite = float("nan"), float("inf")
        self.write("w.npz", npz({"a\x1b[2J": ([4], [nan, -2.0, infinite, nan]), "b": ([1], [nan])}))
        said = self.run_ok(XFERC, "weights", "w.npz").stdout
        self.assertRegex(said, r"(?m)^a\?\[2J +f32 +\[4\] +-2; 2 NaN; 1 infinite$")
        listed = self.listing("w.npz")
        self.assertEqual(listed["tensors"][0], {"key": "a\x1b[2J", "shape": [4], "dtype": "f32", "min": -2.0, "max": -2.0, "nan": 2, "infinite": 1})
        self.assertEqual(listed["tensors"][1]["min"], None)
        self.assertEqual(listed["format"], "npz")
        self.refuse("cannot read 'nowhere'", XFERC, "weights", "nowhere")
        self.refuse("is not a good safetensors file", XFERC, "weights", SOURCE / "README.md")

    def test_convert(self):
        for name, wanted in (("zip.pt", "checkpoint"), ("legacy.pt", "checkpoint"), ("arrays-deflated.npz", "arrays"), ("checkpoint.safetensors", "checkpoint")):
            self.run_ok(XFERC, "convert", CORPUS / name, "out.safetensors")
            got, expected = (self.tensors(path) for path in (self.folder / "out.safetensors", CORPUS / f"{wanted}.safetensors"))
            self.assertEqual(got, {key: value for key, value in expected.items() if key in got})
            self.assertGreaterEqual(len(got), len(expected) - 1)
        self.assertNothingLeft(".", "out.safetensors")
        self.refuse("does not end with .safetensors", XFERC, "convert", CORPUS / "zip.pt", "out.pt")
        self.refuse("cannot write 'no/out.safetensors'", XFERC, "convert", CORPUS / "zip.pt", "no/out.safetensors")
        self.refuse("'xferc convert' wants TO", XFERC, "convert", CORPUS / "zip.pt", status=2)

    # The published weights of ResNet-20, as a file of before 1.6 and as safetensors.
    @unittest.skipUnless((SHARED / "cifar-resnet").is_dir(), "the folder shared/data is not beside the repository")
    def test_resnet20(self):
        self.run_ok(XFERC, "convert", SHARED / "cifar-resnet/resnet20-12fca82f.th", "out.safetensors")
        got, wanted = self.tensors(self.folder / "out.safetensors"), self.tensors(SHARED / "weights/resnet20-cifar10.safetensors")
        self.assertEqual({key.replace("module.", "", 1): value for key, value in got.items()}, wanted)

    # What is written is read by the libraries that others use.
    def test_read_back(self):
        python = os.environ.get("XFER_PEER_PYTHON", sys.executable)
        if subprocess.run([python, "-c", "import safetensors.torch, safetensors.numpy"], capture_output=True).returncode:
            self.skipTest(f"{python} has no safetensors and torch (XFER_PEER_PYTHON names another)")
        self.run_ok(self.build(MOONS), "train", "--steps", 4, "--out", "run")
        self.run_ok(XFERC, "convert", CORPUS / "zip.pt", "out.safetensors")
        script = ("import sys, torch; from safetensors.torch import load_file; from safetensors.numpy import load_file as arrays\n"
                  "own = load_file('run/weights.safetensors'); assert own['net.trunk.layer.0.weight'].shape == (32, 2); arrays('run/weights.safetensors')\n"
                  "a, b = load_file('out.safetensors'), torch.load(sys.argv[1], weights_only=True)\n"
                  "assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) and a[k].dtype == b[k].dtype for k in a)\n")
        self.run_ok(python, "-c", script, CORPUS / "zip.pt")


class Hdf5(Case):
    def test_keras(self):
        self.run_ok(XFERC, "convert", DATA / "keras.h5", "net.safetensors")
        header, _ = split_weights((self.folder / "net.safetensors").read_bytes())
        self.assertEqual(header["__metadata__"], {"layout": "keras"})
        values = read_weights(self.folder / "net.safetensors")
        self.assertEqual(sorted(values), ["conv.bias", "conv.kernel", "dense.bias", "dense.kernel", "depthwise.depthwise_kernel",
                                          "norm.beta", "norm.gamma", "norm.moving_mean", "norm.moving_variance"])
        for name, found in values.items():
            self.assertEqual(list(found), list(range(len(found))), name)
        self.assertEqual(header["depthwise.depthwise_kernel"]["shape"], [3, 3, 4, 2])
        # Loaded as it is: filters and matrices lie in a program as Keras has them.
        self.write("net.xfer", KERAS)
        self.run_ok(XFERC, "check", "net.xfer", "--strict")
        self.run_ok(XFERC, "build", "net.xfer", "-o", "prog")
        self.run_ok("./prog", "train", "--out", "run")
        saved = read_weights(self.folder / "run/weights.safetensors")
        # A rate of 0 leaves them; ours are [out, in, window] in files. Number j of [3, 3, 2, 4] is output j % 4, input j // 4 % 2.
        self.assertEqual(list(saved["net.trunk.first.weight"])[:20], [4 * (2 * w + i) + o for o in range(4) for i in range(2) for w in range(9)][:20])
        self.assertEqual(list(saved["net.trunk.depthwise.weight"])[:9], [8.0 * w for w in range(9)])
        self.assertEqual(list(saved["net.trunk.dense.weight"])[:8], [3.0 * i for i in range(8)])
        self.write("net.xfer", KERAS.replace("conv(8, kernel: 3", "conv(8, kernel: 5"))
        self.refuse(r"'depthwise\.weight' is \[3, 3, 4, 2\] in the file, \[5, 5, 1, 8\] in the model", XFERC, "check", "net.xfer")

    # The published weights of SqueezeNet 1.1, from Keras: the first filter, and its place in the model.
    @unittest.skipUnless((SHARED / "weights").is_dir(), "the folder shared/data is not beside the repository")
    def test_squeezenet(self):
        file = SHARED / "weights/squeezenet1.1-imagenet-notop.safetensors"
        load = f'load "{file}" into net.trunk.first map {{ "conv1/kernel" -> "weight", "conv1/*" -> "*", "fire*" -> drop }}'
        wider = KERAS.replace("conv(4", "conv(64").replace("conv(8", "conv(64").replace("[6, 6, 2]", "[6, 6, 3]")
        self.write("net.xfer", re.sub(r"(?s)load .*?\n  }", lambda _: load, wider))
        self.run_ok(XFERC, "build", "net.xfer", "-o", "prog")
        self.run_ok("./prog", "train", "--out", "run")
        saved, wanted = read_weights(self.folder / "run/weights.safetensors")["net.trunk.first.weight"], read_weights(file)["conv1/kernel"]
        self.assertEqual(list(saved), [wanted[(w * 3 + i) * 64 + o] for o in range(64) for i in range(3) for w in range(9)])

    def test_arrays(self):
        ran = self.run_ok(XFERC, "convert", DATA / "arrays.h5", "data.safetensors")
        self.assertIn("warning: dataset 'name' of", ran.stderr)
        found = self.tensors(self.folder / "data.safetensors")
        self.assertEqual(found, {"flag": ("BOOL", [2], b"\1\0"), "half": ("F16", [3], struct.pack("<3e", 0, 1, 2)),
                                 "scalar": ("F64", [], struct.pack("<d", 1.5)), "train.image": ("U8", [2, 3, 2], bytes(range(12))),
                                 "train.label": ("I64", [2], struct.pack("<2q", 0, 1))})
        listed = self.listing(DATA / "arrays.h5")
        self.assertEqual(sorted(one["key"] for one in listed["tensors"]), sorted(found))
        self.write("src.h5", (DATA / "arrays.h5").read_bytes())
        self.write("net.xfer", MOONS.replace("  critic = ", '  load "src.h5" into net.trunk\n  critic = '))
        self.refuse(r"is an HDF5 file, which programs do not read; rewrite it: xferc convert", XFERC, "check", "net.xfer")

    # Damage ends in a message, and in no file.
    def test_damaged(self):
        for name in ("keras.h5", "arrays.h5"):
            good = (DATA / name).read_bytes()
            step = max(1, len(good) // 24)
            for at in range(0, len(good), step):
                for bad in (good[:at], good[:at] + bytes(byte ^ 0x55 for byte in good[at:at + 8]) + good[at + 8:]):
                    self.write("bad.h5", bad)
                    ran = self.execute(XFERC, "convert", "bad.h5", "out.safetensors")
                    if ran.returncode:
                        self.assertRegex(ran.stderr, r"^xferc: (error|warning): ")
                        self.assertNothingLeft(".", "bad.h5")
                    else:
                        (self.folder / "out.safetensors").unlink()


if __name__ == "__main__":
    harness.main()
