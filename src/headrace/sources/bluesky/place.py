"""How far a stream was read."""

from typing import Self

import msgspec

from headrace.sources import saved_cursors

MARGIN = 60_000_000  #: microseconds to go back if only the time is known: each host sees an event at a time of its own
SMALLEST_TIME = 10**15  #: a cursor from which on Jetstream takes it for a time, and not for a number


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """After the event with the number `seq` of the host `host`; or, if that is 0, after the time `at`, in microseconds since the epoch.

    Hosts of version 1 number their events only if they speak version 2 as well. `same`: how many events of this very time were read of one
    that does not; 0 if the time is not one that the host has given. `live`: whether the archive was read to its end, if it is read at all.
    """

    host: str = ""
    seq: int = 0
    at: int = 0
    same: int = 0
    live: bool = False

    @classmethod
    def read(cls, cursor: str | None, host: str) -> Self:
        """The place that was saved as a cursor, as it is found on this host; the beginning if it cannot be read."""
        place = saved_cursors.read(cursor, cls)
        return place if place.host == host else cls(host, at=place.at, live=place.live)

    def write(self) -> str:
        """The place as a cursor."""
        return saved_cursors.write(self)

    @property
    def asked(self) -> int | None:
        """What a host is asked for, by either version: a number, or a time; None for what comes from now on."""
        if self.seq or self.same:
            return self.seq or self.at
        return max(self.at - MARGIN, SMALLEST_TIME) if self.at else None
