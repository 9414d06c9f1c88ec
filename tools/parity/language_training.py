"""A training of PEFT's LoRA on the tiny Llama of packages/models, step by step: prompts are masked, batches padded on the right.

Twenty updates by AdamW at a constant rate. Writes the adapter before the first, as PEFT saves it, and the batches and losses to
packages/trainer/src/__fixtures__/peft-language-training.

    python tools/parity/language_training.py      (torch 2.15, transformers 5.23, peft 0.21.2)
"""

import json
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from golden_files import save_adapter

packages = Path(__file__).parents[2] / "packages"
target = packages / "trainer/src/__fixtures__/peft-language-training"
settings = {"learningRate": 0.01, "weightDecay": 0.05, "updates": 20}

torch.manual_seed(0)
base = AutoModelForCausalLM.from_pretrained(packages / "models/src/__fixtures__/decoders/llama", dtype=torch.float32)
config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"], lora_dropout=0.0, task_type="CAUSAL_LM")
model = get_peft_model(base, config)
model.peft_config["default"].base_model_name_or_path = "tiny-llama"  # no path of somebody's machine
save_adapter(model, target / "start")

parameters = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(parameters, lr=settings["learningRate"], weight_decay=settings["weightDecay"])
model.train()
steps = []
for _ in range(settings["updates"]):
    lengths = torch.randint(6, 20, (5,)).tolist()
    prompts = [int(torch.randint(1, length - 2, (1,))) for length in lengths]
    texts = [torch.cat([torch.tensor([1]), torch.randint(3, 96, (length - 2,)), torch.tensor([2])]) for length in lengths]
    longest = max(lengths)
    ids = torch.stack([torch.nn.functional.pad(text, (0, longest - len(text))) for text in texts])
    mask = torch.stack([(torch.arange(longest) < length).long() for length in lengths])
    labels = ids.clone()
    for row, (length, prompt) in enumerate(zip(lengths, prompts)):
        labels[row, :prompt] = -100
        labels[row, length:] = -100
    loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    steps.append({"texts": [text.tolist() for text in texts], "prompts": prompts, "loss": loss.item()})
(target / "steps.json").write_text(json.dumps({"settings": settings, "steps": steps}, separators=(",", ":")) + "\n")
