"""Public data that the default models are trained on."""

import tomllib
from pathlib import Path


def public_sources(task: str) -> dict[str, dict[str, str]]:
    """Home and licence of the public data that the default model of a task is trained on, by the names of its files."""
    return tomllib.loads(Path(__file__).with_name(f"{task}.toml").read_text(encoding="utf-8"))
