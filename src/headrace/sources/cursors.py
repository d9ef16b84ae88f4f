"""The cursor of a file: how many records were read, and hashes that tell whether the file still holds them."""

import hashlib
from typing import Annotated

import msgspec

from headrace.sources import saved_cursors

HASHED_AT_ONCE, HASHED_BYTES = 500, 1 << 20  # records, or bytes of them, which are kept until then


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How many records were read: `digest` is the hash of all but the last of them, and `last` that of the last one.

    In an archive, they are those of a `member`, and `before` is the hash of what tells the members before it from others.
    """

    records: Annotated[int, msgspec.Meta(ge=0)] = 0
    digest: str = ""
    last: str = ""
    member: str = ""
    before: str = ""


class Changed(Exception):
    """The file does not hold what was read of it before; the message says how that shows."""


class Digest:
    """The hash of the records that were added."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._added: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> None:
        """Add the bytes of a record."""
        self._added.append(data)
        self._size += len(data)
        if len(self._added) >= HASHED_AT_ONCE or self._size >= HASHED_BYTES:
            self.value()

    def value(self) -> str:
        """The hash of all records so far."""
        self._hash.update(b"".join([data + b"\n" for data in self._added]))
        self._added, self._size = [], 0
        return self._hash.hexdigest()


def read(text: str | None) -> Cursor:
    """The cursor that was saved; the start if there is none, or it cannot be read."""
    return saved_cursors.read(text, Cursor)


def write(records: int, digest: Digest, last: bytes, member: str = "", before: str = "") -> str:
    """The cursor to save after so many records, of a member if the file is an archive. `digest` has all but the last of them."""
    return saved_cursors.write(Cursor(records, digest.value(), hash_of(last), member, before))


def hash_of(data: bytes) -> str:
    """The hash of one record."""
    return hashlib.sha256(data).hexdigest()
