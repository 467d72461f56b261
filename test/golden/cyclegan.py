"""CycleGAN in small: the two nets, and all four after three steps of the two clauses, from PyTorch in double precision.

Fakes are shown to the critics as they were before the generators moved; the buffer of earlier fakes does not fill up in three steps.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from golden import channels_last, generator, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
STEPS, RATE = 3, 0.01       # a large epsilon: the bias before an instance norm has no slope but what rounding leaves
g = generator(24)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(c, c, 3), nn.Conv2d(c, c, 3)

    def forward(self, x):
        y = F.relu(F.instance_norm(self.conv1(F.pad(x, (1,) * 4, "reflect"))))
        return x + F.instance_norm(self.conv2(F.pad(y, (1,) * 4, "reflect")))


class Generator(nn.Module):
    def __init__(self, blocks, width, channels):
        super().__init__()
        self.conv_in = nn.Conv2d(channels, width, 7)
        self.down = nn.ModuleList([nn.Conv2d(width, 2 * width, 3, 2, 1), nn.Conv2d(2 * width, 4 * width, 3, 2, 1)])
        self.block = nn.ModuleList([Block(4 * width) for _ in range(blocks)])
        self.up = nn.ModuleList([nn.ConvTranspose2d(a * width, b * width, 3, 2, 1, output_padding=1) for a, b in ((4, 2), (2, 1))])
        self.conv_out = nn.Conv2d(width, channels, 7)

    def forward(self, x):
        y = F.relu(F.instance_norm(self.conv_in(F.pad(x, (3,) * 4, "reflect"))))
        for d in self.down:
            y = F.relu(F.instance_norm(d(y)))
        for b in self.block:
            y = b(y)
        for u in self.up:
            y = F.relu(F.instance_norm(u(y)))
        return torch.tanh(self.conv_out(F.pad(y, (3,) * 4, "reflect")))


class Critic(nn.Module):
    def __init__(self, width, layers, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, width, 4, 2, 1)
        widths = [width * min(2 ** i, 8) for i in range(layers + 1)]
        self.more = nn.ModuleList([nn.Conv2d(a, b, 4, 2 if i + 1 < layers else 1, 1) for i, (a, b) in enumerate(zip(widths, widths[1:]))])
        self.score = nn.Conv2d(widths[-1], 1, 4, 1, 1)

    def forward(self, x):
        y = F.leaky_relu(self.first(x), 0.2)
        for m in self.more:
            y = F.leaky_relu(F.instance_norm(m(y)), 0.2)
        return self.score(y)


net = nn.ModuleDict({"to_zebra": Generator(1, 2, 3), "zebra": Critic(2, 2, 3), "to_horse": Generator(1, 2, 3), "horse": Critic(2, 2, 3)})
for p in net.parameters():
    with torch.no_grad():
        p.copy_((torch.randn(p.shape, generator=g) * 0.3).float())
h = torch.rand(2, 3, 16, 16, generator=g).float().double() * 2 - 1
z = torch.rand(2, 3, 16, 16, generator=g).float().double() * 2 - 1
start = {key: value.clone() for key, value in net.state_dict().items()}
fake, score = net["to_zebra"](h), net["zebra"](h)

generators = torch.optim.Adam([*net["to_zebra"].parameters(), *net["to_horse"].parameters()], lr=RATE, betas=(0.5, 0.999), eps=1e-3)
critics = torch.optim.Adam([*net["zebra"].parameters(), *net["horse"].parameters()], lr=RATE, betas=(0.5, 0.999), eps=1e-3)
one, zero = torch.ones(()), torch.zeros(())
for step in range(STEPS):
    fz, fh = net["to_zebra"](h), net["to_horse"](z)
    fool = (net["zebra"](fz) - 1).square().mean() + (net["horse"](fh) - 1).square().mean()
    cycle = (net["to_horse"](fz) - h).abs().mean() + (net["to_zebra"](fh) - z).abs().mean()
    same = (net["to_zebra"](z) - z).abs().mean() + (net["to_horse"](h) - h).abs().mean()
    if step == STEPS - 1:
        losses = {"fool": fool, "cycle": cycle, "same": same}
    shown_zebra, shown_horse = fz.detach(), fh.detach()
    generators.zero_grad()
    (fool + 10 * cycle + 5 * same).backward()
    generators.step()
    judge = ((net["zebra"](z) - 1).square().mean() + net["zebra"](shown_zebra).square().mean()
             + (net["horse"](h) - 1).square().mean() + net["horse"](shown_horse).square().mean()) / 2
    critics.zero_grad()
    judge.backward()
    critics.step()
save_fields("cyclegan", h=channels_last(h), z=channels_last(z), fake=channels_last(fake), score=channels_last(score),
            losses=torch.stack(list(losses.values())).detach().expand(2, 3))
save_weights("cyclegan", start)
save_weights("cyclegan-after", net.state_dict())
note_versions()
print({name: value.item() for name, value in losses.items()}, tuple(score.shape))
