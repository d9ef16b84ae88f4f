"""Records of JSON: usually an object a line, in any other layout too."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Any, NamedTuple

import msgspec

from headrace.documents import parse
from headrace.errors import Misconfigured, Rejected
from headrace.framing import KEPT_BYTES, Framing, Value
from headrace.sources.lines import BOM, Lines
from headrace.sources.transcoding import explained

NOT_JSON = 100  #: malformed records at the beginning of a file that show that it is not JSON …
LOOKED_AT = 1000  #: … among so many records, blank ones included
_decode = msgspec.json.Decoder().decode


class Record(NamedTuple):
    """One record as it stands in a stream: its bytes, where it stands, and its members, or (`fault`) why they can't be read.

    A blank line is a record whose `where` is empty.
    """

    data: bytes = b""
    where: str = ""
    members: object = None
    fault: str = ""


class JsonRecords:
    """Reads records of JSON. `name` is that of the stream, for messages; `limit`: the longest value, in bytes; `encoding` is the one that
    it was in, if it is known.

    Raises Misconfigured if the first records of a stream show that it is not JSON at all, unless it is `live`.
    """

    def __init__(self, name: str, limit: int, encoding: str = "") -> None:
        self._name, self._limit, self._encoding = name, limit, encoding
        self._too_long = f"the line is longer than {limit:,} bytes (setting document_bytes)"

    def records(self, lines: Lines, *, live: bool = False) -> Iterator[Record]:
        """The records of these lines, blank ones included."""
        blocks = ([record] for record in self._each(lines))
        return chain.from_iterable(blocks if live else self._if_json(blocks))

    def blocks(self, lines: Lines, *, live: bool = False) -> Iterator[list[Record]]:
        """As `records`, in lists: each has the records of the lines that are read already."""
        blocks = self._blocks(lines)
        return blocks if live else self._if_json(blocks)

    def _where(self, number: int) -> str:
        return f"{self._name}, line {number}"

    def _each(self, lines: Lines) -> Iterator[Record]:
        framing = Framing(self._limit)
        for number, line in enumerate(lines, 1):
            yield from self._framed(framing, line, number, lines)
        for value in framing.end():
            yield self._value(value)

    def _blocks(self, lines: Lines) -> Iterator[list[Record]]:
        framing, number = Framing(self._limit), 0
        while ready := lines.ready():
            members = _objects(ready, self._limit) if framing.idle else None
            if members is not None:
                lines.skip_ready()
                places = [f"{self._name}, line {at}" for at in range(number + 1, number + 1 + len(ready))]
                yield list(map(Record._make, zip(ready, places, members, repeat(""), strict=False)))
            else:
                numbered = enumerate(islice(lines, len(ready)), number + 1)
                yield [record for at, line in numbered for record in self._framed(framing, line, at, lines)]
            number += len(ready)
        yield [self._value(value) for value in framing.end()]

    def _framed(self, framing: Framing, line: bytes, number: int, lines: Lines) -> Iterator[Record]:
        """The records that end in this line, of which `lines` has the rest if it is too long."""
        if number == 1:
            line = line.removeprefix(BOM)
        if framing.idle and len(line) <= self._limit:  # of a longer one, the rest is not here
            if not line.strip():
                yield Record()
                return
            members = _object(line)
            if members is not None:
                yield Record(line, self._where(number), members)
                return
        for value in framing.feed(line, number, lines.more()):
            yield self._value(value)

    def _if_json(self, blocks: Iterator[list[Record]]) -> Iterator[list[Record]]:
        """The records. Raises Misconfigured, before the first of them, if there are many and none of them is JSON."""
        first: list[list[Record]] = []
        reasons: list[str] = []
        looked = 0
        for block in blocks:
            first.append(block)
            for record in block:
                looked += 1
                if record.fault.startswith("the document is not JSON"):
                    reasons.append(record.fault)
                if (
                    (found := bool(record.where and not record.fault))
                    or looked >= LOOKED_AT
                    or len(reasons) >= NOT_JSON
                ):
                    break
            else:
                continue
            if len(reasons) >= NOT_JSON and not found and looked < LOOKED_AT:
                raise Misconfigured(
                    f"reading {self._name}: it is not JSON ({reasons[0]}); if it is CSV or plain text, read it as a file whose name ends in"
                    " .csv or .txt"
                )
            break
        yield from first
        yield from blocks

    def _value(self, value: Value) -> Record:
        where = self._where(value.line)
        if value.fault or len(value.data) > self._limit:
            fault = explained(value.fault or self._too_long, value.data, self._encoding)
            return Record(value.data[:KEPT_BYTES], where, fault=fault)
        try:
            return Record(value.data, where, parse(value.data, lenient=True))
        except Rejected as error:
            fault = explained(str(error), value.data, self._encoding)
            return Record(value.data[:KEPT_BYTES], where, fault=fault)


def _objects(lines: Sequence[bytes], limit: int) -> list[Any] | None:
    """The objects of usual lines; None if one of them is not such a line."""
    if len(max(lines, key=len)) > limit:
        return None
    try:
        found = list(map(_decode, lines))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if set(map(type, found)) == {dict} else None


def _object(line: bytes) -> object:
    """The object of a usual line; None for any other, which may be a part of something else."""
    try:
        members = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return members if isinstance(members, dict) else None
