"""Golden LoRA: adapters saved by PEFT, with the outputs and merged weights it computes from them.

Each case is a folder as `save_pretrained` writes it, and golden.json has the base weights, the input, and what PEFT gives.

    python tools/parity/lora.py      (torch 2.15, peft 0.21.2)
"""

import json
import shutil
from pathlib import Path

import peft
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

target = Path(__file__).parents[2] / "packages/lora/src/__fixtures__/peft"

cases = {
    "plain": dict(r=2, lora_alpha=4, target_modules=["dense"]),
    "rslora": dict(r=4, lora_alpha=6, use_rslora=True, target_modules=["dense"]),
    "gaussian-dropout": dict(
        r=3, lora_alpha=3, lora_dropout=0.25, init_lora_weights="gaussian", target_modules=["dense"]
    ),
    "patterns": dict(
        r=2,
        lora_alpha=4,
        rank_pattern={"tokens": 3, r"d.*e": 1},
        alpha_pattern={"nse": 9, "dense": 5},
        target_modules=["dense"],
    ),
    "embedding": dict(r=2, lora_alpha=5, target_modules=["tokens"]),
    "embedding-rslora": dict(r=4, lora_alpha=2, use_rslora=True, target_modules=["tokens"]),
}


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(9, 6)
        self.dense = nn.Linear(6, 5)

    def forward(self, ids):
        return self.dense(self.tokens(ids))


def rounded(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]


golden = {"peft": peft.__version__, "torch": torch.__version__.split("+")[0], "cases": {}}
shutil.rmtree(target, ignore_errors=True)
for name, options in cases.items():
    torch.manual_seed(len(name))
    model = Model()
    base = {key: rounded(value) for key, value in model.state_dict().items()}
    adapted = get_peft_model(model, LoraConfig(**options)).eval()
    for key, parameter in adapted.named_parameters():
        if "lora_" in key:
            nn.init.normal_(parameter, std=0.4)  # as after training: neither factor is 0
    adapted.save_pretrained(target / name)
    (target / name / "README.md").unlink()
    ids = torch.tensor([[0, 8, 3], [3, 3, 5]])
    output = adapted(ids)
    module = options["target_modules"][0]
    golden["cases"][name] = {
        "ids": ids.tolist(),
        "base": base,
        "output": rounded(output),
        "module": module,
        "merged": rounded(getattr(adapted.merge_and_unload(), module).weight),
    }

(target / "golden.json").write_text(json.dumps(golden) + "\n")
