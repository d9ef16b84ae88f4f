"""What every scorer is: linear, hashed, or a pipeline that is not compiled. Importing this loads no third-party library."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from headrace.documents import Prediction

if TYPE_CHECKING:
    from numpy import float64, int8, int64, str_
    from numpy.typing import NDArray


class Scorer(Protocol):
    """A text classifier that scores each of its labels."""

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the columns of `scores`."""
        ...

    @property
    def classes_(self) -> "NDArray[str_]":
        """`labels` as an array of shape (labels,), under scikit-learn's name."""
        ...

    @property
    def compiled(self) -> bool:
        """Whether it runs in a kernel, not as a scikit-learn pipeline."""
        ...

    @property
    def reason(self) -> str:
        """Why it is not compiled; empty if it is."""
        ...

    @property
    def calibrated(self) -> bool:
        """Whether scores are probabilities."""
        ...

    @property
    def predict_proba(self) -> "Callable[[Sequence[str]], NDArray[float64]]":
        """`scores` under scikit-learn's name. If scores are not probabilities, it is missing: AttributeError, as `hasattr` expects."""
        ...

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """The best label of each text with its score, in order, without a model's name; none for no texts."""
        ...

    def scores(self, texts: Sequence[str]) -> "NDArray[float64]":
        """Float64 of shape (texts, labels). Probabilities of a text sum to 1 minus the probability that it is none of the labels."""
        ...

    def save(self, folder: Path) -> None:
        """Write it into an existing folder, as files that `opening.open_scorer` opens."""
        ...


@runtime_checkable
class Preparing(Protocol):
    """A scorer that scores more slowly until its kernels are loaded. Optional."""

    def prepare(self, *, wait: bool = False) -> bool:
        """Load the kernels if they are compiled, and have another process compile them if not; whether they are loaded now. If not, call
        it again.

        With `wait`, or if compiled code can be kept nowhere, they are compiled here, which takes up to a minute.
        """
        ...


@runtime_checkable
class ContentReader(Protocol):
    """A scorer that also sees whether a text is language at all, in the same pass. Optional."""

    def predict_content(
        self, texts: Sequence[str]
    ) -> "tuple[NDArray[int64], NDArray[float64], NDArray[int8], NDArray[float64]]":
        """Four arrays of shape (texts,), which the caller may change: the index of the best label, its score, the kind of content, and the
        probability that the text is none of the labels.

        The kinds are `hashed.content.BLANK`, `CODE` and `WORDS`. The last is 0.0 throughout for a scorer that has not learnt it.
        """
        ...

    def content_scores(self, texts: Sequence[str]) -> "tuple[NDArray[float64], NDArray[int8]]":
        """The scores of all labels, shape (texts, labels), and the kind of content, shape (texts,); the caller may change both."""
        ...


@runtime_checkable
class Stretching(Protocol):
    """A scorer that finds where the label changes within a text. Optional."""

    def stretches(
        self, texts: Sequence[str], places: Sequence[int] | None = None, *, others: bool = True
    ) -> list[list[tuple[int, int]]]:
        """Where each stretch of each text begins and ends, in code points, in order and without overlap; none for a text without words.

        With `places` (of `labels`), the text is expected to have these labels only; with `others`, parts may have others all the same.
        """
        ...
