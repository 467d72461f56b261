"""Perspective warps by torchvision at fixed corners; AugMix at fixed draws and its loss, by formulas in numpy and torch, in double precision."""
import json

import numpy
import torch
import torch.nn.functional as F
from torchvision.transforms import functional as transforms

from golden import DATA, channels_last, generator, note_versions, save_fields
from PIL import Image, ImageOps

g = generator(22)
n, h, w = 2, 20, 17
raw = torch.randint(0, 256, (n, 3, h, w), generator=g).to(torch.uint8)
raw[:, :, 5:12] = raw[:, :, 5:12] // 3 + 40
x = raw.double() / 255
corners = [[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]]
inside = [[3, 1], [w - 3, 2], [w - 1, h - 2], [2, h - 5]]


def perspective(image, start, end):
    return channels_last(transforms.perspective(image, start, end, transforms.InterpolationMode.BILINEAR, fill=0))


# Beyond the border torchvision has 0: only pixels that lie wholly inside are compared.
inner = (perspective(torch.ones_like(x), corners, inside) > 0.999999).double()
outer = perspective(x, inside, [[-1, -1], [w + 1, -1], [w + 2, h + 1], [-2, h]])


# AugMix: the changes in numpy and PIL, each as its name says.
def turned(image, shear_x=0.0, shear_y=0.0, right=0.0, down=0.0, angle=0.0):
    """PIL's and torchvision's way: where an output pixel comes from, about the middle; the border repeats."""
    a = numpy.deg2rad(angle)
    y, columns = numpy.meshgrid(numpy.arange(h) - (h - 1) / 2 - down, numpy.arange(w) - (w - 1) / 2 - right, indexing="ij")
    places = numpy.stack([numpy.cos(a) * columns + numpy.sin(a) * y - shear_x * y, numpy.cos(a) * y - numpy.sin(a) * columns - shear_y * columns], -1)
    grid = torch.tensor(places / [(w - 1) / 2, (h - 1) / 2])[None]
    return F.grid_sample(image[None], grid, mode="bilinear", padding_mode="border", align_corners=True)[0]


def by_pil(change):
    return lambda image: torch.tensor(numpy.asarray(change(Image.fromarray((image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())))).permute(2, 0, 1).double() / 255


def stretched(image):
    low, high = image.amin((1, 2), keepdim=True), image.amax((1, 2), keepdim=True)
    return (image - low) / (high - low)


def augmix(image, chains, weights, share):
    mixed = 0
    for chain, weight in zip(chains, weights):
        y = image
        for change in chain:
            y = change(y)
        mixed = mixed + weight * y
    return (1 - share) * image + share * mixed


# Strength 0.5: posterize to 2 bits, 15 degrees; solarize at 128; shear 0.15; move by 3 of 17 / 3 * 0.55 or 20 / 3 * 0.5.
first = [by_pil(lambda i: ImageOps.posterize(i, 2)), lambda i: turned(i, angle=15), lambda i: turned(i, shear_x=-0.15)]
second = [by_pil(ImageOps.equalize), lambda i: turned(i, down=3)]
third = [lambda i: torch.where(i >= 128 / 255, 1 - i, i), stretched, lambda i: turned(i, shear_y=0.15)]
fourth = [lambda i: turned(i, right=-3)]
mixed = torch.stack([augmix(image, [first, second, third, fourth], [0.4, 0.3, 0.2, 0.1], 0.7) for image in x])

# The authors' loss: logits of the clean and of two augmented batches.
logits = [torch.randn(6, 5, generator=g).float().double().requires_grad_() for _ in range(3)]
p = [F.softmax(one, dim=1) for one in logits]
mixture = torch.clamp(sum(p) / 3, 1e-7, 1).log()
loss = sum(F.kl_div(mixture, one, reduction="batchmean") for one in p) / 3
gradient = torch.autograd.grad(loss, logits[0])[0]
save_fields("warps", image=channels_last(raw), y_inner=perspective(x, corners, inside), inside=inner, y_outer=outer,
            y_augmix=channels_last(mixed))
save_fields("consistency", g0=logits[0], g1=logits[1], g2=logits[2], gradient=gradient)
(DATA / "warps.json").write_text(json.dumps({"js_consistency": loss.item()}, indent=1) + "\n")
note_versions()
