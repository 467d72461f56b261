"""The inverse of erf, by which truncated normals are drawn, from PyTorch in double precision."""
import torch

from golden import note_versions, save_fields

torch.set_default_dtype(torch.float64)
x = torch.cat([torch.linspace(-0.99999, 0.99999, 41), torch.tensor([1e-4, -3e-3, 0.9954, -0.9995])]).float().double()
save_fields("initial", x=x, y=torch.erfinv(x))
note_versions()
