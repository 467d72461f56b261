"""Changes of place and colour with given parameters: by formulas in numpy and torch.nn.functional, in double precision."""
import colorsys

import numpy
import torch
import torch.nn.functional as F

from golden import generator, note_versions, save_fields

g = generator(11)
n, h, w = 3, 8, 7
raw = torch.randint(0, 256, (n, h, w, 3), generator=g).numpy().astype(numpy.uint8)
raw[1, :, :, 1] = raw[1, :, :, 0] // 2          # pixels with a largest channel that is not unique, and grey ones
raw[2, :4] = raw[2, :4, :, :1]
raw[2, :, :, 2] = 77                            # a channel of one value
x = raw.astype(numpy.float64) / 255
luma = (x * [0.299, 0.587, 0.114]).sum(-1, keepdims=True)
mean_grey = luma.mean((1, 2, 3), keepdims=True)


def hue(image, shift):
    def turn(pixel):
        a, s, v = colorsys.rgb_to_hsv(*pixel)
        return colorsys.hsv_to_rgb((a + shift) % 1.0, s, v)
    return numpy.apply_along_axis(turn, -1, image)


def smooth(image):
    kernel = torch.ones(3, 3, dtype=torch.float64)
    kernel[1, 1] = 5
    planes = torch.tensor(image).permute(0, 3, 1, 2)
    inner = F.conv2d(planes, (kernel / 13).expand(3, 1, 3, 3), groups=3)
    planes = planes.clone()
    planes[:, :, 1:-1, 1:-1] = inner
    return planes.permute(0, 2, 3, 1).numpy()


def blur(image, sigma, kernel):
    k = numpy.arange(kernel) - (kernel - 1) / 2
    weights = numpy.exp(-k * k / (2 * sigma * sigma))
    weights = torch.tensor(numpy.outer(weights, weights) / weights.sum() ** 2)
    planes = F.pad(torch.tensor(image).permute(0, 3, 1, 2), [kernel // 2] * 4, mode="replicate")
    return F.conv2d(planes, weights.expand(3, 1, kernel, kernel), groups=3).permute(0, 2, 3, 1).numpy()


def affine(image, angle, scale, shear_x, shear_y, right, down):
    """The matrix as a product of simple ones: move, turn, zoom, shear; then its inverse, numerically."""
    a, t, s = numpy.deg2rad([angle, shear_x, shear_y])
    turn = numpy.array([[numpy.cos(a), -numpy.sin(a)], [numpy.sin(a), numpy.cos(a)]])
    # torchvision: rotation by a, after a shear along y by s (which also turns), after one along x by t.
    shear_y_matrix = numpy.array([[1, 0], [-numpy.tan(s), 1]])
    shear_x_matrix = numpy.array([[1, -numpy.tan(t)], [0, 1]])
    inverse = numpy.linalg.inv(turn @ shear_y_matrix @ shear_x_matrix * scale)
    ys, xs = numpy.meshgrid(numpy.arange(h), numpy.arange(w), indexing="ij")
    out = numpy.stack([xs - (w - 1) / 2 - right, ys - (h - 1) / 2 - down], -1) @ inverse.T
    places = torch.tensor(out / [(w - 1) / 2, (h - 1) / 2]).expand(n, h, w, 2)
    planes = torch.tensor(image).permute(0, 3, 1, 2)
    sampled = F.grid_sample(planes, places, mode="bilinear", padding_mode="border", align_corners=True)
    return sampled.permute(0, 2, 3, 1).numpy()


def equalize(levels):
    """As PIL writes it: one look-up table a channel."""
    out = numpy.empty_like(levels)
    for i in range(n):
        for c in range(3):
            histogram = numpy.bincount(levels[i, :, :, c].ravel(), minlength=256)
            used = histogram[histogram > 0]
            step = (used.sum() - used[-1]) // 255
            table, count = list(range(256)), step // 2
            if step:
                for level in range(256):
                    table[level] = min(count // step, 255)
                    count += histogram[level]
            out[i, :, :, c] = numpy.array(table)[levels[i, :, :, c]]
    return out / 255


# Equalisation does nothing to fewer than 255 pixels: a larger image for it.
big = (torch.randn(n, 24, 20, 3, generator=g) * 30 + 110).clamp(0, 255).numpy().astype(numpy.uint8)
low, high = x.min((1, 2), keepdims=True), x.max((1, 2), keepdims=True)
spread = numpy.where(high == low, 1, high - low)
mean, std = numpy.array([0.485, 0.456, 0.406]), numpy.array([0.229, 0.224, 0.225])


def held(y):
    return numpy.clip(y, 0, 1)



save_fields(
    "augment", image=raw, big=big,
    y_brightness=held(x * 1.4), y_contrast=held(mean_grey + 1.5 * (x - mean_grey)), y_saturation=held(luma + 1.8 * (x - luma)),
    y_hue=hue(x, 0.3), y_hue_back=hue(x, -0.45), y_solarize=numpy.where(x >= 0.6, 1 - x, x), y_posterize=(raw & 0b11100000) / 255,
    y_autocontrast=numpy.where(high == low, x, (x - low) / spread), y_sharpness=held(smooth(x) + 1.7 * (x - smooth(x))),
    y_blur=blur(x, 1.3, 5), y_affine=affine(x, 20, 1.2, 8, -6, 0.7, -1.1), y_rotate=affine(x, 30, 1, 0, 0, 0, 0), y_equalize=equalize(big),
    y_normal=(held(luma + 1.8 * (x - luma)) - mean) / std)
note_versions()
