"""Reads what exports.ts wrote with transformers, PEFT, gguf, safetensors and onnxruntime, and compares it.

    python tools/parity/exports_read.py FOLDER

For each case of FOLDER/cases.json: logits of the merged folder and of the base with the PEFT adapter; the tensors of the GGUF
file against those of the merged folder, llama.cpp's order of rows included; the GGUF and MLX adapters against PEFT's updates;
logits of the merged ONNX model, and of the base's with the .onnx_adapter file.
Exits with 1 when a difference is above 1e-4.
"""

import json
import os
import sys
import warnings
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import gguf
import numpy as np
import onnx
import onnxruntime
import torch
from peft import PeftModel
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, PreTrainedTokenizerFast

torch.set_num_threads(1)
onnxruntime.set_default_logger_severity(3)  # not that an input for adapters is no constant
TEXT = 'A!"#$ the cat'
root = Path(sys.argv[1])
worst = 0.0


def differ(what: str, actual, expected) -> None:
    global worst
    actual, expected = np.asarray(actual, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    assert actual.shape == expected.shape, f"{what}: {actual.shape} instead of {expected.shape}"
    difference = float(np.abs(actual - expected).max() / max(1.0, np.abs(expected).max()))
    worst = max(worst, difference)
    print(json.dumps({"compared": what, "difference": difference}))


def logits(model, case) -> np.ndarray:
    model.config.pad_token_id = None  # of one text nothing is padding
    with torch.no_grad():
        output = model.eval()(input_ids=torch.tensor(case["ids"])).logits
    return (output[0] if case["task"] == "CAUSAL_LM" else output).numpy()


def halves(rows: np.ndarray, width: int) -> np.ndarray:
    """Rows of q and k as llama.cpp keeps them, in Hugging Face's order."""
    return rows.reshape(-1, width // 2, 2, rows.shape[-1]).swapaxes(1, 2).reshape(rows.shape)


def updates(model) -> dict:
    """Module path -> PEFT's own update, [out, in]."""
    result = {}
    for path, module in model.base_model.model.named_modules():
        if hasattr(module, "get_delta_weight") and "default" in getattr(module, "lora_A", {}):
            delta = module.get_delta_weight("default").detach().numpy()
            result[path] = delta.T if module.fan_in_fan_out else delta
    return result


def compare_gguf(case, folder: Path, merged, deltas: dict) -> None:
    config = merged.config
    reader = gguf.GGUFReader(folder / "model.gguf")
    architecture = reader.get_field("general.architecture").contents()
    names = gguf.get_tensor_name_map(next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == architecture), config.num_hidden_layers)
    tensors = {tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type) for tensor in reader.tensors}
    packed = {tensor.name: tensor for tensor in gguf.GGUFReader(folder / "packed.gguf").tensors}
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads

    def plain(name: str, values: np.ndarray) -> np.ndarray:
        return halves(values, width) if architecture == "llama" and (".attn_q." in name or ".attn_k." in name) and values.ndim == 2 else values

    biggest = 0.0
    for name, parameter in merged.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings or name.endswith((".attn.bias", ".masked_bias")):
            continue
        stem, ending = name.rsplit(".", 1)
        stored = f"{names.get_name(stem)}.{ending}"
        expected = parameter.numpy()
        if architecture == "gpt2" and stem.rsplit(".", 1)[1] in ("c_attn", "c_proj", "c_fc") and ending == "weight":
            expected = expected.T
        actual = tensors[stored]
        if actual.ndim == 1 and architecture == "llama" and (".attn_q." in stored or ".attn_k." in stored):
            actual = halves(actual[:, None], width)[:, 0]
        else:
            actual = plain(stored, actual)
        assert actual.shape == expected.shape, stored
        biggest = max(biggest, float(np.abs(actual - expected).max()))
        if packed[stored].tensor_type == gguf.GGMLQuantizationType.Q8_0:  # the package's own quantisation of the same values
            assert np.array_equal(packed[stored].data, gguf.quants.quantize(tensors[stored], packed[stored].tensor_type)), stored
    differ(f"{case['name']}: GGUF tensors", biggest, 0.0)

    reader = gguf.GGUFReader(folder / "adapter.gguf")
    assert reader.get_field("general.type").contents() == "adapter" and reader.get_field("adapter.type").contents() == "lora"
    alpha = reader.get_field("adapter.lora.alpha").contents()
    factors = {tensor.name: tensor.data for tensor in reader.tensors}
    biggest = 0.0
    for path, delta in deltas.items():
        name = f"{names.get_name(path)}.weight"
        a, b = factors.pop(f"{name}.lora_a"), factors.pop(f"{name}.lora_b")
        biggest = max(biggest, float(np.abs(plain(name, b @ a * (alpha / a.shape[0])) - delta).max()))
    assert not factors, factors.keys()
    differ(f"{case['name']}: GGUF adapter", biggest, 0.0)


def compare_mlx(case, folder: Path, deltas: dict) -> None:
    config = json.loads((folder / "adapter_config.json").read_text())
    tensors = load_file(folder / "adapters.safetensors")
    scale, keys = config["lora_parameters"]["scale"], config["lora_parameters"]["keys"]
    assert config["fine_tune_type"] == "lora" and config["num_layers"] > 0
    biggest = 0.0
    for path, delta in deltas.items():
        assert any(path.endswith(f".{key}") or path == key for key in keys), path
        a, b = tensors.pop(f"{path}.lora_a"), tensors.pop(f"{path}.lora_b")
        biggest = max(biggest, float(np.abs((scale * a @ b).T - delta).max()))
    assert not tensors, tensors.keys()
    differ(f"{case['name']}: MLX adapter", biggest, 0.0)


def onnx_logits(model: Path, case, adapter: Path | None = None) -> np.ndarray:
    onnx.checker.check_model(str(model), full_check=True)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    ids = np.asarray(case["ids"], dtype=np.int64)
    feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    for entry in session.get_inputs():
        if entry.name.startswith("past_key_values."):
            feeds[entry.name] = np.zeros((len(ids), entry.shape[1], 0, entry.shape[3]), dtype=np.float32)
        elif entry.name == "token_type_ids":
            feeds[entry.name] = np.zeros_like(ids)
    options = onnxruntime.RunOptions()
    if adapter is not None:
        loaded = onnxruntime.LoraAdapter()
        loaded.Load(str(adapter))
        options.add_active_adapter(loaded)
    (result,) = session.run(["logits"], feeds, options)
    return result[0] if case["task"] == "CAUSAL_LM" else result


for case in json.loads((root / "cases.json").read_text()):
    folder = root / case["name"]
    differ(f"{case['name']}: ONNX model", onnx_logits(folder / "onnx/onnx/model.onnx", case), case["logits"])
    if case["task"] == "CAUSAL_LM":
        base, adapter = folder / "onnx-base/onnx/model.onnx", folder / "adapter.onnx_adapter"
        differ(f"{case['name']}: ONNX base with an adapter", onnx_logits(base, case, adapter), case["logits"])
        assert np.abs(onnx_logits(base, case) - case["logits"]).max() > 1e-3  # the adapter does something
    auto = AutoModelForCausalLM if case["task"] == "CAUSAL_LM" else AutoModelForSequenceClassification
    merged, loading = auto.from_pretrained(folder / "merged", output_loading_info=True)
    assert not loading["missing_keys"] and not loading["unexpected_keys"], loading
    differ(f"{case['name']}: merged folder", logits(merged, case), case["logits"])
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "merged")  # as the file says, not as the family usually is
    assert tokenizer(TEXT).input_ids == case["tokens"], (case["name"], tokenizer(TEXT).input_ids, case["tokens"])
    if case["base"] is None:
        continue
    labels = {} if case["task"] == "CAUSAL_LM" else {"num_labels": len(case["logits"][0]), "ignore_mismatched_sizes": True}
    base = auto.from_pretrained(case["base"], **labels)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        adapted = PeftModel.from_pretrained(base, folder / "adapter")
    complaints = [str(warning.message) for warning in caught if "config" in str(warning.message).lower()]
    assert not complaints, complaints
    differ(f"{case['name']}: PEFT adapter", logits(adapted, case), case["logits"])
    if case["mlx"]:
        compare_mlx(case, folder / "mlx", updates(adapted))
    if case["gguf"]:
        compare_gguf(case, folder, merged, updates(adapted))

print(json.dumps({"largest": worst}))
sys.exit(0 if worst <= 1e-4 else 1)
