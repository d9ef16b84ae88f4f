"""What the SQL stores know beyond the answers that stand: all predictions, and answers by the hour."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, false, func, select, true

from headrace.clock import HOUR, to_datetime, to_microseconds
from headrace.documents import Prediction
from headrace.ports import HourCount, StoredPrediction
from headrace.stores.merging import ordered
from headrace.stores.sql.numbering import name_number, names_of
from headrace.stores.sql.schema import answers, documents, hours, key_of, predictions


def all_predictions(connection: Connection, ids: Sequence[str]) -> dict[str, list[StoredPrediction]]:
    """See `ports.History.predictions`."""
    keys = [key_of(identity) for identity in ids]
    found: dict[str, list[StoredPrediction]] = {}
    for table, answer in ((answers, true()), (predictions, false())):
        statement = (
            select(documents.c.id, table.c.label, table.c.score, table.c.version, answer)
            .select_from(documents)
            .join(table, table.c.document == documents.c.n)
            .where(documents.c.key.in_(keys), documents.c.id.in_(ids))
        )
        rows = connection.execute(statement).all()
        named = names_of(connection, {number for _, label, _, version, _ in rows for number in (label, version)})
        for identity, label, score, version, stands in rows:
            prediction = Prediction(named[label], score, named[version])
            found.setdefault(identity, []).append(StoredPrediction(prediction, bool(stands)))
    return {identity: ordered(those) for identity, those in found.items()}


def count_by_hour(
    connection: Connection, model: str, since: datetime | None, until: datetime | None
) -> list[HourCount]:
    """See `ports.History.count_by_hour`."""
    total = func.sum(hours.c.total)
    # In the order of the key, so that nothing is sorted.
    statement = (
        select(hours.c.hour, hours.c.label, total)
        .where(hours.c.model == name_number(connection, model))
        .group_by(hours.c.hour, hours.c.label)
        .having(total > 0)
    )
    if since is not None:
        statement = statement.where(hours.c.hour >= -(-to_microseconds(since) // HOUR))
    if until is not None:
        statement = statement.where(hours.c.hour < -(-to_microseconds(until) // HOUR))
    cells = connection.execute(statement).all()
    named = names_of(connection, {label for _, label, _ in cells})
    begins = {hour: to_datetime(hour * HOUR) for hour in {hour for hour, _, _ in cells}}
    ordered_cells = sorted((hour, named[label], int(count)) for hour, label, count in cells)
    return [HourCount(begins[hour], label, count) for hour, label, count in ordered_cells]
