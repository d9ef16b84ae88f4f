"""The cursor of a file: how many records were read, and hashes that tell whether the file still holds them."""

import hashlib

import msgspec

HASHED_AT_ONCE, HASHED_BYTES = 500, 1 << 20  # records, or bytes of them, which are kept until then


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many records were read: `digest` is the hash of all but the last of them, and `last` that of the last one.

    In an archive, they are those of a `member`, and `before` is the hash of what tells the members before it from others.
    """

    records: int = 0
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
    """The cursor that was saved; the start if there is none, and one that no file matches if it cannot be read."""
    if text is None:
        return Cursor()
    try:
        return msgspec.json.decode(text, type=Cursor)
    except msgspec.DecodeError:
        return Cursor(1, "unreadable")


def write(records: int, digest: Digest, last: bytes, member: str = "", before: str = "") -> str:
    """The cursor to save after so many records, of a member if the file is an archive. `digest` has all but the last of them."""
    return msgspec.json.encode(Cursor(records, digest.value(), hash_of(last), member, before)).decode()


def hash_of(data: bytes) -> str:
    """The hash of one record."""
    return hashlib.sha256(data).hexdigest()
