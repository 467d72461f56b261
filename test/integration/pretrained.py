"""Nets of the library with weights that others trained, on real images: the same numbers as PyTorch's with the same weights and images.

The data is not part of the project; without it every case is skipped.  Two of the files come from Keras: their arrays are turned here.
"""
import json
import struct
import unittest

import harness

DATA = harness.SOURCE.parent / "shared" / "data"
WEIGHTS = DATA / "weights"
PETS = f"""import std
domain pets {{
  read   idx(image: "{DATA}/cats-dogs/catsdogs96-train-images-idx4-ubyte.gz", label: "{DATA}/cats-dogs/catsdogs96-train-labels-idx1-ubyte.gz")
  fields image: u8[96, 96, 3], label: class(2)
}}"""


def tensors(path):
    """name -> (shape, float32 numbers) of a safetensors file."""
    content = path.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + size])
    found = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = (8 + size + at for at in entry["data_offsets"])
            found[name] = (entry["shape"], struct.unpack(f"<{(end - begin) // 4}f", content[begin:end]))
    return found


def encode(found):
    header, data = {}, []
    end = 0
    for name, (shape, numbers) in found.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + 4 * len(numbers)]}
        end += 4 * len(numbers)
        data.append(struct.pack(f"<{len(numbers)}f", *numbers))
    return harness.join_weights(header, b"".join(data))


def filter_of(kernel):
    """[height, width, in, out] as [out, in, height, width]."""
    (h, w, a, b), numbers = kernel
    return [b, a, h, w], [numbers[(place * a + i) * b + o] for o in range(b) for i in range(a) for place in range(h * w)]


class Pretrained(harness.Case):
    def setUp(self):
        super().setUp()
        if not WEIGHTS.is_dir():
            self.skipTest(f"no {WEIGHTS}")

    def measured(self, program, evaluation):
        return harness.figures(self.results(self.build(program), "--data", DATA), evaluation)

    def expect(self, found, **wanted):
        """Float32 sums in another order; one sample in a thousand may be decided otherwise."""
        for name, value in wanted.items():
            self.assertLess(abs(harness.single(found[name]) - value), 1e-3 if name == "right" else 1e-4 * abs(value), name)

    def test_resnet20_on_compressed_images(self):
        found = self.measured(f"""import std
domain cifar {{
  read   idx(image: "{DATA}/cifar10-jpeg/cifar10j-train-images-idx4-ubyte.gz", label: "{DATA}/cifar10-jpeg/cifar10j-train-labels-idx1-ubyte.gz")
  fields image: u8[32, 32, 3], label: class(10)
  map    image = normalize(image, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])
}}
model net = resnet20(classes: 10) {{ load "{WEIGHTS}/resnet20-cifar10.safetensors" into net map {{ "linear.*" -> "fc.*" }} }}
evaluate cifar.all batch 100 {{
  report right = accuracy(net(cifar.image), cifar.label), nats = cross_entropy(net(cifar.image), cifar.label)
}}
""", "cifar.all")
        self.expect(found, right=0.8656667, nats=0.5457946)

    def test_tiny_darknet_tells_dogs_from_cats(self):
        found = tensors(WEIGHTS / "tiny-darknet-imagenet.safetensors")
        turned = {"classifier.weight": filter_of(found["conv2d_16/kernel"]), "classifier.bias": found["conv2d_16/bias"]}
        for i in range(15):
            turned[f"features.{i}.0.weight"] = filter_of(found[f"conv2d_{i + 1}/kernel"])
            for theirs, ours in (("gamma", "weight"), ("beta", "bias"), ("moving_mean", "running_mean"), ("moving_variance", "running_var")):
                turned[f"features.{i}.1.{ours}"] = found[f"batch_normalization_{i + 1}/{theirs}"]
        self.write("tiny.safetensors", encode(turned))
        synsets = (WEIGHTS / "tiny-darknet-imagenet.synsets.txt").read_text().split()
        dogs = [int("n02085620" <= name <= "n02113978") for name in synsets]
        cats = [int(name in ("n02123045", "n02123159", "n02123394", "n02123597", "n02124075")) for name in synsets]
        measured = self.measured(f"""{PETS}
const dogs = {dogs}
const cats = {cats}
model net = tiny_darknet(classes: 1000, epsilon: 1e-3) {{ load "{self.folder}/tiny.safetensors" into net }}
fn share(p: [n, k], group) -> [n] = sum(p * f32(group), axis: 1)
evaluate pets.all batch 48 {{
  let g = net(f32(pets.image) / 255)
  let p = softmax(g)
  report size = mean(abs(g)), right = accuracy(stack([share(p, cats), share(p, dogs)], axis: 1), pets.label)
}}
""", "pets.all")
        self.expect(measured, size=5.8476684, right=0.7)

    def test_squeezenet_features(self):
        found = tensors(WEIGHTS / "squeezenet1.1-imagenet-notop.safetensors")
        turned = {"features.0.weight": filter_of(found["conv1/kernel"]), "features.0.bias": found["conv1/bias"]}
        for fire, at in ((2, 3), (3, 4), (4, 6), (5, 7), (6, 9), (7, 10), (8, 11), (9, 12)):
            for theirs, ours in (("squeeze1x1", "squeeze"), ("expand1x1", "expand1x1"), ("expand3x3", "expand3x3")):
                turned[f"features.{at}.{ours}.weight"] = filter_of(found[f"fire{fire}/{theirs}/kernel"])
                turned[f"features.{at}.{ours}.bias"] = found[f"fire{fire}/{theirs}/bias"]
        self.write("squeeze.safetensors", encode(turned))
        measured = self.measured(f"""{PETS}
model net = squeezenet1_1() {{ load "{self.folder}/squeeze.safetensors" into net }}
evaluate pets.all batch 48 {{
  let f = net(reverse(f32(pets.image), axis: 3) - [103.939, 116.779, 123.68])
  report size = mean(f), square_size = mean(square(f))
}}
""", "pets.all")
        self.expect(measured, size=3.4381486, square_size=73.612078)


if __name__ == "__main__":
    harness.main()
