"""What is measured of a language model, for benchmarks/language.py.

A scorer has `labels`, and `scores(texts)`: a probability of each label, (texts, labels). A row sums to 1 minus the probability that the
text is none of the labels.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from language_tests import COMMON, FIRST, Example, Tests
from numpy.typing import NDArray

from headrace.training.evaluate import Bin, calibration_error, reliability

#: The kinds of tests whose scores are looked at, by the names that they begin with.
CALIBRATED = {
    "sentences": "sentences",
    "pairs": "pairs of words",
    "words": "single words",
    "long": "long texts",
    "tweets": "tweets",
}
#: Tests that are made of other tests' sentences.
REPEATED = frozenset({"sentences: families", "common languages"})
#: Lengths in characters, each up to this one.
LENGTHS = (5, 10, 20, 40, 80, 160, 10_000)
CONFIDENT = 0.8
UNKNOWN, NO_LANGUAGE = "und", "zxx"

Floats = NDArray[np.float64]
Namer = Callable[[list[str]], list[str]]


class Scoring(Protocol):
    """What can be measured."""

    labels: Sequence[str]

    def scores(self, texts: Sequence[str]) -> Floats:
        """The probability of each label, (texts, labels)."""


@dataclass(frozen=True)
class Scored:
    """The texts of a test with their scores, the columns in the order of `labels`."""

    examples: Sequence[Example]
    labels: Sequence[str]
    scores: Floats

    def best(self, among: Collection[str] | None = None) -> list[str]:
        """The likeliest label of each text, of all or of some labels."""
        columns = [place for place, label in enumerate(self.labels) if among is None or label in among]
        return [self.labels[columns[place]] for place in self.scores[:, columns].argmax(axis=1)]

    def some(self, wanted: Callable[[Example], bool]) -> "Scored":
        """The same for some of the texts."""
        places = [place for place, example in enumerate(self.examples) if wanted(example)]
        return Scored([self.examples[place] for place in places], self.labels, self.scores[places])


def is_prose(test: str) -> bool:
    """Whether a test is of sentences, and is not one of REPEATED."""
    return test.startswith("sentences") and test not in REPEATED


def in_known_labels(scored: dict[str, Scored]) -> dict[str, Scored]:
    """The tests without texts in labels that the scorer lacks, and without REPEATED ones."""
    known = {
        test: one.some(lambda example: example[1] in one.labels)  # noqa: B023
        for test, one in scored.items()
        if test not in REPEATED
    }
    return {test: one for test, one in known.items() if one.examples}


def score(scorer: Scoring, tests: Tests) -> dict[str, Scored]:
    """All tests, scored."""
    return {
        name: Scored(examples, scorer.labels, scorer.scores([text for text, _ in examples]))
        for name, examples in tests.items()
    }


def namer(scorer: Scoring, threshold: float, model: Any = None) -> Namer:
    """What names texts by the rule: the model itself; or, if only its scorer is there, the rule without the look at content."""
    if model is not None:
        return lambda texts: [one.label for one in model.predict(texts)]

    def name(texts: list[str]) -> list[str]:
        scores = scorer.scores(texts)
        best, none = scores.max(axis=1), 1 - scores.sum(axis=1)
        known = (best >= threshold) & (best >= none)
        return [scorer.labels[i] if sure else UNKNOWN for i, sure in zip(scores.argmax(axis=1), known, strict=True)]

    return name


def accuracy(
    examples: Sequence[Example], answers: Sequence[str], among: Collection[str] | None = None
) -> tuple[float, int]:
    """The mean over labels of the share that is labelled right, and how many labels these are; of all labels, or of some."""
    right = defaultdict(list)
    for (_, label), answer in zip(examples, answers, strict=True):
        if among is None or label in among:
            right[label].append(answer == label)
    return (float(np.mean([np.mean(one) for one in right.values()])), len(right)) if right else (float("nan"), 0)


@dataclass(frozen=True)
class Accuracy:
    """One test: accuracy over all labels, over those that are known, over the first 38, and over these if only they are allowed."""

    name: str
    texts: int
    figures: tuple[tuple[float, int], ...]


def accuracies(scored: dict[str, Scored]) -> list[Accuracy]:
    """The accuracy on each test, with every label alike and without a threshold; labels that the scorer lacks are wrong."""
    found = []
    for name, one in scored.items():
        free, first = one.best(), one.some(lambda example: example[1] in FIRST)
        known = set(one.labels)
        restricted = accuracy(first.examples, first.best(FIRST)) if first.examples else (float("nan"), 0)
        found.append(
            Accuracy(
                name,
                len(one.examples),
                (
                    accuracy(one.examples, free),
                    accuracy(one.examples, free, known),
                    accuracy(one.examples, free, FIRST),
                    restricted,
                ),
            )
        )
    return found


def confusions(scored: Sequence[Scored]) -> dict[str, Counter[str]]:
    """For each label what its texts are named, in all of these tests together."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for one in scored:
        for (_, label), answer in zip(one.examples, one.best(), strict=True):
            found[label][answer] += 1
    return found


def theft(examples: Sequence[Example], answers: Sequence[str]) -> dict[str, Counter[str]]:
    """Of each common language the labels outside the first 38 that its texts get; the member "" counts all of its texts."""
    found: dict[str, Counter[str]] = {label: Counter() for label in COMMON}
    for (_, label), answer in zip(examples, answers, strict=True):
        if label in found:
            found[label][""] += 1
            if answer not in FIRST and answer not in {UNKNOWN, NO_LANGUAGE}:
                found[label][answer] += 1
    return found


def calibration(scored: Sequence[Scored]) -> tuple[float, tuple[Bin, ...]]:
    """The expected calibration error over these texts, and the bins of the reliability diagram."""
    best = np.concatenate([one.scores.max(axis=1) for one in scored])
    right = np.concatenate(
        [np.array([a == label for a, (_, label) in zip(one.best(), one.examples, strict=True)]) for one in scored]
    )
    bins = reliability(best, right.astype(np.bool_))
    return calibration_error(bins), bins


def by_length(scored: Sequence[Scored]) -> dict[str, tuple[float, tuple[Bin, ...], int]]:
    """Calibration error, bins and number of texts for each range of lengths."""
    found, shorter = {}, 0
    for longest in LENGTHS:
        some = [one.some(lambda example: shorter < len(example[0]) <= longest) for one in scored]  # noqa: B023
        some = [one for one in some if one.examples]
        if some:
            name = f"{shorter + 1} to {longest}" if longest != LENGTHS[-1] else f"over {shorter}"
            found[name] = (*calibration(some), sum(len(one.examples) for one in some))
        shorter = longest
    return found


def none_of_the_labels(one: Scored, name: Namer) -> tuple[float, float, Counter[str]]:
    """Of texts in other languages: the share with a score over .8, the share that the rule names, and by what.

    Every language has the same weight.
    """
    sure, named, by = defaultdict(list), defaultdict(list), Counter[str]()
    answers = name([text for text, _ in one.examples])
    for (_, language), best, answer in zip(one.examples, one.scores.max(axis=1), answers, strict=True):
        sure[language].append(best > CONFIDENT)
        named[language].append(answer not in {UNKNOWN, NO_LANGUAGE})
        by[answer] += 1
    mean = lambda shares: float(np.mean([np.mean(one) for one in shares.values()]))  # noqa: E731
    return mean(sure), mean(named), by


def share(answers: Sequence[str], *labels: str) -> float:
    """The share of the answers that are one of these."""
    return float(np.mean([answer in labels for answer in answers])) if answers else float("nan")


def worst(one: Scored, most: int) -> list[tuple[str, float, str]]:
    """The languages whose texts have a score over .8 most often, with that share and the label that they get most often."""
    by_language: dict[str, list[str]] = defaultdict(list)
    for (_, language), best, label in zip(one.examples, one.scores.max(axis=1), one.best(), strict=True):
        by_language[language].append(label if best > CONFIDENT else "")
    found = []
    for language, labels in by_language.items():
        sure = Counter(label for label in labels if label)
        if sure:
            found.append((language, sure.total() / len(labels), sure.most_common(1)[0][0]))
    return sorted(found, key=lambda item: -item[1])[:most]
