"""Golden values of the optimisers, gradient clipping and learning-rate schedules.

Optimisers: parameters after each of 20 steps with torch.optim, the gradients and the learning rate different at every step.
Clipping: torch.nn.utils.clip_grad_norm_. Schedules: transformers.get_scheduler. All in fp32.

    python tools/parity/optimisers.py      (torch 2.15, transformers 5.23)
"""

import json
import math
from pathlib import Path

import torch
import transformers

target = Path(__file__).parents[2] / "packages/trainer/src/__fixtures__/optimisers.json"
steps = 20

generator = torch.Generator().manual_seed(0)
shapes = {"A": (2, 3), "B": (4,)}
initial = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
gradients = [{name: torch.randn(shape, generator=generator) for name, shape in shapes.items()} for _ in range(steps)]
gradients[7]["A"][0] = 0.0  # exact zeros and very small and large slopes are what a bias correction must bear
gradients[8]["B"] *= 1e-5
gradients[9]["B"] *= 1e3
rates = [2e-3 * (1 + math.sin(step)) for step in range(steps)]


def optimise(make):
    parameters = {name: torch.nn.Parameter(value.clone()) for name, value in initial.items()}
    optimizer = make(parameters.values())
    trace = []
    for rate, slopes in zip(rates, gradients):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for name, parameter in parameters.items():
            parameter.grad = slopes[name].clone()
        optimizer.step()
        trace.append({name: parameter.detach().flatten().tolist() for name, parameter in parameters.items()})
    return trace


adamw = [
    {},
    {"weightDecay": 0},
    {"weightDecay": 0.3, "betas": [0.5, 0.9], "epsilon": 1e-4},
    {"betas": [0.0, 0.99]},
]
sgd = [
    {},
    {"weightDecay": 0.1},
    {"momentum": 0.9},
    {"momentum": 0.9, "weightDecay": 0.1},
    {"momentum": 0.8, "nesterov": True, "weightDecay": 0.05},
]
spelling = {"weightDecay": "weight_decay", "epsilon": "eps"}


def arguments(options):
    return {spelling.get(name, name): tuple(value) if isinstance(value, list) else value for name, value in options.items()}


def clipping(limit):
    parameters = [torch.nn.Parameter(value.clone()) for value in initial.values()]
    for parameter, slope in zip(parameters, gradients[0].values()):
        parameter.grad = slope.clone()
    norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
    clipped = {name: parameter.grad.flatten().tolist() for name, parameter in zip(shapes, parameters)}
    return {"limit": limit, "norm": norm.item(), "clipped": clipped}


def schedule(name, total, **warmup):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    arguments = transformers.TrainingArguments(output_dir="unused", use_cpu=True, warmup_steps=warmup.get("warmupSteps", warmup.get("warmupRatio", 0)))
    rise = arguments.get_warmup_steps(total)
    scheduler = transformers.get_scheduler(
        "constant_with_warmup" if name == "constant" else name, optimizer, num_warmup_steps=rise, num_training_steps=total
    )
    factors = []
    for _ in range(total):
        factors.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return {"name": name, "total": total, "warmup": warmup, "factors": factors}


golden = {
    "versions": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
    "shapes": {name: list(shape) for name, shape in shapes.items()},
    "initial": {name: value.flatten().tolist() for name, value in initial.items()},
    "gradients": [{name: slope.flatten().tolist() for name, slope in slopes.items()} for slopes in gradients],
    "rates": rates,
    "adamw": [{"options": options, "trace": optimise(lambda p, o=options: torch.optim.AdamW(p, **arguments(o)))} for options in adamw],
    "sgd": [{"options": options, "trace": optimise(lambda p, o=options: torch.optim.SGD(p, **arguments(o)))} for options in sgd],
    "clipping": [clipping(limit) for limit in (0.5, 1.0, 1e6)],
    "schedules": [
        schedule(name, total, **warmup)
        for name in ("constant", "linear", "cosine")
        for total, warmup in [(12, {}), (12, {"warmupSteps": 4}), (11, {"warmupRatio": 0.25}), (3, {"warmupSteps": 5})]
    ],
}

target.parent.mkdir(parents=True, exist_ok=True)
target.write_text(json.dumps(golden) + "\n")
