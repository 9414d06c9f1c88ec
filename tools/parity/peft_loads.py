"""Shows that PEFT loads an adapter that loran made, and computes the same numbers.

    python tools/parity/peft_loads.py MODEL ADAPTER EXPECTED.json

EXPECTED.json is written by peft-roundtrip.ts: token ids, attention mask, and what loran computed from them, under `compared`:
`logits` (a ForSequenceClassification), `hidden` (the bare model's last hidden states), `scores` (a ForCausalLM), or `written`
(a ForConditionalGeneration, from `decoderIds`). Exits with 1 when any value differs by more than 1e-4 of their scale.
"""

import json
import sys
import warnings

import torch
from peft import PeftModel
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoModelForSequenceClassification

model_folder, adapter_folder, expected_file = sys.argv[1:]
with open(expected_file) as file:
    expected = json.load(file)

torch.set_num_threads(2)
warnings.filterwarnings("error", message=".*fan_in_fan_out.*")  # PEFT warns of an adapter that has it wrong, and mends it
ids = torch.tensor(expected["ids"])
mask = torch.tensor(expected["mask"])
inputs = {"input_ids": ids, "attention_mask": mask}
compared = expected["compared"]
values = torch.tensor(expected["values"])
if compared == "logits":
    base = AutoModelForSequenceClassification.from_pretrained(
        model_folder,
        num_labels=values.shape[-1],
        ignore_mismatched_sizes=True,  # the classifier comes from the adapter
        dtype=torch.float32,
    )
elif compared == "hidden":
    base = AutoModel.from_pretrained(model_folder, add_pooling_layer=False, dtype=torch.float32)
elif compared == "scores":
    base = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
else:
    base = AutoModelForSeq2SeqLM.from_pretrained(model_folder, dtype=torch.float32)
    inputs["decoder_input_ids"] = torch.tensor(expected["decoderIds"])
if base.config.pad_token_id is None and compared == "logits":
    base.config.pad_token_id = 0
model = PeftModel.from_pretrained(base, adapter_folder).eval()

with torch.no_grad():
    output = model(**inputs)
result = output.last_hidden_state if compared == "hidden" else output.logits
if compared in ["hidden", "scores"]:
    kept = mask.bool()
    result, values = result[kept], values[kept]
difference = (result - values).abs().max().item()
scale = max(1.0, values.abs().max().item())

print(json.dumps({"model": expected["model"], "compared": compared, "maxDifference": difference, "scale": scale}))
sys.exit(0 if difference <= 1e-4 * scale else 1)
