"""Golden LoRA in torch's own files: the adapters of lora.py's plain and embedding cases, saved by PEFT as adapter_model.bin.

    python tools/parity/peft_bin.py      (torch 2.15, peft 0.21.2)

Reads packages/lora/src/__fixtures__/peft and writes packages/lora/src/__fixtures__/peft-bin.
"""

import re
import shutil
import zlib
from pathlib import Path

from peft import PeftModel
from torch import nn

FIXTURES = Path(__file__).parents[2] / "packages/lora/src/__fixtures__"


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(9, 6)
        self.dense = nn.Linear(6, 5)


def fixed_identifier(file: Path) -> None:
    """torch writes a fresh identifier of 40 digits into each archive; zeros, with their checksum, take its place."""
    data = file.read_bytes()
    digits = re.compile(rb"[0-9]{40}").search(data, data.index(b"/.data/serialization_id")).group()
    checksum = [zlib.crc32(value).to_bytes(4, "little") for value in (digits, b"0" * 40)]
    file.write_bytes(data.replace(digits, b"0" * 40).replace(*checksum))


for case in ("plain", "embedding"):
    target = FIXTURES / "peft-bin" / case
    shutil.rmtree(target, ignore_errors=True)
    PeftModel.from_pretrained(Model(), FIXTURES / "peft" / case).save_pretrained(target, safe_serialization=False, save_embedding_layers=False)
    (target / "README.md").unlink()
    fixed_identifier(target / "adapter_model.bin")
