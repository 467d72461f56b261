"""Transposed, 1-d and 3-d convolutions, pooling by bins, upsampling: outputs and gradients from PyTorch, in double precision."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from golden import channels_last, generator, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
g = generator(11)
torch.manual_seed(11)

image = torch.randn(3, 4, 5, 6, generator=g).float().double().requires_grad_()
sequence = torch.randn(3, 4, 9, generator=g).float().double().requires_grad_()
volume = torch.randn(3, 2, 3, 4, 3, generator=g).float().double().requires_grad_()
net = nn.ModuleDict({
    "up2": nn.ConvTranspose2d(4, 3, 2, stride=2),
    "same": nn.ConvTranspose2d(4, 2, 4, stride=2, padding=1),
    "wide": nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2, bias=False),
    "spread": nn.ConvTranspose2d(4, 2, 3, dilation=2),
    "line_up": nn.ConvTranspose1d(4, 4, 3, stride=2, padding=1, groups=2),
    "line": nn.Conv1d(4, 6, 3, padding=1),
    "past": nn.Conv1d(4, 4, 3, dilation=2, groups=2),
    "single": nn.Conv1d(4, 8, 5, stride=2, padding=2, groups=4),
    "cube": nn.Conv3d(2, 3, (3, 3, 3), padding=1, bias=False),
})
for p in net.parameters():
    with torch.no_grad():
        p.copy_((torch.randn(p.shape, generator=g) * 0.5 + (1 if p.dim() == 1 else 0)).float())


def last(x):
    return x.movedim(1, -1)


y = {name: last(net[name](image)) for name in ("up2", "same", "wide", "spread")}
y.update({name: last(net[name](sequence)) for name in ("line_up", "line", "single")})
y["past"] = last(net["past"](F.pad(sequence, (4, 0))))
y["cube"] = last(net["cube"](volume))
y.update({
    "max1d": last(F.max_pool1d(sequence, 3, 2, 1)), "avg1d": last(F.avg_pool1d(sequence, 3, 2, 1)),
    "bins": last(F.adaptive_avg_pool2d(image, (2, 4))), "even_bins": last(F.adaptive_avg_pool2d(image, (5, 3))),
    "max_bins": last(F.adaptive_max_pool2d(image, (2, 4))), "even_max_bins": last(F.adaptive_max_pool2d(image, (1, 3))),
    "nearest": last(F.interpolate(image, scale_factor=2, mode="nearest")),
    "smooth": last(F.interpolate(image, scale_factor=2, mode="bilinear", align_corners=False)),
    "shuffled": last(F.pixel_shuffle(image, 2)),
})
torch.stack([torch.sin(value).mean() for value in y.values()]).sum().backward()
save_fields("convolutions", image=channels_last(image), sequence=last(sequence), volume=last(volume), image_gradient=channels_last(image.grad),
            sequence_gradient=last(sequence.grad), volume_gradient=last(volume.grad), **{f"y_{name}": value for name, value in y.items()})
save_weights("convolutions", net.state_dict())
save_weights("convolutions-gradients", {name: p.grad for name, p in net.named_parameters()})
note_versions()
