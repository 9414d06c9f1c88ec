"""Golden analyses of adapters: spectra, effective ranks, and what Sinter moves, by numpy and torch.

Two published settings of Sinter on a product B A of rank 8, [256, 256], whose entries have deviation 2e-3, and a ReLU of the same, all in
float64; the factors are fp32 numbers. The share of elements that still differ after rounding to 16 bits is torch's, of fp32 values. Also
the ranks that keep shares of the energy, and the errors of the best approximations.

    python tools/parity/analysis.py      (numpy 2, torch 2.15)
"""

import json
from pathlib import Path

import numpy as np
import torch

target = Path(__file__).parents[2] / "packages/analysis/src/__fixtures__"
size, rank = 256, 8

generator = np.random.default_rng(5)
A = (generator.standard_normal((rank, size)) * 0.03).astype(np.float32)
B = (generator.standard_normal((size, rank)) * 2e-3 / 0.03 / np.sqrt(rank)).astype(np.float32)
z = B.astype(np.float64) @ A.astype(np.float64)
# A weight that needs no file: multiples of 5e-5 up to 0.05.
rows, columns = np.mgrid[0:size, 0:size]
W = (((rows * 7919 + columns * 104729) % 2001 - 1000) * 5e-5).astype(np.float32)


def sinter(amplitude, frequency):
    return (
        lambda x: x + amplitude * x * np.sin(frequency * x),
        lambda x: 1 + amplitude * np.sin(frequency * x) + amplitude * frequency * x * np.cos(frequency * x),
    )


activations = {
    "sinter": sinter(5e-5, 1e4),
    "sinter-class-defaults": sinter(5e-4, 1e3),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(np.float64)),
}


def differing(a, b, dtype):
    a, b = (torch.from_numpy(x.astype(np.float32)).to(dtype) for x in (a, b))
    return (a != b).double().mean().item()


def spectrum(x):
    values = np.linalg.svd(x, compute_uv=False)
    share = values / values.sum()
    share = share[share > 0]
    return {
        "norm": np.linalg.norm(x),
        "singularValues": values[:32].tolist(),
        "stableRank": (values**2).sum() / values[0] ** 2,
        "effectiveRank": np.exp(-(share * np.log(share)).sum()),
        "errorBeyond": {str(r): np.linalg.norm(values[r:]) / np.linalg.norm(values) for r in (4, rank, 16)},
        "rankHolding": {
            str(energy): int(np.searchsorted(np.cumsum(values**2), energy * (values**2).sum()) + 1)
            for energy in (0.5, 0.9, 0.99)
        },
    }


cases = []
for name, (f, slope) in activations.items():
    update, distance = f(z), np.abs(slope(z) - 1)
    cases.append(
        {
            "activation": name,
            **spectrum(update),
            "movement": np.linalg.norm(update - z) / np.linalg.norm(z),
            "slope": {"mean": distance.mean(), "largest": distance.max()},
            "differing": {
                "update": {"F16": differing(update, z, torch.float16), "BF16": differing(update, z, torch.bfloat16)},
                "merged": {
                    "F16": differing(W + update, W + z, torch.float16),
                    "BF16": differing(W + update, W + z, torch.bfloat16),
                },
            },
        }
    )


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return value if isinstance(value, (str, int)) else float(f"{value:.8g}")


target.mkdir(parents=True, exist_ok=True)
golden = {"size": size, "rank": rank, "linear": spectrum(z), "relativeNorm": np.linalg.norm(z) / np.linalg.norm(W), "cases": cases}
(target / "spectra.json").write_text(json.dumps(rounded(golden)) + "\n")
(target / "factors.f32").write_bytes(A.tobytes() + B.tobytes())
