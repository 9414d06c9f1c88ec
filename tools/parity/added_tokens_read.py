"""Reads what added-tokens.ts wrote: the tokenizer, the adapter on the resized base, the merged folder.

    python tools/parity/added_tokens_read.py FOLDER

Exits with 1 when token ids differ, a head is no longer tied that was, or logits differ by more than 1e-4 of their scale.
"""

import json
import os
import sys
import warnings
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = Path(sys.argv[1])
expected = json.loads((folder / "expected.json").read_text())
torch.set_num_threads(2)
warnings.filterwarnings("error", message=".*tie_word_embeddings.*")  # PEFT warns of tied layers that an adapter takes apart
ids = torch.tensor(expected["ids"])
logits = torch.tensor(expected["logits"])
scale = max(1.0, logits.abs().max().item())
failed = False


def check(what: str, model) -> None:
    global failed
    with torch.no_grad():
        difference = (model.eval()(input_ids=ids).logits[0] - logits).abs().max().item() / scale
    tied = torch.equal(model.get_input_embeddings().weight, model.get_output_embeddings().weight)
    failed |= not difference <= 1e-4 or tied != expected["tied"]
    print(json.dumps({"model": expected["name"], "what": what, "maxDifference": difference, "tied": tied}))


for place in ["adapter", "merged"]:
    tokenizer = AutoTokenizer.from_pretrained(folder / place)
    read = tokenizer(expected["text"])["input_ids"]
    if read != expected["ids"][0] or tokenizer.decode(read) != expected["text"]:
        print(f"{expected['name']}: the tokenizer in {place} reads {read}, expected {expected['ids'][0]}")
        failed = True

base = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.float32)
base.resize_token_embeddings(len(AutoTokenizer.from_pretrained(folder / "adapter")))
adapted = PeftModel.from_pretrained(base, folder / "adapter")
check("adapter", adapted)
check("merged by PEFT", adapted.merge_and_unload())
merged = AutoModelForCausalLM.from_pretrained(folder / "merged", dtype=torch.float32)
check("merged", merged)
failed |= merged.config.vocab_size != logits.shape[-1]
sys.exit(1 if failed else 0)
