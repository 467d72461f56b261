"""Writes data/: small pictures of every kind, and what PIL makes of them.

Run with PIL 12 (libjpeg-turbo 3) and numpy:  python images.py
A line of expected.txt: FILE MODE HEIGHT WIDTH PIXELS, the pixels in hexadecimal digits; MODE is one of PIL, or `raw` for what stands in the
file. `resize`, `bicubic` and `nearest` lines are RGB pictures of 23 x 17 brought to another size, the picture itself being made by rule (see `ramp`).
"""
import io
import pathlib
import struct
import zlib
import numpy as np
from PIL import Image, ImageOps

here = pathlib.Path(__file__).parent / "data"
here.mkdir(exist_ok=True)
lines = []
draw = np.random.default_rng(5)


def colours(height=7, width=9, channels=3):
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    return np.clip((x * 25 + y * 9 * (c + 1) + c * 40) % 256 + draw.integers(-9, 10, (height, width, channels)), 0, 255).astype(np.uint8)


def expect(name, mode, pixels):
    pixels = np.asarray(pixels)
    lines.append(f"{name} {mode} {pixels.shape[0]} {pixels.shape[1]} {pixels.tobytes().hex()}")


def both(name):
    image = ImageOps.exif_transpose(Image.open(here / name))
    for mode in ("RGB", "L"):
        expect(name, mode, image.convert(mode))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(rows, depth, colour, width, height, interlaced=False, *more):
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(more) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def exif(orientation, order="<"):
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


picture = Image.fromarray(colours())
picture.save(here / "colour.jpg", quality=90)
picture.save(here / "full.jpg", quality=95, subsampling=0)
picture.save(here / "progressive.jpg", quality=90, progressive=True)
picture.convert("L").save(here / "grey.jpg", quality=90)
Image.fromarray(colours(channels=4), "CMYK").save(here / "cmyk.jpg", quality=95)
for orientation in range(1, 9):
    picture.save(here / f"turned{orientation}.jpg", quality=60, exif=b"Exif\0\0" + exif(orientation, "<>"[orientation % 2]))
picture.save(here / "colour.png")
picture.convert("L").save(here / "grey.png")
picture.convert("1").save(here / "bits.png")
Image.fromarray(colours(channels=4), "RGBA").save(here / "alpha.png")
Image.fromarray(colours(channels=2), "LA").save(here / "grey-alpha.png")
palette = picture.quantize(7)
palette.save(here / "palette.png", bits=4)
palette.save(here / "palette-clear.png", transparency=2)
picture.save(here / "clear.png", transparency=(1, 2, 3))
for name in sorted(path.name for path in here.iterdir() if path.suffix in (".jpg", ".png")):
    if name not in ("deep.png", "laced.png", "turned.png"):
        both(name)
expect("alpha.png", "RGBA", Image.open(here / "alpha.png"))
expect("palette-clear.png", "RGBA", Image.open(here / "palette-clear.png").convert("RGBA"))
expect("colour.jpg", "RGBA", Image.open(here / "colour.jpg").convert("RGBA"))
expect("palette.png", "raw", np.asarray(palette))

# PIL writes neither interlaced pictures nor colours of 16 bits.
values = colours()
rows = b""
for y0, x0, dy, dx in [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]:
    part = values[y0::dy, x0::dx]
    if part.size:
        rows += b"".join(b"\0" + row.tobytes() for row in part)
(here / "laced.png").write_bytes(png(rows, 8, 2, 9, 7, True))
both("laced.png")
assert (np.asarray(Image.open(here / "laced.png")) == values).all()
deep = draw.integers(0, 65536, (7, 9)).astype(np.uint16)
(here / "deep.png").write_bytes(png(b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep), 16, 0, 9, 7))
expect("deep.png", "raw", deep)
expect("deep.png", "L", ((deep.astype(np.uint32) * 255 + 32895) >> 16).astype(np.uint8))
(here / "turned.png").write_bytes(png(b"".join(b"\0" + row.tobytes() for row in values), 8, 2, 9, 7, False, chunk(b"eXIf", exif(6))))
both("turned.png")


def ramp(height, width):
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return ((x * 37 + y * 101 + c * 59 + x * y) % 256).astype(np.uint8)


for height, width in [(8, 8), (7, 23), (40, 17), (30, 31), (1, 1), (17, 5)]:
    expect("resize", "RGB", Image.fromarray(ramp(17, 23)).resize((width, height), Image.Resampling.BILINEAR))
    expect("bicubic", "RGB", Image.fromarray(ramp(17, 23)).resize((width, height), Image.Resampling.BICUBIC))
    expect("nearest", "RGB", Image.fromarray(ramp(17, 23)).resize((width, height), Image.Resampling.NEAREST))
(here / "expected.txt").write_text("\n".join(lines) + "\n")
