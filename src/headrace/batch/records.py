"""Records of a file, scored in order: each comes out as its own object with `predictions`, or with an `error`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from headrace.batch.acceptance import surely_documents
from headrace.errors import Rejected
from headrace.fields import USUAL, Fields
from headrace.models.model_set import ModelSet
from headrace.retrying import isolate

_encode = msgspec.json.Encoder().encode_lines

T = TypeVar("T")


class Record(Protocol):
    """A record as it stands in a file: its bytes, its place, the object that they decode to, and why they can't be decoded (empty if they
    can)."""

    @property
    def data(self) -> bytes: ...
    @property
    def where(self) -> str: ...
    @property
    def members(self) -> object: ...
    @property
    def fault(self) -> str: ...


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items, the last one shorter; none without items."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


class Scored(NamedTuple):
    """The lines of JSON that records become, each with its line end; how many they are, and how many of them have an `error`."""

    lines: bytes
    records: int
    wrong: int


def score(
    records: Sequence[Record],
    models: ModelSet,
    *,
    limit: int,
    threshold: float | None = None,
    fields: Fields = USUAL,
) -> Scored:
    """The object of each record, in order, as a line of JSON; the objects get the members that are added.

    A record gets an `error` if it is not a document of up to `limit` bytes, or if a model fails on its text, which is found by halving.
    `fields` are where a record has its text. `threshold` is that of `ModelSet.predict`. Raises as that does, but for Rejected. Several
    threads may call it if the models are `parallel`.
    """
    sure = surely_documents([record.members for record in records], limit) if fields.usual else [False] * len(records)
    faults = [
        "" if is_one and not one.fault else _fault(one, limit, fields)
        for one, is_one in zip(records, sure, strict=True)
    ]
    texts = [_text(record, fields) for record, fault in zip(records, faults, strict=True) if not fault]
    answers = chain.from_iterable(isolate(texts, partial(models.predict, threshold=threshold), _failure))
    scored, wrong = [], 0
    for record, fault in zip(records, faults, strict=True):
        found = fault or next(answers)
        known = _object(record)
        if type(found) is str:
            known["error"] = found
            wrong += 1
        else:
            known["predictions"] = found
        scored.append(known)
    return Scored(_encode(scored), len(scored), wrong)


def _failure(_text: str, error: Rejected) -> list[Any]:
    return [str(error)]


def _fault(record: Record, limit: int, fields: Fields) -> str:
    """Why a record is not a document; empty if it is one."""
    if record.fault:
        return f"{record.where}: {record.fault}"
    try:
        fields.read(record.members, limit=limit)
    except Rejected as error:
        return str(error)
    return ""


def _text(record: Record, fields: Fields) -> str:
    members: Any = record.members
    return str(fields.text_of(members))


def _object(record: Record) -> dict[str, Any]:
    members = record.members
    if isinstance(members, dict):
        return members
    return dict(members) if isinstance(members, Mapping) else {"data": record.data.decode(errors="replace")}
