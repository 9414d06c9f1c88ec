"""Golden combinations of adapters: what PEFT's add_weighted_adapter makes of the same adapters, for every combination type.

Three LoRA adapters on a tiny model, of different alphas, one of them on one module only; one more of another rank. Types that work on
the factors are recorded as A and B, those that end in svd as the product, since the signs of singular directions are arbitrary. DARE
draws from torch.bernoulli; here that is replaced by a fixed pattern, so that the test can keep the same values.

    python tools/parity/combine.py      (torch 2.15, peft 0.21.2)
"""

import json
from pathlib import Path

import peft
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

target = Path(__file__).parents[2] / "packages/adapter/src/__fixtures__/combine.json"


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(9, 6)
        self.dense = nn.Linear(6, 5)
        self.head = nn.Linear(5, 4)


adapters = {
    "a": LoraConfig(r=3, lora_alpha=6, target_modules=["tokens", "dense", "head"]),
    "b": LoraConfig(r=3, lora_alpha=2, target_modules=["tokens", "dense"]),
    "c": LoraConfig(r=3, lora_alpha=9, target_modules=["dense", "head"]),
    "wide": LoraConfig(r=4, lora_alpha=4, target_modules=["dense"]),
}

equal = dict(adapters=["a", "b", "c"], weights=[0.7, -0.4, 1.1])
cases = [
    dict(combination_type="cat", adapters=["b", "a"], weights=[0.5, -1.5]),
    dict(combination_type="linear", **equal),
    dict(combination_type="ties", density=0.5, **equal),
    dict(combination_type="ties", density=0.7, majority_sign_method="frequency", **equal),
    dict(combination_type="dare_linear", density=0.6, **equal),
    dict(combination_type="dare_ties", density=0.6, **equal),
    dict(combination_type="magnitude_prune", density=0.4, **equal),
    dict(combination_type="svd", adapters=["a", "wide"], weights=[1.0, 0.5]),
    dict(combination_type="svd", svd_rank=2, **equal),
    dict(combination_type="ties_svd", density=0.5, **equal),
    dict(combination_type="ties_svd", density=0.3, majority_sign_method="frequency", svd_rank=4, **equal),
    dict(combination_type="dare_linear_svd", density=0.6, **equal),
    dict(combination_type="dare_ties_svd", density=0.6, **equal),
    dict(combination_type="magnitude_prune_svd", density=0.4, **equal),
]


def pattern(input, **_):
    """Keeps elements 0, 2, 4 of every 5: the share 0.6."""
    kept = torch.arange(input.numel()) % 5 % 2 == 0
    return kept.to(input.dtype).reshape(input.shape)


def rounded(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]


def factors(model, adapter):
    """Module -> A and B of the adapter, as its file would have them."""
    found = {}
    for path in ("tokens", "dense", "head"):
        layer = model.base_model.model.get_submodule(path)
        if adapter in getattr(layer, "lora_A", {}):
            found[path] = (layer.lora_A[adapter].weight, layer.lora_B[adapter].weight)
        elif adapter in getattr(layer, "lora_embedding_A", {}):
            found[path] = (layer.lora_embedding_A[adapter], layer.lora_embedding_B[adapter])
    return found


torch.manual_seed(5)
base = Model()
model = None
for name, config in adapters.items():
    if model is None:
        model = get_peft_model(base, config, adapter_name=name)
    else:
        model.add_adapter(name, config)
for key, parameter in sorted(model.named_parameters()):
    if "lora_" in key:
        nn.init.normal_(parameter, std=0.5)

torch.bernoulli = pattern
golden = {"peft": peft.__version__, "torch": torch.__version__.split("+")[0], "adapters": {}, "cases": []}
for name, config in adapters.items():
    golden["adapters"][name] = {
        "rank": config.r,
        "alpha": config.lora_alpha,
        "layers": {path: {"A": rounded(A), "B": rounded(B)} for path, (A, B) in factors(model, name).items()},
    }
for i, case in enumerate(cases):
    model.add_weighted_adapter(adapter_name=f"case{i}", **case)
    layers = {}
    for path, (A, B) in factors(model, f"case{i}").items():
        if case["combination_type"].endswith("svd"):
            layers[path] = {"rank": A.shape[0], "product": rounded(B @ A)}
        elif case["combination_type"] == "cat":
            used = sum(adapters[name].r for name in case["adapters"] if path in factors(model, name))
            layers[path] = {"rank": used, "A": rounded(A[:used]), "B": rounded(B[:, :used])}
        else:
            layers[path] = {"rank": A.shape[0], "A": rounded(A), "B": rounded(B)}
    golden["cases"].append({**case, "layers": layers})

target.write_text(json.dumps(golden) + "\n")
