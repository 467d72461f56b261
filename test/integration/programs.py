"""Programs of the language's design, checked, built and run on small data that is made here.

Readers, sizes and lengths are shrunk; nets of standard size have stand-ins. What is stated is what the construct in question must do.
"""
import json
import pathlib
import struct
import harness
from harness import figure, read_weights

# Images whose label can be read off their mean, 16 x 16 x 3.
IMAGES = """import std
fn striped(i: int, kinds: int, bright: float) -> (image: [16, 16, 3], label: int) {
  let label = i % kinds
  return (image: bright * f32(label) / kinds + 0.2 * uniform([16, 16, 3]), label: label)
}
"""

STAND_INS = """
module small_block(width: int, stride: int) (x: [n, h, w, c]) -> [n, p, q, width] { conv1 = conv(width, kernel: 3, stride: stride); bn1 = batch_norm(); return relu(bn1(conv1(x))) }
module small_resnet(classes: int, widths: list) (x: [n, h, w, c]) -> [n, classes] {
  conv1 = conv(widths[0], kernel: 3); bn1 = batch_norm()
  layer1 = small_block(widths[0], 1); layer2 = small_block(widths[1], 2); layer3 = small_block(widths[2], 2); layer4 = small_block(widths[3], 1); fc = linear(classes)
  return fc(mean(layer4(layer3(layer2(layer1(relu(bn1(conv1(x))))))), axis: (1, 2)))
}
"""

TEACHER = IMAGES + STAND_INS + """
domain cifar { generate samples(320, fn(i) => striped(i, 4, 1.0)); fields image: f32[16, 16, 3], label: class(4) }
model net = small_resnet(classes: 4, widths: [4, 8, 8, 8])
stage learn { on cifar.all batch 16; minimize cross_entropy(net(cifar.image), cifar.label); optimizer adam(1e-2); epochs 20 }
"""

# Program 7.
DISTILLATION = IMAGES + STAND_INS + """
param teacher_file = "teacher.safetensors"
domain cifar { generate samples(320, fn(i) => striped(i, 4, 1.0)); fields image: f32[16, 16, 3], label: class(4); split train: 0.75, test: 0.25 }
fn kl(p: [n, k], q: [n, k]) -> [] = mean(sum(p * (log(max(p, 1e-8)) - q), axis: k))
fn log_softmax(x: [n, k]) -> [n, k] = x - log(sum(exp(x - max(x, axis: k, keep: true)), axis: k, keep: true)) - max(x, axis: k, keep: true)
model teacher {
  net = small_resnet(classes: 4, widths: [4, 8, 8, 8])
  load teacher_file into teacher.net map { "module.*" -> "*" }
  freeze teacher
}
model student { net = cifar_resnet(8, classes: 4); regress = conv(8, kernel: 1) }
stage distill {
  on cifar.train batch 16
  augment cifar.image = flip_crop(cifar.image) views 4
  let s = student.net(cifar.image); let t = teacher.net(cifar.image)
  loss hard = cross_entropy(s, cifar.label)
  loss soft = 16 * kl(softmax(t / 4), log_softmax(s / 4))
  loss hint = mse(student.regress(s at layer2), resize(t at layer2, [8, 8]))
  minimize 0.1 * hard + 0.9 * soft + hint
  optimizer sgd(0.05, momentum: 0.9, weight_decay: 1e-4); schedule step_decay(at: [0.5, 0.75], factor: 0.1); epochs 12
}
evaluate cifar.test { predict softmax(student.net(cifar.image)) against cifar.label; report accuracy }
"""

# Program 9.
SOURCES = IMAGES + STAND_INS + """
const sources = ["amazon", "dslr", "caltech"]
for d in ["amazon", "dslr", "caltech", "webcam"] {
  domain office[d] {
    generate samples(96, fn(i) => striped(i, 3, 1.0)); fields image: f32[16, 16, 3], label: class(3)
    split train: 0.75, test: 0.25
    if d == "webcam" { hide label in train }
  }
}
model net {
  trunk = small_resnet(classes: 8, widths: [4, 4, 8, 8]); neck = mlp([8]); head = [linear(3) for s in sources]; critic = [mlp([8, 8, 1]) for s in sources]
}
stage adapt {
  on [office[s].all for s in sources], office["webcam"].train as target batch 8
  let f = jointly(fn(x) => net.neck(net.trunk(x)), [office[s].image for s in sources] + [target.image]); let ft = f[-1]
  let risk = [cross_entropy(net.head[i](f[i]), office[s].label) for i, s in enumerate(sources)]
  let gap  = [dann(net.critic[i], f[i], ft, strength: warmup(gamma: 10)) for i in range(len(sources))]
  minimize log_sum_exp(stack([r + g for r, g in zip(risk, gap)]))
  optimizer sgd(0.05, momentum: 0.9) rate net.trunk: 0.5; epochs 8
}
fn log_sum_exp(x: [n]) -> [] = log(sum(exp(x)))
evaluate office["webcam"].test as target { predict mean([softmax(h(net.neck(net.trunk(target.image)))) for h in net.head]) against target.label; report accuracy }
export read(image: like office["webcam"].image) -> prob[3] = mean([softmax(h(net.neck(net.trunk(image)))) for h in net.head])
"""

# Program 14.
UNFREEZING = IMAGES + STAND_INS + """
domain pets { generate samples(320, fn(i) => striped(i, 4, 1.0)); fields image: f32[16, 16, 3], label: class(4); split train: 0.7, valid: 0.1, test: 0.2 }
fn slanted_triangle(peak: float, given progress: []) -> [] = min(progress / peak, (1 - progress) / (1 - peak))
model net { trunk = small_resnet(classes: 8, widths: [4, 4, 8, 8]); head = linear(4) }
stage tune {
  on pets.train batch 8
  freeze net.trunk.conv1, net.trunk.bn1
  for i in range(1, 5) { freeze net.trunk["layer" + str(i)] until epoch 5 - i }
  loss task = cross_entropy(net.head(net.trunk(pets.image)), pets.label); minimize task
  optimizer adamw(1e-2, weight_decay: 0.01) rate net.trunk["layer" + str(i)]: 0.4 ** (5 - i) for i in range(1, 5)
  schedule slanted_triangle(peak: 0.1); epochs 12
  keep best -task over pets.valid
}
evaluate pets.test { predict softmax(net.head(net.trunk(pets.image))) against pets.label; report accuracy }
"""

# Program 18: cells are squares on a darker ground.
UNET = """import std
module double_conv(width: int) (x: [n, h, w, c]) -> [n, h, w, width] {
  a = conv(width, kernel: 3, use_bias: false); norm_a = batch_norm(); b = conv(width, kernel: 3, use_bias: false); norm_b = batch_norm()
  return relu(norm_b(b(relu(norm_a(a(x))))))
}
module doubled(width: int) (x: [n, h, w, c]) -> [n, p, q, width] {
  a = conv(4 * width, kernel: 1)
  return reshape(transpose(reshape(a(x), [n, h, w, 2, 2, width]), [0, 1, 3, 2, 4, 5]), [n, 2 * h, 2 * w, width])
}
module unet(classes: int, widths: list = [4, 8]) (x: [n, h, w, c]) -> logits[n, h, w, classes] {
  down = [double_conv(v) for v in widths]; bottom = double_conv(2 * widths[-1]); up = [doubled(v) for v in reverse(widths)]
  fuse = [double_conv(v) for v in reverse(widths)]; head = conv(classes, kernel: 1)
  let y = x; let skips = []
  for d in down { let s = d(y); let skips = [s] + skips; let y = max_pool(s, 2) }
  let y = bottom(y)
  for u, f, s in zip(up, fuse, skips) { let y = f(concat([u(y), s], axis: -1)) }
  return head(y)
}
fn cell(i: int) -> (image: [16, 16, 1], mask: [16, 16]) {
  let top = uniform_int([], below: 8); let left = uniform_int([], below: 8)
  let y = iota(16) - top; let x = iota(16) - left
  let inside = expand((y >= 0) and (y < 8), axis: 1) and expand((x >= 0) and (x < 8), axis: 0)
  let kind = 1 + i % 2
  let mask = where(inside, kind, 0)
  return (image: expand(f32(mask) / 2 + 0.1 * uniform([16, 16]), axis: 2), mask: mask)
}
# Both turned left and right, or neither.
fn flipped(image: [h, w, c], mask: class(k)[h, w]) -> (image: [h, w, c], mask: class(k)[h, w]) {
  let turn = uniform([]) < 0.5
  return (image: where(turn, reverse(image, axis: 1), image), mask: classes(where(turn, reverse(mask, axis: 1), mask), k))
}
fn dice(p: [n, h, w, k], y: [n, h, w, k]) -> [] = mean(2 * sum(p * y, axis: (0, 1, 2)) / (sum(p, axis: (0, 1, 2)) + sum(y, axis: (0, 1, 2))))
fn right(p: [n, h, w, k], y: class(k)[n, h, w]) -> [] = mean(f32(argmax(p, axis: 3) == y))
domain cells { generate samples(320, fn(i) => cell(i)); fields image: f32[16, 16, 1], mask: class(3)[16, 16]; split train: 0.8, test: 0.2 }
model net = unet(3)
stage segment {
  on cells.train batch 8
  augment cells.image, cells.mask = flipped(cells.image, cells.mask)
  let g = net(cells.image)
  minimize cross_entropy(g, cells.mask) + 1 - dice(softmax(g), onehot(cells.mask))
  optimizer adam(1e-2); epochs 6
}
evaluate cells.test { predict softmax(segment.g) against cells.mask; report right }
"""


def renamed(path, rename):
    """A safetensors file with other keys."""
    data = pathlib.Path(path).read_bytes()
    size, = struct.unpack("<Q", data[:8])
    header = {rename(key): entry for key, entry in json.loads(data[8:8 + size]).items()}
    text = json.dumps({key: entry for key, entry in header.items() if key}).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + size:]


class Programs(harness.Case):
    def run_program(self, text, *arguments):
        return self.results(self.build(text), *arguments, "--seed", 1, timeout=300)

    def test_07_distillation(self):
        self.run_ok(self.build(TEACHER), "train", "--out", "taught", "--seed", 1, timeout=300)
        weights, = (self.folder / "taught").rglob("weights.safetensors")
        rename = lambda key: key.replace("net.", "module.", 1) if key.startswith("net.") else None
        self.write("teacher.safetensors", renamed(weights, rename))
        found = self.run_program(DISTILLATION)
        self.assertGreater(figure(found, "cifar.test", "accuracy"), 0.9)
        said = self.run_ok(harness.XFERC, "explain", self.write("p.xfer", DISTILLATION)).stdout
        self.assertIn("once a sample and view (4)", said)

    def test_09_several_sources(self):
        found = self.run_program(SOURCES)
        self.assertGreater(figure(found, "office[webcam].test", "accuracy"), 0.9)

    def test_14_unfreezing(self):
        self.assertGreater(figure(self.run_program(UNFREEZING), "pets.test", "accuracy"), 0.9)

    def test_18_unet(self):
        self.assertGreater(figure(self.run_program(UNET), "cells.test", "right"), 0.95)


if __name__ == "__main__":
    harness.main()
