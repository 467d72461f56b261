"""Recurrent layers, deep, in both directions and over sequences of different length: from torch.nn, in double precision."""
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from golden import generator, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
g = generator(14)
x = torch.randn(5, 7, 4, generator=g).float().double().requires_grad_()
length = torch.tensor([7, 3, 5, 1, 6])
mask = torch.arange(7)[None] < length[:, None]
net = nn.ModuleDict({
    "plain": nn.RNN(4, 3, batch_first=True), "rectified": nn.RNN(4, 3, 2, nonlinearity="relu", bidirectional=True, batch_first=True),
    "memory": nn.LSTM(4, 3, batch_first=True), "deep": nn.LSTM(4, 3, 2, bidirectional=True, batch_first=True), "bare": nn.LSTM(4, 2, bias=False, batch_first=True),
    "gated": nn.GRU(4, 3, 2, batch_first=True), "both": nn.GRU(4, 3, bidirectional=True, batch_first=True),
})
for p in net.parameters():
    with torch.no_grad():
        p.copy_((torch.randn(p.shape, generator=g) * 0.5).float())


def whole(name):
    """Outputs, and the last layer's states with its directions beside each other."""
    y, state = net[name](x)
    return y, joined(name, state)


def packed(name):
    y, state = net[name](pack_padded_sequence(x, length, batch_first=True, enforce_sorted=False))
    return pad_packed_sequence(y, batch_first=True, total_length=7)[0], joined(name, state)


def joined(name, state):
    h = state[0] if isinstance(state, tuple) else state
    return torch.cat(list(h[-2:] if net[name].bidirectional else h[-1:]), 1)


y = {}
for name in net:
    y[name], y[f"{name}_last"] = whole(name)
y["written"] = net["memory"](x)[0]      # the program writes the scan out and multiplies the inputs inside it
for name in ("plain", "deep", "both", "gated"):
    y[f"{name}_masked"], y[f"{name}_masked_last"] = packed(name)
torch.stack([torch.sin(value).mean() for value in y.values()]).sum().backward()
save_fields("recurrent", x=x, mask=mask, x_gradient=x.grad, **{f"y_{name}": value for name, value in y.items()})
save_weights("recurrent", net.state_dict())
save_weights("recurrent-gradients", {name: p.grad for name, p in net.named_parameters()})
note_versions()
