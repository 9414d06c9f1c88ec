"""transformers' generation: `generate_peer.py MODEL.gguf PROMPT TOKENS THREADS`; the speed on stdout, as JSON."""

import json
import os
import resource
import statistics
import sys
import time

path, prompt, tokens, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])


def transformers_speed() -> dict:
    import torch
    import transformers

    torch.set_num_threads(threads)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    started = time.perf_counter()
    folder, file = os.path.split(os.path.abspath(path))
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32).eval()
    load = time.perf_counter() - started
    ids = torch.tensor([[(i * 97) % model.config.vocab_size for i in range(prompt)]])
    for _ in range(2):
        times = []
        with torch.no_grad():
            last = time.perf_counter()
            result = model(ids, use_cache=True, logits_to_keep=1)
            token = result.logits[:, -1].argmax(-1, keepdim=True)
            for _ in range(tokens):
                token.item()
                times.append(time.perf_counter() - last)
                last = time.perf_counter()
                result = model(token, past_key_values=result.past_key_values, use_cache=True)
                token = result.logits[:, -1].argmax(-1, keepdim=True)
    return {"loadSeconds": load, "prefillSeconds": times[0], "tokenSeconds": statistics.median(times[1:])}


speed = transformers_speed()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({**speed, "promptTokens": prompt, "peakResidentBytes": peak}))
