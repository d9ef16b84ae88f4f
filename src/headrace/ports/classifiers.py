"""Classifiers: what predicts labels."""

from collections.abc import Sequence
from typing import Protocol

from headrace.documents import Prediction


class Classifier(Protocol):
    """Whatever predicts a label for a text."""

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction a text, in order. A remote model may raise Unavailable."""
        ...
