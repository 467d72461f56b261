"""Layers: outputs, gradients and running statistics from PyTorch, in double precision, stored as float32."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from golden import channels_last, generator, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
g = generator(1)
torch.manual_seed(1)

image = torch.randn(8, 4, 9, 9, generator=g).float().double()
x = torch.randn(8, 6, generator=g).float().double()
sequence = torch.randn(8, 5, 6, generator=g).float().double()
tokens = torch.randint(0, 11, (8, 5), generator=g)
image.requires_grad_()
x.requires_grad_()

net = nn.ModuleDict({
    "dense": nn.Linear(6, 5),
    "plain": nn.Conv2d(4, 6, 3, padding=1),
    "strided": nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2, bias=False),
    "dilated": nn.Conv2d(4, 3, 3, dilation=2),
    "deep": nn.Conv2d(4, 8, 3, padding=1, groups=4),
    "norm": nn.BatchNorm2d(4),
    "rows": nn.LayerNorm(6),
    "table": nn.Embedding(11, 3),
})
memory = nn.LSTM(6, 4, batch_first=True)
for module in net.values():                   # no default values: a forgotten load must show
    for p in module.parameters():
        with torch.no_grad():
            p.copy_(torch.randn(p.shape, generator=g) * 0.5 + (1 if p.dim() == 1 else 0))
            p.copy_(p.float())
with torch.no_grad():
    for p in memory.parameters():
        p.copy_(p.float())

before = {f"{name}.{key}": value.clone() for name, module in net.items() for key, value in module.state_dict().items()}
before.update({f"memory.{key}": value for key, value in memory.state_dict().items()})
y = {
    "dense": net["dense"](x),
    "plain": channels_last(net["plain"](image)),
    "strided": channels_last(net["strided"](image)),
    "dilated": channels_last(net["dilated"](image)),
    "deep": channels_last(net["deep"](image)),
    "norm": channels_last(net["norm"](image)),
    "rows": net["rows"](x),
    "table": net["table"](tokens),
    "memory": memory(sequence)[0],
    "max_pool": channels_last(F.max_pool2d(image, 3, 2, 1)),
    "avg_pool": channels_last(F.avg_pool2d(image, 3, 2, 1)),
    "global_avg": image.mean((2, 3)),
    "relu": F.relu(x), "leaky_relu": F.leaky_relu(x, 0.01), "gelu": F.gelu(x), "sigmoid": torch.sigmoid(x), "silu": F.silu(x),
    "softplus": F.softplus(x), "softmax": F.softmax(x, 1), "log_softmax": F.log_softmax(x, 1), "log_sum_exp": torch.logsumexp(x, 1),
}
torch.stack([torch.sin(value).mean() for value in y.values()]).sum().backward()

gradients = {f"{name}.{key}": p.grad for name, module in net.items() for key, p in module.named_parameters()}
gradients.update({f"memory.{key}": p.grad for key, p in memory.named_parameters()})
net["norm"].eval()
fields = {f"y_{name}": value for name, value in y.items()}
save_fields("layers", image=channels_last(image), x=x, sequence=sequence, tokens=tokens, image_gradient=channels_last(image.grad),
            x_gradient=x.grad, y_norm_after=channels_last(net["norm"](image)), **fields)
save_weights("layers", before)
save_weights("layers-gradients", gradients)
note_versions()
