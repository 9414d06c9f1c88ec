"""Golden checkpoints for @loran/models: tiny models quantised to 4 bits by bitsandbytes, as transformers saves them.

    python tools/parity/bnb_checkpoint.py

Needs torch, transformers and bitsandbytes (with its native CPU library, x86-64). Writes packages/models/src/__fixtures__/bnb/NAME:
config.json, model.safetensors, and golden.json with the logits and the loss in fp32 of transformers over bitsandbytes. The tokenizer is that of
the tiny decoders.

    llama         NF4, double quantisation, blocks of 64
    llama-single  NF4, plain block maxima, the packed bytes kept as bfloat16, the head tied
    llama-fp4     FP4, double quantisation, blocks of 64, the head tied
    gpt2          NF4 of Conv1D layers, with biases, the head tied
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

FIXTURES = Path(__file__).parents[2] / "packages/models/src/__fixtures__/bnb"
IDS = [[1, 17, 5, 95]]
TOKENS = dict(vocab_size=96, bos_token_id=1, eos_token_id=2, pad_token_id=0, initializer_range=0.2)
LLAMA = LlamaConfig(
    hidden_size=64, intermediate_size=80, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=64, **TOKENS,
)
GPT2 = GPT2Config(n_embd=64, n_layer=1, n_head=4, n_inner=80, n_positions=16, **TOKENS)
DOUBLE = dict(bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True)
SINGLE = dict(bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=False, bnb_4bit_quant_storage=torch.bfloat16)
FP4 = dict(bnb_4bit_quant_type="fp4", bnb_4bit_use_double_quant=True)
CASES = {
    "llama": (LlamaForCausalLM, LLAMA, DOUBLE),
    "llama-single": (LlamaForCausalLM, LlamaConfig(**{**LLAMA.to_dict(), "tie_word_embeddings": True}), SINGLE),
    "llama-fp4": (LlamaForCausalLM, LlamaConfig(**{**LLAMA.to_dict(), "tie_word_embeddings": True}), FP4),
    "gpt2": (GPT2LMHeadModel, GPT2, DOUBLE),
}


def main() -> None:
    torch.set_num_threads(1)
    for name, (model_class, config, quantisation) in CASES.items():
        torch.manual_seed(11)
        folder = FIXTURES / name
        shutil.rmtree(folder, ignore_errors=True)
        with tempfile.TemporaryDirectory() as plain:
            model_class(config).save_pretrained(plain)
            model = AutoModelForCausalLM.from_pretrained(
                plain,
                quantization_config=BitsAndBytesConfig(
                    load_in_4bit=True, bnb_4bit_compute_dtype=torch.float32, **quantisation
                ),
                device_map="cpu",
                dtype=torch.float32,
            )
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        read = AutoModelForCausalLM.from_pretrained(folder, device_map="cpu", dtype=torch.float32).eval()
        with torch.no_grad():
            out = read(torch.tensor(IDS), labels=torch.tensor(IDS))
        logits = [[[round(x, 6) for x in row] for row in text] for text in out.logits.tolist()]
        golden = {"ids": IDS, "loss": out.loss.item(), "logits": logits}
        (folder / "golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
