"""Golden values of the 8-bit maps and of 8-bit AdamW, from bitsandbytes' AdamW8bit on the CPU.

Moments go to the nearest code, by bitsandbytes' portable quantiser, as in its CUDA kernel. Its CPU library first rounds to 65,536
steps of [-1, 1], none of which is 0: what is below 1.5e-5 of a block's maximum becomes that. How far the two trainings end apart is
printed. Parameters are sampled; gradients follow from a formula that the test has too. Arrays stand in base64.

    python tools/parity/adamw_8bit.py      (torch 2.15, bitsandbytes 0.50.2)
"""

import base64
import json
import math
from pathlib import Path

import bitsandbytes
import numpy as np
import torch
from bitsandbytes.backends.cpu import ops
from bitsandbytes.functional import create_dynamic_map

target = Path(__file__).parents[2] / "packages/trainer/src/__fixtures__/adamw-8bit.json"
steps = 10
every = 89
shapes = {"A": (16, 272), "B": (1025, 4), "C": (15, 20)}  # 17 blocks; 16 blocks and 4 values; too small for 8 bits
options = {"betas": [0.9, 0.999], "epsilon": 1e-8, "weightDecay": 0.1}
rates = [2e-3 * (1 + math.sin(step)) for step in range(steps)]


def noise(size, seed, spread):
    """Numbers in [-0.5, 0.5), those of index i divided by 2^(i mod spread)."""
    i = np.arange(size, dtype=np.uint64)
    word = (i * 2654435761 + seed * 40503 + (i >> 7) * 97 * seed) % 2**32
    return ((word / 2**32 - 0.5) * 2.0 ** -(i % spread).astype(np.float64)).astype(np.float32)


def packed(values):
    return base64.b64encode(values.contiguous().numpy().tobytes()).decode()


def nearest(values, code, absmax_out, out, blocksize):
    portable = torch._C.DispatchKey.CompositeExplicitAutograd
    codes, absmax = torch.ops.bitsandbytes.quantize_blockwise.default._op_dk(portable, values, code, blocksize)
    out.copy_(codes)
    absmax_out.copy_(absmax)


def train():
    parameters = {}
    for k, (name, shape) in enumerate(shapes.items()):
        parameters[name] = torch.nn.Parameter(torch.from_numpy(noise(math.prod(shape), k + 1, 1)).reshape(shape))
    optimizer = bitsandbytes.optim.AdamW8bit(
        parameters.values(), betas=tuple(options["betas"]), eps=options["epsilon"], weight_decay=options["weightDecay"]
    )
    trace = []
    for step, rate in enumerate(rates):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for k, (name, parameter) in enumerate(parameters.items()):
            slope = torch.from_numpy(noise(parameter.numel(), 100 * (step + 1) + k, 12))
            slope[:300] = 0.0  # a whole block, and a part of one, that no gradient reaches
            parameter.grad = slope.reshape(parameter.shape)
        optimizer.step()
        trace.append({name: packed(parameter.detach().flatten()[::every]) for name, parameter in parameters.items()})
    state = {}
    for name, parameter in parameters.items():
        held = optimizer.state[parameter]
        if held["state1"].dtype != torch.uint8:
            continue
        state[name] = {
            key: packed(held[source])
            for key, source in [("first", "state1"), ("second", "state2"), ("firstScale", "absmax1"), ("secondScale", "absmax2")]
        }
    assert set(state) == {"A", "B"}
    return {"trace": trace, "state": state}, parameters


_, library = train()
ops._quant_blockwise_fp32_direct = nearest
result, parameters = train()
for name, parameter in parameters.items():
    print(f"{name}: with the quantiser of the CPU library {(parameter - library[name]).abs().max().item():.1e} apart")
golden = {
    "versions": {"torch": torch.__version__.split("+")[0], "bitsandbytes": bitsandbytes.__version__},
    "signedMap": packed(create_dynamic_map(signed=True)),
    "unsignedMap": packed(create_dynamic_map(signed=False)),
    "shapes": {name: list(shape) for name, shape in shapes.items()},
    "options": options,
    "rates": rates,
    "every": every,
    **result,
}
target.write_text(json.dumps(golden) + "\n")
