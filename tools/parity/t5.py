"""Golden values for T5 in @loran/models: tiny random models of T5 1.0 and 1.1 (Flan) and what transformers computes with them.

    python tools/parity/t5.py

Needs torch, transformers, peft and safetensors. Writes packages/models/src/__fixtures__/t5/NAME: config.json,
model.safetensors, golden.json, and for flan a random LoRA adapter by PEFT; and buckets.json with the buckets of relative
positions. The tokenizer is that of the tiny decoders.
"""

import json
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # PEFT would look the tiny models up

import torch
from peft import LoraConfig, get_peft_model
from transformers import T5Config, T5ForConditionalGeneration
from transformers.models.t5.modeling_t5 import T5Attention

from golden_files import make_readable, rounded, save_adapter

FIXTURES = Path(__file__).parents[2] / "packages/models/src/__fixtures__/t5"
COMMON = dict(
    vocab_size=96, d_model=16, d_kv=6, num_heads=2, d_ff=24, relative_attention_num_buckets=8, relative_attention_max_distance=12,
    pad_token_id=0, eos_token_id=2, decoder_start_token_id=0,
)
MODELS = {
    "t5": dict(COMMON, num_layers=2),
    "flan": dict(COMMON, num_layers=3, num_decoder_layers=2, feed_forward_proj="gated-gelu", tie_word_embeddings=False),
}
TEXTS = [[17, 5, 60, 33, 8, 91, 40, 22, 13, 77, 50, 3, 64, 2], [44, 9, 30, 51, 2], [12, 88, 88, 3, 71, 29, 64, 2]]
LABELS = [[-100, 33, 8, 91, 2], [20, 44, 9, 30, 51, 7, 7, 68, 2], [12, 88, 2]]
GRADIENTS = [
    "encoder.block.0.layer.0.SelfAttention.q.weight", "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
    "decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", "decoder.block.1.layer.1.EncDecAttention.k.weight",
    "decoder.block.1.layer.2.DenseReluDense.wo.weight",
]


def padded(rows: list, side: str, fill: int) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [fill] * (longest - len(row)) if side == "right" else [fill] * (longest - len(row)) + row for row in rows])


def batch(side: str) -> dict:
    return {
        "input_ids": padded(TEXTS, side, 0), "attention_mask": padded([[1] * len(text) for text in TEXTS], side, 0),
        "labels": padded(LABELS, "right", -100),
    }


def supervised(logits: torch.Tensor) -> torch.Tensor:
    return logits[padded(LABELS, "right", -100) != -100]


def golden(model) -> dict:
    result = {"texts": TEXTS, "labels": LABELS}
    for side in ["right", "left"]:
        model.zero_grad()
        output = model(**batch(side))
        result[side] = {"logits": rounded(supervised(output.logits)), "loss": rounded(output.loss)}
        if side == "right":
            output.loss.backward()
            parameters = dict(model.named_parameters())
            result["gradients"] = {name: rounded(parameters[name].grad) for name in GRADIENTS}
            result["encoded"] = rounded(output.encoder_last_hidden_state[0, :2])
    with torch.no_grad():
        inputs = {key: value for key, value in batch("left").items() if key != "labels"}
        result["greedy"] = model.generate(**inputs, max_new_tokens=12, min_new_tokens=12, do_sample=False, eos_token_id=None)[:, 1:].tolist()
    return result


def write(file: Path, value) -> None:
    file.write_text(json.dumps(value, separators=(",", ":")) + "\n")
    file.chmod(0o644)


def make(name: str) -> None:
    folder = FIXTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(len(name))
    model = T5ForConditionalGeneration._from_config(T5Config(**MODELS[name]), attn_implementation="eager").float().eval()
    with torch.no_grad():
        if name == "flan":
            model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.shared.weight))
        for key, parameter in model.named_parameters():
            if "layer_norm" in key:
                parameter.add_(0.2 * torch.randn_like(parameter))
            else:
                parameter.copy_(0.3 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    saved = T5ForConditionalGeneration.from_pretrained(folder, attn_implementation="eager").eval()
    assert torch.equal(saved.lm_head.weight, model.lm_head.weight)
    write(folder / "golden.json", golden(saved))
    if name == "flan":
        adapt(name, saved, folder / "adapter")
    make_readable(folder)


def adapt(name: str, model, folder: Path) -> None:
    torch.manual_seed(2)
    model.name_or_path = f"tiny-{name}"
    adapted = get_peft_model(model, LoraConfig(r=3, lora_alpha=6, task_type="SEQ_2_SEQ_LM")).eval()
    with torch.no_grad():
        for key, parameter in adapted.named_parameters():
            if "lora_" in key:
                parameter.copy_(0.2 * torch.randn_like(parameter))
        write(folder.parent / "adapted.json", {"logits": rounded(supervised(adapted(**batch("right")).logits)[-6:])})
    save_adapter(adapted, folder)


def buckets() -> list:
    positions = torch.arange(-300, 301)
    return [
        {
            "buckets": count, "maxDistance": distance, "bidirectional": both, "first": -300,
            "values": T5Attention._relative_position_bucket(positions, bidirectional=both, num_buckets=count, max_distance=distance).tolist(),
        }
        for count, distance in [(32, 128), (8, 12), (16, 200)]
        for both in [True, False]
    ]


if __name__ == "__main__":
    FIXTURES.mkdir(parents=True, exist_ok=True)
    write(FIXTURES / "buckets.json", buckets())
    for name in MODELS:
        make(name)
