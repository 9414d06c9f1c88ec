"""Reads the 4-bit checkpoints that bnb.ts wrote with transformers over bitsandbytes, and compares the logits.

    python tools/parity/bnb_read.py FOLDER

Exits with 1 when a difference is above 1e-5 of the logits' scale, a layer is not in 4 bits, or a tensor is missing or left over.
"""

import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers
from bitsandbytes.nn import Linear4bit

torch.set_num_threads(1)
root = Path(sys.argv[1])
worst = 0.0
for case in json.loads((root / "cases.json").read_text()):
    auto = getattr(transformers, f"AutoModelFor{case['task']}")
    model, loading = auto.from_pretrained(
        case["folder"], device_map="cpu", dtype=torch.float32, output_loading_info=True
    )
    assert not loading["missing_keys"] and not loading["unexpected_keys"], loading
    packed = [module for module in model.modules() if isinstance(module, Linear4bit)]
    assert packed and all(module.weight.quant_state is not None for module in packed), case["folder"]
    ids = torch.tensor(case["ids"])
    inputs = {"input_ids": ids, **({"decoder_input_ids": ids} if case["task"] == "Seq2SeqLM" else {})}
    with torch.no_grad():
        logits = model.eval()(**inputs).logits
    expected = torch.tensor(case["logits"])
    difference = ((logits.reshape(expected.shape) - expected).abs().max() / expected.abs().max().clamp(min=1)).item()
    worst = max(worst, difference)
    name = str(Path(case["folder"]).relative_to(root))
    print(json.dumps({"checkpoint": name, "layersIn4Bits": len(packed), "difference": difference}))
print(json.dumps({"largest": worst}))
sys.exit(0 if worst <= 1e-5 else 1)
