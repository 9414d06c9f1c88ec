"""Golden state dicts for @loran/formats, written by torch.save, with the contents that torch reads back from them.

    python tools/parity/torch_golden.py      (torch 2.15)

Writes packages/formats/src/__fixtures__/torch/. A random identifier that torch puts into each archive is fixed afterwards, byte for byte.
"""

import json
import re
import zlib
from collections import OrderedDict
from pathlib import Path

import torch

FIXTURES = Path(__file__).parents[2] / "packages/formats/src/__fixtures__/torch"

DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def state() -> OrderedDict:
    base = torch.arange(12, dtype=torch.float32)
    tied = torch.arange(6, dtype=torch.float32).reshape(3, 2) / 8
    tensors = OrderedDict((f"every.{name}", torch.tensor([1, 0, 1, 1, 0]).to(dtype)) for name, dtype in DTYPES.items())
    tensors["parameter"] = torch.nn.Parameter(torch.tensor([[0.5, -0.25], [2.0, 1.0]]))
    tensors["view"] = base[4:10].reshape(2, 3)  # a part of its storage
    tensors["tied.a"], tensors["tied.b"] = tied, tied
    tensors["scalar"] = torch.tensor(3.5)
    tensors["empty"] = torch.zeros(0, 4)
    tensors["column"] = torch.arange(4, dtype=torch.float32).reshape(4, 1)
    tensors["schlüssel"] = torch.tensor([2.0])
    tensors._metadata = OrderedDict({"": {"version": 1}, "layer": {"version": 2}})
    return tensors


def fixed_identifier(file: Path) -> None:
    """torch writes a fresh identifier into <root>/.data/serialization_id; the same length of zeros, with its checksum, takes its place."""
    data = file.read_bytes()
    found = re.search(rb"/\.data/serialization_id", data)
    if found is None:
        return
    digits = re.compile(rb"[0-9]{40}").search(data, found.end())
    old = zlib.crc32(digits.group()).to_bytes(4, "little")
    new = zlib.crc32(b"0" * 40).to_bytes(4, "little")
    file.write_bytes(data.replace(digits.group(), b"0" * 40).replace(old, new))


def main() -> None:
    FIXTURES.mkdir(parents=True, exist_ok=True)
    torch.save(state(), FIXTURES / "state.bin")
    torch.save(dict(state()), FIXTURES / "protocol-4.pt", pickle_protocol=4)
    torch.save({"a": torch.tensor([1.0, 2.0])}, FIXTURES / "legacy.bin", _use_new_zipfile_serialization=False)
    torch.save({"a": torch.arange(6.0).reshape(2, 3).T}, FIXTURES / "transposed.bin")
    torch.save({"epoch": 3, "model": {"a": torch.tensor([1.0])}}, FIXTURES / "checkpoint.bin")
    torch.save(torch.nn.Linear(2, 1).requires_grad_(False).apply(lambda layer: (layer.weight.zero_(), layer.bias.zero_())), FIXTURES / "module.bin")
    for file in FIXTURES.iterdir():
        if file.suffix in (".bin", ".pt"):
            fixed_identifier(file)
    legacy = FIXTURES / "legacy.bin"  # its keys are addresses in memory
    legacy.write_bytes(re.sub(rb"[0-9]{9,}", lambda found: b"0" * len(found.group()), legacy.read_bytes()))
    whole = torch.load(FIXTURES / "state.bin", weights_only=True)
    contents = {
        name: {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data": tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes().hex() if tensor.numel() else "",
        }
        for name, tensor in whole.items()
    }
    (FIXTURES / "state.json").write_text(json.dumps(contents) + "\n")


main()
