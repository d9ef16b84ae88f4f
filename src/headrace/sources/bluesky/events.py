"""What Jetstream says, in version 1 and 2 of its wire."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from headrace.clock import to_microseconds
from headrace.errors import Rejected

#: The states of an account that is gone, with all that it has written. The others are about the servers that have it.
GONE: Sequence[str] = ("deleted", "takendown", "suspended", "deactivated")
KINDS: Sequence[str] = ("commit", "account", "sync")  #: that are asked for


class Event(msgspec.Struct, frozen=True):
    """What has happened on the network. `kind` is `commit` (a record is created, updated or deleted), `account` or `sync` (a repository is
    replaced by what follows), `info`, or another one, which is of no interest here.

    `seq` is its number on this host, 0 if it has none; `at` when the host saw it, in microseconds since the epoch, 0 if that is not said.
    `gone` says that an account is gone, with all that it has written; `name` and `message` are those of an `info`.
    """

    kind: str
    seq: int = 0
    at: int = 0
    did: str = ""
    operation: str = ""
    collection: str = ""
    rkey: str = ""
    rev: str = ""
    record: Any = None
    gone: bool = False
    name: str = ""
    message: str = ""


class Failure(msgspec.Struct, frozen=True):
    """The server's last word before it ends the connection."""

    error: str
    message: str = ""


class _Account(msgspec.Struct, frozen=True):
    active: bool = True
    status: str | None = None

    @property
    def gone(self) -> bool:
        return not self.active and self.status in GONE


class _Payload(msgspec.Struct, frozen=True):
    type: str = msgspec.field(name="$type")
    seq: int = 0
    time: str = ""
    did: str = ""
    operation: str = ""
    collection: str = ""
    rkey: str = ""
    rev: str = ""
    record: Any = None
    account: _Account = _Account()
    name: str = ""
    message: str = ""


class _Frame(msgspec.Struct, frozen=True):
    type: str = msgspec.field(name="$type")
    payload: _Payload | None = None
    error: str = ""
    message: str = ""


class _Commit(msgspec.Struct, frozen=True):
    operation: str
    collection: str
    rkey: str
    rev: str = ""
    record: Any = None


class _OldEvent(msgspec.Struct, frozen=True):
    did: str
    time_us: int
    kind: str
    cursor: int = 0
    commit: _Commit | None = None
    account: _Account = _Account()


_decode_frame = msgspec.json.Decoder(_Frame).decode
_decode_old = msgspec.json.Decoder(_OldEvent).decode


def read(data: bytes) -> Event | Failure:
    """What a message of version 2 says. Raises Rejected if it is not one."""
    try:
        frame = _decode_frame(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(f"it is not a message of Jetstream, version 2: {error or type(error).__name__}") from None
    if frame.type == "error":
        return Failure(frame.error, frame.message)
    said = frame.payload
    if said is None:
        raise Rejected("it is not a message of Jetstream, version 2: it has no 'payload'")
    return Event(
        said.type.rpartition("#")[2],
        said.seq,
        at_of(said.time),
        said.did,
        said.operation,
        said.collection,
        said.rkey,
        said.rev,
        said.record,
        said.account.gone,
        said.name,
        said.message,
    )


def read_old(data: bytes) -> Event:
    """What a message of version 1 says. Raises Rejected if it is not one."""
    try:
        said = _decode_old(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(f"it is not a message of Jetstream, version 1: {error or type(error).__name__}") from None
    commit = said.commit
    if said.kind != "commit" or commit is None:
        return Event(said.kind, said.cursor, said.time_us, said.did, gone=said.account.gone)
    return Event(
        said.kind,
        said.cursor,
        said.time_us,
        said.did,
        commit.operation,
        commit.collection,
        commit.rkey,
        commit.rev,
        commit.record,
    )


def at_of(time: str) -> int:
    """A time as microseconds since the epoch; 0 if it can't be read."""
    try:
        at = datetime.fromisoformat(time)
    except ValueError:
        return 0
    return to_microseconds(at.replace(tzinfo=at.tzinfo or UTC))
