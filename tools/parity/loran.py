"""Golden LoRAN: the update, the output and the gradients of the authors' formula, in torch.

Written from the formula of the authors' Linear without projections and biases (Li et al., Findings of EMNLP 2024):

    H = act((B A)^T)        y = W x + alpha / r * (x H)        A (r, in)   B (out, r)   H (in, out)

float64, so that an fp32 implementation is compared with the exact values; the fixed numbers are fp32 ones.

    python tools/parity/loran.py      (torch 2.15)
"""

import json
from pathlib import Path

import torch

target = Path(__file__).parents[2] / "packages/loran/src/__fixtures__/loran.json"

activations = {
    "sinter": lambda z: 5e-5 * z * torch.sin(1e4 * z) + z,
    "sinter-class-defaults": lambda z: 5e-4 * z * torch.sin(1e3 * z) + z,
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "silu": lambda z: z * torch.sigmoid(z),
    "swish-25": lambda z: z * torch.sigmoid(25 * z),
    "gaussian": lambda z: 0.5 * z * torch.exp(-(z**2)),
}


def fixed(*shape, std):
    return (torch.randn(*shape) * std).to(torch.float32).to(torch.float64)


def values(tensor):
    return [float(f"{value:.10g}") for value in tensor.detach().flatten().tolist()]


golden = []
for index, (name, act) in enumerate(activations.items()):
    torch.manual_seed(100 + index)
    rank, alpha, columns, rows = (3, 16, 7, 5) if index % 2 == 0 else (2, 4, 4, 6)
    A = fixed(rank, columns, std=0.12).requires_grad_()
    B = fixed(rows, rank, std=0.08).requires_grad_()
    W, bias, x, dy = fixed(rows, columns, std=0.5), fixed(rows, std=0.5), fixed(2, columns, std=1), fixed(2, rows, std=1)
    H = act((B @ A).T)
    y = x @ W.T + bias + alpha / rank * (x @ H)
    (y * dy).sum().backward()
    golden.append(
        {
            "activation": name,
            "rank": rank,
            "alpha": alpha,
            "shape": [rows, columns],
            "A": values(A),
            "B": values(B),
            "W": values(W),
            "bias": values(bias),
            "x": values(x),
            "dy": values(dy),
            "delta": values(alpha / rank * H.T),
            "y": values(y),
            "dA": values(A.grad),
            "dB": values(B.grad),
        }
    )

target.parent.mkdir(parents=True, exist_ok=True)
target.write_text(json.dumps({"torch": torch.__version__.split("+")[0], "cases": golden}) + "\n")
