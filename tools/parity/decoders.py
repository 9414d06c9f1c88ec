"""Golden values for the decoders of @loran/models: tiny random models of each family and what transformers computes with them.

    python tools/parity/decoders.py [family …]

Needs torch, transformers, peft and safetensors. Writes packages/models/src/__fixtures__/decoders/NAME: config.json,
model.safetensors and golden.json; classifier.json with what the same weights give as a sequence classifier; and for some
families adapter/, a random LoRA adapter by PEFT, with its logits in adapted.json. All share the tokenizer that
tiny_tokenizer makes.
"""

import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # PEFT would look the tiny models up

import torch
import transformers
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from transformers.pytorch_utils import Conv1D

from golden_files import make_readable, rounded, save_adapter

FIXTURES = Path(__file__).parents[2] / "packages/models/src/__fixtures__/decoders"
VOCABULARY = 96
COMMON = dict(
    vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=64, initializer_range=0.2, bos_token_id=1, eos_token_id=2, pad_token_id=0,
)

SPECIAL = dict(vocab_size=VOCABULARY, initializer_range=0.2, bos_token_id=1, eos_token_id=2, pad_token_id=0)
SMALL = dict(SPECIAL, hidden_size=24, num_hidden_layers=2, max_position_embeddings=64)


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
    "gpt2": ("GPT2", dict(SPECIAL, n_embd=24, n_layer=2, n_head=3, n_inner=40, n_positions=32)),
    "gpt2-scaled": ("GPT2", dict(SPECIAL, n_embd=24, n_layer=2, n_head=2, n_positions=24, scale_attn_by_inverse_layer_idx=True, tie_word_embeddings=False, activation_function="relu")),
    "falcon": ("Falcon", dict(SMALL, num_attention_heads=3, ffn_hidden_size=40)),
    "falcon-new": ("Falcon", dict(SMALL, num_attention_heads=6, num_kv_heads=2, new_decoder_architecture=True, bias=True)),
    "falcon-new-one-norm": ("Falcon", dict(SMALL, num_attention_heads=6, num_kv_heads=3, new_decoder_architecture=True, num_ln_in_parallel_attn=1, tie_word_embeddings=False)),
    "falcon-alibi": ("Falcon", dict(SMALL, num_attention_heads=6, multi_query=False, parallel_attn=False, alibi=True, bias=True)),
}
CONFIG = {"Gemma3": "Gemma3TextConfig"}
LANGUAGE_MODEL = {"GPT2": "GPT2LMHeadModel"}
CLASSIFIER = {"Gemma3": "Gemma3TextForSequenceClassification"}
ADAPTED = ["llama", "gpt2", "falcon", "falcon-new"]

# three texts of different lengths, padded on the right and on the left
TEXTS = [[1, 17, 5, 60, 33, 8, 91, 40, 22, 13, 77], [1, 44, 9, 30, 51, 2], [1, 12, 88, 88, 3, 71, 29, 64]]
LABELS = [[-100, -100, -100, 60, 33, 8, 91, 40, 22, 13, 77], [-100, -100, 9, 30, 51, 2], [1, 12, 88, 88, 3, 71, 29, 64]]


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
                name: rounded(as_linear(model, name, parameters[name].grad)[:4]) for name in parameters if any(part in name for part in GRADIENTS)
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


GRADIENTS = [
    "layers.0.self_attn.q_proj.weight", "layers.2.mlp.down_proj.weight", "embed_tokens.weight",
    "h.0.attn.c_attn.weight", "h.1.mlp.c_proj.weight", "wpe.weight", "h.0.self_attention.query_key_value.weight", "h.1.mlp.dense_4h_to_h.weight",
]


def as_linear(model, name: str, weight: torch.Tensor) -> torch.Tensor:
    """[out, in], however the layer keeps it."""
    return weight.T if isinstance(model.get_submodule(name.rpartition(".")[0]), Conv1D) else weight


def make(name: str) -> None:
    kind, fields = MODELS[name]
    folder = FIXTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(len(name))
    config = getattr(transformers, CONFIG.get(kind, f"{kind}Config"))(**fields)
    # Falcon's eager attention adds ALiBi a second time to a mask that holds it already; what is in use is sdpa
    config._attn_implementation = "sdpa" if fields.get("alibi") else "eager"
    model = getattr(transformers, LANGUAGE_MODEL.get(kind, f"{kind}ForCausalLM"))._from_config(config).float().eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "norm" in key or "ln_" in key or key.endswith("bias"):
                parameter.add_(0.2 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    write(folder / "golden.json", golden(model))
    classify(name, kind, model)
    if name in ADAPTED:
        adapt(name, model, "CAUSAL_LM", folder / "adapter", None)
    make_readable(folder)


def write(file: Path, value: dict) -> None:
    file.write_text(json.dumps(value, separators=(",", ":")) + "\n")


def classify(name: str, kind: str, base) -> None:
    """The same weights under a random score for each of three labels."""
    torch.manual_seed(1)
    config = base.config
    config.num_labels = 3
    model = getattr(transformers, CLASSIFIER.get(kind, f"{kind}ForSequenceClassification"))._from_config(config).float().eval()
    model.load_state_dict({key: value for key, value in base.state_dict().items() if not key.startswith("lm_head")}, strict=False)
    result = {"score": rounded(model.score.weight), "labels": [2, 0, 1]}
    for side in ["right", "left"]:
        batch = tensors(padded(side)) | {"labels": torch.tensor(result["labels"])}
        output = model(**batch, output_hidden_states=True)
        result[side] = {"logits": rounded(output.logits), "loss": rounded(output.loss)}
        real = batch["attention_mask"].bool()
        if side == "right":
            result["firstHidden"] = [rounded(state[real][:3]) for state in output.hidden_states]
    if name == "llama":
        adapt(name, model, "SEQ_CLS", FIXTURES / name / "classifier-adapter", result)
    write(FIXTURES / name / "classifier.json", result)


def adapt(name: str, model, task: str, folder: Path, result: dict | None) -> None:
    """A random LoRA adapter with PEFT's own targets for the family, and the logits that it gives."""
    torch.manual_seed(2)
    model.name_or_path = f"tiny-{name}"
    adapted = get_peft_model(model, LoraConfig(r=3, lora_alpha=6, task_type=task)).eval()
    with torch.no_grad():
        for key, parameter in adapted.named_parameters():
            if "lora_" in key or "modules_to_save" in key:
                parameter.copy_(0.2 * torch.randn_like(parameter))
        batch = tensors(padded("right"))
        del batch["labels"]
        logits = adapted(**batch).logits
    if result is None:
        write(folder.parent / "adapted.json", {"logits": rounded(logits[batch["attention_mask"].bool()][-8:])})
    else:
        result["adapted"] = rounded(logits)
    save_adapter(adapted, folder)


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
