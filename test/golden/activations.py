"""Activations and gated units: outputs and gradients from PyTorch, in double precision."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from golden import generator, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
g = generator(13)
x = (torch.randn(16, 6, generator=g) * 3).float().double()
x[0] = torch.tensor([0.0, 9.0, -9.0, 0.25, -0.25, 7.0])      # at the kink, and far out
x[1] = torch.tensor([0.5, -0.5, 3.0, -3.0, 6.0, -1.0])           # at the bounds
x.requires_grad_()
net = nn.ModuleDict({
    "one": nn.PReLU(), "channels": nn.PReLU(6),
    "swi": nn.ModuleDict({"w1": nn.Linear(6, 5, bias=False), "w2": nn.Linear(5, 6, bias=False), "w3": nn.Linear(6, 5, bias=False)}),
    "ge": nn.ModuleDict({"w1": nn.Linear(6, 5, bias=False), "w2": nn.Linear(5, 6, bias=False), "w3": nn.Linear(6, 5, bias=False)}),
})
for p in net.parameters():
    with torch.no_grad():
        p.copy_((torch.randn(p.shape, generator=g) * 0.3 + (0.2 if p.dim() == 1 else 0)).float())
swi, ge = net["swi"], net["ge"]
y = {
    "one": net["one"](x), "channels": net["channels"](x), "swi": swi["w2"](F.silu(swi["w1"](x)) * swi["w3"](x)), "ge": ge["w2"](F.gelu(ge["w1"](x)) * ge["w3"](x)),
    "glu": F.glu(x), "relu6": F.relu6(x), "elu": F.elu(x, 0.7), "selu": F.selu(x), "celu": F.celu(x, 1.5), "gelu_tanh": F.gelu(x, approximate="tanh"),
    "log_sigmoid": F.logsigmoid(x), "swish": x * torch.sigmoid(1.3 * x), "mish": F.mish(x), "softsign": F.softsign(x), "hardtanh": F.hardtanh(x, -0.5, 2),
    "hardsigmoid": F.hardsigmoid(x), "hardswish": F.hardswish(x), "tanhshrink": F.tanhshrink(x), "softshrink": F.softshrink(x), "hardshrink": F.hardshrink(x),
    "threshold": F.threshold(x, 0.3, -2.0),
}
torch.stack([torch.sin(value).mean() for value in y.values()]).sum().backward()
save_fields("activations", x=x, x_gradient=x.grad, **{f"y_{name}": value for name, value in y.items()})
save_weights("activations", net.state_dict())
save_weights("activations-gradients", {name: p.grad for name, p in net.named_parameters()})
note_versions()
