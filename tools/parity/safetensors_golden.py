"""Golden files for @loran/formats, written by the reference safetensors library, by huggingface_hub and by torch's conversions.

    python tools/parity/safetensors_golden.py

Needs safetensors, huggingface_hub (transformers brings it) and torch. Writes packages/formats/src/__fixtures__/.
"""

import json
from hashlib import sha256
from pathlib import Path

import torch
from huggingface_hub import save_torch_state_dict
from safetensors.torch import save_file

FIXTURES = Path(__file__).parents[2] / "packages/formats/src/__fixtures__"

DTYPES = {
    "bool": torch.bool, "u8": torch.uint8, "i8": torch.int8,
    "f8_e5m2": torch.float8_e5m2, "f8_e4m3": torch.float8_e4m3fn, "f8_e8m0": torch.float8_e8m0fnu,
    "f8_e4m3fnuz": torch.float8_e4m3fnuz, "f8_e5m2fnuz": torch.float8_e5m2fnuz,
    "i16": torch.int16, "u16": torch.uint16, "f16": torch.float16, "bf16": torch.bfloat16,
    "i32": torch.int32, "u32": torch.uint32, "f32": torch.float32, "c64": torch.complex64,
    "f64": torch.float64, "i64": torch.int64, "u64": torch.uint64,
}


def every_dtype() -> None:
    """One tensor of each type, and names that sort differently by UTF-8 bytes than by UTF-16 units."""
    tensors = {name: torch.tensor([1, 0, 1, 1, 0]).to(dtype) for name, dtype in DTYPES.items()}
    tensors |= {
        "layer.10.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
        "layer.2.weight": torch.arange(4, dtype=torch.float32).reshape(4, 1),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 4),
        "é": torch.tensor([2.0]),
        "\ufffd": torch.tensor([3.0]),
        "\U0001f600": torch.tensor([4.0]),
        "__proto__": torch.tensor([5.0]),
        'quote" and \\ and \n': torch.tensor([6.0]),
    }
    save_file(tensors, FIXTURES / "every-dtype.safetensors", {"format": "pt"})
    save_file({"a": torch.tensor([1.0, 2.0])}, FIXTURES / "no-metadata.safetensors")


def shards() -> None:
    """A folder in shards of at most 100 bytes: one that is full to the byte, and a tensor too large for any."""
    sizes = {"model.embed": (5, 5), "model.layers.10.w": (4, 5), "model.layers.2.w": (3, 2), "model.big": (6, 6), "model.norm": (1,), "é": (8,)}
    state = {name: torch.arange(float(torch.Size(shape).numel())).reshape(shape) for name, shape in sizes.items()}
    folder = FIXTURES / "shards"
    folder.mkdir(exist_ok=True)
    save_torch_state_dict(state, folder, max_shard_size=100)


def conversions() -> None:
    """Narrowing of ties, subnormals and limits; widening of all 65,536 patterns as a digest (NaN left out)."""
    torch.manual_seed(0)
    halves = torch.arange(0, 0x7BFF, 37, dtype=torch.int16).view(torch.float16).double()
    next_halves = torch.arange(1, 0x7C00, 37, dtype=torch.int16).view(torch.float16).double()
    ties = ((halves + next_halves[: len(halves)]) / 2).float()
    spread = torch.randn(512) * torch.exp(torch.randn(512) * 8)
    limits = torch.tensor([0.0, -0.0, 65504, 65519.996, 65520, 1e38, 3.4e38, 3.3961775e38, 2**-24, 2**-25, 2**-26, 1e-45, 1e-38, float("inf"), float("-inf"), float("nan")])
    values = torch.cat([ties, torch.nextafter(ties, torch.tensor(0.0)), torch.nextafter(ties, torch.tensor(9e9)), -ties, spread, limits])
    save_file(
        {"f32": values, "f16": values.half(), "bf16": values.bfloat16()},
        FIXTURES / "narrowing.safetensors",
    )
    patterns = torch.arange(65536, dtype=torch.int32).to(torch.uint16)
    digests = {}
    for name, dtype in [("F16", torch.float16), ("BF16", torch.bfloat16)]:
        wide = patterns.view(dtype).float()
        digests[name] = sha256(wide[~wide.isnan()].numpy().tobytes()).hexdigest()
    (FIXTURES / "widening.json").write_text(json.dumps(digests, indent=2) + "\n")


if __name__ == "__main__":
    FIXTURES.mkdir(parents=True, exist_ok=True)
    every_dtype()
    conversions()
    shards()
