"""Headrace: realtime labelling of text. Importing it loads no third-party module."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.models.registry import Model as Model
    from headrace.models.registry import load as load
    from headrace.scoring.linear.compile import compile as compile  # noqa: A004

__version__ = "0.1.0"
__all__ = ["compile", "load"]


def __getattr__(name: str) -> Any:
    """`load` and `compile` are imported when they are first used."""
    home = {"load": "headrace.models.registry", "compile": "headrace.scoring.linear.compile"}.get(name)
    if home is None:
        raise AttributeError(f"module 'headrace' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(home), name)
