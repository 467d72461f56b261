"""Augmentation by execution: random changes of single samples and of batches, in the compiled step."""
import math
import statistics
import harness

# Images whose value tells the place: red grows with the column, green with the row, blue is the sample's number.
HEAD = """import std
domain d {
  generate samples(COUNT, fn(i) => (image: picture(i), mask: classes(int(8 * rows()) , 8), label: classes(i % 4, 4)))
  fields image: f32[8, 8, 3], mask: class(8)[8, 8], label: class(4)
  map image = unit(image)
}
fn rows() = pixel_grid(8, 8).y / 8
fn picture(i) = stack([pixel_grid(8, 8).x / 8, rows(), 0 * rows() + (f32(i) + 0.5) / COUNT], axis: -1)
model net = linear(1)
"""

# What a stage sees of its batch, as one number a sample, is what its `watch` shows, averaged over the epoch.
STAGE = """
stage look {
  on d.all batch BATCH
  augment AUGMENT
  run net(reshape(d.image, [BATCH, 192]))
  WATCH
  epochs EPOCHS
}
"""


def program(augment, watch, count=64, batch=64, epochs=1, more=""):
    text = HEAD + more + STAGE
    for name, value in (("AUGMENT", augment), ("WATCH", watch), ("COUNT", count), ("BATCH", batch), ("EPOCHS", epochs)):
        text = text.replace(name, str(value))
    return text


class Augmentation(harness.Case):
    def look(self, text, *arguments):
        """The watched numbers of each epoch."""
        self.run_ok(self.build(text), "train", "--out", "run", "--overwrite", *arguments)
        return [line for line in self.lines() if line.get("stage") == "look" and "epoch" in line and "a" in line]

    def values(self, text, *arguments):
        return [(line["a"], line["b"]) for line in self.look(text, *arguments)]

    # Each change gives a unit image again (values in [0, 1], not all as they were), another in every epoch, the same for one seed.
    def test_each(self):
        changes = ["zoom(d.image)", "shear(d.image)", "elastic(d.image, strength: 6, sigma: 2.0)", "brightness(d.image)", "contrast(d.image)",
                   "saturation(d.image)", "hue(d.image, amount: 0.5)", "blur(d.image)", "random_grayscale(d.image, probability: 0.5)",
                   "cutout(d.image)", "rand_augment(d.image, operations: 2)", "expand(rand_augment(d.image[.., 0..1], operations: 2)[.., 0], axis: 2) + zeros([8, 8, 3])", "affine_jitter(d.image)", "color_jitter(d.image)",
                   "random_erasing(d.image, probability: 1)", "random_resized_crop(d.image, [8, 8])",
                   "random_perspective(d.image, distortion: 0.8, probability: 1)", "augmix(d.image)", "augmix(d.image, width: 2, depth: 2, alpha: 0.5, severity: 8)"]
        for change in changes:
            with self.subTest(change):
                text = program("d.image = " + change, "watch a = mean(square(d.image)); watch b = max(d.image); watch low = min(d.image)", epochs=2)
                lines = self.look(text)
                self.assertEqual(lines, self.look(text))
                self.assertEqual(len(lines), 2)
                for line in lines:
                    self.assertTrue(0 <= line["low"] <= line["b"] <= 1, line)
                self.assertNotEqual(lines[0]["a"], lines[1]["a"])
                self.assertNotEqual(lines[0]["a"], self.look(text, "--seed", 7)[0]["a"])

    # A normalised image is brought to [0, 1], changed, and normalised again: the same numbers as if it had been changed before.
    def test_normalised(self):
        for statistics in ("mean: [0.4, 0.5, 0.6], std: [0.1, 0.2, 0.3]", "mean: 0.5, std: 0.25"):
            with self.subTest(statistics):
                self.check_normalised(statistics)

    def check_normalised(self, statistics):
        before = HEAD.replace("map image = unit(image)", "map image = unit(image); map image = adjust_hue(adjust_brightness(image, 1.5), 0.2); "
                              f"map image = normalize(image, {statistics})")
        behind = HEAD.replace("map image = unit(image)", f"map image = normalize(unit(image), {statistics}); "
                              "map image = adjust_hue(adjust_brightness(image, 1.5), 0.2)")
        ask = "evaluate d.all { report first = mean(abs(d.image), axis: [0, 1]), middle = mean(d.image), net = mean(net(reshape(d.image, [size(d.image, 0), 192]))) }\n"
        found = [harness.figures(self.results(self.build(text.replace("COUNT", "16") + ask), "train", "--out", "run", "--overwrite"), "d.all")
                 for text in (before, behind)]
        self.assertAlmostEqual(found[0]["middle"], found[1]["middle"], places=5)
        for one, other in zip(sum(found[0]["first"], []), sum(found[1]["first"], [])):
            self.assertAlmostEqual(one, other, places=4)

    # Drawn amounts have the moments of their distributions: brightness of a grey image is 1/2 times U(0.6, 1.4).
    def test_distribution(self):
        text = program("d.image = brightness(0 * d.image + 0.5, amount: 0.4)", "watch a = mean(d.image); watch b = mean(square(mean(d.image, axis: [1, 2, 3])))",
                       count=4096, batch=4096)
        (mean, square), = self.values(text)
        self.assertAlmostEqual(mean, 0.5, delta=4 * 0.4 * 0.5 / math.sqrt(3 * 4096))
        self.assertAlmostEqual(math.sqrt(square - mean * mean), 0.4 * 0.5 / math.sqrt(3), delta=0.006)
        # Grey with probability 0.3: an image of pure red becomes 0.299 of everything.
        text = program("d.image = random_grayscale(where(iota(3) == 0, 0 * d.image + 1, 0), probability: 0.3)",
                       "watch a = mean(f32(d.image[.., 0, 0, 1] > 0)); watch b = mean(d.image[.., 0, 0, 1])", count=4096, batch=4096)
        (share, green), = self.values(text)
        self.assertAlmostEqual(share, 0.3, delta=4 * math.sqrt(0.21 / 4096))
        self.assertAlmostEqual(green, 0.299 * share, places=5)
        # Cutout of 4 x 4 in 8 x 8: full squares for 5 of 8 places along each axis, 1 to 3 pixels lost at the border otherwise.
        text = program("d.image = cutout(0 * d.image + 1, length: 4, fill: 0)", "watch a = mean(d.image); watch b = min(mean(d.image, axis: [1, 2, 3]))",
                       count=4096, batch=4096)
        (mean, least), = self.values(text)
        side = statistics.mean(min(c + 2, 8) - max(c - 2, 0) for c in range(8)) / 8
        self.assertAlmostEqual(mean, 1 - side * side, delta=0.005)
        self.assertAlmostEqual(least, 0.75, places=6)

    # The window of a random crop: its area is even in [0.08, 1] of the image's, its aspect on the scale of logarithms, each side at most the
    # image's. The columns 3 and 4 of eight are a width / 8 apart, and red tells the column.
    def test_random_windows(self):
        shares = [0.08 + 0.92 * (i + 0.5) / 100 for i in range(100)]
        aspects = [math.exp((2 * (i + 0.5) / 100 - 1) * math.log(4 / 3)) for i in range(100)]
        widths = [min(math.sqrt(64 * share * aspect), 8) for share in shares for aspect in aspects]
        text = program("d.image = random_resized_crop(d.image, [8, 8])",
                       "let width = 64 * (d.image[.., 3, 4, 0] - d.image[.., 3, 3, 0])\n  watch a = mean(width); watch b = mean(square(width))", count=4096, batch=4096)
        (mean, square), = self.values(text)
        self.assertAlmostEqual(mean, statistics.mean(widths), delta=4 * statistics.pstdev(widths) / 64)
        self.assertAlmostEqual(square - mean * mean, statistics.pvariance(widths), delta=0.15)

    # Places of an elastic warp: no shift on average, variance strength^2 / 3 (sum of squares of the smoothing's weights)^2.
    def test_elastic_field(self):
        weights = [math.exp(-k * k / 2) for k in range(-2, 3)]
        deviation = 3 * sum(w * w for w in weights) / sum(weights) ** 2 / math.sqrt(3)
        text = program("d.image = stack([elastic_places(8, 8, 3, 1.0).x - pixel_grid(8, 8).x, zeros([8, 8]), zeros([8, 8])], axis: 2)",
                       "watch a = mean(d.image[.., 4, 4, 0]); watch b = mean(square(d.image[.., 4, 4, 0]))", count=4096, batch=4096)
        (mean, square), = self.values(text)
        self.assertAlmostEqual(mean, 0, delta=4 * deviation / 64)
        self.assertAlmostEqual(math.sqrt(square), deviation, delta=0.05 * deviation)

    # A probability of 0 leaves an image as it is; of 1 its corners move inwards by up to the share of the sides.
    def test_random_perspective(self):
        for distortion, probability, moved in ((0.5, 0, False), (0, 1, False), (0.5, 1, True)):
            text = program(f"d.image = random_perspective(d.image, distortion: {distortion}, probability: {probability})",
                           "watch a = mean(abs(8 * d.image[.., 0] - pixel_grid(8, 8).x)); watch b = max(d.image[.., 0])")
            (off, _), = self.values(text)
            (self.assertGreater if moved else self.assertLess)(off, 0.05 if moved else 1e-5)

    # The first image of AugMix by a share of Beta(1, 1) = U(0, 1): where every chain is black, half of it is left on average.
    def test_augmix_shares(self):
        text = program("d.image = augmixed(unit(0 * d.image + 1), [[(which: 4, strength: 1.0, direction: 1.0)], [(which: 4, strength: 1.0, direction: 1.0)]], [1, 1], [0.5, 0.5], beta_draw(1))",
                       "let left = d.image[.., 4, 4, 0]\n  watch a = mean(left); watch b = mean(square(left))", count=4096, batch=4096)
        (mean, square), = self.values(text)
        self.assertAlmostEqual(mean, 0.5, delta=4 / math.sqrt(12 * 4096))
        self.assertAlmostEqual(square - mean * mean, 1 / 12, delta=0.006)

    # The mean over changed copies, each with draws of its own: brightness of grey has the variance 0.4^2 / 12, a mean of 16 a sixteenth of it.
    def test_test_time(self):
        ask = """stage look { on d.all batch 16; minimize mean(square(net(reshape(d.image, [16, 192])))); optimizer sgd(0.0); epochs 1 }
fn grey(x: [n, h, w, c]) -> [n] = mean(x, axis: [1, 2, 3])
fn spread(x: [n]) -> [] = mean(square(x - 0.5))
fn halves(x: [n, h, w, c]) -> prob[n, 4] = softmax(expand(grey(x), axis: 1) @ [[1, 2, 3, 4]])
evaluate d.all {
  let one = test_time(grey, d.image, brightness, copies: 1, unchanged: false)
  let many = test_time(grey, d.image, brightness, copies: 16, unchanged: false)
  predict test_time(halves, d.image, flip, copies: 3) against d.label
  report one = spread(one), many = spread(many), among = spread(test_time(grey, d.image, brightness, copies: 1)), accuracy
}
export steady(image: like d.image) = test_time(halves, image, flip_crop, copies: 4)
"""
        text = HEAD.replace("COUNT", "2048").replace("map image = unit(image)", "map image = unit(0 * image + 0.5)") + ask
        found = harness.figures(self.results(self.build(text), "train", "--out", "run", "--overwrite"), "d.all")
        for name, copies in (("one", 1), ("many", 16), ("among", 4)):
            self.assertAlmostEqual(found[name] * copies, 0.16 / 12, delta=0.0015)
        self.assertAlmostEqual(found["accuracy"], 0.25, delta=0.001)

    # One clause draws once: an image and its mask move together, so that the mask still tells the row of its pixel.
    def test_one_draw(self):
        rows = "abs(8 * d.image[.., .., 1] - f32(d.mask))".replace("[.., .., 1]", "[.., 1]")
        for pair in ("elastic_crop(d.image, d.mask, [8, 8], strength: 6, sigma: 2.0)", "flip_with_mask(d.image, d.mask)"):
            with self.subTest(pair):
                text = program("d.image, d.mask = " + pair, f"watch a = max({rows}); watch b = mean(onehot(d.mask))")
                self.assertLessEqual(self.values(text)[0][0], 0.5001)
        apart = program("d.image = elastic(d.image, strength: 6, sigma: 2.0)", f"watch a = max({rows}); watch b = mean(d.image)")
        self.assertGreater(self.values(apart)[0][0], 0.5001)

    # Mixed batches: the share of each sample's own label is the share of its own values. Blue tells the sample.
    def test_mixed_batches(self):
        for name in ("mixup(d.image, d.label, alpha: 1.0)", "mixup(d.image, d.label, alpha: 0.2)", "cutmix(d.image, d.label)"):
            with self.subTest(name):
                text = program("d.image = d.image", f"""let m = {name}
  let own = mean(d.image[.., 2], axis: [1, 2])
  let met = mean(m.x[.., 2], axis: [1, 2])
  let partner = (met - m.share * own) / max(1 - m.share, 0.0001)
  let distance = abs(expand(partner, axis: 1) - expand(own, axis: 0))
  watch a = mean(m.share)
  watch b = max(where(m.share < 0.999, f32(gather(d.label, argmin(distance, axis: 1)) != m.other), 0))
  watch off = max(where(m.share < 0.99, min(distance, axis: 1), 0))""", count=16, batch=16, epochs=24)
                lines = self.look(text)
                for line in lines:
                    self.assertTrue(0 <= line["a"] <= 1, line)
                    self.assertEqual(line["b"], 0, line)
                    self.assertLess(line["off"], 0.01)
                self.assertGreater(len({line["a"] for line in lines}), 12)

    # Shares of mixup are of Beta(alpha, alpha): mean 1/2, variance 1 / (4 (2 alpha + 1)).
    def test_beta(self):
        for alpha in (0.2, 1.0, 2.0):
            with self.subTest(alpha):
                text = program("d.image = d.image", f"let m = mixup(d.image, d.label, alpha: {alpha})\n  watch a = mean(m.share); watch b = mean(square(m.share))",
                               count=4, batch=4, epochs=2000)
                found = self.values(text)
                variance = 1 / (4 * (2 * alpha + 1))
                self.assertAlmostEqual(statistics.mean(a for a, _ in found), 0.5, delta=4 * math.sqrt(variance / 2000))
                self.assertAlmostEqual(statistics.pvariance([a for a, _ in found]), variance, delta=0.15 * variance)

    def test_refused(self):
        for augment, says in (("d.image = gaussian_blur(d.image, 1, kernel: 4)", "the kernel of a blur is odd, not 4"),
                              ("d.image = adjust_hue(grayscale(d.image), 0.1)", "wants 3 channels, not 1"),
                              ("d.image, d.mask = elastic_crop(d.image, d.mask, [9, 8])", "does not fit into an image"),
                              ("d.image = random_perspective(d.image, distortion: 2)", "the distortion of random_perspective lies in"),
                              ("d.image = augmix(d.image, width: 0)", "the width of augmix is 1 or more"), ("d.image = augmix(d.image, severity: 11)", "the severity of augmix lies in"),
                              ("d.image = resize(d.image, [4, 4], method: \"cubic\")", "the method of a resize is"),
                              ("d.image = rand_augment(d.image, operations: 0)", "one operation or more")):
            with self.subTest(says):
                path = self.write("program.xfer", program(augment, "watch a = mean(d.image)"))
                self.refuse(says, harness.XFERC, "check", path)


# Sohn et al. 2020 (FixMatch), on small images whose class is the half that is bright; program 4 of the language, with a small net.
FIXMATCH = """import std
domain made {
  generate train: samples(160, fn(i) => picture(i % 2)); generate test: samples(64, fn(i) => picture(i % 2))
  fields image: f32[12, 12, 3], label: class(2)
  map image = normalize(unit(image), mean: [0.5, 0.45, 0.4], std: [0.25, 0.2, 0.25])
  split few: 0.1, bare: 0.9 of train
  hide label in bare
}
""" + harness.HALVES + """
model net = small_net(classes: 2)
stage fixmatch {
  on made.few as lab batch 8, made.bare as unl batch 24
  augment lab.image = flip_crop(lab.image, padding: 1)
  augment unl.weak = flip_crop(unl.image, padding: 1)
  augment unl.strong = cutout(rand_augment(flip_crop(unl.image, padding: 1), operations: 2), length: 4)
  let gl, gw, gs = jointly(net, [lab.image, unl.weak, unl.strong])
  let p = stop_gradient(softmax(gw))
  loss labelled   = cross_entropy(gl, lab.label)
  loss unlabelled = cross_entropy(gs, argmax(p, axis: 1), weight: max(p, axis: 1) >= 0.95)
  minimize labelled + unlabelled
  watch sure = mean(f32(max(p, axis: 1) >= 0.95))
  watch apart = mean(abs(unl.weak - unl.strong)); watch moved = mean(abs(unl.weak - unl.image))
  state teacher = snapshot(net)
  update teacher = mix(teacher, net, 0.9)
  optimizer sgd(0.03, momentum: 0.9, nesterov: true, weight_decay: 5e-4); schedule cosine(cycles: 7 / 16); steps 120
}
evaluate made.test { predict softmax(fixmatch.teacher(made.image)) against made.label; report accuracy }
"""


class FixMatch(harness.Case):
    def test_program(self):
        program = self.build(FIXMATCH)
        found = self.results(program, "train", "--out", "one", "--overwrite")
        self.assertGreater(harness.figure(found, "made.test", "accuracy"), 0.95)
        epochs = [line for line in self.lines("one/metrics.jsonl") if line.get("stage") == "fixmatch" and "unlabelled" in line]
        self.assertGreater(epochs[-1]["sure"], 0.5)
        for line in epochs:                      # the views are drawn for themselves, from the image as it is
            self.assertGreater(line["apart"], 0.01)
            self.assertGreater(line["moved"], 0.01)
        again = self.results(program, "train", "--out", "two", "--overwrite", "--threads", "1")
        self.assertEqual(harness.figures(found, "made.test"), harness.figures(again, "made.test"))
        self.assertEqualFiles("one/weights.safetensors", "two/weights.safetensors")


if __name__ == "__main__":
    harness.main()
