"""Records of a file, scored in order: each comes out as its own object with `predictions`, or with an `error`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any, Protocol, TypeVar

import msgspec

from headrace.documents import Prediction, read
from headrace.errors import Rejected
from headrace.retrying import isolate

T = TypeVar("T")
Predictions = Mapping[str, Prediction]
Answer = Callable[[Sequence[str]], Sequence[Predictions]]


class Record(Protocol):
    """A record as it stands in a file."""

    @property
    def data(self) -> bytes: ...
    @property
    def members(self) -> object: ...
    @property
    def fault(self) -> str: ...


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items, the last one shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def score(records: Sequence[Record], answer: Answer, *, limit: int) -> tuple[list[dict[str, Any]], int]:
    """The object of each record, in order, and how many of them have an `error`.

    `answer` gives predictions by model for each text, and may raise Rejected: what it fails on is found by halving.
    """
    faults = [_fault(record, limit) for record in records]
    texts = [_text(record) for record, fault in zip(records, faults, strict=True) if not fault]
    answers = chain.from_iterable(isolate(texts, partial(_answers, answer), _failure))
    scored, wrong = [], 0
    for record, fault in zip(records, faults, strict=True):
        found = fault or next(answers)
        scored.append(_object(record) | ({"error": found} if isinstance(found, str) else {"predictions": found}))
        wrong += isinstance(found, str)
    return scored, wrong


def _answers(answer: Answer, texts: Sequence[str]) -> list[dict[str, Any] | str]:
    return [msgspec.to_builtins(dict(predictions)) for predictions in answer(texts)]


def _failure(_text: str, error: Rejected) -> list[dict[str, Any] | str]:
    return [str(error)]


def _fault(record: Record, limit: int) -> str:
    """Why a record is no document; empty where it is one."""
    if record.fault:
        return record.fault
    try:
        read(record.members, limit=limit)
    except Rejected as error:
        return str(error)
    return ""


def _text(record: Record) -> str:
    assert isinstance(record.members, Mapping)
    return str(record.members["text"])


def _object(record: Record) -> dict[str, Any]:
    if isinstance(record.members, Mapping):
        return dict(record.members)
    return {"data": record.data.decode(errors="replace")}
