"""Whether the fields that a user names are in the records of a stream at all."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from headrace.errors import Misconfigured, Rejected
from headrace.fields import Field, Fields
from headrace.sources.json_records import Record

LOOKED_AT, BYTES = 1000, 16 << 20  #: records of a stream, or bytes of them, among which a field has to occur

T = TypeVar("T")


def fitting(items: Iterator[T], records: Callable[[T], Iterable[Record]], fields: Fields, name: str) -> Iterator[T]:
    """The items, each of which has `records`.

    Raises Misconfigured, before the first of them, if a field is in none of the first objects, of which there is at least one.
    """
    missing: list[Field] = [field for field in (*fields.text, fields.id, fields.created_at, fields.source) if field]
    first: list[T] = []
    last: Record | None = None
    looked = size = 0
    for item in items:
        first.append(item)
        for record in records(item):
            if isinstance(record.members, dict) and not record.fault:
                members = _opened(record.members, fields)
                missing = [] if isinstance(members, str) else [field for field in missing if not field.is_in(members)]
                last, looked, size = record, looked + 1, size + len(record.data)
        if not missing or looked >= LOOKED_AT or size >= BYTES:
            break
    if missing and last is not None and isinstance(last.members, dict):
        members = _opened(last.members, fields)
        if isinstance(members, Mapping):
            raise Misconfigured(f"reading {name}: {last.where.rpartition(', ')[2]} has {missing[0].absence(members)}")
    yield from first
    yield from items


def _opened(members: Mapping[str, Any], fields: Fields) -> Mapping[str, Any] | str:
    """As `Fields.opened`; what that rejects as it is."""
    try:
        return fields.opened(members)
    except Rejected:
        return members
