"""Golden values for @loran/qlora: NF4 as bitsandbytes quantises, serialises and dequantises it on the CPU.

    python tools/parity/qlora.py

Needs torch, bitsandbytes (with its native CPU library, x86-64) and safetensors. Writes packages/qlora/src/__fixtures__/.
"""

import json
from pathlib import Path

import bitsandbytes.functional as bnb
import torch
from bitsandbytes.cextension import BNBNativeLibrary, lib
from safetensors.torch import save_file

FIXTURES = Path(__file__).parents[2] / "packages/qlora/src/__fixtures__"
CODEBOOK = bnb.get_4bit_type("nf4", device="cpu")
MIDPOINTS = (CODEBOOK[:-1] + CODEBOOK[1:]) / 2


def ramp(count: int) -> torch.Tensor:
    """Values in [-0.5, 0.5) that the test makes itself: (i * 2654435761 mod 2^32) / 2^32 - 0.5, in fp64, then fp32."""
    i = torch.arange(count, dtype=torch.int64)
    return ((i * 2654435761 % 2**32).double() / 2**32 - 0.5).float()


def ties() -> torch.Tensor:
    """Every midpoint between two codes and its neighbours, in blocks whose absmax is 1, 4 and -1 (so scaling is exact)."""
    low = torch.nextafter(MIDPOINTS, torch.tensor(-2.0))
    high = torch.nextafter(MIDPOINTS, torch.tensor(2.0))
    block = torch.cat([torch.ones(1), MIDPOINTS, low, high, CODEBOOK, torch.zeros(2)])  # 64 values
    return torch.stack([block, 4 * block, -block])


def denormals() -> torch.Tensor:
    """Blocks whose absmax lies below the smallest normal number, around the 1e-38 that divides, and of single bits."""
    scales = torch.tensor([1e-38, 0.9e-38, 1.1e-38, 3e-39, 1e-40, 1e-45, 1.17549435e-38]).unsqueeze(1)
    return (ramp(7 * 64).reshape(7, 64).double() * 2 * scales.double()).float()


def outliers() -> torch.Tensor:
    weight = ramp(16 * 64).reshape(16, 64) * 0.05
    weight[3, 7], weight[9, 0], weight[15, 63] = 1e4, -317.0, 0.7
    return weight


def zero_blocks() -> torch.Tensor:
    weight = ramp(5 * 64).reshape(5, 64)
    weight[1], weight[3] = 0.0, -0.0
    return weight


def zero_tail() -> torch.Tensor:
    weight = ramp(2 * 50).reshape(2, 50)
    weight.view(-1)[64:] = 0.0
    return weight


def big() -> torch.Tensor:
    weight = ramp(4 * 64).reshape(4, 64) * torch.tensor([[1e37], [9e36], [1e30], [1.0]])
    weight[0, 5] = 3.3e38
    return weight


WEIGHTS = {
    "one block": ramp(64).reshape(8, 8),
    "less than a block, odd": ramp(15).reshape(3, 5),
    "one value": torch.tensor([[-0.25]]),
    "partial last block": ramp(330).reshape(10, 33),
    "partial last block, odd": ramp(133).reshape(7, 19),
    "zero blocks": zero_blocks(),
    "zero partial block": zero_tail(),
    "all zero": torch.zeros(4, 64),
    "equal blocks": ramp(64).repeat(6, 1),
    "outliers": outliers(),
    "ties at midpoints": ties(),
    "denormals": denormals(),
    "big": big(),
}


def cases() -> list[dict]:
    rows = [
        {"name": f"{name}, {'double' if double else 'single'}", "weight": weight, "blockSize": 64, "double": double}
        for name, weight in WEIGHTS.items()
        for double in (False, True)
    ]
    spread = ramp(160 * 130).reshape(160, 130) * torch.exp(ramp(160) * 6).unsqueeze(1)  # 325 blocks: two nested ones
    rows.append({"name": "two nested blocks", "weight": spread, "blockSize": 64, "double": True})
    rows += [
        {"name": f"block size {size}", "weight": ramp(40 * 33).reshape(40, 33), "blockSize": size, "double": True}
        for size in (32, 256, 4096)
    ]
    rows.append({"name": "from bfloat16", "weight": ramp(20 * 64).reshape(20, 64).bfloat16(), "blockSize": 64, "double": True})
    return rows


def main() -> None:
    assert isinstance(lib, BNBNativeLibrary), "bitsandbytes runs without its native library: its nested codes would differ"
    FIXTURES.mkdir(parents=True, exist_ok=True)
    tensors, described = {}, []
    for index, case in enumerate(cases()):
        weight = case["weight"]
        codes, state = bnb.quantize_4bit(
            weight, blocksize=case["blockSize"], compress_statistics=case["double"], quant_type="nf4"
        )
        tensors[f"{index}/source"] = weight.float()
        tensors[f"{index}/parts/weight"] = codes
        for key, value in state.as_dict(packed=True).items():
            tensors[f"{index}/parts/weight.{key}"] = value
        state.dtype = torch.float32  # the values before they are rounded to the weight's own type
        tensors[f"{index}/dequantised"] = bnb.dequantize_4bit(codes, state)
        described.append({"name": case["name"], "blockSize": case["blockSize"], "double": case["double"]})
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, FIXTURES / "nf4.safetensors")
    (FIXTURES / "nf4.json").write_text(json.dumps(described, indent=2) + "\n")


if __name__ == "__main__":
    main()
