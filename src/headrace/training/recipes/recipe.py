"""A recipe: how a task is trained, evaluated and served."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from headrace.models.card import Rule
from headrace.training import datasets
from headrace.training.datasets import Progress, Row
from headrace.training.fitting import Choices, Fitted
from headrace.training.recipes.cuts import Cut


class Kind(NamedTuple):
    """Held-out rows of one kind of text, with its name."""

    name: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Recipe:
    """How a task is trained.

    `fit` learns from rows; before, and before any are held out, `check` raises Misconfigured if nothing good can come of them. `about`
    says what kind of text the model is for; it and `rule` go into the card. `golden` are the texts that every load of the model is checked
    with; if there are none, they are taken from the user's data. `cuts` names further kinds of held-out text, which are cut from the whole
    ones; or else `kinds` sorts held-out rows by kinds of text, the one that the model is for first. `label_sets` names sets of labels to
    which users may want to restrict the model; the card gets those of which it has every label. `test_size` is the share that is held out
    unless the user says otherwise. `sources` tells homes and licences of known data files, by name.
    """

    name: str
    summary: str
    fit: Callable[[Sequence[Row], Choices, Progress], Fitted]
    check: Callable[[Sequence[Row]], None] = datasets.check
    about: str = ""
    rule: Rule | None = None
    golden: tuple[str, ...] = ()
    cuts: tuple[tuple[str, Cut], ...] = ()
    kinds: Callable[[Sequence[Row]], Sequence[Kind]] | None = None
    label_sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    test_size: float = 0.1
    sources: Callable[[], Mapping[str, Mapping[str, str]]] = dict

    def sets_among(self, labels: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Those of `label_sets` that have no other labels than these."""
        return {name: some for name, some in self.label_sets.items() if set(some) <= set(labels)}
