"""Resizing, sampling between pixels, grey, normalisation: from torch.nn.functional, in double precision."""
import torch
import torch.nn.functional as F

from golden import channels_last, generator, note_versions, save_fields

torch.set_default_dtype(torch.float64)
g = generator(4)
raw = torch.randint(0, 256, (6, 3, 16, 12), generator=g)
unit = raw.double() / 255


def resize(size):
    return channels_last(F.interpolate(unit, size=size, mode="bilinear", antialias=True, align_corners=False))


# Places: row y = 0.8 i + 0.3 j - 1, column x = 0.9 j - 0.2 i + 0.5, some of them outside the image.
i, j = torch.meshgrid(torch.arange(16.0), torch.arange(12.0), indexing="ij")
places = torch.stack([(0.9 * j - 0.2 * i + 0.5) / 11 * 2 - 1, (0.8 * i + 0.3 * j - 1) / 15 * 2 - 1], -1).expand(6, 16, 12, 2)
sampled = channels_last(F.grid_sample(unit, places, mode="bilinear", padding_mode="border", align_corners=True))
mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
bytes_last = channels_last(raw.to(torch.uint8))
save_fields("images", smaller=bytes_last, larger=bytes_last, both=bytes_last, sampled=bytes_last, grey=bytes_last, normal=bytes_last,
            y_smaller=resize((7, 5)), y_larger=resize((28, 28)), y_both=resize((9, 20)), y_sampled=sampled,
            y_grey=(channels_last(unit) @ torch.tensor([0.299, 0.587, 0.114]))[..., None], y_normal=(channels_last(unit) - mean) / std)
note_versions()
