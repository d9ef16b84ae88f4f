"""How well models agree with labels and with each other: the figures, in the shape of `headrace compare --json`."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import msgspec

from headrace.operations.compare.answers import Answers
from headrace.operations.compare.rows import Rows

Confusion = dict[str, dict[str, int]]


class LabelFigures(msgspec.Struct, frozen=True):
    """One label of the data or of the model. `support` is how many texts have it.

    `recall` is null if none has it, and `precision` if the model never says it.
    """

    recall: float | None
    precision: float | None
    f1: float
    support: int


class ModelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One model. Accuracy, recall, F1, `ece` and `confusion` are over the rows with a label, and null or empty if there are none.

    A text on which the model failed counts as wrong. `macro_recall` is the mean recall of the labels of the data, with its standard error;
    `macro_f1` the mean F1 of all labels of the data or of the model. `ece` is the expected calibration error of the scores of labels that
    it names, and null if they are not from 0 to 1. `confusion` counts by the label of the data, then by what the model says, without
    failures.
    """

    model: str
    name: str
    accuracy: float | None = None
    macro_recall: float | None = None
    macro_recall_se: float | None = None
    macro_f1: float | None = None
    per_label: dict[str, LabelFigures] = {}
    ece: float | None = None
    texts_per_second: float
    declined: int
    failed: int
    confusion: Confusion = {}


class PairFigures(msgspec.Struct, frozen=True):
    """Two models, by their names, over the `rows` on which neither failed.

    `agreement` is the share with equal labels, with its binomial standard error; null without rows. `kappa` is Cohen's; null if both models
    give every text one and the same label. `confusion` counts by the label of the first, then of the second.
    """

    models: tuple[str, str]
    rows: int
    agreement: float | None
    agreement_se: float | None
    kappa: float | None
    confusion: Confusion


class Comparison(msgspec.Struct, frozen=True):
    """All figures. `rows` counts the texts that were compared, `labelled` those with a label, `labels` are the labels of the data."""

    rows: int
    labelled: int
    malformed: int
    labels: tuple[str, ...]
    models: tuple[ModelFigures, ...]
    pairs: tuple[PairFigures, ...]


def compare(rows: Rows, answers: Sequence[Answers]) -> Comparison:
    """The figures of models over the same rows, in their order, and of each two of them."""
    return Comparison(
        rows=len(rows.texts),
        labelled=rows.labelled,
        malformed=rows.malformed,
        labels=tuple(sorted(set(filter(None, rows.labels)))),
        models=tuple(_of_model(one, rows) for one in answers),
        pairs=tuple(_of_pair(a, b) for a, b in combinations(answers, 2)),
    )


def cohens_kappa(pairs: Mapping[tuple[str, str], int]) -> float | None:
    """Agreement beyond chance (Cohen 1960), from the counts of pairs of labels; None if it is not defined: both always give one label."""
    total = sum(pairs.values())
    first, second = Counter[str](), Counter[str]()
    for (a, b), count in pairs.items():
        first[a] += count
        second[b] += count
    chance = sum(count * second[label] for label, count in first.items())
    equal = sum(count for (a, b), count in pairs.items() if a == b)
    return None if chance == total * total else (equal * total - chance) / (total * total - chance)


def _of_model(answers: Answers, rows: Rows) -> ModelFigures:
    model = answers.model
    told = ModelFigures(
        model=model.version,
        name=model.name,
        texts_per_second=len(answers.labels) / max(answers.seconds, 1e-9),
        declined=sum(label in model.declining for label in answers.labels),
        failed=answers.failed,
    )
    pairs = Counter((true, said) for true, said in zip(rows.labels, answers.labels, strict=True) if true)
    if not pairs:
        return told
    per_label = _per_label(pairs)
    recalls = [(one.recall, one.support) for one in per_label.values() if one.recall is not None]
    return msgspec.structs.replace(
        told,
        accuracy=sum(count for (true, said), count in pairs.items() if true == said) / pairs.total(),
        macro_recall=_mean(recall for recall, _ in recalls),
        macro_recall_se=math.sqrt(sum(recall * (1 - recall) / support for recall, support in recalls)) / len(recalls),
        macro_f1=_mean(one.f1 for one in per_label.values()),
        per_label=per_label,
        ece=_ece(answers, rows),
        confusion=_nested(pairs),
    )


def _of_pair(a: Answers, b: Answers) -> PairFigures:
    pairs = Counter((one, other) for one, other in zip(a.labels, b.labels, strict=True) if one and other)
    total, names = pairs.total(), (a.model.name, b.model.name)
    if not total:
        return PairFigures(names, 0, None, None, None, {})
    share = sum(count for (one, other), count in pairs.items() if one == other) / total
    error = math.sqrt(share * (1 - share) / total)
    return PairFigures(names, total, share, error, cohens_kappa(pairs), _nested(pairs))


def _per_label(pairs: Mapping[tuple[str, str], int]) -> dict[str, LabelFigures]:
    """The figures of all labels that are true or said, in alphabetical order; a text on which a model failed has no label that is said."""
    support, predicted, hits = Counter[str](), Counter[str](), Counter[str]()
    for (true, said), count in pairs.items():
        support[true] += count
        predicted[said] += count
        hits[true] += count if true == said else 0
    return {
        label: LabelFigures(
            hits[label] / support[label] if support[label] else None,
            hits[label] / predicted[label] if predicted[label] else None,
            2 * hits[label] / (support[label] + predicted[label]),
            support[label],
        )
        for label in sorted({*support, *predicted} - {""})
    }


def _ece(answers: Answers, rows: Rows) -> float | None:
    """The expected calibration error over the texts that have a label and get one; None if there are none or a score is not from 0 to 1."""
    import numpy as np  # here, so that `headrace compare --help` does not load it

    from headrace.training.evaluate import calibration_error, reliability

    declining = answers.model.declining
    named = [
        (score, true == said)
        for true, said, score in zip(rows.labels, answers.labels, answers.scores, strict=True)
        if true and said and said not in declining
    ]
    if not named or not all(0 <= score <= 1 for score, _ in named):
        return None
    scores, right = zip(*named, strict=True)
    return calibration_error(reliability(np.array(scores, np.float64), np.array(right, np.bool_)))


def _nested(pairs: Mapping[tuple[str, str], int]) -> Confusion:
    nested: Confusion = {}
    for (first, second), count in sorted(pairs.items()):
        if second:
            nested.setdefault(first, {})[second] = count
    return nested


def _mean(values: Iterable[float]) -> float:
    every = list(values)
    return sum(every) / len(every)
