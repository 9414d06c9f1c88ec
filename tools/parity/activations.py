"""Golden values of the activations: f(z) and f'(z) by torch's autograd in float64.

The standard ones are torch.nn.functional's own; those of the LoRAN authors are written from their formulas
(Li et al., Findings of EMNLP 2024).

    python tools/parity/activations.py      (torch 2.15)
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F

target = Path(__file__).parents[2] / "packages/activations/src/__fixtures__/activations.json"

small = [-0.03, -0.004, -7e-4, 0.0, 3e-4, 0.002, 0.011, 0.05]  # entries of a low-rank product
wide = [-6.0, -1.7, -0.4, -0.02, 0.0, 0.1, 0.8, 2.3, 5.0]

activations = {
    "sinter": (small, lambda z: 5e-5 * z * torch.sin(1e4 * z) + z),
    "sinter-class-defaults": (small, lambda z: 5e-4 * z * torch.sin(1e3 * z) + z),
    "cosine": (small, lambda z: z * torch.cos(1e4 * z) + z),
    "gaussian": (wide, lambda z: 0.5 * z * torch.exp(-(z**2))),
    "sine": (wide, torch.sin),
    "sigmoid": (wide, torch.sigmoid),
    "tanh": (wide, torch.tanh),
    "relu": (wide, F.relu),
    "silu": (wide, F.silu),
    "swish": (wide, lambda z: z * torch.sigmoid(1.0 * z)),
    "swish-25": (wide, lambda z: z * torch.sigmoid(25.0 * z)),
    "gelu": (wide, F.gelu),
    "identity": (wide, lambda z: z),
}

golden = {}
for name, (points, f) in activations.items():
    # The points as fp32 has them, so that sin(1e4 z) is taken at the same z on both sides.
    z = torch.tensor(points, dtype=torch.float32).to(torch.float64).requires_grad_()
    y = f(z)
    (slope,) = torch.autograd.grad(y.sum(), z)
    golden[name] = {"z": z.tolist(), "value": y.tolist(), "derivative": slope.tolist()}

target.parent.mkdir(parents=True, exist_ok=True)
target.write_text(json.dumps({"torch": torch.__version__.split("+")[0], "activations": golden}) + "\n")
