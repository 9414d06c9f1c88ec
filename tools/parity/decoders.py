"""Golden values for the decoders of @loran/models: tiny random models of each family and what transformers computes with them.

    python tools/parity/decoders.py [family …]

Needs torch, transformers and safetensors. Writes packages/models/src/__fixtures__/decoders/NAME: config.json,
model.safetensors and golden.json. All share the tokenizer that tiny_tokenizer makes.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

FIXTURES = Path(__file__).parents[2] / "packages/models/src/__fixtures__/decoders"
VOCABULARY = 96
COMMON = dict(
    vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=64, initializer_range=0.2, bos_token_id=1, eos_token_id=2, pad_token_id=0,
)


def rope(**fields) -> dict:
    return {"rope_parameters": {"rope_theta": 10000.0, **fields}}


MODELS = {
    "llama": ("Llama", dict(COMMON)),
    "llama3": ("Llama", dict(COMMON, tie_word_embeddings=True, attention_bias=True, mlp_bias=True, head_dim=16, **rope(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16))),
    "llama-linear": ("Llama", dict(COMMON, **rope(rope_type="linear", factor=4.0))),
    "llama-dynamic": ("Llama", dict(COMMON, **{**rope(rope_type="dynamic", factor=4.0), "max_position_embeddings": 8})),
    "llama-yarn": ("Llama", dict(COMMON, **rope(rope_type="yarn", factor=4.0, original_max_position_embeddings=16))),
    "mistral": ("Mistral", dict(COMMON, sliding_window=4)),
    "qwen2": ("Qwen2", dict(COMMON, use_sliding_window=True, sliding_window=3, max_window_layers=1)),
    "qwen3": ("Qwen3", dict(COMMON, head_dim=12)),
    "gemma2": ("Gemma2", dict(COMMON, head_dim=8, query_pre_attn_scalar=12, sliding_window=4, attn_logit_softcapping=5.0, final_logit_softcapping=3.0)),
    "gemma3": ("Gemma3", dict(COMMON, head_dim=8, query_pre_attn_scalar=12, sliding_window=4, layer_types=["sliding_attention", "full_attention", "sliding_attention"])),
}
CONFIG = {"Gemma3": "Gemma3TextConfig"}

# three texts of different lengths, padded on the right and on the left
TEXTS = [[1, 17, 5, 60, 33, 8, 91, 40, 22, 13, 77], [1, 44, 9, 30, 51, 2], [1, 12, 88, 88, 3, 71, 29, 64]]
LABELS = [[-100, -100, -100, 60, 33, 8, 91, 40, 22, 13, 77], [-100, -100, 9, 30, 51, 2], [1, 12, 88, 88, 3, 71, 29, 64]]


def rounded(tensor: torch.Tensor) -> list:
    def walk(value):
        return [walk(item) for item in value] if isinstance(value, list) else float(f"{value:.7g}")

    return walk(tensor.detach().double().tolist())


def padded(side: str) -> dict:
    longest = max(map(len, TEXTS))

    def pad(rows, fill):
        return [row + [fill] * (longest - len(row)) if side == "right" else [fill] * (longest - len(row)) + row for row in rows]

    return {"input_ids": pad(TEXTS, 0), "attention_mask": pad([[1] * len(t) for t in TEXTS], 0), "labels": pad(LABELS, -100)}


def tensors(batch: dict) -> dict:
    batch = {key: torch.tensor(value) for key, value in batch.items()}
    positions = (batch["attention_mask"].cumsum(-1) - 1).clamp(min=0)
    return {**batch, "position_ids": positions}


def golden(model) -> dict:
    result = {"texts": TEXTS, "labels": LABELS}
    for side in ["right", "left"]:
        batch = padded(side)
        model.zero_grad()
        output = model(**tensors(batch))
        real = torch.tensor(batch["attention_mask"]).bool()
        result[side] = {"logits": rounded(output.logits[real]), "loss": rounded(output.loss)}
        if side == "right":
            output.loss.backward()
            parameters = dict(model.named_parameters())
            result["gradients"] = {
                name: rounded(parameters[name].grad[:4]) for name in parameters if any(part in name for part in GRADIENTS)
            }
    with torch.no_grad():
        plain = model(input_ids=torch.tensor(TEXTS[:1]))
        result["plain"] = rounded(plain.logits[0])
        batch = tensors(padded("left"))
        generated = model.generate(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], max_new_tokens=12, min_new_tokens=12, do_sample=False, eos_token_id=None,
        )
        result["greedy"] = generated[:, batch["input_ids"].shape[1]:].tolist()
    return result


GRADIENTS = ["layers.0.self_attn.q_proj.weight", "layers.2.mlp.down_proj.weight", "embed_tokens.weight"]


def make(name: str) -> None:
    kind, fields = MODELS[name]
    folder = FIXTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(len(name))
    config = getattr(transformers, CONFIG.get(kind, f"{kind}Config"))(**fields)
    model = getattr(transformers, f"{kind}ForCausalLM")._from_config(config, attn_implementation="eager").float().eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "norm" in key or key.endswith("bias"):
                parameter.add_(0.2 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    (folder / "golden.json").write_text(json.dumps(golden(model), separators=(",", ":")) + "\n")
    for file in folder.iterdir():
        file.chmod(0o644)


def tiny_tokenizer() -> None:
    """Ids 0-2 are special, the others one printable character each."""
    characters = [chr(code) for code in range(32, 32 + VOCABULARY - 3)]
    vocabulary = {token: i for i, token in enumerate(["<pad>", "<s>", "</s>", *characters])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.decoder = decoders.Fuse()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    fast.save_pretrained(FIXTURES)
    (FIXTURES / "tokenizer.json").chmod(0o644)


if __name__ == "__main__":
    FIXTURES.mkdir(parents=True, exist_ok=True)
    tiny_tokenizer()
    for name in sys.argv[1:] or MODELS:
        make(name)
