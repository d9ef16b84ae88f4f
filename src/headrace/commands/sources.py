"""The command `sources`."""

from contextlib import closing
from typing import Any

from headrace.commands.output import Json, print_json, print_table
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.ingest import ledger
from headrace.urls import Connectors

_COLUMNS = (
    "source", "state", "read", "published", "repeated", "malformed", "missed", "filled", "erased", "shed", "paid", "lag",
)  # fmt: skip


def sources(*, json: Json = False, settings: Flags = Settings()) -> None:
    """Show the ledger of each source that was ingested: how far it was read, and what became of what it gave."""
    with closing(Connectors(settings.broker, settings.store).store()) as store:
        rows = ledger.table(store)
    if json:
        print_json({"sources": rows})
        return
    print_table(_COLUMNS, [_row(row) for row in rows])
    for row in rows:
        for gap in row["gaps"]:
            print(f"{row['name']}: {gap['reason']}")


def _row(row: dict[str, Any]) -> list[str]:
    lag = row["lag_seconds"]
    state = f"{row['state']}: {row['reason']}" if row["reason"] else row["state"]
    return [row["name"], state, *(f"{row[name]:,}" for name in _COLUMNS[2:-1]), "" if lag is None else f"{lag:,.1f} s"]
