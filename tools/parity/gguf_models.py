"""Tiny random models as GGUF files, laid out as llama.cpp's converter lays them out, with transformers' logits.

    python tools/parity/gguf_models.py

Needs torch, transformers and gguf. Writes packages/models/src/__fixtures__/gguf/NAME.gguf and golden.json. Names of tensors come
from the gguf package's own map. Where transformers reads the architecture from GGUF, it reads each file back and must compute the
logits of the model that the file was made of.
"""

import json
import sys
from pathlib import Path

import gguf
import torch
import transformers

FIXTURES = Path(__file__).parents[2] / "packages/models/src/__fixtures__/gguf"
IDS = [1, 17, 5, 30, 33, 8, 21, 40]
SMALL = dict(vocab_size=48, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=64, initializer_range=0.3, bos_token_id=1, eos_token_id=2, pad_token_id=0)
LLAMA3_ROPE = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)

MODELS = {
    "llama": ("Llama", dict(SMALL, tie_word_embeddings=False)),
    "llama3": ("Llama", dict(SMALL, tie_word_embeddings=True, head_dim=32, attention_bias=True, mlp_bias=True, rope_parameters=LLAMA3_ROPE)),
    "llama-linear": ("Llama", dict(SMALL, rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=4.0))),
    "qwen2": ("Qwen2", dict(SMALL, tie_word_embeddings=True)),
    "qwen2-yarn": ("Qwen2", dict(SMALL, rope_parameters=dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=16))),
    "qwen3": ("Qwen3", dict(SMALL, head_dim=8)),
    "gemma2": ("Gemma2", dict(SMALL, head_dim=8, query_pre_attn_scalar=8, sliding_window=4, attn_logit_softcapping=5.0, final_logit_softcapping=3.0)),
    "gemma3": ("Gemma3", dict(SMALL, head_dim=8, query_pre_attn_scalar=8, sliding_window=4, num_hidden_layers=6)),
    "gpt2": ("GPT2", dict(vocab_size=48, n_embd=16, n_layer=2, n_head=4, n_positions=64, initializer_range=0.3, bos_token_id=1, eos_token_id=2)),
    "falcon": ("Falcon", dict(vocab_size=48, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, multi_query=True, parallel_attn=True, bias=False,
                              alibi=False, new_decoder_architecture=False, initializer_range=0.3, bos_token_id=1, eos_token_id=2)),
    "falcon-new": ("Falcon", dict(vocab_size=48, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_kv_heads=2, parallel_attn=True, bias=False,
                                  alibi=False, new_decoder_architecture=True, initializer_range=0.3, bos_token_id=1, eos_token_id=2)),
}
CONFIG = {"Gemma3": "Gemma3TextConfig"}
MODEL = {"GPT2": "GPT2LMHeadModel"}
ARCHITECTURES = {"Llama": "llama", "Qwen2": "qwen2", "Qwen3": "qwen3", "Gemma2": "gemma2", "Gemma3": "gemma3", "GPT2": "gpt2", "Falcon": "falcon"}
# not read back: transformers leaves Falcon's rows as they are, and takes no query scale, head width (Qwen3), soft caps, biases or stretched positions from the file
READ_BACK = {"llama": {}, "qwen2": {}, "gpt2": dict(vocab_size=48, n_positions=64)}  # what it does not take from the file is given


def paired(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Halves of a head to neighbouring pairs, as llama.cpp turns them."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def ungrouped(weight: torch.Tensor, heads: int, key_heads: int) -> torch.Tensor:
    """Falcon's groups of a key head's queries, key and value to all queries, all keys, all values."""
    groups = weight.view(key_heads, heads // key_heads + 2, -1, weight.shape[-1])
    parts = groups[:, :-2], groups[:, [-2]], groups[:, [-1]]
    return torch.cat([part.reshape(-1, weight.shape[-1]) for part in parts])


def laid_out(name: str, weight: torch.Tensor, family: str, config) -> torch.Tensor:
    heads = config.num_attention_heads
    if family == "Llama" and ".q_proj." in name:
        return paired(weight, heads)
    if family == "Llama" and ".k_proj." in name:
        return paired(weight, config.num_key_value_heads)
    if family.startswith("Gemma") and name.endswith("norm.weight"):
        return weight + 1
    if family == "GPT2" and name.endswith((".c_attn.weight", ".c_proj.weight", ".c_fc.weight")):
        return weight.T
    if family == "Falcon" and "query_key_value.weight" in name:
        return ungrouped(weight, heads, 1 if config.multi_query and not config.new_decoder_architecture else config.num_kv_heads)
    return weight


def metadata(writer: gguf.GGUFWriter, family: str, config) -> None:
    heads = config.num_attention_heads
    writer.add_block_count(config.num_hidden_layers)
    writer.add_embedding_length(config.hidden_size)
    writer.add_head_count(heads)
    writer.add_context_length(config.n_positions if family == "GPT2" else config.max_position_embeddings)
    inner = {"GPT2": 4 * config.hidden_size, "Falcon": getattr(config, "ffn_hidden_size", None)}.get(family) or config.intermediate_size
    writer.add_feed_forward_length(inner)
    if family == "Falcon":
        writer.add_head_count_kv(config.num_kv_heads if config.new_decoder_architecture else 1)
    if family in ("GPT2", "Falcon"):
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
    else:
        writer.add_head_count_kv(config.num_key_value_heads)
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
        rope = config.rope_parameters.get("full_attention", config.rope_parameters)
        writer.add_rope_freq_base(rope["rope_theta"])
        width = getattr(config, "head_dim", None) or config.hidden_size // heads
        writer.add_key_length(width)
        writer.add_value_length(width)
        writer.add_rope_dimension_count(width)
        if rope["rope_type"] in ("linear", "yarn"):
            writer.add_rope_scaling_type(gguf.RopeScalingType(rope["rope_type"]))
            writer.add_rope_scaling_factor(rope["factor"])
        if rope["rope_type"] == "yarn":
            writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        if rope["rope_type"] == "llama3":
            writer.add_tensor("rope_freqs.weight", llama3_divisors(rope, width).numpy())
    if family.startswith("Gemma"):
        writer.add_sliding_window(config.sliding_window)
    if family == "Gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    letters = ["<pad>", "<s>", "</s>"] + [chr(ord("!") + i) for i in range(44)] + ['!"']
    writer.add_token_list(letters)
    writer.add_token_types([3, 3, 3] + [1] * 45)
    writer.add_token_merges(['! "'])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def llama3_divisors(rope: dict, width: int) -> torch.Tensor:
    frequencies = 1.0 / rope["rope_theta"] ** (torch.arange(0, width, 2, dtype=torch.float32) / width)
    low = rope["original_max_position_embeddings"] / rope["low_freq_factor"]
    high = rope["original_max_position_embeddings"] / rope["high_freq_factor"]
    divisors = []
    for wavelength in 2 * torch.pi / frequencies:
        if wavelength < high:
            divisors.append(1.0)
        elif wavelength > low:
            divisors.append(rope["factor"])
        else:
            smooth = (rope["original_max_position_embeddings"] / wavelength - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])
            divisors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return torch.tensor(divisors, dtype=torch.float32)


def write(path: Path, model, family: str) -> None:
    config = model.config
    architecture = ARCHITECTURES[family]
    names = gguf.get_tensor_name_map(next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == architecture), config.num_hidden_layers)
    writer = gguf.GGUFWriter(path, architecture)
    metadata(writer, family, config)
    for name, weight in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings or name.endswith((".attn.bias", ".masked_bias")):
            continue
        stem, ending = name.rsplit(".", 1)
        mapped = names.get_name(stem)
        assert mapped is not None, name
        writer.add_tensor(f"{mapped}.{ending}", laid_out(name, weight, family, config).contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def logits(model) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([IDS])).logits[0]


def main() -> None:
    FIXTURES.mkdir(parents=True, exist_ok=True)
    golden = {"ids": IDS, "logits": {}}
    for name, (family, fields) in MODELS.items():
        config = getattr(transformers, CONFIG.get(family, f"{family}Config"))(**fields)
        torch.manual_seed(0)
        model = getattr(transformers, MODEL.get(family, f"{family}ForCausalLM"))(config).float().eval()
        for parameter_name, parameter in model.named_parameters():  # norms and biases that are not all alike
            if "norm" in parameter_name or "ln_" in parameter_name or parameter_name.endswith("bias"):
                parameter.data.add_(torch.randn_like(parameter) * 0.2)
        path = FIXTURES / f"{name}.gguf"
        write(path, model, family)
        own = logits(model)
        if name in READ_BACK:
            back = transformers.AutoModelForCausalLM.from_pretrained(FIXTURES, gguf_file=path.name, dtype=torch.float32, **READ_BACK[name]).eval()
            difference = (logits(back) - own).abs().max().item()
            assert difference < 1e-5, f"{name}: transformers reads the file back otherwise, by {difference}"
        golden["logits"][name] = [[float(f"{value:.7g}") for value in row] for row in own.tolist()]
    (FIXTURES / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    sys.exit(main())
