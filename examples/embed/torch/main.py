"""Two attentions as operators of PyTorch.

attnc build ../kernels --target cuda --dtype f16 --emit torch -o gen
pip install --no-build-isolation ./gen
python main.py
"""

import torch
from capped_torch import capped
from plain_torch import plain

# All keys are the same, so that each result is the mean of the values: of 0 .. 6 that is 3.
q = torch.ones(1, 2, 3, 64, dtype=torch.float16, device="cuda")
k = torch.zeros(1, 2, 7, 64, dtype=torch.float16, device="cuda")
v = torch.arange(7, dtype=torch.float16, device="cuda").reshape(7, 1).expand(1, 2, 7, 64)

with torch.no_grad():  # attnc generates no gradients yet
    for attention in [capped, plain]:
        out = attention(q, k, v)
        print(f"{attention.__name__} {out[0, 0, 0, 0].item():.3f}")
