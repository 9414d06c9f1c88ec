"""Golden values for models with added tokens: PEFT adapters of tiny decoders whose vocabulary was resized, and their logits.

    python tools/parity/added_tokens.py

Needs torch, transformers, peft and the decoders that decoders.py makes. Writes packages/models/src/__fixtures__/added-tokens/NAME:
the adapter with its tokenizer as transformers' users save both, and logits.json. The three ways in which PEFT keeps trained
embeddings:

    saved      modules_to_save names the embedding and the output head
    tied       modules_to_save names the embedding, and ensure_weight_tying keeps the head the same
    automatic  nothing is named; PEFT sees the other vocab_size and saves what it finds
"""

import json
import os
import shutil
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from golden_files import make_readable, rounded, save_adapter

FIXTURES = Path(__file__).parents[2] / "packages/models/src/__fixtures__"
TOKENS = ["<tool>", "<end_tool>", "<think>"]
TEXT = "a <tool>b<end_tool><think> <tool"
CASES = {
    "saved": ("llama", dict(modules_to_save=["embed_tokens", "lm_head"])),
    "tied": ("llama3", dict(modules_to_save=["embed_tokens"], ensure_weight_tying=True)),
    "automatic": ("llama3", {}),
}


def make(name: str) -> None:
    base, options = CASES[name]
    folder = FIXTURES / "added-tokens" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    torch.manual_seed(3)
    tokenizer = AutoTokenizer.from_pretrained(FIXTURES / "decoders")
    tokenizer.add_tokens(TOKENS)
    model = AutoModelForCausalLM.from_pretrained(FIXTURES / "decoders" / base, dtype=torch.float32)
    model.resize_token_embeddings(len(tokenizer))
    adapted = get_peft_model(model, LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM", **options)).eval()
    with torch.no_grad():
        for key, parameter in adapted.named_parameters():
            if "lora_" in key or "modules_to_save" in key or (not options and "embed_tokens" in key):
                parameter.add_(0.2 * torch.randn_like(parameter))
        ids = tokenizer(TEXT)["input_ids"]
        logits = adapted(input_ids=torch.tensor([ids])).logits[0]
    save_adapter(adapted, folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = f"tiny-{base}"  # a path of this machine
    config["modules_to_save"] = sorted(config["modules_to_save"] or []) or None
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True))
    tokenizer.save_pretrained(folder)
    golden = {"base": base, "tokens": TOKENS, "text": TEXT, "ids": ids, "logits": rounded(logits)}
    (folder / "logits.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    make_readable(folder)


if __name__ == "__main__":
    for name in CASES:
        make(name)
