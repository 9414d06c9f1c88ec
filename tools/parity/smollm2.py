"""Golden values for SmolLM2-135M-Instruct from its GGUF file, dequantised to fp32 by transformers.

    python tools/parity/smollm2.py FOLDER_OR_FILE

Needs torch, transformers and gguf. Writes packages/models/src/__fixtures__/smollm2.json: the prompt's ids, every 512th logit of
each row, and the tokens that follow it greedily.
"""

import json
import sys
from pathlib import Path

import torch
import transformers

FIXTURE = Path(__file__).parents[2] / "packages/models/src/__fixtures__/smollm2.json"
PROMPT = "The capital of France is"


def main(path: Path) -> None:
    file = path if path.is_file() else next(path.glob("*.gguf"))
    options = dict(gguf_file=file.name, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent)
    model = transformers.AutoModelForCausalLM.from_pretrained(file.parent, **options).eval()
    ids = tokenizer(PROMPT).input_ids
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
        greedy = model.generate(torch.tensor([ids]), max_new_tokens=24, do_sample=False)[0, len(ids) :].tolist()
    FIXTURE.write_text(json.dumps({
        "transformers": transformers.__version__,
        "prompt": PROMPT,
        "ids": ids,
        "every": 512,
        "scale": float(f"{logits.abs().max().item():.7g}"),
        "logits": [[float(f"{value:.7g}") for value in row[::512].tolist()] for row in logits],
        "greedy": greedy,
        "text": tokenizer.decode(greedy),
    }) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
