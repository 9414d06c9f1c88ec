"""Shows that PEFT loads a LoRA to which loran reduced an adapter, and has the best approximations in it.

    python tools/parity/reduce_read.py BASE FOLDER

FOLDER is written by reduce.ts: `adapter`, `updates.safetensors` with the update of each module [out, in], and expected.json with the
choice of rank, the ranks and errors that loran states, token ids and logits. Exits with 1 when anything differs by more than 1e-4 of its
scale, or a rank is another than numpy's.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from peft import PeftModel
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM

base_folder, folder = sys.argv[1], Path(sys.argv[2])
expected = json.loads((folder / "expected.json").read_text())
updates = load_file(folder / "updates.safetensors")
torch.set_num_threads(2)
warnings.filterwarnings("error", message=".*fan_in_fan_out.*")

base = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
model = PeftModel.from_pretrained(base, folder / "adapter").eval()
stated = {layer["path"]: layer for layer in expected["layers"]}
differences = {"update": 0.0, "error": 0.0}
wrong_ranks = []
lost, whole = 0.0, 0.0
for path, update in updates.items():
    U, S, Vt = np.linalg.svd(update.astype(np.float64), full_matrices=False)
    energy = np.cumsum(S**2)
    choice = expected["choice"]
    rank = choice.get("rank") or int(np.searchsorted(energy, choice["energy"] * energy[-1]) + 1)
    best = (U[:, :rank] * S[:rank]) @ Vt[:rank]
    layer = model.base_model.model.get_submodule(path)
    conv1d = type(layer.get_base_layer()).__name__ == "Conv1D"
    theirs = layer.get_delta_weight("default").detach().double().numpy()
    theirs = theirs.T if conv1d else theirs
    if layer.r["default"] != rank or stated[path]["rank"] != rank:
        wrong_ranks.append(path)
    scale = np.abs(best).max()
    differences["update"] = max(differences["update"], np.abs(theirs - best).max() / scale)
    error = np.linalg.norm(S[rank:]) / np.linalg.norm(S)
    differences["error"] = max(differences["error"], abs(stated[path]["error"] - error))
    lost, whole = lost + (S[rank:] ** 2).sum(), whole + (S**2).sum()
differences["error"] = max(differences["error"], abs(expected["error"] - np.sqrt(lost / whole)))
with torch.no_grad():
    logits = model(input_ids=torch.tensor(expected["ids"])).logits[0]
ours = torch.tensor(expected["logits"])
differences["logits"] = (logits - ours).abs().max().item() / max(1.0, ours.abs().max().item())

ranks = sorted({layer["rank"] for layer in expected["layers"]})
print(json.dumps({"model": expected["name"], **choice, "modules": len(updates), "ranks": ranks, **differences, "wrongRanks": wrong_ranks}))
same = len(updates) == len(stated) and not wrong_ranks and all(value <= 1e-4 for value in differences.values())
sys.exit(0 if same else 1)
