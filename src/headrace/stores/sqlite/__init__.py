"""SQLite as a store."""

from headrace.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
