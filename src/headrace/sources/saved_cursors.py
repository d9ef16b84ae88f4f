"""Cursors as they are saved: a struct, written as JSON."""

from typing import TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)
UNREADABLE = "the saved place up to which it was read cannot be understood"


def read(cursor: str | None, kind: type[T]) -> T:
    """What was saved; that of the beginning, `kind()`, if there is nothing, or it cannot be read, as what another version has saved."""
    return _decoded(cursor, kind) or kind()


def restarted(cursor: str | None, kind: type[T]) -> str:
    """Why a source begins anew although a cursor was saved; empty if it can be read, or there is none."""
    return UNREADABLE if cursor and _decoded(cursor, kind) is None else ""


def write(saved: msgspec.Struct) -> str:
    """What to save."""
    return msgspec.json.encode(saved).decode()


def _decoded(cursor: str | None, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(cursor, type=kind) if cursor else None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
