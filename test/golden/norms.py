"""Norms, reparametrised layers, bilinear map, squeeze and excitation: outputs and gradients from PyTorch, in double precision."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from golden import channels_last, generator, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
g = generator(12)
torch.manual_seed(12)

image = torch.randn(4, 6, 3, 5, generator=g).float().double().requires_grad_()
x = torch.randn(4, 6, generator=g).float().double().requires_grad_()
other = torch.randn(4, 3, generator=g).float().double().requires_grad_()
net = nn.ModuleDict({
    "groups": nn.GroupNorm(3, 6),
    "affine": nn.InstanceNorm2d(6, affine=True),
    "root": nn.RMSNorm(6, eps=1e-5),
    "both": nn.Bilinear(6, 3, 4),
    "squeeze": nn.ModuleDict({"fc1": nn.Conv2d(6, 2, 1), "fc2": nn.Conv2d(2, 6, 1)}),
    "scaled": nn.Linear(6, 4),
    "filtered": nn.Conv2d(6, 4, 3, padding=1),
    "spectral": nn.Linear(6, 4),
})
for p in net.parameters():
    with torch.no_grad():
        p.copy_((torch.randn(p.shape, generator=g) * 0.5 + (1 if p.dim() == 1 else 0)).float())
lengths = {"scaled": torch.rand(4, 1, generator=g).float().double() + 0.5, "filtered": torch.rand(4, 1, 1, 1, generator=g).float().double() + 0.5}
for value in lengths.values():
    value.requires_grad_()
u = torch.randn(4, generator=g).float().double()


def unit(v):
    return v / v.norm().clamp(min=1e-12)


def normed(name):
    """Salimans and Kingma 2016, eq. 2."""
    v = net[name].weight
    return lengths[name] * v / v.flatten(1).norm(dim=1).reshape(lengths[name].shape)


# One step of power iteration (Miyato et al. 2018, algorithm 1), no gradient through u and v, as torch.nn.utils.parametrizations.spectral_norm has it.
w = net["spectral"].weight
v0 = unit(w.detach().T @ u)
u1 = unit(w.detach() @ v0)
s = net["squeeze"]
gate = torch.sigmoid(s["fc2"](F.relu(s["fc1"](image.mean((2, 3), keepdim=True)))))
y = {
    "groups": channels_last(net["groups"](image)), "alone": channels_last(F.instance_norm(image)), "affine": channels_last(net["affine"](image)),
    "root": net["root"](x), "both": net["both"](x, other), "squeeze": channels_last(image * gate),
    "scaled": F.linear(x, normed("scaled"), net["scaled"].bias),
    "filtered": channels_last(F.conv2d(image, normed("filtered"), net["filtered"].bias, padding=1)),
    "spectral": F.linear(x, w / (u1 @ w @ v0), net["spectral"].bias),
}
torch.stack([torch.sin(value).mean() for value in y.values()]).sum().backward()


def path(name):
    """Wrapped layers stand one part deeper."""
    first, rest = name.split(".", 1)
    return f"{first}.inner.{rest}" if first in ("scaled", "filtered", "spectral") else name


weights = {path(name): value for name, value in net.state_dict().items()}
weights.update({f"{name}.weight_g": value for name, value in lengths.items()}, **{"spectral.u": u})
gradients = {path(name): p.grad for name, p in net.named_parameters()}
gradients.update({f"{name}.weight_g": value.grad for name, value in lengths.items()}, **{"spectral.u": u})
save_fields("norms", image=channels_last(image), x=x, other=other, image_gradient=channels_last(image.grad), x_gradient=x.grad,
            other_gradient=other.grad, **{f"y_{name}": value for name, value in y.items()})
save_weights("norms", weights)
save_weights("norms-gradients", gradients)
note_versions()
