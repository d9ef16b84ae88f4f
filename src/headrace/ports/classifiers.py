"""Classifiers: what predicts labels."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, Self, runtime_checkable

from headrace.documents import Prediction
from headrace.spans import Span


class VersionRef(NamedTuple):
    """A version of a model by name: "language@3f9c2a" is VersionRef("language", "3f9c2a"). `str` gives the one text back.

    What follows the @ may be an alias too; it is empty if there is none.
    """

    name: str
    version: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The parts of "name@version" or "name"."""
        name, _, version = text.partition("@")
        return cls(name, version)

    def __str__(self) -> str:
        return f"{self.name}@{self.version}" if self.version else self.name


def model_of(version: str) -> str:
    """The model's name in "name@version". The same as `VersionRef.parse(version).name`, for code that does it for every prediction."""
    return version.partition("@")[0]


@runtime_checkable
class Classifier(Protocol):
    """Predicts a label for a text. Used by one thread.

    A class that is named in the setting `models` may leave out `version` and `golden`; they are then "0" and none.
    """

    @property
    def version(self) -> str:
        """What stands after the @ on its predictions. It has to change when the answers change."""
        ...

    @property
    def golden(self) -> Sequence[tuple[str, str]]:
        """Texts and the labels that they must get. A classifier that fails on them is broken, and no document is blamed for that."""
        ...

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction a text, in order; none for no texts. A remote model may raise Unavailable.

        `model` on a prediction is left empty; what serves the classifier fills it in.
        """
        ...


@runtime_checkable
class Ranking(Classifier, Protocol):
    """A classifier that also ranks all its labels, and declines to name one below a threshold; optional. `headrace.Model` is one."""

    def predict(self, texts: Sequence[str], *, threshold: float | None = None) -> list[Prediction]:
        """As `Classifier.predict`; below the threshold (None: the classifier's own; 0: never) a label that means "unknown"."""
        ...

    def top(self, texts: Sequence[str], n: int) -> list[list[Prediction]]:
        """The best `n` labels of each text, or all if there are fewer, best first, whatever the threshold."""
        ...


@runtime_checkable
class Stepwise(Classifier, Protocol):
    """A classifier that is asked about a few texts at a time; optional. A model behind a slow server is one: it works on many texts for
    longer than the setting `deadline`, which then holds for each step."""

    @property
    def most_texts(self) -> int:
        """How many texts it should be given at once, at least 1. It may change between two calls."""
        ...


@runtime_checkable
class Restrictable(Ranking, Protocol):
    """A classifier that can be restricted to some of its labels; optional. `headrace.Model` is one."""

    @property
    def labels(self) -> Sequence[str]:
        """All labels that it may name."""
        ...

    @property
    def label_sets(self) -> Mapping[str, Sequence[str]]:
        """Names for some sets of its labels; empty if there are none."""
        ...

    def restricted(self, labels: Sequence[str]) -> "Restrictable":
        """The same classifier, which names only these labels, or those of these sets. Raises Misconfigured for any that it doesn't have."""
        ...


@runtime_checkable
class Spanning(Classifier, Protocol):
    """A classifier that also tells where the label changes within a text; optional. `headrace.Model` is one.

    One that has the method but can't use it says so by an attribute `finds_spans` that is false; it is then not asked.
    """

    def spans(self, texts: Sequence[str], *, threshold: float | None = None) -> list[list[Span]]:
        """The spans of each text, in order, without overlap; none for a text without any label. `threshold` as in `Ranking.predict`."""
        ...
