"""Images brought into a size with their proportions kept, and their boxes: from torch.nn.functional, in double precision."""
import torch
import torch.nn.functional as F

from golden import channels_last, generator, note_versions, save_fields

torch.set_default_dtype(torch.float64)
g = generator(12)
raw = torch.randint(0, 256, (2, 3, 16, 12), generator=g)
corners = torch.rand(2, 2, 2, generator=g) * 6
boxes = torch.cat([corners, corners + 5], 2).float().double()                     # left, top, right, bottom


def letterbox(height, width, fill):
    scale = min(height / 16, width / 12)
    rows, columns = round(16 * scale), round(12 * scale)
    top, left = (height - rows) // 2, (width - columns) // 2
    small = F.interpolate(raw.double() / 255, size=(rows, columns), mode="bilinear", antialias=True, align_corners=False)
    framed = torch.full((2, 3, height, width), fill)
    framed[:, :, top:top + rows, left:left + columns] = small
    factor, offset = torch.tensor([columns / 12, rows / 16] * 2), torch.tensor([left, top] * 2)
    return channels_last(framed), boxes * factor + offset


wide, wide_boxes = letterbox(10, 20, 0.5)
tall, _ = letterbox(31, 13, 0.25)
bytes_last = channels_last(raw.to(torch.uint8))
save_fields("letterbox", wide=bytes_last, tall=bytes_last, boxes=boxes, y_wide=wide, y_tall=tall, y_boxes=wide_boxes)
note_versions()
