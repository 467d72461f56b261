"""Attention, positions and Transformer layers: outputs and gradients from PyTorch, in double precision."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from golden import generator, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
g = generator(15)
n, t, m, d, heads = 3, 5, 4, 8, 2
x = torch.randn(n, t, d, generator=g).float().double().requires_grad_()
memory = torch.randn(n, m, d, generator=g).float().double().requires_grad_()
keys = torch.randn(n, t, d // 2, generator=g).float().double().requires_grad_()
mask = torch.arange(t)[None] < torch.tensor([5, 2, 4])[:, None]
memory_mask = torch.arange(m)[None] < torch.tensor([1, 4, 3])[:, None]
causal = nn.Transformer.generate_square_subsequent_mask(t)
layer = dict(d_model=d, nhead=heads, dim_feedforward=6, dropout=0.0, batch_first=True)
net = nn.ModuleDict({
    "self": nn.MultiheadAttention(d, heads, batch_first=True), "bare": nn.MultiheadAttention(d, heads, bias=False, batch_first=True),
    "behind": nn.TransformerEncoderLayer(**layer), "front": nn.TransformerEncoderLayer(**layer, activation="gelu", norm_first=True),
    "encoder": nn.TransformerEncoder(nn.TransformerEncoderLayer(**layer, norm_first=True), 2, norm=nn.LayerNorm(d), enable_nested_tensor=False),
    "answer": nn.TransformerDecoderLayer(**layer), "answer_front": nn.TransformerDecoderLayer(**layer, norm_first=True),
    "decoder": nn.TransformerDecoder(nn.TransformerDecoderLayer(**layer), 2),
    "places": nn.Embedding(7, d),
})
for p in net.parameters():
    with torch.no_grad():
        p.copy_((torch.randn(p.shape, generator=g) * 0.4 + (0.5 if p.dim() == 1 else 0)).float())


def split(z, count):
    return z.reshape(z.shape[0], z.shape[1], count, -1).transpose(1, 2)


def attend(q, k, v, **options):
    return F.scaled_dot_product_attention(split(q, heads), split(k, k.shape[2] * heads // d), split(v, v.shape[2] * heads // d), **options).transpose(1, 2).flatten(2)


def turn(z, count, half):
    """Su et al. 2021, eq. 34, written with complex numbers."""
    e = d // count
    angle = torch.outer(torch.arange(t).double(), 10000.0 ** (-torch.arange(0, e, 2).double() / e))
    w = z.reshape(n, t, count, e)
    pairs = torch.stack(w.chunk(2, -1), -1) if half else w.reshape(n, t, count, e // 2, 2)
    turned = torch.view_as_real(torch.view_as_complex(pairs.contiguous()) * torch.polar(torch.ones_like(angle), angle)[:, None])
    return (turned.transpose(-1, -2) if half else turned).flatten(2)


place = torch.arange(t).double()[:, None] / 10000.0 ** (torch.arange(0, d, 2).double() / d)
waves = torch.stack([torch.sin(place), torch.cos(place)], 2).flatten(1)
seen = (torch.arange(t)[:, None] + torch.arange(m)[None]) % 3 > 0
ignore, ignore_memory = dict(src_key_padding_mask=~mask), dict(tgt_mask=causal, tgt_key_padding_mask=~mask, memory_key_padding_mask=~memory_mask)
y = {
    "plain": attend(x, memory, memory), "causal": attend(x, x.sin(), x, is_causal=True), "seen": attend(x, memory, memory, attn_mask=seen),
    "masked": attend(x, memory, memory, attn_mask=memory_mask[:, None, None]), "grouped": attend(x, keys, keys.cos(), enable_gqa=True),
    "adjacent": turn(x, heads, False), "half": turn(x, heads, True), "waves": x + waves, "placed": x + net["places"].weight[:t],
    "self": net["self"](x, x, x, attn_mask=causal, is_causal=True)[0], "self_masked": net["self"](x, x, x, key_padding_mask=~mask)[0],
    "cross": net["bare"](x, memory, memory, key_padding_mask=~memory_mask)[0],
    "behind": net["behind"](x), "front": net["front"](x, **ignore), "encoder": net["encoder"](x, **ignore),
    "answer": net["answer"](x, memory, tgt_mask=causal), "answer_front": net["answer_front"](x, memory, **ignore_memory),
    "decoder": net["decoder"](x, memory, **ignore_memory),
}
torch.stack([torch.sin(value).mean() for value in y.values()]).sum().backward()
save_fields("attention", x=x, memory=memory, keys=keys, mask=mask, memory_mask=memory_mask, x_gradient=x.grad, memory_gradient=memory.grad,
            keys_gradient=keys.grad, **{f"y_{name}": value for name, value in y.items()})
save_weights("attention", net.state_dict())
save_weights("attention-gradients", {name: p.grad for name, p in net.named_parameters()})
note_versions()
