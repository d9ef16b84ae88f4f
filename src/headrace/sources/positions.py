"""Where to go on in a stream: after an event, if the server numbers them, else from now on, with a gap."""

from datetime import UTC, datetime
from typing import Self

import msgspec

from headrace.clock import microseconds
from headrace.ports import Gap


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """The id of the last event, empty if it has none, and when it came, in microseconds since the epoch; 0 if none has come."""

    id: str = ""
    at: int = 0

    @classmethod
    def read(cls, cursor: str | None) -> Self:
        """The position that was saved as a cursor; that of the beginning if it cannot be read."""
        try:
            return msgspec.json.decode(cursor or "{}", type=cls)
        except msgspec.DecodeError:
            return cls()

    def write(self) -> str:
        """The position as a cursor."""
        return msgspec.json.encode(self).decode()

    def gap(self, stream: str) -> Gap | None:
        """What is missing of a stream that goes on now: nothing if it goes on after an event, or is read for the first time."""
        if self.id or not self.at:
            return None
        return Gap(
            f"{stream} has no memory: what came after {_written(self.at)}, when the last event came, up to {_written(microseconds())}"
            " is missing"
        )


def _written(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
