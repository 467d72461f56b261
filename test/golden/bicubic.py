"""Bicubic resizing, antialiased: torchvision's on tensors, in double precision, and PIL's on bytes."""
import numpy
import torch
from PIL import Image
from torchvision.transforms import functional as transforms

from golden import channels_last, generator, note_versions, save_fields

g = generator(21)
raw = torch.randint(0, 256, (2, 3, 16, 12), generator=g)
numbers = torch.randn(2, 3, 16, 12, generator=g).float().double()
calm = (numbers * 20 + 128).round().clamp(90, 170).to(torch.uint8)      # nothing overshoots, so that holding between the two sides changes nothing


def resize(x, size):
    return channels_last(transforms.resize(x, list(size), transforms.InterpolationMode.BICUBIC, antialias=True))


def pil(size):
    return numpy.stack([numpy.asarray(Image.fromarray(one).resize((size[1], size[0]), Image.Resampling.BICUBIC)) for one in channels_last(calm).numpy()]) / 255


held = {name: resize(raw.double() / 255, size).clamp(0, 1) for name, size in [("smaller", (7, 5)), ("larger", (24, 21)), ("both", (9, 20))]}
assert any(((resize(raw.double() / 255, size) < 0).any() for size in [(7, 5), (24, 21)]))
save_fields("bicubic", image=channels_last(raw.to(torch.uint8)), numbers=channels_last(numbers), calm=channels_last(calm),
            y_numbers=resize(numbers, (11, 26)), y_pil_smaller=pil((5, 9)), y_pil_larger=pil((19, 23)), **{f"y_{name}": y for name, y in held.items()})
note_versions()
