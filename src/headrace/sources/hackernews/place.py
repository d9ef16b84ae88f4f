"""Where to go on in Hacker News, and what was told of it."""

from typing import Annotated, Self

import msgspec

from headrace.sources import saved_cursors

GREATEST = (1 << 53) - 1  #: id that an item can have
Last = Annotated[int, msgspec.Meta(ge=-1, le=GREATEST)]
Count = Annotated[int, msgspec.Meta(ge=0, le=GREATEST)]
REMEMBERED = 2000  #: items, of about three hours; texts can be edited for two


class Place(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The last id that was asked for, -1 to begin with what comes from now on; the ids before it that were not given out yet, each with how
    often it was asked for; and the items that were told, as `Told` writes them."""

    last: Last = -1
    pending: tuple[tuple[Count, Count], ...] = ()
    told: tuple[str, ...] = ()

    @classmethod
    def read(cls, cursor: str | None) -> Self:
        """What was saved as a cursor; that of the beginning if there is none, or it cannot be read."""
        return saved_cursors.read(cursor, cls)

    def write(self) -> str:
        """The place as a cursor."""
        return saved_cursors.write(self)


class Told:
    """The last items that came, and the versions of each text that were told: none of an item that was dead then."""

    def __init__(self, written: tuple[str, ...]) -> None:
        self._versions: dict[str, list[str]] = {}
        for one in written:
            identity, *versions = one.split(":")
            self._versions[identity] = versions

    def versions(self, number: int) -> list[str] | None:
        """The versions of an item that were told, the first one first; None if it is not remembered."""
        return self._versions.get(str(number))

    def add(self, number: int, *versions: str) -> None:
        """Remember versions of an item, beside those that are remembered already."""
        self._versions[str(number)] = [*self._versions.pop(str(number), ()), *versions]

    def replace(self, number: int, *versions: str) -> None:
        """Remember these versions of an item alone."""
        self._versions.pop(str(number), None)
        self.add(number, *versions)

    def write(self) -> tuple[str, ...]:
        """The last of them, for a cursor."""
        written = [":".join((identity, *versions)) for identity, versions in self._versions.items()]
        for identity in list(self._versions)[:-REMEMBERED]:
            del self._versions[identity]
        return tuple(written[-REMEMBERED:])
