"""Recurrent layers, attention, Transformer layers and pooling over sequences of different length, from PyTorch in double precision: packed
sequences, key_padding_mask, and for pools each sample by itself without its padding. What is behind the end of a sample is PADDING."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from golden import generator, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
g = generator(23)
n, t, m, d, heads, PADDING = 5, 7, 4, 8, 2, 1e6
length, memory_length = torch.tensor([7, 3, 5, 1, 6]), torch.tensor([1, 4, 3, 2, 4])
fewer = (length + 1) // 2           # an explicit mask, over fewer places than there are
x = torch.randn(n, t, d, generator=g).float().double().requires_grad_()
memory = torch.randn(n, m, d, generator=g).float().double().requires_grad_()


def real(count, most):
    return torch.arange(most)[None] < count[:, None]


layer = dict(d_model=d, nhead=heads, dim_feedforward=6, dropout=0.0, batch_first=True)
net = nn.ModuleDict({
    "plain": nn.RNN(d, 3, bidirectional=True, batch_first=True), "memory": nn.LSTM(d, 3, batch_first=True),
    "deep": nn.LSTM(d, 3, 2, bidirectional=True, batch_first=True), "gated": nn.GRU(d, 3, 2, bidirectional=True, batch_first=True),
    "self": nn.MultiheadAttention(d, heads, batch_first=True), "cross": nn.MultiheadAttention(d, heads, batch_first=True),
    "behind": nn.TransformerEncoderLayer(**layer), "encoder": nn.TransformerEncoder(nn.TransformerEncoderLayer(**layer, norm_first=True), 2,
                                                                                  norm=nn.LayerNorm(d), enable_nested_tensor=False),
    "answer": nn.TransformerDecoderLayer(**layer),
})
for p in net.parameters():
    with torch.no_grad():
        p.copy_((torch.randn(p.shape, generator=g) * 0.4 + (0.5 if p.dim() == 1 else 0)).float())


def packed(name, count):
    y, state = net[name](pack_padded_sequence(x, count, batch_first=True, enforce_sorted=False))
    h = state[0] if isinstance(state, tuple) else state
    last = torch.cat(list(h[-2:] if net[name].bidirectional else h[-1:]), 1)
    return pad_packed_sequence(y, batch_first=True, total_length=t)[0], last


def split(z, count):
    return z.reshape(z.shape[0], z.shape[1], count, -1).transpose(1, 2)


def alone(pool, most):
    """Each sample by itself, padded with zeros again."""
    rows = [pool(x[i:i + 1, :length[i]].transpose(1, 2)).transpose(1, 2)[0] for i in range(n)]
    return torch.stack([F.pad(row, (0, 0, 0, most - len(row))) for row in rows])


ignore, ignore_memory, causal = ~real(length, t), ~real(memory_length, m), nn.Transformer.generate_square_subsequent_mask(t)
y, over = {}, {}                    # results, and over which places their height is a mean
for name in ("plain", "memory", "deep", "gated"):
    y[name], y[f"{name}_last"] = packed(name, length)
    over[name] = real(length, t)
y["deep_fewer"], y["deep_fewer_last"] = packed("deep", fewer)
keys = x[..., :d // 2]
grouped = F.scaled_dot_product_attention(split(x, 4), split(keys, 2), split(keys.cos(), 2), enable_gqa=True,
                                         attn_mask=(~ignore)[:, None, None]).transpose(1, 2).flatten(2)
y |= {
    "self": net["self"](x, x, x, key_padding_mask=ignore)[0], "self_fewer": net["self"](x, x, x, key_padding_mask=~real(fewer, t))[0],
    "causal": net["self"](x, x, x, key_padding_mask=ignore, attn_mask=causal == -torch.inf)[0],
    "cross": net["cross"](x, memory, memory, key_padding_mask=ignore_memory)[0], "grouped": grouped,
    "behind": net["behind"](x, src_key_padding_mask=ignore), "encoder": net["encoder"](x, src_key_padding_mask=ignore),
    "answer": net["answer"](x, memory, tgt_mask=causal, tgt_key_padding_mask=ignore, memory_key_padding_mask=ignore_memory),
    "windows": alone(lambda z: F.max_pool1d(z, 2, padding=0) if z.shape[2] > 1 else z[..., :0], 3),
    "means": alone(lambda z: F.avg_pool1d(z, 3, stride=1, padding=1), t),
    "mean": torch.stack([x[i, :length[i]].mean(0) for i in range(n)]), "most": torch.stack([x[i, :length[i]].amax(0) for i in range(n)]),
}
over |= {name: real(length, t) for name in ("deep_fewer", "self", "self_fewer", "causal", "cross", "grouped", "behind", "encoder", "answer", "means")}
over["windows"] = real(length // 2, 3)


def height(name):
    value = torch.sin(y[name])
    return value[over[name]].mean() if name in over else value.mean()


sum(height(name) for name in y).backward()
with torch.no_grad():
    for name, places in over.items():
        y[name] = y[name] * places[..., None]
    data = {"x": torch.where(ignore[..., None], PADDING, x), "memory": torch.where(ignore_memory[..., None], PADDING, memory)}
save_fields("bounded", **data, t=length, m=memory_length, fewer=real(fewer, t), x_gradient=x.grad, memory_gradient=memory.grad,
            **{f"y_{name}": value for name, value in y.items()})
save_weights("bounded", net.state_dict())
save_weights("bounded-gradients", {name: p.grad for name, p in net.named_parameters()})
note_versions()
print({name: tuple(value.shape) for name, value in y.items()})
