"""Shows that PEFT loads an adapter that loran trained, and computes the same numbers.

    python tools/parity/peft_loads.py MODEL ADAPTER EXPECTED.json

EXPECTED.json is written by peft-roundtrip.ts: token ids, attention mask, and what loran computed from them, either
`logits` (BertForSequenceClassification: pooler and classifier) or `hidden` (BertModel: last hidden states).
Exits with 1 when any value differs by more than 1e-4.
"""

import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModel, AutoModelForSequenceClassification

model_folder, adapter_folder, expected_file = sys.argv[1:]
with open(expected_file) as file:
    expected = json.load(file)

torch.set_num_threads(2)
ids = torch.tensor(expected["ids"])
mask = torch.tensor(expected["mask"])
if "logits" in expected:
    base = AutoModelForSequenceClassification.from_pretrained(
        model_folder,
        num_labels=len(expected["logits"][0]),
        ignore_mismatched_sizes=True,  # the classifier comes from the adapter
        dtype=torch.float32,
    )
else:
    base = AutoModel.from_pretrained(model_folder, add_pooling_layer=False, dtype=torch.float32)
model = PeftModel.from_pretrained(base, adapter_folder).eval()

with torch.no_grad():
    output = model(input_ids=ids, attention_mask=mask)
if "logits" in expected:
    difference = (output.logits - torch.tensor(expected["logits"])).abs().max().item()
else:
    hidden = torch.tensor(expected["hidden"])
    kept = mask.bool()
    difference = (output.last_hidden_state[kept] - hidden[kept]).abs().max().item()

print(json.dumps({"compared": "logits" if "logits" in expected else "hidden states", "maxDifference": difference}))
sys.exit(0 if difference <= 1e-4 else 1)
