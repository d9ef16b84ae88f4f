"""Headrace: realtime labelling of text.

`load` opens a model, `compile` makes a fast scorer of a scikit-learn pipeline, `Registry` keeps models, and a `Worker` takes documents from
a queue and stores their results. `errors` has all exceptions. Importing this module loads no third-party module: each name is imported when
it is first used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace import errors as errors
    from headrace.documents import Document as Document
    from headrace.documents import Prediction as Prediction
    from headrace.models.model import Model as Model
    from headrace.models.registry import Registry as Registry
    from headrace.models.registry import load as load
    from headrace.scoring.linear.compile import compile as compile  # noqa: A004
    from headrace.spans import Span as Span
    from headrace.worker.worker import Worker as Worker

__version__ = "0.1.0"
__all__ = ["Document", "Model", "Prediction", "Registry", "Span", "Worker", "compile", "errors", "load"]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name == "errors":
        return import_module("headrace.errors")
    homes = {
        "Document": "headrace.documents",
        "Model": "headrace.models.model",
        "Prediction": "headrace.documents",
        "Registry": "headrace.models.registry",
        "Span": "headrace.spans",
        "Worker": "headrace.worker.worker",
        "compile": "headrace.scoring.linear.compile",
        "load": "headrace.models.registry",
    }
    if name not in homes:
        raise AttributeError(f"module 'headrace' has no attribute {name!r}")
    return getattr(import_module(homes[name]), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
