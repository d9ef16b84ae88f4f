"""Framing: where each JSON value of a text begins and ends, however the text is laid out.

Usually a line is a value, and this is not needed. It reads what else people write: a list of objects, objects that are indented or follow
one another in a line, and what is left of them if some are damaged. Memory is bounded by the limit of a value, not by the length of a list.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

KEPT_BYTES = 64 << 10  # of a value that is too long, or damaged; the rest is dropped

NOT_FINITE = re.compile(rb"\bNaN\b|-?\bInfinity\b")  # what people write though JSON has no such numbers
_BETWEEN = re.compile(rb"[\s,\x1e]*")
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\]]', re.DOTALL)  # a whole string, the beginning of one, or a bracket
_IN_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SCALAR = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[^,\]]+', re.DOTALL)
_BEGIN = re.compile(rb"([ \t]*)(?:[}\]]\s*,\s*)?(?=[{\[])")  # of a value, in a line
_LIST_END = re.compile(rb"([ \t]*)\]")
_NEIGHBOURS = re.compile(rb"\}[\s,\x1e]*\{")  # of two documents; also within a list or a text of one
_decode = msgspec.json.Decoder().decode
_check = msgspec.json.Decoder(msgspec.Raw).decode  # makes nothing


class Value(NamedTuple):
    """A JSON value as it stands in the text, and the number of the line in which it begins; or (`fault`) why it is none."""

    data: bytes
    line: int
    fault: str = ""


class Framing:
    """Splits lines into JSON values. The members of a list at the top are values of their own; `limit`: the longest value, in bytes.

    What is not JSON is a value too, for whoever parses it to refuse: the rest of a line, or a damaged object with the lines that follow it,
    up to the one in which another object begins.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._list_line = 0  # in which a list began that has not ended; 0 outside of lists
        self._parts: list[bytes] = []  # of the value that has not ended, a part a line
        self._size = self._begin = self._column = self._depth = 0
        self._in_string = self._escaped = self._too_long = False
        self._lost = False  # the rest of this line belongs to what is not JSON in it
        self._damaged: list[bytes] | None = None  # the lines of a damaged value that is given up
        self._damaged_bytes, self._fault = 0, ""

    @property
    def idle(self) -> bool:
        """Whether a value, and not a part of one or of a list, may begin with the next line."""
        return not (self._parts or self._list_line or self._damaged)

    def feed(self, line: bytes, number: int, more: Iterable[bytes] = ()) -> Iterator[Value]:
        """The values that end in this line, to which its rest, `more`, belongs."""
        again = deque([(number, line, more)])
        while again:
            number, line, more = again.popleft()
            if self._damaged is not None:
                begin = self._resumed(line)
                if begin < 0:
                    for piece in (line, *more):
                        self._keep_damaged(piece)
                    continue
                yield self._give_up()
            else:
                begin = 0
            self._lost = False
            yield from self._scan(line, number, begin)
            for piece in more:
                if self._size > self._limit:
                    self._cut()
                if not self._lost:
                    yield from self._scan(piece, number)
            if self._parts and self._ends_badly():
                again.extendleft((at, part, ()) for at, part in reversed(self._split()))

    def end(self) -> Iterator[Value]:
        """The values that are left at the end of the text."""
        while self._parts and not self._too_long and len(self._parts) > 1 and self._is_damaged():
            for number, part in self._split():
                yield from self.feed(part, number)
        if self._damaged is not None:
            yield self._give_up()
        if self._parts:
            yield self._taken()
        if self._list_line:
            line, self._list_line = self._list_line, 0
            yield Value(b"[", line, "the JSON list that begins here never ends; it may have been cut short")

    def _scan(self, data: bytes, number: int, place: int = 0) -> Iterator[Value]:
        while True:
            if self._parts:
                end = self._end_of_value(data, place)
                self._keep(data[place:] if end < 0 else data[place:end])
                if end < 0:
                    return
                place = end
                yield self._taken()
            between = _BETWEEN.match(data, place)
            assert between is not None
            start, place = place, between.end()
            if place == len(data):
                return
            byte = data[place : place + 1]
            if byte == b"{" or (byte == b"[" and self._list_line):
                self._parts, self._begin, self._column = [b""], number, place
            elif byte == b"[":
                self._list_line, place = number, place + 1
            elif byte == b"]" and self._list_line:
                self._list_line, place = 0, place + 1
            else:
                scalar = _SCALAR.match(data, place) if self._list_line else None
                end = scalar.end() if scalar else len(data)
                yield Value(data[start if start == 0 else place : end], number)
                self._lost = scalar is None
                place = end

    def _end_of_value(self, data: bytes, place: int) -> int:
        """Where the open value ends in these bytes; -1 if it goes on."""
        place += self._escaped
        while True:
            found = _IN_STRING.match(data, place) if self._in_string else _TOKEN.search(data, place)
            if found is None:
                self._escaped = self._in_string and (len(data) - len(data.rstrip(b"\\"))) % 2 == 1
                return -1
            place = found.end()
            token = found.group()
            if self._in_string:
                self._in_string = False
            elif token == b'"':
                self._in_string = True
            elif token in (b"{", b"["):
                self._depth += 1
            elif token in (b"}", b"]"):
                self._depth -= 1
                if not self._depth:
                    return place

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if not self._too_long:
            self._parts[-1] += part
        elif self._size - len(part) < KEPT_BYTES:
            self._parts[-1] = (self._parts[-1] + part)[:KEPT_BYTES]

    def _ends_badly(self) -> bool:
        """Whether the open value is damaged, now that a line has ended in it. If it is sound, it goes on in the next line."""
        if self._in_string:
            return True
        if not self._too_long:
            lines = len(self._parts)
            too_long = self._size > self._limit
            # Looked at after 2, 4, 8 … lines, so that the whole is parsed about twice.
            if (too_long or lines & (lines - 1) == 0) and lines > 1 and self._is_damaged():
                return True
            if too_long:
                self._cut()
                return False
            self._parts.append(b"")
        return False

    def _cut(self) -> None:
        """Keep only the beginning of the open value, which is too long."""
        self._too_long, self._parts = True, [b"\n".join(self._parts)[:KEPT_BYTES]]

    def _is_damaged(self) -> bool:
        text = b"\n".join(self._parts)
        try:
            _decode(NOT_FINITE.sub(b"null", text))
        except msgspec.DecodeError as error:
            return not any(word in str(error) for word in ("truncated", "UTF-8"))
        except (UnicodeDecodeError, RecursionError):
            return False  # it ends where it ends; what parses it refuses it
        return False

    def _split(self) -> list[tuple[int, bytes]]:
        """Give up the open value, which is damaged, with its first line. The lines after it are to be read again."""
        self._damaged, again = [self._parts[0]], [*enumerate(self._parts[1:], self._begin + 1)]
        self._damaged_bytes, self._fault = len(self._parts[0]), self._too_long_fault()
        self._close()
        return again

    def _resumed(self, line: bytes) -> int:
        """Where in this line another value begins, or the list ends, after a damaged value; -1 if neither does."""
        found = _BEGIN.match(line)
        if found is not None and len(found[1]) <= self._column:
            return found.end()
        ended = _LIST_END.match(line) if self._list_line else None
        return 0 if ended is not None and len(ended[1]) <= self._column else -1

    def _keep_damaged(self, line: bytes) -> None:
        assert self._damaged is not None
        if self._damaged_bytes < max(KEPT_BYTES, self._limit) and line.strip():
            self._damaged.append(line)
            self._damaged_bytes += len(line)

    def _give_up(self) -> Value:
        damaged, self._damaged = self._damaged or [], None
        return Value(b"\n".join(damaged), self._begin, self._fault)

    def _taken(self) -> Value:
        value = Value(b"\n".join(self._parts).rstrip(b"\n"), self._begin, self._too_long_fault())
        self._close()
        return value

    def _too_long_fault(self) -> str:
        """Why the open value is too long; empty if it is not."""
        if not self._too_long and self._size <= self._limit:
            return ""
        return f"the JSON value that begins here is longer than {self._limit:,} bytes (setting document_bytes)"

    def _close(self) -> None:
        self._parts, self._size, self._depth = [], 0, 0
        self._in_string = self._escaped = self._too_long = False


def values(text: bytes) -> Iterator[Value]:
    """The JSON values of a text that is in memory; what is not JSON is among them as it stands."""
    framing = Framing(len(text))
    for number, line in enumerate(text.split(b"\n"), 1):
        yield from framing.feed(line, number)
    yield from framing.end()


def is_single(text: bytes) -> bool:
    """Whether a text from `{` to `}` is at most one JSON value, sound or damaged."""
    # In a single document the first } is often the last byte, which is quick to find out.
    if text.find(b"}") == len(text) - 1 or not _NEIGHBOURS.search(text):
        return True
    try:
        _check(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
