"""One cache for Python's huggingface_hub and @loran/hub: run by hub-cache.ts, which sets HF_HOME, HF_ENDPOINT and HF_HUB_OFFLINE.

  hub_cache.py find    prints what is found in the cache of a model and a data set, without the network
  hub_cache.py fetch   fetches them, for @loran/hub to find
"""

import hashlib
import json
import sys
from pathlib import Path

from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download

local = sys.argv[1] == "find"


def contents(folder):
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


model = snapshot_download("org/tiny", local_files_only=local)
rows = snapshot_download("org/rows", repo_type="dataset", local_files_only=local)
config = hf_hub_download("org/tiny", "config.json", local_files_only=local)
report = scan_cache_dir()
json.dump(
    {
        "model": contents(model),
        "dataset": contents(rows),
        "config": str(Path(config).relative_to(model)),
        "repositories": sorted(f"{repo.repo_type} {repo.repo_id}" for repo in report.repos),
        "warnings": [str(warning) for warning in report.warnings],
    },
    sys.stdout,
)
