"""Golden scores for the family of examples/model-family: CWM on the weights of the tiny Llama, in transformers.

    python tools/parity/model_family.py

Needs torch and transformers. Writes examples/model-family/__fixtures__/cwm.json: config.json's fields, a text, its scores.
"""

import json
from pathlib import Path

import torch
from transformers import CwmConfig, CwmForCausalLM, LlamaForCausalLM

ROOT = Path(__file__).parents[2]
LLAMA = ROOT / "packages/models/src/__fixtures__/decoders/llama"

shape = json.loads((LLAMA / "config.json").read_text())
kept = "vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads num_key_value_heads head_dim max_position_embeddings rms_norm_eps bos_token_id eos_token_id"
config = CwmConfig(
    **{name: shape[name] for name in kept.split()},
    rope_parameters={"rope_type": "llama3", "rope_theta": 10000.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16},
    sliding_window=4,
    layer_types=["full_attention", "sliding_attention", "sliding_attention"],
)
config.architectures = ["CwmForCausalLM"]
model = CwmForCausalLM(config).eval()
model.load_state_dict(LlamaForCausalLM.from_pretrained(LLAMA).state_dict())
text = [1, *torch.randint(3, shape["vocab_size"], (11,), generator=torch.Generator().manual_seed(0)).tolist()]
with torch.no_grad():
    scores = model(torch.tensor([text])).logits[0, -4:]  # [4, vocabulary]: beyond the window
target = ROOT / "examples/model-family/__fixtures__/cwm.json"
target.write_text(json.dumps({"config": config.to_dict(), "text": text, "scores": [[round(x, 6) for x in row] for row in scores.tolist()]}) + "\n")
