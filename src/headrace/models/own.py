"""Classifiers of the user's own: `python:module:Class`."""

from importlib import import_module
from typing import Any

from headrace.errors import Misconfigured


def from_url(url: str) -> Any:
    """What the class that `python:module:Class` names makes, called without arguments.

    Raises Misconfigured if there is no such module or class. What the class itself raises goes through.
    """
    module, _, name = url.removeprefix("python:").partition(":")
    try:
        made = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise Misconfigured(f"the classifier {url} cannot be loaded: {error}") from error
    if not callable(made):
        raise Misconfigured(f"{url} is not a class; write python:module:Class, a class with predict(texts)")
    return made()
