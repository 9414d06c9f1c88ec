"""Golden values for @loran/qlora: NF4 and FP4 as bitsandbytes quantises, serialises and dequantises them on the CPU.

    python tools/parity/qlora.py

Needs torch, bitsandbytes (with its native CPU library, x86-64) and safetensors. Writes packages/qlora/src/__fixtures__/.
"""

import hashlib
import json
from pathlib import Path

import bitsandbytes.functional as bnb
import torch
from bitsandbytes.cextension import BNBNativeLibrary, lib
from safetensors.torch import save_file

FIXTURES = Path(__file__).parents[2] / "packages/qlora/src/__fixtures__"
BLOCK_SIZES = (32, 64, 128, 256, 512, 1024, 2048, 4096)


def ramp(count: int) -> torch.Tensor:
    """Values in [-0.5, 0.5) that the test makes itself: (i * 2654435761 mod 2^32) / 2^32 - 0.5, in fp64, then fp32."""
    i = torch.arange(count, dtype=torch.int64)
    return ((i * 2654435761 % 2**32).double() / 2**32 - 0.5).float()


def ties(quant_type: str) -> torch.Tensor:
    """Every midpoint between two codes and its neighbours, in blocks whose absmax is 1, 4 and -1 (so scaling is exact)."""
    codes = bnb.get_4bit_type(quant_type, device="cpu")
    ascending = codes.sort().values
    middles = (ascending[:-1] + ascending[1:]) / 2
    low = torch.nextafter(middles, torch.tensor(-2.0))
    high = torch.nextafter(middles, torch.tensor(2.0))
    block = torch.cat([torch.ones(1), middles, low, high, codes, torch.zeros(2)])  # 64 values
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
    "ties at midpoints": ties("nf4"),
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


def rows_of_scales(rows: int, columns: int) -> torch.Tensor:
    """A ramp whose rows are scaled by 2^-3 … 2^4, exactly, so that blocks differ in size; the test makes it itself."""
    scales = 2.0 ** (torch.arange(rows) % 8 - 3)
    return ramp(rows * columns).reshape(rows, columns) * scales.unsqueeze(1)


def quantised(weight: torch.Tensor, block_size: int, double: bool, quant_type: str) -> tuple[dict, torch.Tensor]:
    """The parts of a checkpoint, and the values before they are rounded to the weight's own type."""
    codes, state = bnb.quantize_4bit(
        weight, blocksize=block_size, compress_statistics=double, quant_type=quant_type
    )
    parts = {"weight": codes, **{f"weight.{key}": value for key, value in state.as_dict(packed=True).items()}}
    state.dtype = torch.float32
    return parts, bnb.dequantize_4bit(codes, state)


def digest(tensor: torch.Tensor) -> str:
    return hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest()[:16]


def block_size_case(quant_type: str, size: int, double: bool, shape: tuple[int, int]) -> dict:
    parts, values = quantised(rows_of_scales(*shape), size, double, quant_type)
    state = bytes(parts.pop(f"weight.quant_state.bitsandbytes__{quant_type}").tolist()).decode()
    return {
        "type": quant_type,
        "blockSize": size,
        "double": double,
        "shape": shape,
        "state": state,
        "parts": {name: digest(part) for name, part in parts.items()},
        "dequantised": digest(values + 0.0),  # bitsandbytes' CPU library gives -0 for FP4's second code of zero
    }


def main() -> None:
    assert isinstance(lib, BNBNativeLibrary), "bitsandbytes runs without its native library: its nested codes would differ"
    FIXTURES.mkdir(parents=True, exist_ok=True)
    tensors, described = {}, []
    for index, case in enumerate(cases()):
        parts, values = quantised(case["weight"], case["blockSize"], case["double"], "nf4")
        tensors[f"{index}/source"] = case["weight"].float()
        tensors |= {f"{index}/parts/{name}": part for name, part in parts.items()}
        tensors[f"{index}/dequantised"] = values
        described.append({"name": case["name"], "blockSize": case["blockSize"], "double": case["double"]})
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, FIXTURES / "nf4.safetensors")
    (FIXTURES / "nf4.json").write_text(json.dumps(described, indent=2) + "\n")

    tensors = {"ties/source": ties("fp4")}  # the other sources are NF4's
    for index, case in enumerate(cases()):
        weight = ties("fp4") if case["name"].startswith("ties") else case["weight"]
        parts, values = quantised(weight, case["blockSize"], case["double"], "fp4")
        tensors |= {f"{index}/parts/{name}": part for name, part in parts.items()}
        tensors[f"{index}/dequantised"] = torch.tensor(list(bytes.fromhex(digest(values + 0.0))), dtype=torch.uint8)
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, FIXTURES / "fp4.safetensors")

    sizes = [
        block_size_case(quant_type, size, double, shape)
        for quant_type in ("nf4", "fp4")
        for size in BLOCK_SIZES
        for double in (False, True)
        for shape in ((97, 129), (34, 130), (64, 128))
    ]
    (FIXTURES / "block-sizes.json").write_text(json.dumps(sizes, separators=(",", ":")).replace("},{", "},\n{") + "\n")


if __name__ == "__main__":
    main()
