"""What the softmax of informal text learns from, and in which order: rows of main sources, and of others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from headrace.training.datasets import Row
from headrace.training.token_examples import TokenExamples
from headrace.training.token_owners import owned, owners
from headrace.training.token_softmax import Material, TokenSoftmax


@dataclass(frozen=True, eq=False)
class Lesson:
    """`material`, whose first `main` texts are of main sources, and the `owners` of the table's rows."""

    material: Material
    owners: NDArray[np.int64]
    main: int

    @classmethod
    def of(
        cls,
        model: TokenSoftmax,
        rows: Sequence[Row],
        main: int,
        sources: NDArray[np.int64],
        *,
        votes: NDArray[np.float64],
        heard: NDArray[np.float64] | float = 1.0,
        noise: NDArray[np.float64] | float = 0.0,
        most: float,
    ) -> Self:
        """A lesson of rows, whose labels are among the model's classes, with the places of their `sources`.

        Within a source, every label counts as much as the others, but a row at most as `most`; a row counts as much as it is `heard`. A
        share of `noise` of the labels is taken to be wrong. `votes`: how much a row counts when a row of the table is given to a feature.
        """
        size = len(model.classes_)
        labels = np.searchsorted(model.classes_, [row.label for row in rows])
        known = np.zeros((int(sources.max()) + 1, size), np.bool_)
        known[sources, labels] = True
        doubt = np.broadcast_to(np.asarray(noise), len(rows))[:, None]
        targets = np.eye(size)[labels] * (1 - doubt) + doubt * known[sources] / known[sources].sum(
            axis=1, keepdims=True
        )
        counts = np.zeros(known.shape)
        np.add.at(counts, (sources, labels), 1)
        fair = counts.sum(axis=1, keepdims=True) / np.maximum(counts, 1) / known.sum(axis=1, keepdims=True)
        weights = np.minimum(fair[sources, labels], most) * heard
        examples = TokenExamples.of([row.text for row in rows], model.characters_)
        owning = owners(examples, votes.astype(np.float32), model.buckets, model.least)
        material = Material(
            owned(examples, owning), targets.astype(np.float32), weights.astype(np.float32), sources, known
        )
        return cls(material, owning, main)

    def told(self, said: NDArray[np.float32], own: NDArray[np.float32]) -> Self:
        """The same texts with the probabilities that a teacher `said`, (texts, labels), mixed with their own labels, of which `own` are the
        shares, (texts,). Every label is known to all."""
        targets = own[:, None] * self.material.targets + (1 - own[:, None]) * said
        known = np.ones((1, said.shape[1]), np.bool_)
        sources = np.zeros(len(said), np.int64)
        return replace(self, material=replace(self.material, targets=targets, sources=sources, known=known))


@dataclass(frozen=True)
class Course:
    """The order of learning. The `first` passes are over all texts, at the model's rate, which falls to half of it. Then sums of squared
    gradients are multiplied by `forget`, so that main sources are heard, and the `later` passes, at the share `rate` of the model's, which
    falls to nothing, are over all main texts and the share `reminder` of the others.
    """

    first: int
    later: int
    rate: float
    forget: float = 0.1
    reminder: float = 0.25

    def learn(self, model: TokenSoftmax, lesson: Lesson, random: np.random.Generator) -> None:
        """Let a model that has started learn the lesson."""
        texts = len(lesson.material.weights)
        for number in range(self.first):
            rates = [model.rate * (1 - 0.5 * part / self.first) for part in (number, number + 1)]
            model.learn(lesson.material, random.permutation(texts), (rates[0], rates[1]))
        model.squares_ *= self.forget
        others = np.arange(lesson.main, texts)
        for number in range(self.later):
            some = random.choice(others, int(len(others) * self.reminder), replace=False)
            order = random.permutation(np.concatenate([np.arange(lesson.main), some]))
            rates = [model.rate * self.rate * (1 - part / self.later) for part in (number, number + 1)]
            model.learn(lesson.material, order, (rates[0], rates[1]))
