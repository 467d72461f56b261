"""Real pictures, where the folder of shared data is: drawings in an archive read in place, and photographs as cameras write them."""
import os
import pathlib
import re
import struct
import unittest
import zipfile
import harness
from harness import SOURCE, figure

SHARED = pathlib.Path(os.environ.get("XFER_SHARED_DATA", SOURCE.parent / "shared/data"))
ARCHIVE = SHARED / "omniglot/images_background_small1.zip"
PHOTOGRAPHS = SHARED / "cats-dogs/jpeg"
ABSENT = "the folder shared/data is not beside the repository"

# Program 6 of the language's design on the characters of five alphabets.
EPISODES = (SOURCE / "test/dsl/programs/06-protonet.xfer").read_text()
OMNIGLOT = """import std
domain omniglot {
  read   images("omniglot.zip", image: "{alphabet}/{character}/*.png", label: "{alphabet}/{character}", alphabet: "{alphabet}", resize: true)
  fields image: u8[28, 28, 1], label: class(136), alphabet: class(5)
  map    image = 1 - unit(image)
  split  train: 0.75, test: 0.25 by label
}
"""

# A photograph, and the same file with an orientation that turns it.
TURNED = """import std
domain straight { read images("straight.jpg"); fields image: u8[HEIGHT, WIDTH, 3]; map image = unit(image) }
domain turned { read images("turned.jpg"); fields image: u8[WIDTH, HEIGHT, 3]; map image = unit(image) }
evaluate straight.all, turned.all {
  let seen = each x in whole(turned.image) => transpose(reverse(x, axis: 1), [1, 0, 2])
  report difference = max(abs(mean(seen, axis: 0) - mean(whole(straight.image), axis: 0))), mean = mean(straight.image), deviation = mean(square(straight.image - 0.5))
}
"""

SIZES = """import std
domain pets {
  read   images("photographs", image: "{label}.*.jpg")
  fields image: u8[?, ?, 3], label: class(2)
  map    image = MAP
}
evaluate pets.all { report middle = mean(pets.image), least = min(pets.image), largest = max(pets.image), border = max(pets.image[.., 0, 0, ..]) }
"""


def extents(jpeg):
    """Height and width, from the frame of a baseline or progressive file."""
    at = 2
    while at < len(jpeg):
        kind, size = jpeg[at + 1], struct.unpack(">H", jpeg[at + 2:at + 4])[0]
        if kind in (0xC0, 0xC2):
            return struct.unpack(">HH", jpeg[at + 5:at + 9])
        at += 2 + size
    raise ValueError("a file without a frame")


def with_orientation(jpeg, orientation):
    block = b"Exif\0\0II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]


@unittest.skipUnless(ARCHIVE.is_file(), ABSENT)
class Drawings(harness.Case):
    def test_archive(self):
        with zipfile.ZipFile(ARCHIVE) as archive:
            drawings = [name for name in archive.namelist() if name.endswith(".png")]
        self.assertEqual((len(drawings), len({name.rsplit("/", 1)[0] for name in drawings})), (2720, 136))
        (self.folder / "omniglot.zip").symlink_to(ARCHIVE)
        text = EPISODES
        for old, new in (('import "data.xfer"\n', OMNIGLOT), ("conv4_features()", "conv4_features(filters: 32)"), ("ways: 30", "ways: 10"),
                         ("queries: 15) batch 1", "queries: 5) batch 1"), ("steps 25000", "steps 120"), ("count 600", "count 100")):
            self.assertIn(old, text)
            text = text.replace(old, new)
        # Five ways: chance is .2, distances of pixels reach about .5; .88 was measured.
        self.assertGreater(figure(self.results(self.build(text), "--out", "run", timeout=300), "omniglot.test", "accuracy"), 0.7)
        facts = (self.folder / "run/run.json").read_text()
        self.assertEqual(len(re.findall(r'"samples": ?2720', facts)), 1)
        self.assertEqual(len(re.findall(r"character\d+/\d+_\d+\.png", facts)), 2720)


@unittest.skipUnless(PHOTOGRAPHS.is_dir(), ABSENT)
class Photographs(harness.Case):
    def setUp(self):
        super().setUp()
        self.files = {path.name: path.read_bytes() for path in sorted(PHOTOGRAPHS.glob("*.jpg"))}
        self.assertEqual(len(self.files), 4)

    # The size that a program declares is the one of the picture as it is seen.
    def test_orientation(self):
        jpeg = self.files["cat.4658.jpg"]
        height, width = extents(jpeg)
        self.write("straight.jpg", jpeg)
        self.write("turned.jpg", with_orientation(jpeg, 6))
        text = TURNED.replace("HEIGHT", str(height)).replace("WIDTH", str(width))
        found = self.results(self.build(text))
        self.assertEqual(figure(found, "straight.all", "difference"), 0)
        self.assertGreater(figure(found, "straight.all", "deviation"), 0.005)
        self.write("turned.jpg", with_orientation(jpeg, 1))
        self.refuse(rf"turned.jpg' has {height} x {width} pixels, field 'image' is declared \[{width}, {height}, 3\]", self.build(text))

    # Pictures of four sizes, in one size each way.
    def test_sizes(self):
        self.assertGreater(len({extents(jpeg) for jpeg in self.files.values()}), 2)
        for name, jpeg in self.files.items():
            self.write(f"photographs/{name}", jpeg)
        found = {}
        for way in ("resize(image, [96, 128])", 'resize(image, [96, 128], method: "bicubic")', "letterbox(image, none, [96, 96], fill: 0.25)"):
            results = self.results(self.build(SIZES.replace("MAP", way)), "--out", "run", "--overwrite")
            found[way] = {name: figure(results, "pets.all", name) for name in ("middle", "least", "largest", "border")}
        bilinear, bicubic, framed = found.values()
        self.assertLess(abs(bilinear["middle"] - bicubic["middle"]), 0.002)      # neither changes the mean
        self.assertGreater(bicubic["largest"] - bicubic["least"], bilinear["largest"] - bilinear["least"] - 1e-6)
        self.assertTrue(0 <= bicubic["least"] and bicubic["largest"] <= 1)
        self.assertEqual(framed["border"], 0.25)                                 # all four lie, or stand, in their frame


if __name__ == "__main__":
    harness.main()
