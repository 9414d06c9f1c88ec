"""Draws the sample of 20 Newsgroups on which the benchmark and its peers are measured, and writes its ids.

Python's own shuffle with seed 0, first of all 11,314 training posts, then of all 7,532 test posts; the first 3,000 and 1,500 are kept.

    LORAN_TEST_DATA=... python tools/bench/newsgroups_sample.py
"""

import gzip
import json
import os
import random
from pathlib import Path

data = Path(os.environ["LORAN_TEST_DATA"]) / "data/20news"
target = Path(__file__).parent / "newsgroups-sample.json"


def ids(name):
    with gzip.open(data / name, "rt") as lines:
        return [json.loads(line)["id"] for line in lines]


train, test = ids("20news-bydate-train.jsonl.gz"), ids("20news-bydate-test.jsonl.gz")
random.seed(0)
random.shuffle(train)
random.shuffle(test)
sample = {"train": train[:3000], "test": test[:1500]}
assert all(len(set(part)) == len(part) for part in sample.values()), "ids must be unique"
target.write_text(json.dumps(sample, indent=2) + "\n")
