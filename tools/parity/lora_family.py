"""Golden variants of LoRA: adapters saved by PEFT, with outputs, merged weights and gradients that it computes from them.

Each case is a folder as `save_pretrained` writes it, in one tiny model: an embedding, two linear layers, and a head that is the
embedding's weight where a case ties it. golden.json has the base weights, the input, and what PEFT gives: `output` and `merged`
(the output after merging), `gradients` of the sum of the outputs' squares by key in the file, where a case asks for them.
Cases with `initial` are as PEFT starts them, so that starts can be compared: their factors are not set at random.

    python tools/parity/lora_family.py      (torch 2.15, peft 0.21.2)
"""

import json
import shutil
from pathlib import Path

import peft
import torch
from peft import EvaConfig, LoraConfig, TrainableTokensConfig, get_peft_model, initialize_lora_eva_weights
from torch import nn
from transformers import PretrainedConfig

target = Path(__file__).parents[2] / "packages/lora/src/__fixtures__/family"
both = ["dense", "out"]

cases = {
    "dora": dict(config=dict(r=2, lora_alpha=4, use_dora=True, target_modules=both), gradients=True),
    "dora-embedding": dict(config=dict(r=2, lora_alpha=4, use_dora=True, target_modules=["embed_tokens"]), gradients=True),
    "dora-rslora-dropout": dict(
        config=dict(r=3, lora_alpha=6, use_dora=True, use_rslora=True, lora_dropout=0.2, target_modules=["dense"])
    ),
    "pissa": dict(config=dict(r=2, lora_alpha=6, init_lora_weights="pissa", target_modules=both), moved=0.1),
    "olora": dict(config=dict(r=2, lora_alpha=3, init_lora_weights="olora", target_modules=both), moved=0.1),
    "pissa-dora": dict(config=dict(r=2, lora_alpha=2, init_lora_weights="pissa", use_dora=True, target_modules=both), moved=0.1),
    "pissa-converted": dict(
        config=dict(r=2, lora_alpha=6, init_lora_weights="pissa", target_modules=both), moved=0.1, converted=True
    ),
    "pissa-start": dict(config=dict(r=2, lora_alpha=6, init_lora_weights="pissa", target_modules=both), initial=True),
    "olora-start": dict(config=dict(r=2, lora_alpha=3, init_lora_weights="olora", target_modules=both), initial=True),
    "lora-only": dict(config=dict(r=2, lora_alpha=4, bias="lora_only", target_modules=both)),
    "bias-all": dict(config=dict(r=2, lora_alpha=4, bias="all", target_modules=["dense"])),
    "lora-bias": dict(config=dict(r=2, lora_alpha=4, lora_bias=True, target_modules=["dense"])),
    "tokens": dict(config=dict(r=2, lora_alpha=4, trainable_token_indices=[7, 1], target_modules=["dense"])),
    "tokens-tied": dict(
        config=dict(r=2, lora_alpha=4, trainable_token_indices={"embed_tokens": [1, 7]}, target_modules=["dense"]), tied=True
    ),
    "orthogonal": dict(config=dict(r=4, lora_alpha=4, init_lora_weights="orthogonal", target_modules=["dense"])),
    "trainable-tokens": dict(tokens=dict(token_indices=[7, 1], target_modules=["embed_tokens"]), tied=True),
}


class Config(PretrainedConfig):
    model_type = "family"


class Model(nn.Module):
    def __init__(self, tied):
        super().__init__()
        self.config = Config(tie_word_embeddings=tied)
        self.embed_tokens = nn.Embedding(9, 6)
        self.dense = nn.Linear(6, 5)
        self.out = nn.Linear(5, 6, bias=True)
        self.lm_head = nn.Linear(6, 9, bias=False)
        self._tied_weights_keys = {"lm_head.weight": "embed_tokens.weight"} if tied else {}
        if tied:
            self.lm_head.weight = self.embed_tokens.weight

    def get_input_embeddings(self):
        return self.embed_tokens

    def get_output_embeddings(self):
        return self.lm_head

    def forward(self, ids):
        return self.lm_head(self.out(torch.tanh(self.dense(self.embed_tokens(ids)))))


def rounded(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]


def is_trained(key):
    return "lora_" in key or "trainable_tokens_delta" in key or key.endswith(".bias")


golden = {"peft": peft.__version__, "torch": torch.__version__.split("+")[0], "cases": {}}
shutil.rmtree(target, ignore_errors=True)
ids = torch.tensor([[0, 8, 1], [7, 1, 5]])
for name, case in cases.items():
    torch.manual_seed(len(name))
    tied = case.get("tied", False)
    model = Model(tied)
    base = {key: rounded(value) for key, value in model.state_dict().items()}
    config = LoraConfig(**case["config"]) if "config" in case else TrainableTokensConfig(**case["tokens"])
    adapted = get_peft_model(model, config).eval()
    if case.get("converted"):
        adapted.save_pretrained(target / "start")
    for key, parameter in adapted.named_parameters():
        if not parameter.requires_grad or case.get("initial") or not is_trained(key):
            continue
        if "moved" in case:
            parameter.data += case["moved"] * torch.randn_like(parameter)
        elif "magnitude" in key:
            parameter.data *= 1 + 0.3 * torch.rand_like(parameter)
        else:
            nn.init.normal_(parameter, std=0.4)  # as after training: neither factor is 0
    if case.get("converted"):
        adapted.save_pretrained(target / name, path_initial_model_for_weight_conversion=str(target / "start"))
        shutil.rmtree(target / "start")
    else:
        adapted.save_pretrained(target / name)
    (target / name / "README.md").unlink()
    written = target / name / "adapter_config.json"
    fields = json.loads(written.read_text())
    fields["target_modules"] = sorted(fields["target_modules"])  # PEFT writes a set in any order
    written.write_text(json.dumps(fields, indent=2, sort_keys=True))
    output = adapted(ids)
    facts = {"tied": tied, "ids": ids.tolist(), "base": base, "output": rounded(output)}
    if case.get("gradients"):
        output.square().sum().backward()
        facts["gradients"] = {
            key.replace(".default", "").removesuffix(".weight") if "magnitude" in key else key.replace(".default", ""): rounded(
                parameter.grad
            )
            for key, parameter in adapted.named_parameters()
            if parameter.requires_grad
        }
    facts["merged"] = rounded(adapted.merge_and_unload()(ids))
    golden["cases"][name] = facts

# EVA: the directions that PEFT finds in one batch, given again and again until they settle
torch.manual_seed(3)
model = Model(False)
base = {key: rounded(value) for key, value in model.state_dict().items()}
ids = torch.randint(0, 9, (10, 6))
config = LoraConfig(r=2, lora_alpha=4, init_lora_weights="eva", eva_config=EvaConfig(rho=2), target_modules=both)
adapted = get_peft_model(model, config)
initialize_lora_eva_weights(adapted, [{"ids": ids}], show_progress_bar=False, prepare_model_inputs_fn=None, prepare_layer_inputs_fn=None)
golden["eva"] = {
    "ids": ids.tolist(),
    "base": base,
    "tied": False,
    "ranks": {name: getattr(adapted.base_model.model, name).r["default"] for name in both},
    "alphas": {name: getattr(adapted.base_model.model, name).lora_alpha["default"] for name in both},
    "A": {name: rounded(getattr(adapted.base_model.model, name).lora_A["default"].weight) for name in both},
}

(target / "golden.json").write_text(json.dumps(golden) + "\n")
