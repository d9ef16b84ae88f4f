"""The figures that are kept in the transactions which change them: how rows are added to them in PostgreSQL, many in one statement."""

from collections.abc import Sequence

from headrace.stores.postgresql.server import Open

SLOTS = 16  # rows of a figure; a connection adds to the one of its process id
_SLOT = f"mod(pg_backend_pid(), {SLOTS})"
COUNTS = (
    f"INSERT INTO {{}}counts (model, label, slot, total) SELECT model, label, {_SLOT}, total"
    " FROM unnest(%s::int[], %s::int[], %s::bigint[]) AS t (model, label, total) ORDER BY model, label"
    " ON CONFLICT (model, label, slot) DO UPDATE SET total = counts.total + excluded.total"
)
HOURS = (
    f"INSERT INTO {{}}hours (model, hour, label, slot, total) SELECT model, hour, label, {_SLOT}, total"
    " FROM unnest(%s::int[], %s::int[], %s::int[], %s::bigint[]) AS t (model, hour, label, total) ORDER BY model, hour, label"
    " ON CONFLICT (model, hour, label, slot) DO UPDATE SET total = hours.total + excluded.total"
)
CELLS = (
    "INSERT INTO {}cells (source, label, version, model) SELECT * FROM unnest(%s::int[], %s::int[], %s::int[], %s::int[])"
    " ON CONFLICT DO NOTHING"
)
SPANS = (
    f"INSERT INTO {{}}spans (seconds, start, slot, first, last) SELECT seconds, start, {_SLOT}, first, last"
    " FROM unnest(%s::int[], %s::int[], %s::bigint[], %s::bigint[]) AS t (seconds, start, first, last) ORDER BY seconds, start"
    " ON CONFLICT (seconds, start, slot)"
    " DO UPDATE SET first = least(spans.first, excluded.first), last = greatest(spans.last, excluded.last)"
)


def add(open_: Open, statement: str, rows: Sequence[tuple[int, ...]]) -> None:
    """Execute one of the statements above with rows, of which there may be none."""
    if rows:
        open_.execute(statement, [list(column) for column in zip(*rows, strict=True)])
