"""Golden values for @loran/models: a tiny random BERT and its outputs, gradients and token ids, as transformers has them.

    python tools/parity/models.py                     writes the tiny model and its golden values
    LORAN_TEST_DATA=… python tools/parity/models.py   also writes those of the real MiniLM

Needs torch, transformers and safetensors. Writes packages/models/src/__fixtures__/.
"""

import gzip
import hashlib
import json
import os
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoModel, AutoTokenizer, BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

import golden_files

FIXTURES = Path(__file__).parents[2] / "packages/models/src/__fixtures__"
TINY = FIXTURES / "tiny-bert"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["the", "cat", "sat", "on", "mat", "low", "rank", "adapter", "good", "bad", "##s", "##ing", "new", "2", "3", ".", ",", "!", "?", "'", "中", "é"]
LETTERS = list("abcdefghijklmnopqrstuvwxyz")
TEXTS = [
    "The cat sat on the mat.",
    "Good adapters, bad adapters!",
    "",
    "   ",
    "naïve Café — DÉJÀ vu",
    "low-rank [MASK] [SEP] [CLS] tokens",
    "中文 and emoji \U0001f600\U0001f1e9\U0001f1ea",
    "zero\u200bwidth, nul\u0000, control\u0001, nbsp\u00a0, tab\t, newline\n, \ufffd",
    "supercalifragilisticexpialidocious" * 4,
    "e\u0301 combining, \u212bngstr\u00f6m, \uff26\uff55\uff4c\uff4c, \u0130stanbul, \u03a3\u03c3\u03c2",
    "email@example.com $1,234.56 <b>x</b> `a`^b|c~",
    "[PAD][UNK]  [mask] ##s",
]


rounded = partial(golden_files.rounded, digits=8)


def tiny_tokenizer() -> None:
    vocabulary = SPECIAL + WORDS + LETTERS + [f"##{letter}" for letter in LETTERS]
    tokenizer = Tokenizer(models.WordPiece({token: i for i, token in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", mask_token="[MASK]", model_max_length=24
    )
    fast.save_pretrained(TINY)


def tiny_config(**changes) -> BertConfig:
    return BertConfig(
        vocab_size=len(SPECIAL + WORDS) + 2 * len(LETTERS), hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
        max_position_embeddings=24, num_labels=3, id2label={0: "ham", 1: "spam", 2: "neither"}, label2id={"ham": 0, "spam": 1, "neither": 2}, initializer_range=0.3, **changes,
    )


def tiny_model() -> BertForSequenceClassification:
    torch.manual_seed(0)
    model = BertForSequenceClassification(tiny_config())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "LayerNorm" in name or name.endswith("bias"):
                parameter.add_(0.2 * torch.randn_like(parameter))
    return model


BATCH = {
    "input_ids": [[2, 5, 6, 7, 8, 5, 9, 20, 3], [2, 13, 12, 15, 3, 0, 0, 0, 0], [2, 40, 60, 3, 14, 12, 3, 0, 0]],
    "attention_mask": [[1] * 9, [1] * 5 + [0] * 4, [1] * 7 + [0] * 2],
    "token_type_ids": [[0] * 9, [0] * 9, [0, 0, 0, 0, 1, 1, 1, 0, 0]],
}
LABELS = [2, 0, 1]


def outputs(folder: Path, **changes) -> dict:
    config = BertConfig.from_pretrained(folder, **changes)
    model = BertForSequenceClassification.from_pretrained(folder, config=config, dtype=torch.float32).eval()
    batch = {key: torch.tensor(value) for key, value in BATCH.items()}
    result = model(**batch, labels=torch.tensor(LABELS), output_hidden_states=True)
    result.loss.backward()
    hidden = result.hidden_states[-1]
    mask = batch["attention_mask"][..., None].float()
    mean = (hidden * mask).sum(1) / mask.sum(1)
    with torch.no_grad():
        plain = model(input_ids=batch["input_ids"][:1]).logits
    parameters = dict(model.named_parameters())
    gradients = [
        "bert.embeddings.word_embeddings.weight", "bert.embeddings.position_embeddings.weight", "bert.encoder.layer.0.attention.self.query.weight",
        "bert.encoder.layer.0.attention.self.key.weight", "bert.encoder.layer.0.attention.output.dense.weight", "bert.encoder.layer.1.attention.self.query.weight",
        "bert.encoder.layer.1.attention.self.value.weight", "bert.encoder.layer.1.intermediate.dense.weight", "bert.encoder.layer.1.output.dense.weight",
        "bert.pooler.dense.weight", "classifier.weight",
    ]
    return {
        "logits": rounded(result.logits), "loss": rounded(result.loss), "lastHidden": rounded(hidden), "mean": rounded(mean),
        "meanLogits": rounded(model.classifier(mean)), "unmaskedLogits": rounded(plain),
        "hiddenStates": [rounded(state) for state in result.hidden_states],
        "gradients": {name: rounded(parameters[name].grad) for name in gradients},
    }


def tiny() -> None:
    TINY.mkdir(parents=True, exist_ok=True)
    tiny_tokenizer()
    tiny_model().save_pretrained(TINY)
    golden = {"batch": BATCH, "labels": LABELS, "F32": outputs(TINY)}
    weights = load_file(TINY / "model.safetensors")
    for name, dtype in [("F16", torch.float16), ("BF16", torch.bfloat16)]:
        target = FIXTURES / f"tiny-bert-{name.lower()}"
        target.mkdir(exist_ok=True)
        save_file({key: value.to(dtype) for key, value in weights.items()}, target / "model.safetensors", {"format": "pt"})
        (target / "config.json").write_text((TINY / "config.json").read_text())
        all_outputs = outputs(target)
        golden[name] = {key: all_outputs[key] for key in ["logits", "loss", "mean"]}
        (target / "config.json").unlink()
    golden["activations"] = {act: outputs(TINY, hidden_act=act)["logits"] for act in ["gelu_new", "gelu_pytorch_tanh", "relu", "silu"]}
    (TINY / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    tokenizer = AutoTokenizer.from_pretrained(TINY)
    (TINY / "golden-tokens.json").write_text(json.dumps(token_ids(tokenizer), separators=(",", ":")) + "\n")
    for file in FIXTURES.rglob("*"):
        if file.is_file():
            file.chmod(0o644)


def token_ids(tokenizer) -> list:
    return [
        {"text": text, "ids": tokenizer(text)["input_ids"], "first8": tokenizer(text, truncation=True, max_length=8)["input_ids"]} for text in TEXTS
    ]


def minilm(data: Path) -> None:
    folder = data / "models/all-minilm-l6-v2"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    sentences = ["That is a happy person", "That is a very happy person", "Today is a sunny day", "LoRA trains low-rank updates of frozen weights; QLoRA keeps the weights in four bits."]
    batch = tokenizer(sentences, padding=True, return_tensors="pt")
    with torch.no_grad():
        result = model(**batch)
    mask = batch["attention_mask"][..., None].float()
    mean = (result.last_hidden_state * mask).sum(1) / mask.sum(1)
    with gzip.open(data / "data/20news/20news-bydate-train.jsonl.gz", "rt") as file:
        posts = [json.loads(next(file))["text"] for _ in range(300)]
    digest = hashlib.sha256(json.dumps([tokenizer(post, truncation=True, max_length=128)["input_ids"] for post in posts], separators=(",", ":")).encode())
    golden = {
        "sentences": sentences,
        "ids": [tokenizer(sentence)["input_ids"] for sentence in sentences],
        "mean": rounded(mean),
        "firstHidden": rounded(result.last_hidden_state[:, 0, :8]),
        "pooler": rounded(result.pooler_output[:, :8]),
        "tokens": token_ids(tokenizer),
        "postsDigest": digest.hexdigest(),
    }
    (FIXTURES / "minilm.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    tiny()
    if "LORAN_TEST_DATA" in os.environ:
        minilm(Path(os.environ["LORAN_TEST_DATA"]))
