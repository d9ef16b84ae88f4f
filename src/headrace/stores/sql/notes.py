"""What the SQL stores remember beside documents: tombstones, the cursors of sources, and the workers."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from headrace.ports import WorkerStatus
from headrace.stores.presence import forgotten_before
from headrace.stores.sql.schema import cursors, key_of, tombstones, workers


def erased(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """See `ports.Tombstones.erased`."""
    keys = {name: key_of(name) for name in names}
    asked = select(tombstones.c.key, tombstones.c.erased_at).where(tombstones.c.key.in_(list(keys.values())))
    times = {row.key: row.erased_at for row in connection.execute(asked)}
    return {name: times[key] for name, key in keys.items() if key in times}


def load_cursor(connection: Connection, name: str) -> str | None:
    """See `ports.Cursors.load`."""
    cursor: str | None = connection.execute(select(cursors.c.cursor).where(cursors.c.name == name)).scalar()
    return cursor


def all_cursors(connection: Connection) -> dict[str, str]:
    """See `ports.Cursors.cursors`."""
    rows = connection.execute(select(cursors.c.name, cursors.c.cursor)).all()
    return {row.name: row.cursor for row in sorted(rows, key=lambda row: row.name)}


def save_cursor(connection: Connection, name: str, cursor: str) -> None:
    """See `ports.Cursors.save`."""
    _put(connection, cursors, {"name": name, "cursor": cursor})


def beat(connection: Connection, worker: WorkerStatus, now: int, forget: float) -> None:
    """See `ports.Presence.beat`; `now` is by the clock of the store."""
    before = connection.execute(select(workers.c.seen_at).where(workers.c.name == worker.name)).scalar()
    row = {
        "name": worker.name,
        "started_at": worker.started_at,
        "seen_at": now,
        "state": worker.state,
        "models": msgspec.json.encode(list(worker.models)).decode(),
        "counts": msgspec.json.encode(dict(worker.counts)).decode(),
        "metrics": worker.metrics,
    }
    _put(connection, workers, row)
    connection.execute(update(workers).where(workers.c.seen_at > now).values(seen_at=now))
    connection.execute(delete(workers).where(workers.c.seen_at < forgotten_before(now, before, forget)))


def list_workers(connection: Connection, *, stopped: bool) -> list[WorkerStatus]:
    """See `ports.Presence.workers`."""
    listed = select(workers).order_by(workers.c.name)
    return [
        WorkerStatus(
            row.name,
            row.started_at,
            row.seen_at,
            row.state,
            msgspec.json.decode(row.models),
            msgspec.json.decode(row.counts),
            row.metrics or b"",
        )
        for row in connection.execute(listed if stopped else listed.where(workers.c.state != "stopped"))
    ]


def _put(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    """Insert a row, or replace the one of the same name."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(insert(table).values(row).on_conflict_do_update(index_elements=["name"], set_=row))
