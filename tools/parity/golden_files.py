"""What scripts that make golden files share."""

import json
from pathlib import Path


def rounded(tensor, digits: int = 7) -> list:
    """A tensor's values as nested lists, or one number, to so many significant digits."""

    def walk(value):
        return [walk(item) for item in value] if isinstance(value, list) else float(f"{value:.{digits}g}")

    return walk(tensor.detach().double().tolist())


def save_adapter(adapted, folder: Path) -> None:
    """As PEFT saves it, without the card, and with its set of targets in order: a set's changes from run to run."""
    adapted.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["target_modules"].sort()
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True))
    make_readable(folder)


def make_readable(folder: Path) -> None:
    """Libraries write some files for their owner alone."""
    for file in folder.rglob("*"):
        if file.is_file():
            file.chmod(0o644)
