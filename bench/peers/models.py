"""The nets of the benchmarks in PyTorch, under the parameter paths of our programs."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file


class LeNet(nn.Module):
    """stdlib's `lenet`: [n, 1, 28, 28] -> [n, 500]. Flattens channels-last, so that fc1 has our order of inputs."""

    def __init__(self, dropout=0.5):
        super().__init__()
        self.conv1, self.conv2, self.fc1 = nn.Conv2d(1, 20, 5), nn.Conv2d(20, 50, 5), nn.Linear(800, 500)
        self.dropout = dropout

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(F.dropout2d(self.conv2(x), self.dropout, self.training), 2))
        x = F.relu(self.fc1(x.permute(0, 2, 3, 1).flatten(1)))
        return F.dropout(x, self.dropout, self.training)


class Mlp(nn.Module):
    """stdlib's `mlp`: relu between the layers, none after the last."""

    def __init__(self, inputs, widths):
        super().__init__()
        self.layer = nn.ModuleList(nn.Linear(a, b) for a, b in zip([inputs] + widths, widths))

    def forward(self, x):
        for layer in self.layer[:-1]:
            x = F.relu(layer(x))
        return self.layer[-1](x)


class Reverse(torch.autograd.Function):
    """Identity whose gradient is multiplied by -strength."""

    @staticmethod
    def forward(context, x, strength):
        context.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(context, gradient):
        return -context.strength * gradient, None


class Digits(nn.Module):
    """The model block of examples/02-mnist-usps: trunk, head, critic."""

    def __init__(self, dropout=0.5):
        super().__init__()
        self.trunk, self.head, self.critic = LeNet(dropout), nn.Linear(500, 10), Mlp(500, [500, 500, 1])

    def forward(self, source, target, label, method, strength):
        """The loss of one step. method: source_only, dann or mmd."""
        if method == "source_only":
            return F.cross_entropy(self.head(self.trunk(source)), label)
        features = self.trunk(torch.cat([source, target]))
        fs, ft = features[:len(source)], features[len(source):]
        task = F.cross_entropy(self.head(fs), label)
        if method == "mmd":
            return task + mk_mmd(fs, ft)
        logit = self.critic(Reverse.apply(features, strength))
        side = torch.cat([logit.new_ones(len(fs), 1), logit.new_zeros(len(ft), 1)])
        return task + F.binary_cross_entropy_with_logits(logit, side)


def mk_mmd(fs, ft, factors=(0.125, 0.25, 0.5, 1, 2)):
    """Unbiased quadratic estimate with five Gaussians whose variances follow the mean squared distance over both sets."""
    x = torch.cat([fs, ft])
    n, m = len(fs), len(ft)
    square = (x * x).sum(1)
    distance = (square[:, None] + square[None] - 2 * x @ x.T).clamp(min=0)
    scale = distance.detach().mean()
    k = sum(torch.exp(-distance / (2 * factor * scale)) for factor in factors)
    ss, tt, st = k[:n, :n], k[n:, n:], k[:n, n:]
    return (ss.sum() - ss.trace()) / (n * (n - 1)) + (tt.sum() - tt.trace()) / (m * (m - 1)) - 2 * st.mean()


class Block(nn.Module):
    """stdlib's `basic_block` with shortcut A."""

    def __init__(self, inputs, out, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.stride, self.extra = stride, out - inputs

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.extra:
            half = self.extra // 2
            x = F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, half, self.extra - half))
        return F.relu(x + y)


class ResNet20(nn.Module):
    """stdlib's `resnet20(classes: 10)`: [n, 3, 32, 32] -> [n, 10]."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*(Block(16, 16, 1) for _ in range(3)))
        self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
        self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
        self.fc = nn.Linear(64, 10)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight)

    def forward(self, x):
        y = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.fc(y.mean((2, 3)))


class CharLstm(nn.Module):
    """bench/curves/lstm.xfer: [n, t] characters -> [n, t, 27]."""

    def __init__(self):
        super().__init__()
        self.embed, self.memory, self.head = nn.Embedding(27, 32), nn.LSTM(32, 128, batch_first=True), nn.Linear(128, 27)

    def forward(self, x):
        return self.head(self.memory(self.embed(x))[0])


class CharTransformer(nn.Module):
    """bench/curves/transformer.xfer: [n, 64] characters -> [n, 64, 65]."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(64, 4, 256, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
        self.embed, self.places, self.head = nn.Embedding(65, 64), nn.Embedding(64, 64), nn.Linear(64, 65)
        self.body = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(64), enable_nested_tensor=False)
        for p in self.body.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)
        nn.init.normal_(self.places.weight, std=0.02)
        self.register_buffer("hidden", nn.Transformer.generate_square_subsequent_mask(64), persistent=False)

    def forward(self, x):
        return self.head(self.body(self.embed(x) + self.places.weight, mask=self.hidden, is_causal=True))


def warmup(progress, gamma=10.0):
    """Ganin's strength of the adversary."""
    return 2 / (1 + math.exp(-gamma * progress)) - 1


def load(net, path, prefix="net."):
    """Fills a net from a weight file of one of our runs, or of save()."""
    net.load_state_dict({key.removeprefix(prefix): value for key, value in load_file(path).items()})


def save(net, path, prefix=""):
    save_file({prefix + key: value.contiguous() for key, value in net.state_dict().items()}, path)
