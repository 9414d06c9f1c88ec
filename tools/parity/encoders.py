"""Golden values for RoBERTa and DistilBERT in @loran/models: tiny random models and what transformers computes with them.

    python tools/parity/encoders.py

Needs torch, transformers, peft and safetensors. Writes packages/models/src/__fixtures__/encoders/NAME: config.json,
model.safetensors, golden.json, and adapter/: a random LoRA adapter and head by PEFT. The tokenizer is that of the tiny decoders.
"""

import json
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # PEFT would look the tiny models up

import torch
import transformers
from peft import LoraConfig, get_peft_model

from golden_files import make_readable, rounded, save_adapter

FIXTURES = Path(__file__).parents[2] / "packages/models/src/__fixtures__/encoders"
LABELS = {0: "ham", 1: "spam", 2: "neither"}
SPECIAL = dict(vocab_size=96, initializer_range=0.3, id2label=LABELS, label2id={name: i for i, name in LABELS.items()}, pad_token_id=1, bos_token_id=0, eos_token_id=2)
BERT = dict(SPECIAL, hidden_size=18, num_hidden_layers=2, num_attention_heads=3, intermediate_size=28, max_position_embeddings=20, type_vocab_size=1)
MODELS = {
    "roberta": ("Roberta", dict(BERT, layer_norm_eps=1e-5)),
    "xlm-roberta": ("XLMRoberta", dict(BERT)),
    "distilbert": ("DistilBert", dict(SPECIAL, dim=18, n_layers=2, n_heads=3, hidden_dim=28, max_position_embeddings=20)),
}
TARGETS = {"DistilBert": ["q_lin", "v_lin"]}  # PEFT has no default for it
HEAD = {"DistilBert": ["pre_classifier", "classifier"]}
TEXTS = [[0, 17, 5, 60, 33, 8, 91, 40, 2], [0, 44, 9, 2], [0, 12, 88, 88, 3, 71, 2]]
TARGET = [2, 0, 1]
GRADIENTS = [
    "embeddings.position_embeddings.weight", "layer.0.attention.self.query.weight", "layer.1.output.dense.weight", "layer.0.attention.q_lin.weight",
    "layer.1.ffn.lin2.weight", "classifier.weight", "classifier.dense.weight", "classifier.out_proj.weight", "pre_classifier.weight",
]


def batch(side: str, pad: int) -> dict:
    longest = max(map(len, TEXTS))

    def fill(rows, value):
        return torch.tensor([row + [value] * (longest - len(row)) if side == "right" else [value] * (longest - len(row)) + row for row in rows])

    return {"input_ids": fill(TEXTS, pad), "attention_mask": fill([[1] * len(text) for text in TEXTS], 0)}


def golden(model) -> dict:
    result = {"texts": TEXTS, "target": TARGET, "pad": model.config.pad_token_id}
    inputs = batch("right", model.config.pad_token_id)
    output = model(**inputs, labels=torch.tensor(TARGET), output_hidden_states=True)
    output.loss.backward()
    parameters = dict(model.named_parameters())
    result |= {
        "logits": rounded(output.logits), "loss": rounded(output.loss),
        "hiddenStates": [rounded(state[1, :4]) for state in output.hidden_states],
        "gradients": {name: rounded(parameters[name].grad) for name in parameters if name.endswith(tuple(GRADIENTS))},
    }
    with torch.no_grad():
        result["plain"] = rounded(model(input_ids=torch.tensor(TEXTS[:1])).logits)
        mask = inputs["attention_mask"][..., None].float()
        mean = (output.hidden_states[-1] * mask).sum(1) / mask.sum(1)
        result |= {"mean": rounded(mean), "normalised": rounded(torch.nn.functional.normalize(mean)), "first": rounded(output.hidden_states[-1][:, 0])}
    return result


def write(file: Path, value) -> None:
    file.write_text(json.dumps(value, separators=(",", ":")) + "\n")


def make(name: str) -> None:
    kind, fields = MODELS[name]
    folder = FIXTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(len(name))
    config = getattr(transformers, f"{kind}Config")(**fields)
    model = getattr(transformers, f"{kind}ForSequenceClassification")._from_config(config, attn_implementation="eager").float().eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "orm" in key or key.endswith("bias"):
                parameter.add_(0.2 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    result = golden(model)
    torch.manual_seed(2)
    model.name_or_path = f"tiny-{name}"
    lora = LoraConfig(r=3, lora_alpha=6, task_type="SEQ_CLS", target_modules=TARGETS.get(kind), modules_to_save=HEAD.get(kind))
    adapted = get_peft_model(model, lora).eval()
    with torch.no_grad():
        for key, parameter in adapted.named_parameters():
            if "lora_" in key or "modules_to_save" in key:
                parameter.copy_(0.2 * torch.randn_like(parameter))
        result["adapted"] = rounded(adapted(**batch("right", model.config.pad_token_id)).logits)
    save_adapter(adapted, folder / "adapter")
    write(folder / "golden.json", result)
    make_readable(folder)


if __name__ == "__main__":
    for name in MODELS:
        make(name)
