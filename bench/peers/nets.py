"""The nets of bench/nets.py: torchvision's, and those that test/golden/zoo.py writes out."""
import pathlib
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torchvision import models

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "test/golden"))
import zoo  # noqa: E402

torch.set_default_dtype(torch.float32)  # zoo computes in double


class BertHead(nn.Module):
    """BERT-mini and a head on its pooled output."""

    def __init__(self):
        super().__init__()
        self.trunk, self.head = zoo.Bert(30522, 256, 4, 512), nn.Linear(256, 10)

    def forward(self, x):
        return self.head(self.trunk(x)[:, -1])


def vit(width, heads):
    return lambda: models.VisionTransformer(224, 16, 12, heads, width, 4 * width, num_classes=10)


OWN = {"tiny_darknet": zoo.TinyDarknet, "mobilenet_v1": zoo.MobileNetV1, "vit_tiny": vit(192, 3), "vit_small": vit(384, 6), "vit_base": vit(768, 12),
       "mixer_small": lambda: zoo.Mixer(512, 8, 16, 196), "bert_mini": BertHead, "gpt_mini": lambda: zoo.Gpt(8192, 256, 4, 1024),
       "inception_v3": lambda: models.inception_v3(num_classes=10, aux_logits=False, init_weights=False)}


def make(name, layout):
    """The net, its input of one batch, and the loss of an output."""
    net = (OWN[name] if name in OWN else lambda: getattr(models, name)(num_classes=10))().to(memory_format=layout)
    if name in ("bert_mini", "gpt_mini"):
        x, label = torch.randint(0, 8192, (32, 128)), torch.randint(0, 10, (32,))
    else:
        side = 299 if name == "inception_v3" else 224
        x, label = torch.randn(16, 3, side, side).to(memory_format=layout), torch.randint(0, 10, (16,))
    if name == "gpt_mini":
        return net, x, lambda y: F.cross_entropy(y[:, :-1].flatten(0, 1), x[:, 1:].flatten())
    return net, x, lambda y: F.cross_entropy(y, label)
