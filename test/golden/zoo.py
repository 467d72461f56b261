#!/usr/bin/env python3
"""The nets of stdlib/nets at full depth against torchvision, or against their papers written out in PyTorch where torchvision lacks them.

Weights and inputs are those of formula.py; data/zoo/NET.json.gz keeps the keys and shapes of the state dict, what comes out in evaluation mode,
and of the step in training mode (without dropout) the output, every sixteenth place of the gradient of mean(sin(y)) by the input, and the norm
of the gradient by all parameters, in double precision.  `zoo.py [NET...]` makes the data of some nets or all anew.
"""
import gzip
import json
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
from torchvision import models as tv

import formula
from golden import DATA, channels_last

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
CLASSES = 10


def vgg(stages, norm):
    widths = [w for count, width in zip(stages, (64, 128, 256, 512, 512)) for w in [width] * count + ["M"]]
    net = torchvision.models.vgg.VGG(torchvision.models.vgg.make_layers(widths, batch_norm=norm), init_weights=False)
    net.classifier = nn.Sequential(nn.Linear(25088, 32), nn.ReLU(), nn.Identity(), nn.Linear(32, 32), nn.ReLU(), nn.Identity(), nn.Linear(32, CLASSES))
    return net


def alexnet():
    net = tv.alexnet(num_classes=CLASSES, dropout=0)
    net.classifier[1], net.classifier[4], net.classifier[6] = nn.Linear(9216, 32), nn.Linear(32, 32), nn.Linear(32, CLASSES)
    return net


class CifarBlock(nn.Module):
    def __init__(self, a, b, stride, option):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.appended = (b - a) // 2 if a != b and option == "A" else None
        if a != b and option == "B":
            self.downsample = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.appended is not None:
            return F.relu(y + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.appended, self.appended)))
        return F.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


class CifarResNet(nn.Module):
    def __init__(self, depth, option):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        for i, (a, b) in enumerate(((16, 16), (16, 32), (32, 64))):
            made = [CifarBlock(a if k == 0 else b, b, 2 if k == 0 and i else 1, option) for k in range((depth - 2) // 6)]
            setattr(self, f"layer{i + 1}", nn.Sequential(*made))
        self.fc = nn.Linear(64, CLASSES)

    def forward(self, x):
        return self.fc(self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))).mean((2, 3)))


class TinyDarknet(nn.Module):
    def __init__(self):
        super().__init__()
        rows = [(16, 3), (32, 3), (16, 1), (128, 3), (16, 1), (128, 3), (32, 1), (256, 3), (32, 1), (256, 3), (64, 1), (512, 3), (64, 1), (512, 3), (128, 1)]
        self.features, a = nn.Sequential(), 3
        for i, (b, k) in enumerate(rows):
            part = nn.Sequential(nn.Conv2d(a, b, k, 1, k // 2, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.1))
            if i in (0, 1, 5, 9):
                part.append(nn.MaxPool2d(2))
            self.features.append(part)
            a = b
        self.classifier = nn.Conv2d(a, CLASSES, 1)

    def forward(self, x):
        return self.classifier(self.features(x)).mean((2, 3))


class MobileNetV1(nn.Module):
    def __init__(self):
        super().__init__()

        def part(a, b, k, stride, groups):
            return nn.Sequential(nn.Conv2d(a, b, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(b), nn.ReLU())
        rows = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
        self.features, a = nn.Sequential(part(3, 32, 3, 2, 1)), 32
        for b, stride in rows:
            pair = nn.Sequential()
            pair.add_module("conv", nn.Sequential(part(a, a, 3, stride, a), part(a, b, 1, 1, 1)))
            self.features.append(pair)
            a = b
        self.classifier = nn.Sequential(nn.Identity(), nn.Linear(a, CLASSES))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class Mixer(nn.Module):
    def __init__(self, width, depth, patch, places):
        super().__init__()

        def mlp(a, b):
            part = nn.Sequential()
            part.add_module("fc1", nn.Linear(a, b))
            part.add_module("gelu", nn.GELU())
            part.add_module("fc2", nn.Linear(b, a))
            return part
        self.stem = nn.ModuleDict({"proj": nn.Conv2d(3, width, patch, patch)})
        self.blocks = nn.ModuleList(nn.ModuleDict({
            "norm1": nn.LayerNorm(width, eps=1e-6), "mlp_tokens": mlp(places, width // 2),
            "norm2": nn.LayerNorm(width, eps=1e-6), "mlp_channels": mlp(width, 4 * width)}) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, CLASSES)

    def forward(self, x):
        y = self.stem["proj"](x).flatten(2).transpose(1, 2)
        for b in self.blocks:
            y = y + b["mlp_tokens"](b["norm1"](y).transpose(1, 2)).transpose(1, 2)
            y = y + b["mlp_channels"](b["norm2"](y))
        return self.head(self.norm(y).mean(1))


def attention(q, k, v, heads, **options):
    split = lambda z: z.unflatten(2, (heads, -1)).transpose(1, 2)
    return F.scaled_dot_product_attention(split(q), split(k), split(v), **options).transpose(1, 2).flatten(2)


class Bert(nn.Module):
    """Width 32, 2 layers, 4 heads, 23 words, 12 places."""

    def __init__(self, words=23, d=32, depth=2, places=12):
        super().__init__()
        norm, dense = lambda: nn.LayerNorm(d, eps=1e-12), lambda a, b: nn.ModuleDict({"dense": nn.Linear(a, b)})
        out = lambda a: nn.ModuleDict({"dense": nn.Linear(a, d), "LayerNorm": norm()})
        self.embeddings = nn.ModuleDict({"word_embeddings": nn.Embedding(words, d), "position_embeddings": nn.Embedding(places, d),
                                         "token_type_embeddings": nn.Embedding(2, d), "LayerNorm": norm()})
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(nn.ModuleDict({
            "attention": nn.ModuleDict({"self": nn.ModuleDict({n: nn.Linear(d, d) for n in ("query", "key", "value")}), "output": out(d)}),
            "intermediate": dense(d, 4 * d), "output": out(4 * d)}) for _ in range(depth))})
        self.pooler = dense(d, d)

    def forward(self, x):
        e = self.embeddings
        y = e["LayerNorm"](e["word_embeddings"](x) + e["position_embeddings"].weight[:x.shape[1]] + e["token_type_embeddings"].weight[0])
        for b in self.encoder["layer"]:
            s, o = b["attention"]["self"], b["attention"]["output"]
            a = o["LayerNorm"](o["dense"](attention(s["query"](y), s["key"](y), s["value"](y), 4)) + y)
            y = b["output"]["LayerNorm"](b["output"]["dense"](F.gelu(b["intermediate"]["dense"](a))) + a)
        return torch.cat([y, torch.tanh(self.pooler["dense"](y[:, 0]))[:, None]], 1)


class Gpt(nn.Module):
    """Width 32, 2 blocks, 4 heads, 23 words, 12 places."""

    def __init__(self, words=23, d=32, depth=2, places=12):
        super().__init__()
        self.wte, self.wpe, self.ln_f = nn.Embedding(words, d), nn.Embedding(places, d), nn.LayerNorm(d)
        self.h = nn.ModuleList(nn.ModuleDict({
            "ln_1": nn.LayerNorm(d), "attn": nn.ModuleDict({"c_attn": nn.Linear(d, 3 * d), "c_proj": nn.Linear(d, d)}),
            "ln_2": nn.LayerNorm(d), "mlp": nn.ModuleDict({"c_fc": nn.Linear(d, 4 * d), "c_proj": nn.Linear(4 * d, d)})}) for _ in range(depth))

    def forward(self, x):
        y = self.wte(x) + self.wpe.weight[:x.shape[1]]
        for b in self.h:
            q, k, v = b["attn"]["c_attn"](b["ln_1"](y)).chunk(3, 2)
            y = y + b["attn"]["c_proj"](attention(q, k, v, 4, is_causal=True))
            y = y + b["mlp"]["c_proj"](F.gelu(b["mlp"]["c_fc"](b["ln_2"](y)), approximate="tanh"))
        return self.ln_f(y) @ self.wte.weight.T


def vit(width, heads):
    return tv.VisionTransformer(64, 16, 12, heads, width, 4 * width, num_classes=CLASSES)


def efficientnet():
    net = tv.efficientnet_b0(num_classes=CLASSES, dropout=0, stochastic_depth_prob=0)
    return net


def inception():
    return tv.inception_v3(num_classes=CLASSES, aux_logits=False, dropout=0, init_weights=False)


class InceptionAux(torchvision.models.inception.Inception3):
    """Both heads in both modes, one behind the other."""

    def __init__(self):
        super().__init__(num_classes=CLASSES, aux_logits=True, init_weights=False, dropout=0)

    def forward(self, x):
        mode, self.training = self.training, True   # of this module alone: its parts keep theirs
        y, aux = self._forward(x)
        self.training = mode
        return torch.cat([y, aux], 1)


# What each is, in the language; the side of the images (0: text of 12 words out of 23); how many; is a training step checked; and the reference.
NETS = {
    "resnet18": ("resnet18(classes: 10)", 64, 4, True, lambda: tv.resnet18(num_classes=CLASSES)),
    "resnet34": ("resnet34(classes: 10)", 64, 2, False, lambda: tv.resnet34(num_classes=CLASSES)),
    "resnet50": ("resnet50(classes: 10)", 64, 4, True, lambda: tv.resnet50(num_classes=CLASSES)),
    "resnet101": ("resnet101(classes: 10)", 64, 2, False, lambda: tv.resnet101(num_classes=CLASSES)),
    "cifar_resnet20_a": ("resnet20(classes: 10)", 32, 4, True, lambda: CifarResNet(20, "A")),
    "cifar_resnet20_b": ("resnet20(classes: 10, shortcut: \"B\")", 32, 4, True, lambda: CifarResNet(20, "B")),
    "cifar_resnet110_a": ("resnet110(classes: 10)", 32, 2, False, lambda: CifarResNet(110, "A")),
    "squeezenet1_0": ("squeezenet(\"1.0\", classes: 10, dropout_rate: 0)", 63, 2, False, lambda: tv.squeezenet1_0(num_classes=CLASSES, dropout=0)),
    "squeezenet1_1": ("squeezenet(\"1.1\", classes: 10, dropout_rate: 0)", 64, 4, True, lambda: tv.squeezenet1_1(num_classes=CLASSES, dropout=0)),
    "vgg11": ("vgg([1, 1, 2, 2, 2], classes: 10, hidden: 32, dropout_rate: 0)", 64, 2, False, lambda: vgg([1, 1, 2, 2, 2], False)),
    "vgg11_bn": ("vgg([1, 1, 2, 2, 2], norm: true, classes: 10, hidden: 32, dropout_rate: 0)", 64, 4, True, lambda: vgg([1, 1, 2, 2, 2], True)),
    "vgg16": ("vgg([2, 2, 3, 3, 3], classes: 10, hidden: 32, dropout_rate: 0)", 32, 2, False, lambda: vgg([2, 2, 3, 3, 3], False)),
    "vgg16_bn": ("vgg([2, 2, 3, 3, 3], norm: true, classes: 10, hidden: 32, dropout_rate: 0)", 32, 2, False, lambda: vgg([2, 2, 3, 3, 3], True)),
    "alexnet": ("alexnet(classes: 10, hidden: 32, dropout_rate: 0)", 64, 4, True, alexnet),
    "tiny_darknet": ("tiny_darknet(classes: 10)", 64, 4, True, TinyDarknet),
    "mobilenet_v1": ("mobilenet_v1(classes: 10, dropout_rate: 0)", 64, 4, True, MobileNetV1),
    "mobilenet_v2": ("mobilenet_v2(classes: 10, dropout_rate: 0)", 64, 4, True, lambda: tv.mobilenet_v2(num_classes=CLASSES, dropout=0)),
    "efficientnet_b0": ("efficientnet_b0(classes: 10, dropout_rate: 0, depth_rate: 0)", 64, 4, True, efficientnet),
    "densenet121": ("densenet121(classes: 10)", 64, 2, False, lambda: tv.densenet121(num_classes=CLASSES)),
    "densenet_small": ("densenet([1, 2, 1, 1], classes: 10)", 64, 4, True, lambda: tv.DenseNet(32, (1, 2, 1, 1), 64, num_classes=CLASSES)),
    "vit_tiny": ("vit_tiny(classes: 10)", 64, 4, True, lambda: vit(192, 3)),
    "vit_small": ("vit_small(classes: 10)", 64, 2, False, lambda: vit(384, 6)),
    "mixer_small": ("mixer_small(classes: 10)", 64, 4, True, lambda: Mixer(512, 8, 16, 16)),
    "bert": ("bert(23, width: 32, depth: 2, heads: 4, positions: 12, dropout_rate: 0)", 0, 4, True, Bert),
    "gpt": ("gpt(23, width: 32, depth: 2, heads: 4, positions: 12, dropout_rate: 0)", 0, 4, True, Gpt),
    "inception_v3": ("inception_v3(classes: 10, dropout_rate: 0)", 139, 2, True, inception),
    "inception_v3_aux": ("inception_v3(classes: 10, aux: true, dropout_rate: 0)", 299, 2, True, InceptionAux),
}


def numbers(x):
    """Shape and values, rounded to float32's digits."""
    return {"shape": list(x.shape), "values": [float(f"{v:.8g}") for v in x.detach().flatten().tolist()]}


def filled(net):
    """The net with the weights of the formula."""
    state = net.state_dict()
    return {name: torch.tensor(formula.parameter(name, tuple(value.shape)), dtype=value.dtype).reshape(value.shape) for name, value in state.items()}


def make(name, dtype=torch.float64):
    spelled, side, count, trains, reference = NETS[name]
    net = reference().to(dtype)
    state = filled(net)
    net.load_state_dict(state)
    made = {"net": spelled, "side": side, "count": count,
            "parameters": [[key, list(value.shape)] for key, value in state.items()], "torchvision": torchvision.__version__.split("+")[0]}
    if side:
        x = torch.tensor(formula.values("x", count * side * side * 3), dtype=dtype).reshape(count, side, side, 3).permute(0, 3, 1, 2)
    else:
        x = torch.tensor([int((v + 1) * 11.49) for v in formula.values("x", count * 12)]).reshape(count, 12)
    with torch.no_grad():
        y = net.eval()(x)
        made["y"] = numbers(y)
        if name == "gpt":
            made["likelihood"] = numbers(-F.cross_entropy(y[:, :-1].transpose(1, 2), x[:, 1:], reduction="none").sum(1))
            made["next_word"] = float(F.cross_entropy(y[:, :-1].flatten(0, 1), x[:, 1:].flatten()))
    if trains:
        if side:
            x.requires_grad_()
        y = net.train()(x)
        torch.sin(y).mean().backward()
        made["trained_y"] = numbers(y)
        if side:
            made["input_gradient"] = numbers(channels_last(x.grad)[:, ::16, ::16])
        made["gradient_norm"] = float(torch.stack([p.grad.norm() for p in net.parameters() if p.grad is not None]).norm())
    return made


def deviations(one, other):
    """How far off float32 is: over the largest value, as the test measures."""
    found = {}
    for key in ("y", "trained_y", "input_gradient", "gradient_norm", "likelihood", "next_word"):
        if key in one:
            a, b = (torch.tensor(made[key]["values"] if isinstance(made[key], dict) else [made[key]]) for made in (one, other))
            found[key] = float(f"{((a - b).abs().max() / a.abs().max()).item():.1e}")
    return found


def golden(name):
    """In double precision, and what PyTorch itself is off by in single, which tells how much a net enlarges rounding."""
    made = make(name)
    torch.set_default_dtype(torch.float32)
    made["float32"] = deviations(made, make(name, torch.float32))
    torch.set_default_dtype(torch.float64)
    return made


def main():
    (DATA / "zoo").mkdir(exist_ok=True)
    for name in sys.argv[1:] or NETS:
        made = golden(name)
        text = json.dumps(made, separators=(",", ":")).encode()
        with open(DATA / "zoo" / f"{name}.json.gz", "wb") as file:
            file.write(gzip.compress(text, 9, mtime=0))
        print(name, len(text), max(map(abs, made["y"]["values"])), made["float32"], flush=True)


if __name__ == "__main__":
    main()
