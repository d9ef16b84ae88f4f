"""What the SQL stores remember beside documents: tombstones, the cursors of sources, and the workers."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from headrace.ports import FORGET_SECONDS, WorkerStatus
from headrace.stores.sql.schema import cursors, key_of, tombstones, workers


def erased(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """See `ports.Tombstones.erased`."""
    keys = {identity: key_of(identity) for identity in ids}
    asked = select(tombstones.c.key, tombstones.c.erased_at).where(tombstones.c.key.in_(list(keys.values())))
    times = {row.key: row.erased_at for row in connection.execute(asked)}
    return {identity: times[key] for identity, key in keys.items() if key in times}


def load_cursor(connection: Connection, name: str) -> str | None:
    """See `ports.Cursors.load`."""
    cursor: str | None = connection.execute(select(cursors.c.cursor).where(cursors.c.name == name)).scalar()
    return cursor


def save_cursor(connection: Connection, name: str, cursor: str) -> None:
    """See `ports.Cursors.save`."""
    _put(connection, cursors, {"name": name, "cursor": cursor})


def beat(connection: Connection, worker: WorkerStatus) -> None:
    """See `ports.Presence.beat`."""
    row = {
        "name": worker.name,
        "started_at": worker.started_at,
        "seen_at": worker.seen_at,
        "state": worker.state,
        "models": msgspec.json.encode(list(worker.models)).decode(),
        "counts": msgspec.json.encode(dict(worker.counts)).decode(),
        "metrics": worker.metrics,
    }
    _put(connection, workers, row)
    connection.execute(delete(workers).where(workers.c.seen_at < worker.seen_at - FORGET_SECONDS * 1_000_000))


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
