"""The languages of mixed texts: each stretch that a scorer has found is labelled as if it were a text of its own."""

from collections.abc import Callable, Mapping, Sequence

from headrace.documents import Prediction
from headrace.errors import Misconfigured, Rejected
from headrace.models.card import Rule
from headrace.ports import VersionRef
from headrace.scoring.scorer import Stretching
from headrace.spans import Span

Predict = Callable[[list[str]], list[Prediction]]
#: Where a stretch begins and ends.
Stretch = tuple[int, int]
#: A stretch and its label.
Piece = tuple[int, int, Prediction]


def find_spans(
    ref: VersionRef,
    scorer: Stretching | None,
    texts: list[str],
    predict: Predict,
    rule: Rule | None,
    places: Sequence[int] | None = None,
) -> list[list[Span]]:
    """The spans of each text, labelled by `predict`, which applies `rule`. `places`: the labels that the model is restricted to.

    `scorer` finds the stretches. Raises Misconfigured, naming the model, if it has none that does, and Rejected for what is not a string.
    """
    if scorer is None:
        raise Misconfigured(
            f"model {ref} can't find spans: only models of the recipe language or the estimator softmax can; choose one of them"
        )
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise Rejected(f"text {number} can't have spans: it is not a string but of type {type(text).__name__}")
    stretches = scorer.stretches(texts, places, others=rule is not None)
    no_letters = rule.no_letters if rule else ""
    if no_letters:  # a scorer may know no letter of a text that is in some language all the same
        stretches = [some or _whole(text) for text, some in zip(texts, stretches, strict=True)]
    return label_stretches(texts, stretches, predict, no_letters)


def label_stretches(
    texts: Sequence[str], stretches: Sequence[Sequence[Stretch]], predict: Predict, no_letters: str
) -> list[list[Span]]:
    """The spans of each text, in order, given its stretches in order. Neighbours have different labels.

    A text of one span has the label and score that `predict` gives the whole text. A text without stretches has no span, nor has one whose
    label is `no_letters`. A part with that label belongs to the span before it, or to the first one.
    """
    found: dict[int, list[Piece]] = {}
    waiting = {place: some for place, some in enumerate(stretches) if some}
    while waiting:  # what is joined is labelled once more: it may get another label than its parts
        labelled = _labelled(texts, waiting, predict)
        joined = {place: _joined(pieces, no_letters) for place, pieces in labelled.items()}
        waiting = {
            place: [piece[:2] for piece in pieces]
            for place, pieces in joined.items()
            if len(pieces) < len(waiting[place]) and (place not in found or len(pieces) == 1)
        }
        found |= joined
    return [_spans(text, found.get(place, ()), no_letters) for place, text in enumerate(texts)]


def _whole(text: str) -> list[Stretch]:
    """All of a text but the blanks around it, as one stretch; none if it is blank."""
    begin, end = len(text) - len(text.lstrip()), len(text.rstrip())
    return [(begin, end)] if begin < end else []


def _labelled(texts: Sequence[str], some: Mapping[int, Sequence[Stretch]], predict: Predict) -> dict[int, list[Piece]]:
    """The stretches of some texts, by the places of the texts, with their labels; a single one has the label of the whole text."""
    parts = [
        texts[place][begin:end] if len(known) > 1 else texts[place]
        for place, known in some.items()
        for begin, end in known
    ]
    labels = iter(predict(parts))
    return {place: [(begin, end, next(labels)) for begin, end in known] for place, known in some.items()}


def _joined(pieces: Sequence[Piece], no_letters: str) -> list[Piece]:
    """Pieces with neighbours of the same label joined; the score is that of the longest."""
    found: list[Piece] = []
    for begin, end, one in pieces:
        if not found or (found[-1][2].label != one.label and no_letters not in (found[-1][2].label, one.label)):
            found.append((begin, end, one))
            continue
        first, before, other = found[-1]
        keeps = one.label == no_letters or (other.label != no_letters and before - first >= end - begin)
        found[-1] = (first, end, other if keeps else one)
    return found


def _spans(text: str, pieces: Sequence[Piece], no_letters: str) -> list[Span]:
    return [
        Span(begin, end, one.label, one.score, text[begin:end], one.model)
        for begin, end, one in pieces
        if one.label != no_letters
    ]
