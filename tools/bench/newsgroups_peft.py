"""PEFT's LoRA on the plan that newsgroups.ts wrote: `newsgroups_peft.py PLAN SEED THREADS`. Progress on stderr, the outcome on stdout.

MiniLM, the mean of its last hidden states over the tokens, a linear head; everything else as the plan says. Batches are padded to
their longest text.
"""

import json
import resource
import statistics
import sys
import time

import peft
import torch
import transformers

plan_file, seed, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(plan_file) as file:
    plan = json.load(file)
torch.set_num_threads(threads)
torch.manual_seed(seed)
transformers.logging.set_verbosity_error()

base = transformers.AutoModel.from_pretrained(plan["model"], dtype=torch.float32, add_pooling_layer=False)
config = peft.LoraConfig(
    r=plan["rank"], lora_alpha=plan["alpha"], target_modules=plan["targetModules"], lora_dropout=0.0
)
model = peft.get_peft_model(base, config)
head = torch.nn.Linear(base.config.hidden_size, len(plan["labels"]))
parameters = [p for p in model.parameters() if p.requires_grad] + list(head.parameters())
batches = plan["batches"][str(seed)]
steps = sum(len(epoch) for epoch in batches)
optimizer = torch.optim.AdamW(parameters, lr=plan["learningRate"])
schedule = transformers.get_linear_schedule_with_warmup(optimizer, plan["warmupSteps"], steps)


def logits(examples):
    longest = max(len(example["ids"]) for example in examples)
    ids = torch.zeros(len(examples), longest, dtype=torch.long)
    mask = torch.zeros(len(examples), longest)
    for row, example in enumerate(examples):
        ids[row, : len(example["ids"])] = torch.tensor(example["ids"])
        mask[row, : len(example["ids"])] = 1
    hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
    weights = mask[..., None]
    return head((hidden * weights).sum(1) / weights.sum(1))


def evaluate():
    model.eval()
    order = sorted(range(len(plan["test"])), key=lambda i: len(plan["test"][i]["ids"]))
    predictions = [0] * len(order)
    with torch.no_grad():
        for start in range(0, len(order), 64):
            part = order[start : start + 64]
            for i, label in zip(part, logits([plan["test"][i] for i in part]).argmax(-1).tolist()):
                predictions[i] = label
    model.train()
    return predictions


epochs, times, tokens, predictions = [], [], 0, []
for epoch in batches:
    model.train()
    losses = []
    for batch in epoch:
        examples = [plan["train"][i] for i in batch]
        started = time.perf_counter()
        loss = torch.nn.functional.cross_entropy(logits(examples), torch.tensor([e["label"] for e in examples]))
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        times.append(time.perf_counter() - started)
        tokens += sum(len(e["ids"]) for e in examples)
        losses.append((loss.item(), len(examples)))
        if len(times) % 20 == 0:
            print(f"step {len(times)}/{steps}  loss {loss.item():.4f}  {times[-1]:.2f} s", file=sys.stderr)
    predictions = evaluate()
    accuracy = sum(p == e["label"] for p, e in zip(predictions, plan["test"])) / len(predictions)
    epochs.append({"loss": sum(l * n for l, n in losses) / sum(n for _, n in losses), "accuracy": accuracy})
    print(f"epoch {len(epochs)}: accuracy {accuracy:.4f}", file=sys.stderr)

print(
    json.dumps(
        {
            "method": "peft",
            "seed": seed,
            "epochs": epochs,
            "predictions": predictions,
            "trainable": sum(p.numel() for p in parameters),
            "steps": len(times),
            "tokens": tokens,
            "seconds": sum(times),
            "medianStep": statistics.median(times),
            "peakResidentBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            "versions": {
                "torch": torch.__version__.split("+")[0],
                "transformers": transformers.__version__,
                "peft": peft.__version__,
            },
        }
    )
)
