"""Golden MLORA: adapters in the layout of the LoRAN authors' code, and what their formulas compute from them.

Written from the formulas of their Linear and Embedding, with and without the projections P and the biases b (Li et al., Findings of EMNLP 2024):

    H = (B A)^T                                 A (r0, r1)   B (out, r0)   H (r1, out)
    for each further entry of r:
        H = act(H)
        H = P_i^T H        if use_P             P_i (r_i, r_i+1), the last (r_n, in)
        H = H + b_i        if use_b             b_i (r_i+1, 1), the last (in, 1)
    linear     y = W x + bias + alpha / r0 * (x H)
    embedding  y = rows of W + alpha / r0 * rows of H

Each case is a folder as their code writes it (adapter_config.json, adapter_model.bin, in one case cut into parts), and golden.json has the base weights, the
input, the update, the output and the gradients in float64; the fixed numbers are fp32 ones.

    python tools/parity/mlora.py      (torch 2.15)
"""

import json
import re
import shutil
import zlib
from pathlib import Path

import torch

target = Path(__file__).parents[2] / "packages/loran/src/__fixtures__/mlora"

activations = {
    "Sigmoid": lambda z, A, w: torch.sigmoid(z),
    "Tanh": lambda z, A, w: torch.tanh(z),
    "Relu": lambda z, A, w: torch.relu(z),
    "Silu": lambda z, A, w: z * torch.sigmoid(z),
    "Identity": lambda z, A, w: z,
    "Swish": lambda z, A, w: z * torch.sigmoid(25 * z),
    "Sin": lambda z, A, w: A * z * torch.sin(w * z) + z,
    "Cos": lambda z, A, w: z * torch.cos(1e4 * z) + z,
    "Gaussian": lambda z, A, w: 0.5 * z * torch.exp(-(z**2)),
}

# module: tokens is an embedding [9, 6], square a linear [6, 6], dense a linear [5, 6]
cases = {
    "published": dict(module="square", r=[2, 6], mlora_af="Sin", mlora_af_sin_A=5e-5, mlora_af_sin_omega=1e4, mlora_use_P=False, mlora_use_b=False),
    "class-defaults": dict(module="dense", r=[2, 4], mlora_af="Sin", mlora_af_sin_A=5e-4, mlora_af_sin_omega=1e3, mlora_use_P=True, mlora_use_b=True),
    "deep-without-projections": dict(module="square", r=[2, 6, 6], mlora_af="Tanh", mlora_use_P=False, mlora_use_b=True),
    "three-projections": dict(module="dense", r=[2, 3, 7, 4], mlora_af="Silu", mlora_use_P=True, mlora_use_b=False),
    "embedding": dict(module="tokens", r=[2, 4, 3], mlora_af="Tanh", mlora_use_P=True, mlora_use_b=True),
    "embedding-sin": dict(module="tokens", r=[3, 5], mlora_af="Sin", mlora_af_sin_A=0.3, mlora_af_sin_omega=4, mlora_use_P=True, mlora_use_b=False),
    **{
        f"{name.lower()}": dict(module="dense", r=[2, 4, 3], mlora_af=name, mlora_use_P=True, mlora_use_b=True)
        for name in ("Sigmoid", "Relu", "Identity", "Swish", "Cos", "Gaussian")
    },
}
sizes = {"tokens": (9, 6), "square": (6, 6), "dense": (6, 5)}  # in, out


def fixed(*shape, std):
    return (torch.randn(*shape) * std).to(torch.float32).to(torch.float64)


def values(tensor):
    return [float(f"{value:.10g}") for value in tensor.detach().flatten().tolist()]


def fixed_identifier(file: Path) -> None:
    """torch writes a fresh identifier of 40 digits into each archive; zeros, with their checksum, take its place."""
    data = file.read_bytes()
    digits = re.compile(rb"[0-9]{40}").search(data, data.index(b"/.data/serialization_id")).group()
    checksum = [zlib.crc32(value).to_bytes(4, "little") for value in (digits, b"0" * 40)]
    file.write_bytes(data.replace(digits, b"0" * 40).replace(*checksum))


golden = {}
shutil.rmtree(target, ignore_errors=True)
for index, (name, case) in enumerate(cases.items()):
    torch.manual_seed(200 + index)
    module, alpha = case["module"], 6
    r, use_P, use_b = case["r"], case["mlora_use_P"], case["mlora_use_b"]
    A0, omega = case.get("mlora_af_sin_A", 5e-4), case.get("mlora_af_sin_omega", 1e3)
    act = activations[case["mlora_af"]]
    n_in, n_out = sizes[module]
    widths = [*r[1:], n_in]
    kind = "mlora_embedding_" if module == "tokens" else "mlora_"
    std = 0.02 if case["mlora_af"] == "Cos" else 0.4  # a wave of 1e4 rad per unit: z is kept small, so that fp32 can follow it
    state = {f"{kind}A": fixed(r[0], r[1], std=std), f"{kind}B": fixed(n_out, r[0], std=std)}
    for i in range(1, len(r)):
        if use_P:
            state[f"{kind}P_{i}"] = fixed(widths[i - 1], widths[i], std=std)
        if use_b:
            state[f"{kind}b_{i}"] = fixed(widths[i], 1, std=std)
    for tensor in state.values():
        tensor.requires_grad_()

    H = (state[f"{kind}B"] @ state[f"{kind}A"]).T
    for i in range(1, len(r)):
        H = act(H, A0, omega)
        if use_P:
            H = state[f"{kind}P_{i}"].T @ H
        if use_b:
            H = H + state[f"{kind}b_{i}"]
    H = alpha / r[0] * H  # (in, out)

    if module == "tokens":
        W, bias, x = fixed(n_in, n_out, std=0.5), None, torch.tensor([0, 8, 3, 3])
        y = W[x] + H[x]
    else:
        W, bias, x = fixed(n_out, n_in, std=0.5), fixed(n_out, std=0.5), fixed(4, n_in, std=1)
        y = x @ W.T + bias + x @ H
    dy = fixed(4, n_out, std=1)
    (y * dy).sum().backward()

    folder = target / name
    folder.mkdir(parents=True)
    prefix = f"base_model.model.{module}."
    torch.save({prefix + key: tensor.detach().to(torch.float32) for key, tensor in state.items()}, folder / "adapter_model.bin")
    fixed_identifier(folder / "adapter_model.bin")
    if name == "published":
        data = (folder / "adapter_model.bin").read_bytes()
        (folder / "adapter_model.bin.aa").write_bytes(data[:1000])
        (folder / "adapter_model.bin.ab").write_bytes(data[1000:])
        (folder / "adapter_model.bin").unlink()
    config = {
        "auto_mapping": None, "base_model_name_or_path": "none", "bias": "none", "fan_in_fan_out": False, "inference_mode": True,
        "init_mlora_weights": True, "layers_pattern": None, "layers_to_transform": None, "mlora_af": case["mlora_af"], "mlora_af_sin_A": A0,
        "mlora_af_sin_omega": omega, "mlora_alpha": alpha, "mlora_dropout": 0.2, "mlora_use_P": use_P, "mlora_use_b": use_b,
        "modules_to_save": None, "peft_type": "MLORA", "r": r, "revision": None, "target_modules": [module], "task_type": "CAUSAL_LM",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    golden[name] = {
        "module": module,
        "W": values(W),
        "bias": None if bias is None else values(bias),
        "x": x.tolist() if module == "tokens" else values(x),
        "dy": values(dy),
        "delta": values(H if module == "tokens" else H.T),  # in W's layout
        "y": values(y),
        "gradients": {key: values(tensor.grad) for key, tensor in state.items()},
    }

(target / "golden.json").write_text(json.dumps({"torch": torch.__version__.split("+")[0], "cases": golden}) + "\n")
