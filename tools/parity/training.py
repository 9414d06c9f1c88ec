"""A training of PEFT's LoRA, step by step: the tiny BERT of packages/models, CLS pooling, a trained classifier, no dropout.

Twelve updates of two batches each, of unequal sizes and lengths; AdamW at a linear rate with warm-up, gradients clipped. Writes the
adapter before and after, as PEFT saves it, and the batches, losses and gradient norms to packages/trainer/src/__fixtures__/peft-training.

    python tools/parity/training.py      (torch 2.15, transformers 5.23, peft 0.21.2)
"""

import json
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, get_linear_schedule_with_warmup

from golden_files import save_adapter

packages = Path(__file__).parents[2] / "packages"
target = packages / "trainer/src/__fixtures__/peft-training"
settings = {"learningRate": 0.02, "warmupSteps": 3, "weightDecay": 0.05, "maxGradientNorm": 1.0, "updates": 12}

torch.manual_seed(0)
base = AutoModelForSequenceClassification.from_pretrained(
    packages / "models/src/__fixtures__/tiny-bert", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
)
config = LoraConfig(r=4, lora_alpha=8, target_modules=["query", "value"], lora_dropout=0.0, task_type="SEQ_CLS")
model = get_peft_model(base, config)
model.peft_config["default"].base_model_name_or_path = "tiny-bert"  # no path of somebody's machine


def batch(size):
    lengths = torch.randint(3, 12, (size,)).tolist()
    ids = torch.zeros(size, max(lengths), dtype=torch.long)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.cat([torch.tensor([2]), torch.randint(5, 79, (length - 2,)), torch.tensor([3])])
    return {"ids": ids, "mask": (ids > 0).long(), "labels": torch.randint(0, 3, (size,))}


save_adapter(model, target / "start")
parameters = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(parameters, lr=settings["learningRate"], weight_decay=settings["weightDecay"])
schedule = get_linear_schedule_with_warmup(optimizer, settings["warmupSteps"], settings["updates"])
model.train()
steps = []
for _ in range(settings["updates"]):
    batches = [batch(4), batch(3)]
    examples = sum(len(b["labels"]) for b in batches)
    total = 0.0
    for b in batches:
        logits = model(input_ids=b["ids"], attention_mask=b["mask"]).logits
        loss = torch.nn.functional.cross_entropy(logits, b["labels"], reduction="sum") / examples
        loss.backward()
        total += loss.item()
    norm = torch.nn.utils.clip_grad_norm_(parameters, settings["maxGradientNorm"]).item()
    rate = schedule.get_last_lr()[0]
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()
    steps.append({"batches": [{k: v.tolist() for k, v in b.items()} for b in batches], "loss": total, "gradientNorm": norm, "learningRate": rate})
save_adapter(model, target / "end")
(target / "steps.json").write_text(json.dumps({"settings": settings, "steps": steps}) + "\n")
