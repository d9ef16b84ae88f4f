"""Classifiers of the user's own: `python:module:Class`."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, runtime_checkable

from headrace.documents import Prediction
from headrace.errors import Misconfigured
from headrace.ports import Classifier

UNVERSIONED = "0"  # the version of a class that states none


@runtime_checkable
class Predicting(Protocol):
    """The least that a class has to have."""

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """As `Classifier.predict`."""
        ...


@dataclass(frozen=True)
class Unversioned:
    """A user's object that has `predict` but not all of `Classifier`, with defaults for what it leaves out."""

    inner: Predicting
    version: str = UNVERSIONED
    golden: Sequence[tuple[str, str]] = ()

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """What the object predicts."""
        return self.inner.predict(texts)


def from_url(url: str) -> Classifier:
    """An instance of the class that `python:module:Class` names, made without arguments.

    Raises Misconfigured if there is no such module or class, or it has no method `predict`. What the class itself raises goes through.
    """
    module, _, name = url.removeprefix("python:").partition(":")
    try:
        made = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise Misconfigured(f"the classifier {url} cannot be loaded: {error}") from error
    if not callable(made):
        raise Misconfigured(f"{url} is not a class; write python:module:Class, a class with predict(texts)")
    return _as_classifier(made(), url)


def _as_classifier(stated: object, url: str) -> Classifier:
    """The object as it is if it states all of `Classifier`, otherwise with version "0" or no golden texts in place of what is missing."""
    if isinstance(stated, Classifier):
        return stated
    if not isinstance(stated, Predicting):
        raise Misconfigured(f"{url} has no method predict(texts), which gives one headrace.Prediction a text; add it")
    return Unversioned(stated, str(getattr(stated, "version", UNVERSIONED)), getattr(stated, "golden", ()))
