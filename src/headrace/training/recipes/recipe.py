"""A recipe: how a task is trained, evaluated and served."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from headrace.models.card import Rule
from headrace.training.datasets import Progress, Row
from headrace.training.fitting import Choices, Fitted
from headrace.training.recipes.cuts import Cut


@dataclass(frozen=True)
class Recipe:
    """How a task is trained.

    `fit` learns from rows. `rule` goes into the card. `golden` are the texts that every load of the model is checked with; if there are
    none, they are taken from the user's data. `cuts` names further kinds of held-out text, which are cut from the whole ones.
    `test_size` is the share that is held out unless the user says otherwise. `sources` tells homes and licences of known data files, by
    name.
    """

    name: str
    summary: str
    fit: Callable[[Sequence[Row], Choices, Progress], Fitted]
    rule: Rule | None = None
    golden: tuple[str, ...] = ()
    cuts: tuple[tuple[str, Cut], ...] = ()
    test_size: float = 0.1
    sources: Callable[[], Mapping[str, Mapping[str, str]]] = dict
