"""What to know before the figures of a comparison are believed: labels that do not fit, texts on which models failed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from headrace.operations.compare.answers import Answers
from headrace.operations.compare.rows import Rows

SHOWN = 5  # labels that a warning names


def cautions(rows: Rows, answers: Sequence[Answers]) -> list[str]:
    """What there is to warn of, each a sentence; none if the labels of the data and of all models fit and no model failed."""
    return [*_of_rows(rows), *(one for each in answers for one in _of_model(each, rows)), *_of_pairs(answers)]


def _of_rows(rows: Rows) -> Iterator[str]:
    if rows.malformed:
        were = "was" if rows.malformed == 1 else "were"
        yield f"{_count(rows.malformed, 'row')} can't be used and {were} left out: {'; '.join(rows.faults)}"
    without = len(rows.texts) - rows.labelled
    if not rows.labelled:
        yield "no row has a label: models are compared with each other alone"
    elif without:
        count = "has no label, and counts" if without == 1 else "have no label, and count"
        yield f"{_count(without, 'row')} {count} for agreement and speed alone"
    if rows.unmapped:
        yield f"no row has the label {_listed(rows.unmapped, ' or ')}, which --map renames"


def _of_model(answers: Answers, rows: Rows) -> Iterator[str]:
    model, said = answers.model, Counter(answers.labels)
    if failed := said.pop("", 0):
        yield f"{model.name} failed on {_count(failed, 'text')}: {answers.failure}"
    true = Counter(filter(None, rows.labels))
    unknown = sorted(true.keys() - said.keys() - model.labels)
    others = sorted(said.keys() - true.keys() - model.declining)
    if not true or not said:
        return
    if len(unknown) == len(true):
        yield (
            f"{model.name} says no label of the data: it says {_listed(others or sorted(said))}, the data {_listed(unknown)};"
            " if they mean the same, rename those of the data, such as --map '1=positive,0=negative'"
        )
        return
    if unknown:
        number = sum(true[label] for label in unknown)
        yield f"{model.name} never says {_listed(unknown, ' or ')}, labels of {_count(number, 'row')}, which count as wrong"
    if others:
        number = sum(said[label] for label in others)
        yield f"{model.name} says {_listed(others)}, {_count(number, 'time')}, which no row of the data has as its label"


def _of_pairs(answers: Sequence[Answers]) -> Iterator[str]:
    for a, b in combinations(answers, 2):
        mine, other = (set(filter(None, one.labels)) | one.model.labels for one in (a, b))
        if mine and other and not mine & other:
            yield f"{a.model.name} and {b.model.name} have no label in common, so they never agree"


def _listed(labels: Iterable[str], last: str = ", ") -> str:
    """The first few labels, and how many more there are."""
    every = [repr(label) for label in labels]
    if len(every) > SHOWN:
        return f"{', '.join(every[:SHOWN])} and {len(every) - SHOWN:,} more"
    return last.join(filter(None, (", ".join(every[:-1]), every[-1])))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
