"""Keras' LSTM and GRU by their formulas (keras.layers.LSTM, GRU; Keras' order of gates and layout of weights), in double precision, and
gradients by torch.  The weight file says nothing of its layout; `dense` is a matrix as Keras has it, `turned` one as PyTorch has it."""
import torch

from golden import generator, note_versions, save_fields, save_weights

torch.set_default_dtype(torch.float64)
g = generator(31)
x = torch.randn(5, 6, 4, generator=g).float().double().requires_grad_()
shapes = {"memory.kernel": (4, 12), "memory.recurrent_kernel": (3, 12), "memory.bias": (12,), "bare.kernel": (4, 8), "bare.recurrent_kernel": (2, 8),
          "gated.kernel": (4, 9), "gated.recurrent_kernel": (3, 9), "gated.bias": (2, 9), "first.kernel": (4, 9), "first.recurrent_kernel": (3, 9),
          "first.bias": (9,), "dense.kernel": (4, 3), "dense.bias": (3,), "turned.kernel": (3, 4)}
w = {name: (torch.randn(shape, generator=g) * 0.5).float().double().requires_grad_() for name, shape in shapes.items()}


def lstm(name, units):
    h = c = torch.zeros(5, units)
    out = []
    for t in range(6):
        z = x[:, t] @ w[name + ".kernel"] + h @ w[name + ".recurrent_kernel"] + w.get(name + ".bias", torch.zeros(()))
        i, f, u, o = z.split(units, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(u)
        h = torch.sigmoid(o) * torch.tanh(c)
        out.append(h)
    return torch.stack(out, 1)


def gru(name, units, reset_after):
    h, out = torch.zeros(5, units), []
    bias = w[name + ".bias"]
    for t in range(6):
        xz, xr, xh = (x[:, t] @ w[name + ".kernel"] + (bias[0] if reset_after else bias)).split(units, 1)
        kernel = w[name + ".recurrent_kernel"]
        if reset_after:
            hz, hr, hh = (h @ kernel + bias[1]).split(units, 1)
            z, r = torch.sigmoid(xz + hz), torch.sigmoid(xr + hr)
            new = torch.tanh(xh + r * hh)
        else:
            kz, kr, kh = kernel.split(units, 1)
            z, r = torch.sigmoid(xz + h @ kz), torch.sigmoid(xr + h @ kr)
            new = torch.tanh(xh + (r * h) @ kh)
        h = z * h + (1 - z) * new
        out.append(h)
    return torch.stack(out, 1)


y = {"memory": lstm("memory", 3), "bare": lstm("bare", 2), "gated": gru("gated", 3, True), "first": gru("first", 3, False),
     "dense": x[:, 0] @ w["dense.kernel"] + w["dense.bias"], "turned": x[:, 0] @ w["turned.kernel"].T}
torch.stack([torch.sin(value).mean() for value in y.values()]).sum().backward()
save_fields("keras_recurrent", x=x, x_gradient=x.grad, **{f"y_{name}": value for name, value in y.items()})
save_weights("keras_recurrent", w)
save_weights("keras_recurrent-gradients", {name: p.grad for name, p in w.items()})
note_versions()
