"""The format of server-sent events (WHATWG HTML, section 9.2.6), in bounded memory."""

import re
from collections.abc import Iterable, Iterator

from headrace.framing import KEPT_BYTES
from headrace.sources.stream import Message

EVENT_BYTES = 64 << 20  #: of the data of an event
ID_BYTES = 8 << 10  #: of the id of an event, which is sent as a header; servers take no longer ones
_BOM = b"\xef\xbb\xbf"
_SENDABLE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


def is_sendable(identity: str) -> bool:
    """Whether an id can be sent back to the server, in a header."""
    return len(identity.encode(errors="replace")) <= ID_BYTES and bool(_SENDABLE.fullmatch(identity))


def messages(pieces: Iterable[bytes], last: str = "", *, most: int = EVENT_BYTES) -> Iterator[Message]:
    """The events of a stream, as messages with the bytes of their data; `last` is the id of the last one before.

    An event without data is a message if its id is another than the last one, as that moves on. An empty id is one that `forgets`. An id
    that cannot be sent back counts as none. Of data longer than `most` bytes the beginning is kept, with a fault.
    """
    told, new, event = last, last, b""
    data, too_long = bytearray(), False
    for line in _lines(pieces, most):
        if not line:
            if data or told != new or too_long:
                moved, told = told != new, new
                kept = bytes(data if too_long else data[:-1])
                fault = f"the event is longer than {most:,} bytes" if too_long else ""
                yield Message(kept, told, event.decode(errors="replace"), fault, moved and not told)
            event, data, too_long = b"", bytearray(), False
            continue
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            too_long = too_long or len(line) > most or len(data) + len(value) > most
            data += (value[:KEPT_BYTES] if too_long else value) + b"\n"
            if too_long:
                del data[KEPT_BYTES:]
        elif name == b"event":
            event = value[:KEPT_BYTES]
        elif name == b"id" and is_sendable(identity := value.decode(errors="replace").strip(" \t")):
            new = identity


def _lines(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    """The lines that have ended, without their ends; one that is longer than `most` bytes is cut to one byte more."""
    open_line, size = list[bytes](), 0
    after_return, first = False, True
    for piece in filter(None, pieces):
        held = piece.removeprefix(b"\n") if after_return else piece
        after_return = piece.endswith(b"\r")
        for line in held.splitlines(keepends=True):
            bare = line.rstrip(b"\r\n")
            if size <= most:
                open_line.append(bare[: most + 1 - size])
                size += len(open_line[-1])
            if len(bare) < len(line):
                whole, open_line, size = b"".join(open_line), [], 0
                yield whole.removeprefix(_BOM) if first else whole
                first = False
