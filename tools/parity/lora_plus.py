"""Golden values of LoRA+: parameters after each of 12 steps of PEFT's create_loraplus_optimizer over torch.optim.AdamW.

The model has LoRA with a bias on B, LoRA on an embedding, DoRA's magnitude and a head that is trained whole, so that every
group has a parameter. Gradients are given; the learning rate changes at every step, by the same factor in every group.

    python tools/parity/lora_plus.py      (torch 2.15, peft 0.21)
"""

import json
import math
from pathlib import Path

import peft
import torch
from peft.optimizers import create_loraplus_optimizer

target = Path(__file__).parents[2] / "packages/trainer/src/__fixtures__/lora-plus.json"
steps = 12
rate = 2e-3


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.words = torch.nn.Embedding(5, 3)
        self.plain = torch.nn.Linear(3, 4)
        self.magnitude = torch.nn.Linear(4, 3)
        self.head = torch.nn.Linear(3, 2)

    def forward(self, ids):
        return self.head(self.magnitude(self.plain(self.words(ids))))


ours = {
    "words.lora_embedding_A": "words.embeddingA",
    "words.lora_embedding_B": "words.embeddingB",
    "plain.lora_A.weight": "plain.A",
    "plain.lora_B.weight": "plain.B",
    "plain.lora_B.bias": "plain.biasB",
    "magnitude.lora_A.weight": "magnitude.A",
    "magnitude.lora_B.weight": "magnitude.B",
    "magnitude.lora_magnitude_vector.weight": "magnitude.magnitude",
    "head.modules_to_save.weight": "head.weight",
    "head.modules_to_save.bias": "head.bias",
}


def build():
    torch.manual_seed(0)
    lora = {"r": 2, "init_lora_weights": False}
    model = peft.get_peft_model(Model(), peft.LoraConfig(target_modules=["plain"], lora_bias=True, modules_to_save=["head"], **lora))
    model.add_adapter("embedding", peft.LoraConfig(target_modules=["words"], **lora))
    model.add_adapter("other", peft.LoraConfig(target_modules=["magnitude"], use_dora=True, **lora))
    model.base_model.set_adapter(["default", "embedding", "other"])
    named = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            short = name.removeprefix("base_model.model.")
            for adapter in (".default", ".embedding", ".other"):
                short = short.replace(adapter, "")
            named[ours[short]] = parameter
    assert set(named) == set(ours.values()), sorted(set(ours.values()) ^ set(named))
    return model, named


def run(options):
    model, named = build()
    optimizer = create_loraplus_optimizer(model, torch.optim.AdamW, lr=rate, **options)
    peaks = [group["lr"] for group in optimizer.param_groups]
    initial = {name: parameter.detach().flatten().tolist() for name, parameter in named.items()}
    trace = []
    for factor, slopes in zip(factors, gradients):
        for group, peak in zip(optimizer.param_groups, peaks):
            group["lr"] = peak * factor
        for name, parameter in named.items():
            parameter.grad = slopes[name].clone()
        optimizer.step()
        trace.append({name: parameter.detach().flatten().tolist() for name, parameter in named.items()})
    return initial, trace


_, named = build()
shapes = {name: tuple(named[name].shape) for name in ours.values()}
generator = torch.Generator().manual_seed(1)
gradients = [{name: torch.randn(shape, generator=generator) for name, shape in shapes.items()} for _ in range(steps)]
factors = [1 - 0.9 * abs(math.sin(step)) for step in range(steps)]
cases = [
    {"loraplus_lr_ratio": 16},
    {"loraplus_lr_ratio": 4, "loraplus_lr_embedding": 5e-4, "loraplus_weight_decay": 0.3},
]
traces = [run(options) for options in cases]
golden = {
    "versions": {"torch": torch.__version__.split("+")[0], "peft": peft.__version__},
    "learningRate": rate,
    "factors": factors,
    "shapes": {name: list(shape) for name, shape in shapes.items()},
    "initial": traces[0][0],
    "gradients": [{name: slope.flatten().tolist() for name, slope in slopes.items()} for slopes in gradients],
    "cases": [{"options": options, "trace": trace} for options, (_, trace) in zip(cases, traces)],
}
target.write_text(json.dumps(golden) + "\n")
