"""Reads what mlx.ts wrote with mlx-lm, compares it, and writes an adapter of mlx-lm's for each model.

    python tools/parity/mlx_read.py FOLDER

For each case of FOLDER/cases.json: logits of the model's folder, and with the adapter. Then a fresh LoRA of random values is
put on the model by mlx-lm, saved to NAME/theirs, and its logits to NAME/theirs.json. Exits with 1 when a difference is above the
case's `most`.
"""

import json
import sys
from pathlib import Path

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.tuner.utils import linear_to_lora_layers, load_adapters
from mlx_lm.utils import load_model

mx.set_default_device(mx.cpu)
root = Path(sys.argv[1])
failed = False


def logits(model, ids) -> np.ndarray:
    return np.asarray(model(mx.array(ids)).astype(mx.float32))[0]


def differ(what: str, actual, expected, most: float) -> None:
    global failed
    expected = np.asarray(expected)
    difference = float(np.abs(actual - expected).max() / max(1.0, np.abs(expected).max()))
    failed = failed or not difference <= most
    print(json.dumps({"compared": what, "difference": difference}), flush=True)


for case in json.loads((root / "cases.json").read_text()):
    folder = root / case["name"]
    model, _ = load_model(folder / "base")
    differ(f"{case['name']}: base", logits(model, case["ids"]), case["base"], case["most"])
    differ(f"{case['name']}: adapter", logits(load_adapters(model, folder / "adapter"), case["ids"]), case["logits"], case["most"])

    model, _ = load_model(folder / "base")
    model.freeze()
    parameters = {"rank": 3, "scale": 1.5, "dropout": 0.0, "keys": ["self_attn.q_proj", "mlp.down_proj"]}
    linear_to_lora_layers(model, len(model.layers), parameters)
    mx.random.seed(len(case["name"]))
    values = {name: 0.1 * mx.random.normal(value.shape) for name, value in tree_flatten(model.trainable_parameters())}
    model.load_weights(list(values.items()), strict=False)
    theirs = folder / "theirs"
    theirs.mkdir()
    mx.save_safetensors(str(theirs / "adapters.safetensors"), values)
    config = {"fine_tune_type": "lora", "num_layers": len(model.layers), "lora_parameters": parameters}
    (theirs / "adapter_config.json").write_text(json.dumps(config))
    (folder / "theirs.json").write_text(json.dumps(logits(model, case["ids"]).tolist()))

sys.exit(1 if failed else 0)
