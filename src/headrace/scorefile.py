"""Records of a file, scored in order: each comes out as its own object with `predictions`, or with an `error`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol, TypeVar

import msgspec

from headrace.documents import read
from headrace.errors import Rejected
from headrace.model import Model

T = TypeVar("T")


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


def as_scored(record: Record, limit: int) -> dict[str, Any]:
    """The object of a record, with an `error` where it is no document."""
    members = (
        dict(record.members) if isinstance(record.members, Mapping) else {"data": record.data.decode(errors="replace")}
    )
    try:
        if record.fault:
            raise Rejected(record.fault)
        read(record.members, limit=limit)
    except Rejected as error:
        members["error"] = str(error)
    return members


def score_lines(lines: Sequence[dict[str, Any]], models: Sequence[Model], threshold: float | None) -> int:
    """Add `predictions` to every object that has no `error`; how many have one."""
    good = [line for line in lines if "error" not in line]
    texts = [line["text"] for line in good]
    for line in good:
        line["predictions"] = {}
    for model in models:
        name = model.name.partition("@")[0]
        for line, prediction in zip(good, model.predict(texts, threshold=threshold), strict=True):
            line["predictions"][name] = msgspec.to_builtins(prediction)
    return len(lines) - len(good)
