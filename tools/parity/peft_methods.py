"""Golden VeRA, IA3, HiRA and PEANuT: adapters saved by PEFT, with the outputs, merged weights and gradients that it computes from them.

Each case is a folder as `save_pretrained` writes it, and golden.json has the base weights, the input, and what PEFT gives. For PEANuT
also the activations that its configurations can name, with their slopes.

    python tools/parity/peft_methods.py      (torch 2.15, peft 0.21.2, transformers 5.23)
"""

import json
import shutil
from pathlib import Path

import peft
import torch
from peft import HiraConfig, IA3Config, PeanutConfig, VeraConfig, get_peft_model
from torch import nn
from transformers.activations import ACT2FN

packages = Path(__file__).parents[2] / "packages"
both = ["first", "second"]

cases = {
    "vera": {
        "sizes": VeraConfig(r=4, d_initial=0.3, vera_dropout=0.25, target_modules=both),
        "rank-above-sides": VeraConfig(r=16, projection_prng_key=3, target_modules=["second"]),
        # A second adapter of a model shares the matrices of the first, which are larger than it needs.
        "beside-another": (VeraConfig(r=3, target_modules=both), VeraConfig(r=3, target_modules=["second"])),
    },
    "ia3": {
        "outputs": IA3Config(target_modules=both, feedforward_modules=[]),
        "inputs": IA3Config(target_modules=both, feedforward_modules=["second"]),
        "expressions": IA3Config(target_modules=r".*\.(first|second)", feedforward_modules=r".*\.f.*"),
    },
    "hira": {
        "plain": HiraConfig(r=2, target_modules=both),
        # PEFT gives both modules the rank 4: it passes rank_pattern over.
        "gaussian-dropout-pattern": HiraConfig(
            r=4, hira_dropout=0.25, init_weights="gaussian", rank_pattern={"second": 1}, target_modules=both
        ),
        "embedding": HiraConfig(r=3, target_modules=["tokens"]),
    },
    "peanut": {
        "relu": PeanutConfig(r=3, target_modules=both),
        "deep-gelu": PeanutConfig(r=4, depth=2, act_fn="gelu_new", scaling=0.5, target_modules=both),
        "swish": PeanutConfig(r=2, depth=1, act_fn="swish", scaling=2.0, target_modules=["second"]),
    },
}


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 7)
        self.second = nn.Linear(7, 5, bias=False)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(9, 6)
        self.encoder = Encoder()
        self.classifier = nn.Linear(5, 4)

    def forward(self, ids):
        hidden = torch.tanh(self.encoder.first(self.tokens(ids)))
        return self.classifier(self.encoder.second(hidden))


def rounded(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]


def trained(adapted, prefix):
    """Values as after training: none where it started."""
    for key, parameter in adapted.named_parameters():
        if prefix in key:
            nn.init.normal_(parameter, mean=1.0 if prefix == "ia3_" else 0.0, std=0.4)
    return adapted.eval()


def save(adapted, folder, name):
    adapted.save_pretrained(folder, selected_adapters=[name])
    if name != "default":
        for file in (folder / name).iterdir():
            file.rename(folder / file.name)
        (folder / name).rmdir()
    (folder / "README.md").unlink()
    config = json.loads((folder / "adapter_config.json").read_text())
    ordered = {key: sorted(value) if isinstance(value, list) else value for key, value in config.items()}
    (folder / "adapter_config.json").write_text(json.dumps(ordered, indent=2, sort_keys=True) + "\n")


ids = torch.tensor([[0, 8, 3], [3, 3, 5]])
for method, configs in cases.items():
    target = packages / method / "src/__fixtures__/peft"
    shutil.rmtree(target, ignore_errors=True)
    golden = {"peft": peft.__version__, "torch": torch.__version__.split("+")[0], "cases": {}}
    for case, config in configs.items():
        torch.manual_seed(len(case))
        model = Model()
        base = {key: rounded(value) for key, value in model.state_dict().items()}
        first, *others = config if isinstance(config, tuple) else [config]
        adapted, name = get_peft_model(model, first), "default"
        for other in others:
            name = "other"
            adapted.add_adapter(name, other)
            adapted.set_adapter(name)
        trained(adapted, adapted.base_model.prefix)
        save(adapted, target / case, name)
        output = adapted(ids)
        output.square().mean().backward()
        gradients = {
            key.replace(f".{name}", ""): rounded(parameter.grad)
            for key, parameter in adapted.named_parameters()
            if adapted.base_model.prefix in key and f".{name}" in key
        }
        output = rounded(output)
        merged = adapted.merge_and_unload(adapter_names=[name]).state_dict()
        changed = {key: rounded(value) for key, value in merged.items() if rounded(value) != base[key]}
        golden["cases"][case] = {"ids": ids.tolist(), "base": base, "output": output, "merged": changed, "gradients": gradients}
    (target / "golden.json").write_text(json.dumps(golden) + "\n")

activations = {}
points = torch.cat([torch.linspace(-4.1, 3.9, 17), torch.tensor([-12.0, -0.3, 0.7, 12.0])])
for name in sorted(ACT2FN):
    if name == "xielu":
        continue  # is trained in 16 bits
    z = points.clone().requires_grad_()
    value = ACT2FN[name](z)
    value.sum().backward()
    activations[name] = {"value": rounded(value), "slope": rounded(z.grad)}
file = packages / "peanut/src/__fixtures__/activations.json"
file.write_text(json.dumps({"points": points.tolist(), "activations": activations}) + "\n")
