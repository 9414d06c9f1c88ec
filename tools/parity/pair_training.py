"""A training of PEFT's LoRA on the tiny Flan-T5 of packages/models, step by step: inputs and labels padded on the right.

Twenty updates by AdamW at a constant rate. Writes the adapter before the first, as PEFT saves it, and the pairs and losses to
packages/trainer/src/__fixtures__/peft-pair-training.

    python tools/parity/pair_training.py      (torch 2.15, transformers 5.23, peft 0.21.2)
"""

import json
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSeq2SeqLM

from golden_files import save_adapter

packages = Path(__file__).parents[2] / "packages"
target = packages / "trainer/src/__fixtures__/peft-pair-training"
settings = {"learningRate": 0.01, "weightDecay": 0.05, "updates": 20}

torch.manual_seed(0)
base = AutoModelForSeq2SeqLM.from_pretrained(packages / "models/src/__fixtures__/t5/flan", dtype=torch.float32)
base.config.dropout_rate = 0.0
config = LoraConfig(r=4, lora_alpha=8, target_modules=["q", "v", "wo"], lora_dropout=0.0, task_type="SEQ_2_SEQ_LM")
model = get_peft_model(base, config)
model.peft_config["default"].base_model_name_or_path = "tiny-flan"  # no path of somebody's machine
save_adapter(model, target / "start")

parameters = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(parameters, lr=settings["learningRate"], weight_decay=settings["weightDecay"])
model.eval()  # no dropout; gradients flow all the same
vocabulary = base.config.vocab_size


def padded(rows: list, fill: int) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [fill] * (longest - len(row)) for row in rows])


steps = []
for _ in range(settings["updates"]):
    inputs = [torch.randint(3, vocabulary, (int(torch.randint(3, 14, (1,))),)).tolist() for _ in range(4)]
    labels = [torch.randint(3, vocabulary, (int(torch.randint(1, 8, (1,))),)).tolist() + [base.config.eos_token_id] for _ in range(4)]
    ids = padded(inputs, 0)
    mask = padded([[1] * len(row) for row in inputs], 0)
    loss = model(input_ids=ids, attention_mask=mask, labels=padded(labels, -100)).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    steps.append({"inputs": inputs, "labels": labels, "loss": loss.item()})
(target / "steps.json").write_text(json.dumps({"settings": settings, "steps": steps}, separators=(",", ":")) + "\n")
