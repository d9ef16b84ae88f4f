"""Where to go on in a stream: after an event, if the server numbers them, else from now on, with a gap."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Self

import msgspec

from headrace.clock import microseconds, to_datetime, to_microseconds
from headrace.ports import Batch, Gap
from headrace.sources import saved_cursors

LATEST = to_microseconds(datetime.max.replace(tzinfo=UTC))


class Position(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The id of the last event, empty if it has none, and when it came, in microseconds since the epoch; 0 if none has come."""

    id: str = ""
    at: Annotated[int, msgspec.Meta(ge=0, le=LATEST)] = 0

    @classmethod
    def read(cls, cursor: str | None) -> Self:
        """The position that was saved as a cursor; that of the beginning if it cannot be read."""
        return saved_cursors.read(cursor, cls)

    def write(self) -> str:
        """The position as a cursor."""
        return saved_cursors.write(self)

    def gap(self, stream: str) -> Gap | None:
        """What is missing of a stream that goes on now: nothing if it goes on after an event, or is read for the first time."""
        if self.id or not self.at:
            return None
        return Gap(
            f"{stream} has no memory: what came after {_written(self.at)}, when the last event came, up to {_written(microseconds())}"
            " is missing"
        )


def _written(at: int) -> str:
    return f"{to_datetime(at):%Y-%m-%d %H:%M:%S} UTC"


def begun_anew(after: str | None, stream: str, kind: type[msgspec.Struct] = Position) -> Sequence[Batch]:
    """The first batch of a stream that goes on from now as its saved cursor, a `kind`, cannot be read, with the gap that this makes; none
    of any other."""
    restarted = saved_cursors.restarted(after, kind)
    if not restarted:
        return ()
    gap = Gap(f"{stream}: {restarted}, so what came since then, up to {_written(microseconds())}, is missing")
    return (Batch([gap], saved_cursors.write(kind()), restarted),)
