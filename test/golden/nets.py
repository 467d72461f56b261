"""Nets made small: residual, wide, U-Net, four-layer and decoder, written out in PyTorch after their papers, in double precision.

The residual network is torchvision's by structure and by the names of its parameters, which load without a map.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from golden import channels_last, generator, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
g = generator(16)
image = torch.randn(3, 3, 32, 32, generator=g).float().double().requires_grad_()
small = torch.randn(3, 2, 16, 16, generator=g).float().double().requires_grad_()
tokens = torch.randint(0, 11, (3, 5), generator=g)


def conv(a, b, k, stride=1):
    return nn.Conv2d(a, b, k, stride, k // 2, bias=False)


class Basic(nn.Module):
    def __init__(self, a, width, stride):
        super().__init__()
        self.conv1, self.bn1, self.conv2, self.bn2 = conv(a, width, 3, stride), nn.BatchNorm2d(width), conv(width, width, 3), nn.BatchNorm2d(width)
        self.downsample = nn.Sequential(conv(a, width, 1, stride), nn.BatchNorm2d(width)) if stride != 1 or a != width else nn.Identity()
        self.out = width

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.downsample(x))


class Bottleneck(nn.Module):
    def __init__(self, a, width, stride):
        super().__init__()
        self.out = 4 * width
        self.conv1, self.bn1, self.conv2, self.bn2 = conv(a, width, 1), nn.BatchNorm2d(width), conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv(width, self.out, 1), nn.BatchNorm2d(self.out)
        self.downsample = nn.Sequential(conv(a, self.out, 1, stride), nn.BatchNorm2d(self.out)) if stride != 1 or a != self.out else nn.Identity()

    def forward(self, x):
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


class Residual(nn.Module):
    def __init__(self, block, blocks, width, classes):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        a = width
        for stage, count in enumerate(blocks):
            made = []
            for i in range(count):
                made.append(block(a, width * 2 ** stage, 2 if stage and i == 0 else 1))
                a = made[-1].out
            setattr(self, f"layer{stage + 1}", nn.Sequential(*made))
        self.fc = nn.Linear(a, classes)

    def forward(self, x):
        y = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.layer4(self.layer3(self.layer2(self.layer1(y)))).mean((2, 3)))


class WideBlock(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.bn1, self.conv1, self.bn2, self.conv2 = nn.BatchNorm2d(a), conv(a, b, 3, stride), nn.BatchNorm2d(b), conv(b, b, 3)
        self.shortcut = conv(a, b, 1, stride) if stride != 1 or a != b else None

    def forward(self, x):
        a = F.relu(self.bn1(x))
        y = self.conv2(F.relu(self.bn2(self.conv1(a))))
        return y + (x if self.shortcut is None else self.shortcut(a))


class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = conv(3, 2, 3)
        self.layer1, self.layer2, self.layer3 = (nn.ModuleList([WideBlock(a, b, s)]) for a, b, s in ((2, 2, 1), (2, 4, 2), (4, 8, 2)))
        self.bn1, self.fc = nn.BatchNorm2d(8), nn.Linear(8, 4)

    def forward(self, x):
        return self.fc(F.relu(self.bn1(self.layer3[0](self.layer2[0](self.layer1[0](self.conv1(x)))))).mean((2, 3)))


class Double(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.conv1, self.bn1, self.conv2, self.bn2 = conv(a, b, 3), nn.BatchNorm2d(b), conv(b, b, 3), nn.BatchNorm2d(b)

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.bottom = nn.ModuleList([Double(2, 2), Double(2, 3)]), Double(3, 6)
        self.up = nn.ModuleList([nn.ConvTranspose2d(6, 3, 2, 2), nn.ConvTranspose2d(3, 2, 2, 2)])
        self.fuse, self.head = nn.ModuleList([Double(6, 3), Double(4, 2)]), nn.Conv2d(2, 3, 1)

    def forward(self, x):
        a = self.down[0](x)
        b = self.down[1](F.max_pool2d(a, 2))
        y = self.bottom(F.max_pool2d(b, 2))
        y = self.fuse[0](torch.cat([self.up[0](y), b], 1))
        return self.head(self.fuse[1](torch.cat([self.up[1](y), a], 1)))


class Four(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.ModuleDict({"block": nn.ModuleList(nn.ModuleDict({"conv1": nn.Conv2d(a, 3, 3, padding=1), "bn1": nn.BatchNorm2d(3)}) for a in (2, 3, 3, 3))})
        self.fc = nn.Linear(3, 4)

    def forward(self, x):
        for part in self.features["block"]:
            x = F.max_pool2d(F.relu(part["bn1"](part["conv1"](x))), 2)
        return self.fc(x.permute(0, 2, 3, 1).flatten(1))


class Decoder(nn.Module):
    """LLaMA's form: width 8, two blocks, four heads over two of keys and values."""

    def __init__(self):
        super().__init__()
        linear = lambda a, b: nn.Linear(a, b, bias=False)
        self.embed, self.norm = nn.Embedding(11, 8), nn.RMSNorm(8, eps=1e-5)
        self.block = nn.ModuleList(nn.ModuleDict({
            "norm1": nn.RMSNorm(8, eps=1e-5), "norm2": nn.RMSNorm(8, eps=1e-5),
            "attention": nn.ModuleDict({"query": linear(8, 8), "key": linear(8, 4), "value": linear(8, 4), "out": linear(8, 8)}),
            "ffn": nn.ModuleDict({"w1": linear(8, 6), "w2": linear(6, 8), "w3": linear(8, 6)})}) for _ in range(2))

    @staticmethod
    def turned(z, count):
        n, t, d = z.shape
        e = d // count
        angle = torch.outer(torch.arange(t).double(), 10000.0 ** (-torch.arange(0, e, 2).double() / e))
        pairs = torch.view_as_complex(z.reshape(n, t, count, e // 2, 2).contiguous())
        return torch.view_as_real(pairs * torch.polar(torch.ones_like(angle), angle)[:, None]).flatten(3).transpose(1, 2)

    def forward(self, x):
        h = self.embed(x)
        for part in self.block:
            a, f, z = part["attention"], part["ffn"], part["norm1"](h)
            value = a["value"](z).unflatten(2, (2, 2)).transpose(1, 2)
            y = F.scaled_dot_product_attention(self.turned(a["query"](z), 4), self.turned(a["key"](z), 2), value, is_causal=True, enable_gqa=True)
            h = h + a["out"](y.transpose(1, 2).flatten(2))
            z = part["norm2"](h)
            h = h + f["w2"](F.silu(f["w1"](z)) * f["w3"](z))
        return self.norm(h) @ self.embed.weight.T


net = nn.ModuleDict({"residual": Residual(Basic, [1, 2, 1, 1], 2, 4), "narrow": Residual(Bottleneck, [2, 1, 1, 1], 1, 4), "wide": Wide(), "unet": UNet(),
                     "four": Four(), "decoder": Decoder(), "neck": nn.ModuleDict({"fc": nn.Linear(4, 3), "bn": nn.BatchNorm1d(3)})})
for p in net.parameters():
    with torch.no_grad():
        p.copy_((torch.randn(p.shape, generator=g) * (2 / max(1, p[0].numel())) ** 0.5 + (0.7 if p.dim() == 1 else 0)).float())
before = {name: value.clone() for name, value in net.state_dict().items()}
logits = net["decoder"](tokens)
four = net["four"](small)
y = {"residual": net["residual"](image), "narrow": net["narrow"](image), "wide": net["wide"](image), "unet": channels_last(net["unet"](small)),
     "four": four, "neck": F.relu(net["neck"]["bn"](net["neck"]["fc"](four))), "decoder": logits}
torch.stack([torch.sin(value).mean() for value in y.values()]).sum().backward()
save_fields("nets", image=channels_last(image).float(), small=channels_last(small).float(), tokens=tokens, image_gradient=channels_last(image.grad),
            small_gradient=channels_last(small.grad), **{f"y_{name}": value for name, value in y.items()})
save_weights("nets", before)
save_weights("nets-gradients", {**before, **{name: p.grad for name, p in net.named_parameters()}})
note_versions()
