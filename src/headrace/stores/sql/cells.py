"""Results by several conditions at once: found from the combinations of source, label, model and version that there are.

Each combination is a cell. An index holds the answers of every cell in their order, so a page takes as many from each cell as it shows, and
keeps the newest: what few documents have in common costs no walk through what many have.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, true

from headrace.ports import ResultQuery
from headrace.stores.sql.schema import DOCUMENT, answers, cells, documents, names

MOST = 1000  # cells of a page; for more, a page is found by one of the conditions


def matching(connection: Connection, query: ResultQuery) -> list[ColumnElement[bool]] | None:
    """What must hold of the cells of a query; None if one condition finds its results as well, or if there are too many cells."""
    asked = (("source", query.source), ("label", query.label), ("model", query.model), ("version", query.version))
    named = {column: name for column, name in asked if name}
    if len(named) < 2 and not query.version:
        return None
    conditions = [
        cells.c[column] == select(names.c.n).where(names.c.name == name).scalar_subquery()
        for column, name in named.items()
    ]
    found = select(cells.c.source).where(*conditions).limit(MOST + 1).subquery()
    many: int = connection.execute(select(func.count()).select_from(found)).scalar_one()
    return conditions if many <= MOST else None


def newest(
    connection: Connection,
    of_cells: Sequence[ColumnElement[bool]],
    of_answers: Sequence[ColumnElement[bool]],
    of_documents: Sequence[ColumnElement[bool]],
    limit: int,
) -> Select[Any]:
    """The newest documents of these cells, for which conditions on their answers and on themselves hold."""
    of_cell = (answers.c[name] == cells.c[name] for name in ("source", "label", "version"))
    each = select(answers.c.document).where(*of_cell, *of_answers)
    if of_documents:
        # Of one answer after the other, by the limit: as a join it would be planned for all of them.
        found_one = select(documents.c.n).where(documents.c.n == answers.c.document, *of_documents).limit(1)
        each = each.where(found_one.scalar_subquery().is_not(None))
    each = each.order_by(answers.c.document.desc()).limit(limit)
    if connection.dialect.name == "sqlite":  # which knows no LATERAL
        taken = documents.alias()
        among = taken.c.n.in_(each.correlate(cells).scalar_subquery())
        found = select(taken.c.n.label("document")).select_from(cells.join(taken, among)).where(*of_cells)
    else:
        each_taken = each.correlate(cells).lateral()
        found = select(each_taken.c.document).select_from(cells.join(each_taken, true())).where(*of_cells)
    numbers = found.distinct().order_by(found.selected_columns[0].desc()).limit(limit).subquery()
    return select(*DOCUMENT).join(numbers, numbers.c.document == documents.c.n).order_by(numbers.c.document.desc())
