"""Golden files for @loran/formats, written, read and quantised by the reference gguf package.

    python tools/parity/gguf_golden.py

Needs gguf, numpy and safetensors. Writes packages/formats/src/__fixtures__/.
"""

from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFValueType as Value
from safetensors.numpy import save_file

FIXTURES = Path(__file__).parents[2] / "packages/formats/src/__fixtures__"

DEQUANTISED = ["BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]
QUANTISED = ["F32", "F16", "BF16", "Q8_0", "Q4_0"]

# Where the F16 scales stand in a block: random bytes would make half of them larger than any weight's.
SCALES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
}


def random_blocks(type_name: str, rows: int, random: np.random.Generator) -> np.ndarray:
    """Any bits for the codes; scales of any sign from subnormal to large, an infinity in the last row. [rows, bytes]"""
    values, size = gguf.GGML_QUANT_SIZES[Type[type_name]]
    blocks = random.integers(0, 256, (rows, max(512 // values, 1), size), dtype=np.uint8)
    for at in SCALES.get(type_name, []):
        exponents = random.uniform(-26, 6, blocks.shape[:2])
        scales = (random.choice([-1, 1], blocks.shape[:2]) * 2**exponents).astype(np.float16)
        scales[-1, -1] = np.inf
        blocks[:, :, at : at + 2] = scales[..., None].view(np.uint8)
    return blocks.reshape(rows, -1)


def every_type(random: np.random.Generator) -> None:
    """A file with every type of tensor and of metadata, and what its tensors hold in fp32."""
    path = FIXTURES / "every-type.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Every type")
    writer.add_custom_alignment(64)
    numbers = {
        "uint8": (Value.UINT8, 255), "int8": (Value.INT8, -128), "uint16": (Value.UINT16, 65535),
        "int16": (Value.INT16, -32768), "uint32": (Value.UINT32, 2**32 - 1), "int32": (Value.INT32, -(2**31)),
        "float32": (Value.FLOAT32, 0.1), "float64": (Value.FLOAT64, 0.1),
        "uint64": (Value.UINT64, 2**64 - 1), "int64": (Value.INT64, -(2**63)),
    }
    for name, (kind, value) in numbers.items():
        writer.add_key_value(f"one.{name}", value, kind)
        writer.add_key_value(f"many.{name}", [value, 1, 0], Value.ARRAY, kind)
    writer.add_uint64("one.small-uint64", 7)
    writer.add_int64("one.small-int64", -7)
    writer.add_bool("one.bool", True)
    writer.add_array("many.bool", [True, False])
    writer.add_string("one.string", "é 😀 \0 end")
    writer.add_array("many.string", ["", "a", "é", "▁the", "😀"])

    values = {}
    for name in DEQUANTISED:
        blocks = random_blocks(name, 3, random)
        writer.add_tensor(f"{name}.weight", blocks, raw_dtype=Type[name])
        with np.errstate(invalid="ignore"):
            values[f"{name}.weight"] = gguf.dequantize(blocks, Type[name]).astype(np.float32)
    halves = random.standard_normal((2, 3, 5)).astype(np.float16)
    writer.add_tensor("F16.weight", halves)
    values["F16.weight"] = halves.astype(np.float32)
    singles = random.standard_normal((7,)).astype(np.float32)
    writer.add_tensor("F32.weight", singles)
    values["F32.weight"] = singles
    writer.add_tensor("F64.weight", random.standard_normal((2,)))
    for bits in (8, 16, 32, 64):
        writer.add_tensor(f"I{bits}.ids", np.array([[1, -2], [3, 4], [5, 6]], dtype=f"int{bits}"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(values, FIXTURES / "every-type.safetensors")


def quantisation(random: np.random.Generator) -> None:
    """fp32 rows, among them ties, zeros, outliers, subnormals, and the file in which they are stored in each type."""
    rows = np.concatenate([
        random.standard_normal((4, 64)),
        random.standard_normal((4, 64)) * 10.0 ** random.uniform(-6, 4, (4, 64)),
        np.zeros((1, 64)),
        np.tile(np.arange(-16, 16) / 2, (1, 2)),
        np.tile(np.arange(-16, 16) / 254, (1, 2)),
        np.where(np.arange(64) % 2, 1.0, -1.0)[None],
        random.standard_normal((1, 64)) * 1e-7,
    ]).astype(np.float32)
    save_file({"values": rows}, FIXTURES / "quantised.safetensors")
    writer = gguf.GGUFWriter(FIXTURES / "quantised.gguf", "llama")
    writer.add_uint32("general.quantization_version", 2)
    for name in QUANTISED:
        writer.add_tensor(f"{name}.weight", gguf.quantize(rows, Type[name]), raw_dtype=Type[name])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    FIXTURES.mkdir(parents=True, exist_ok=True)
    every_type(np.random.default_rng(0))
    quantisation(np.random.default_rng(1))
