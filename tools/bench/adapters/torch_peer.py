"""Training steps of PEFT's LoRA, or of LoRAN as its authors compute it, on the model that the plan describes: `torch_peer.py PLAN`.

Each line 'step' on stdin is answered by the milliseconds of a step and those of all processors in it, 'end' by the peak resident bytes.
"""

import json
import resource
import sys
import time

import peft
import torch
import transformers

plan = json.loads(sys.argv[1])
torch.set_num_threads(plan["threads"])
torch.manual_seed(0)
config = transformers.LlamaConfig(
    hidden_size=plan["width"],
    intermediate_size=plan["hidden"],
    num_hidden_layers=plan["layers"],
    num_attention_heads=plan["heads"],
    num_key_value_heads=plan["keyHeads"],
    vocab_size=plan["vocabulary"],
    max_position_embeddings=plan["time"],
    tie_word_embeddings=True,
)
base = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
rank = plan["rank"]
model = peft.get_peft_model(
    base,
    peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=["q_proj", "v_proj"], lora_dropout=plan["dropout"]),
)


def authors(layer):
    A, B = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    dropout, scaling = layer.lora_dropout["default"], layer.scaling["default"]

    def forward(x):
        product = (B @ A).T
        shaped = 5e-5 * product * torch.sin(1e4 * product) + product
        return layer.base_layer(x) + scaling * (dropout(x) @ shaped)

    return forward


for module in model.modules():
    if isinstance(module, peft.tuners.lora.Linear):
        torch.nn.init.normal_(module.lora_B["default"].weight, std=0.01)
        if plan["method"] == "loran":
            module.forward = authors(module)

model.train()
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)


def step():
    ids = torch.randint(plan["vocabulary"], (plan["batch"], plan["time"]))
    started, used = time.perf_counter(), time.process_time()
    loss = model(input_ids=ids, labels=ids).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    loss.item()
    return 1000 * (time.perf_counter() - started), 1000 * (time.process_time() - used)


for line in sys.stdin:
    if line.strip() == "end":
        print(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)
        break
    print(*step(), flush=True)
