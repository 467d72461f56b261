"""The examples run: the drawn digits for an epoch, MNIST and USPS on a few made digits and on the real ones."""
import gzip
import os
import pathlib
import random
import re
import harness
from harness import EXAMPLES, SOURCE, XFERC, digit_images, figure, idx, read_weights

DATA = pathlib.Path(os.environ.get("XFER_DATA", SOURCE.parent / "shared" / "data"))
DIGITS = EXAMPLES / "01-digits" / "program.xfer"
ORACLE = EXAMPLES / "01-digits" / "oracle.xfer"
MNIST_USPS = EXAMPLES / "02-mnist-usps" / "program.xfer"
NAMES = EXAMPLES / "04-names" / "program.xfer"
REVIEWS = EXAMPLES / "06-reviews" / "program.xfer"
OFFICE = EXAMPLES / "07-office" / "program.xfer"
CLOTHES = EXAMPLES / "09-clothing" / "program.xfer"
SHIFT = EXAMPLES / "10-cifar-shift" / "program.xfer"
PETS = EXAMPLES / "08-frozen-backbone" / "program.xfer"
SHAKESPEARE = EXAMPLES / "05-shakespeare" / "program.xfer"


class Examples(harness.Case):
    # An epoch is short of the claim, which bench/ measures, but far above chance.
    def test_drawn_digits(self):
        results = self.results(self.build(DIGITS), "train", "--epochs", 1, "--out", "run", timeout=300)
        self.assertGreater(figure(results, "rough.test", "accuracy"), 0.3)
        self.assertIn("source_only", results["runs"][0]["evaluations"][0]["baselines"])

    def test_oracle_of_drawn_digits(self):
        results = self.results(self.build(ORACLE), "train", "--epochs", 1, "--out", "run", timeout=300)
        self.assertGreater(results["runs"][0]["evaluations"][0]["figures"]["accuracy"], 0.5)

    # Names of one pattern are soon foretold: every vowel is followed by the consonant that stands before it.
    def test_made_names(self):
        names = [c + v + c * (1 + n % 3) for n in range(20) for c in "bdgklm" for v in "aeiou"]
        self.write("data/names/names.txt", "\n".join(names) + "\n")
        program = self.build(NAMES)
        results = self.results(program, "train", "--data", "data", "--epochs", 10, "--out", "run", timeout=300)
        self.assertLess(figure(results, "names.test", "nats"), 1.3)  # 3.3 at first; .9 is what chance leaves
        self.write("begun.txt", "ba\nlo\n")
        rows = self.run_ok(program, "predict", "--export", "following", "--input", "begun.txt", "--out", "run").stdout
        likely = [row.split(",")[-1] for row in rows.splitlines()[1:]]
        self.assertEqual(likely, [str(1 + ord(c) - ord("a")) for c in "bl"])

    def test_names(self):
        if not (DATA / "names").is_dir():
            self.skipTest(f"no names in '{DATA}'; XFER_DATA names the folder that holds names/")
        results = self.results(self.build(NAMES), "train", "--data", DATA, "--epochs", 1, "--out", "run", timeout=300)
        self.assertLess(figure(results, "names.test", "nats"), 2.25)  # 2.45 is what pairs of letters leave

    def test_made_play(self):
        text = "to be or not to be that is the question " * 200
        self.write("data/tinyshakespeare/shakespeare.txt.gz", gzip.compress(text.encode(), mtime=0))
        self.run_ok(XFERC, "build", SHAKESPEARE, "--data", "data", "-o", "play", timeout=300)
        results = self.results("./play", "train", "--data", "data", "--epochs", 20, "--out", "run", timeout=300)
        self.assertLess(figure(results, "play.test", "nats"), 1.5)  # 2.8 at first

    # Words 0 to 49 are good, 50 to 99 bad, in both domains; what each domain has besides says nothing.
    def made_reviews(self, name, count, own, seed):
        draw, rows = random.Random(seed), []
        for i in range(count):
            words = [(50 if i % 2 else 0) + draw.randrange(50) for _ in range(6)] + [own + draw.randrange(1000) for _ in range(10)]
            rows.append(f"{'-1' if i % 2 else '1'} " + " ".join(f"{word}:{words.count(word)}" for word in sorted(set(words))))
        self.write(f"data/amazon/{name}.svmlight.gz", gzip.compress(("\n".join(rows) + "\n").encode(), mtime=0))

    def test_made_reviews(self):
        self.made_reviews("books_train", 300, 100, 1)
        self.made_reviews("dvd_train", 200, 2000, 2)
        self.made_reviews("dvd_test", 100, 2000, 3)
        program = self.build(REVIEWS)
        results = self.results(program, "train", "--data", "data", "--out", "run", timeout=300)
        found = results["runs"][0]["evaluations"][0]
        self.assertGreater(found["figures"]["accuracy"], 0.9)
        self.assertGreater(found["baselines"]["source_only"]["accuracy"], 0.9)
        # New reviews come in the format of the domain, with a label that nobody reads.
        self.write("new.svmlight", "1 3:2 7:1 2100:1\n-1 60:2 99:1\n")
        rows = self.run_ok(program, "predict", "--out", "run", "--input", "new.svmlight").stdout.splitlines()
        self.assertEqual([row.split(",")[-1] for row in rows[1:]], ["1", "0"])

    def test_reviews(self):
        if not (DATA / "amazon").is_dir():
            self.skipTest(f"no reviews in '{DATA}'; XFER_DATA names the folder that holds amazon/")
        results = self.results(self.build(REVIEWS), "train", "--data", DATA, "--epochs", 2, "--out", "run", timeout=300)
        self.assertGreater(figure(results, "dvd.test", "accuracy"), 0.76)

    # A thing has words of its own, and the camera adds some of its.
    def test_made_office(self):
        draw = random.Random(4)
        for domain, count in (("amazon", 160), ("webcam", 80)):
            labels = [i % 10 for i in range(count)]
            rows = [[draw.randrange(3) + (12 if word // 20 == label else 0) + (domain == "webcam" and word % 5 == 0) for word in range(800)]
                    for label in labels]
            folder = f"data/office-caltech10/surf800-{domain}"
            self.write(f"{folder}-features-idx2-ubyte.gz", idx((count, 800), bytes(sum(rows, []))))
            self.write(f"{folder}-labels-idx1-ubyte.gz", idx((count,), bytes(labels)))
        results = self.results(self.build(OFFICE), "train", "--data", "data", "--epochs", 5, "--out", "run", timeout=300)
        found = results["runs"][0]["evaluations"][0]
        self.assertEqual(set(found["baselines"]), {"source_only", "adversarial", "weighted"})
        self.assertGreater(found["figures"]["accuracy"], 0.9)
        self.assertGreater(found["baselines"]["weighted"]["accuracy"], 0.5)

    def test_office(self):
        if not (DATA / "office-caltech10").is_dir():
            self.skipTest(f"no office in '{DATA}'; XFER_DATA names the folder that holds office-caltech10/")
        results = self.results(self.build(OFFICE), "train", "--data", DATA, "--epochs", 2, "--out", "run", timeout=300)
        self.assertGreater(results["runs"][0]["evaluations"][0]["figures"]["accuracy"], 0.3)

    def test_frozen_backbone(self):
        if not (DATA / "cats-dogs").is_dir() or not (DATA / "weights").is_dir():
            self.skipTest(f"no cats and dogs in '{DATA}'; XFER_DATA names the folder that holds cats-dogs/ and weights/")
        results = self.results(self.build(PETS, "--data", DATA), "train", "--data", DATA, "--tuning", 2, "--out", "run", timeout=300)
        found = results["runs"][0]["evaluations"][0]
        self.assertGreater(found["baselines"]["frozen"]["accuracy"], 0.75)
        self.assertGreater(found["figures"]["accuracy"], 0.75)

    # Dark and bright pictures, first values in place of the weights: both stages learn, and the frozen part stands still.
    def test_made_pets(self):
        draw = random.Random(6)
        labels = [i % 2 for i in range(80)]
        pixels = b"".join(bytes([60 + 130 * label + draw.randrange(40)]) * (96 * 96 * 3) for label in labels)
        self.write("data/cats-dogs/catsdogs96-train-images-idx4-ubyte.gz", idx((80, 96, 96, 3), pixels))
        self.write("data/cats-dogs/catsdogs96-train-labels-idx1-ubyte.gz", idx((80,), bytes(labels)))
        text = PETS.read_text()
        load = text[text.index("  load "):text.index("}", text.index("map {")) + 1]
        results = self.results(self.build(text.replace(load, "").replace("[160, 160]", "[48, 48]")), "train", "--data", "data", "--tuning", 2, "--out", "run",
                               timeout=300)
        found = results["runs"][0]["evaluations"][0]
        self.assertGreater(found["baselines"]["frozen"]["accuracy"], 0.9)
        self.assertGreater(found["figures"]["accuracy"], 0.9)

    def test_clothing(self):
        if not (DATA / "clothing").is_dir() or not (DATA / "weights").is_dir():
            self.skipTest(f"no clothes in '{DATA}'; XFER_DATA names the folder that holds clothing/ and weights/")
        results = self.results(self.build(CLOTHES, "--data", DATA), "train", "--data", DATA, "--tuning", 8, "--out", "run", timeout=300)
        found = results["runs"][0]["evaluations"][0]
        self.assertEqual(set(found["baselines"]), {"frozen", "together"})
        self.assertGreater(found["baselines"]["frozen"]["accuracy"], 0.5)
        self.assertGreater(found["figures"]["accuracy"], 0.5)

    # A colour a kind, and first values in place of the weights: the head learns, and what thaws late stands still until then.
    def test_made_clothes(self):
        draw = random.Random(7)
        labels = [i % 10 for i in range(200)]
        pixels = b"".join(bytes(shade * 60 + draw.randrange(16) for shade in (label % 2 * 3, label // 2 % 3, label // 4)) * (64 * 64) for label in labels)
        self.write("data/clothing/clothing64-train-images-idx4-ubyte.gz", idx((200, 64, 64, 3), pixels))
        self.write("data/clothing/clothing64-train-labels-idx1-ubyte.gz", idx((200,), bytes(labels)))
        net = (CLOTHES.parent / "net.xfer").read_text().replace("import std\n", "")
        net = net[:net.index("  load ")] + "}\n"
        program = self.build(CLOTHES.read_text().replace('import "net.xfer"\n', net).replace("[96, 96]", "[32, 32]"))
        for tuning in (2, 6):
            results = self.results(program, "train", "--data", "data", "--tuning", tuning, "--out", f"run{tuning}", timeout=300)
            self.assertGreater(results["runs"][0]["evaluations"][0]["baselines"]["frozen"]["accuracy"], 0.8)
        # Two epochs thaw the last three layers alone, and of what the stage before did nothing is left; six thaw all.
        few, all = (read_weights(self.folder / f"run{tuning}" / "weights.safetensors") for tuning in (2, 6))
        for layer, moves in ((0, False), (11, False), (12, True), (14, True)):
            self.assertEqual(any(few[f"net.trunk.features.{layer}.1.running_mean"]), moves, layer)
        self.assertTrue(any(all["net.trunk.features.0.1.running_mean"]))

    def test_cifar_shift(self):
        """The figures of PyTorch with the same weights, before anything is adapted; what helps and what does not."""
        if not (DATA / "cifar10-jpeg").is_dir() or not (DATA / "cifar-resnet").is_dir():
            self.skipTest(f"no images in '{DATA}'; XFER_DATA names the folder that holds cifar10-jpeg/ and cifar-resnet/")
        results = self.results(self.build(SHIFT, "--data", DATA), "train", "--data", DATA, "--out", "run", timeout=300)
        found = {name: value for one in results["runs"][0]["evaluations"] for name, value in one["figures"].items()}
        self.assertAlmostEqual(found["loaded"], 0.86567, delta=1e-3)
        self.assertAlmostEqual(found["loaded_nats"], 0.54579, delta=1e-4)
        self.assertLess(found["adabn"], found["loaded"])
        self.assertGreater(found["calm"], found["loaded"])

    # Images of noise, and first values in place of the weights: the program comes to its end, and adaptation makes predictions surer.
    def test_made_shift(self):
        draw = random.Random(5)
        labels = [i % 10 for i in range(200)]
        pixels = bytes(min(20 * label + draw.randrange(60), 255) for label in labels for _ in range(32 * 32 * 3))
        self.write("data/cifar10-jpeg/cifar10j-train-images-idx4-ubyte.gz", idx((200, 32, 32, 3), pixels))
        self.write("data/cifar10-jpeg/cifar10j-train-labels-idx1-ubyte.gz", idx((200,), bytes(labels)))
        text = SHIFT.read_text()
        loads = [text[at:text.index("}", text.index("map {", at)) + 1] for at in (text.index("load "), text.rindex("load "))]
        for one in loads:
            text = text.replace(one, "")
        text = text.replace(" {  }", "").replace("report  calm =", "report  after = entropy_minimization(calm(cifar.image)), calm =")
        text = text.replace("evaluate cifar.all batch 100 { report loaded =",
                            "evaluate cifar.all batch 100 { report before = entropy_minimization(calm(cifar.image)), loaded =")
        results = self.results(self.build(text), "train", "--data", "data", "--out", "run", "--report", timeout=300)
        found = {name: value for one in results["runs"][0]["evaluations"] for name, value in one["figures"].items()}
        self.assertEqual({"loaded", "adabn", "tent", "calm"} - set(found), set())
        self.assertLess(found["after"], found["before"])
        # The page shows what the last net says of which picture.
        page = (self.folder / "run" / "report.html").read_text()
        self.assertIn("Predictions of cifar.all", page)
        self.assertEqual(sum(int(count) for count in re.findall(r'<td title="\d as \d: (\d+)"', page)), 200)
        self.assertGreaterEqual(page.count("<img"), 8)

    def make_data(self, mnist=640, usps=400):
        for kind, side, count, images, labels in (
                ("mnist", 28, mnist, "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
                ("usps", 16, usps, "usps-train-images-idx3-ubyte.gz", "usps-train-labels-idx1-ubyte.gz")):
            pixels, classes = digit_images(count, side)
            self.write(f"data/{kind}/{images}", idx((count, side, side), pixels))
            self.write(f"data/{kind}/{labels}", idx((count,), classes))

    def test_mnist_usps_on_made_digits(self):
        self.make_data()
        program = self.build(MNIST_USPS)
        results = self.results(program, "train", "--data", "data", "--epochs", 2, "--out", "run", timeout=300)
        found = results["runs"][0]["evaluations"][0]
        self.assertEqual(set(found["baselines"]), {"source_only", "mmd"})
        # The gain is over each, and over the first where one number stands for it.
        gains, accuracy = found["gains"]["transfer_gain"], found["figures"]["accuracy"]
        for name in ("source_only", "mmd"):
            self.assertAlmostEqual(gains[name], accuracy - found["baselines"][name]["accuracy"], places=6)
        self.assertEqual(found["figures"]["transfer_gain"], gains["source_only"])
        shown = self.run_ok(program, "evaluate", "--data", "data", "--out", "run").stdout
        self.assertRegex(shown, r"transfer_gain over source_only +(\[[+-]\d\.\d{4}, [+-]\d\.\d{4}\]) +[+-]\d\.\d{4}\n +transfer_gain over mmd +\[.*\] +[+-]\d\.\d{4}\n")
        self.assertTrue(0 <= found["figures"]["accuracy"] <= 1)
        # The same from files that are not packed, and with one thread.
        for packed in (self.folder / "data").rglob("*.gz"):
            packed.write_bytes(gzip.decompress(packed.read_bytes()))
        self.results(program, "train", "--data", "data", "--epochs", 2, "--out", "plain", "--threads", 1, timeout=300)
        self.assertEqualFiles("run/weights.safetensors", "plain/weights.safetensors")
        # New samples come in the format of the domain.
        pixels, _ = digit_images(5, 16)
        self.write("new.gz", idx((5, 16, 16), pixels))
        rows = self.run_ok(program, "predict", "--out", "run", "--input", "new.gz").stdout.splitlines()
        self.assertEqual(len(rows), 6)

    # Each method of the folder reads the same digits and comes to its end.
    def test_methods_on_made_digits(self):
        self.make_data(mnist=192, usps=160)
        for method in ("cdan_e", "mcd", "adda"):
            results = self.results(self.build(EXAMPLES / "02-mnist-usps" / f"{method}.xfer"), "train", "--data", "data", "--epochs", 1, "--out", method, timeout=300)
            self.assertEqual([one["name"] for one in results["runs"][0]["evaluations"]], ["usps.test"])

    def test_mnist_usps_on_real_digits(self):
        if not (DATA / "mnist").is_dir() or not (DATA / "usps").is_dir():
            self.skipTest(f"no digits in '{DATA}'; XFER_DATA names the folder that holds mnist/ and usps/")
        text = MNIST_USPS.read_text().replace("baseline mmd of adapt { minimize task + discrepancy }\n", "")
        text = text.replace('import "data.xfer"\n', (MNIST_USPS.parent / "data.xfer").read_text().replace("import std\n", ""))
        # A twelfth of MNIST, so that the test stays short.
        text = text.replace("  map    image = normalize(image, mean: 0.5, std: 0.5)\n}\ndomain usps",
                            "  map    image = normalize(image, mean: 0.5, std: 0.5)\n  split  few: 0.08, rest: 0.92\n}\n"
                            "domain usps", 1).replace("on mnist.all,", "on mnist.few,")
        results = self.results(self.build(text), "train", "--data", DATA, "--epochs", 1, "--out", "run", timeout=300)
        self.assertGreater(figure(results, "usps.test", "accuracy"), 0.3)


if __name__ == "__main__":
    harness.main()
