"""The queries of the SQL stores, in SQLAlchemy Core: pages and counts."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, exists, func, select

from headrace.documents import DeadLetter, Prediction, Result
from headrace.ports import Counts, DeadQuery, Page, ResultQuery
from headrace.stores import pages
from headrace.stores.sql.schema import answers, counts, dead_letters, documents, key_of, names


def find(connection: Connection, query: ResultQuery, limit: int, page: str | None) -> Page[Result]:
    """See `ports.Store.find`."""
    # Pages are ordered by the column of the index that finds the documents, so that no page sorts them all.
    column = answers.c.document if query.label or query.model else documents.c.n
    statement = _results(connection, query).order_by(column.desc()).limit(limit + 1)
    if (below := pages.below(page)) is not None:
        # Said of both tables, so that a join that walks the two side by side begins here.
        statement = statement.where(column < below, documents.c.n < below)
    rows, following = pages.cut(connection.execute(statement).mappings().all(), limit, lambda row: int(row["n"]))
    return Page(_with_answers(connection, rows), following)


def find_dead(connection: Connection, query: DeadQuery, limit: int, page: str | None) -> Page[DeadLetter]:
    """See `ports.Store.find_dead`."""
    statement = _dead(query).order_by(dead_letters.c.burial.desc()).limit(limit + 1)
    if (below := pages.below(page)) is not None:
        statement = statement.where(dead_letters.c.burial < below)
    rows, following = pages.cut(connection.execute(statement).mappings().all(), limit, lambda row: int(row["burial"]))
    return Page([_dead_letter(row) for row in rows], following)


def count(connection: Connection, query: ResultQuery) -> Counts:
    """See `ports.Store.count`. Only a query that restricts more than the model counts rows; for others the totals are kept."""
    if query.ids or query.source or query.label:
        return _count_rows(connection, query)
    statement = select(counts.c.model, counts.c.label, func.sum(counts.c.total)).group_by(
        counts.c.model, counts.c.label
    )
    if query.model:
        statement = statement.where(counts.c.model == _name_number(connection, query.model))
    cells = [(row[0], row[1], int(row[2])) for row in connection.execute(statement)]
    made = _by_name(connection, [cell for cell in cells if cell[0]])
    documents = (
        sum(made.get(query.model, {}).values()) if query.model else sum(cell[2] for cell in cells if not cell[0])
    )
    return Counts(documents, made)


def count_dead(connection: Connection, query: DeadQuery) -> dict[str, int]:
    """See `ports.Store.count_dead`."""
    letters = _dead(query).subquery()
    grouped = select(letters.c.kind, func.count()).group_by(letters.c.kind)
    return {row[0]: row[1] for row in connection.execute(grouped)}


def _results(connection: Connection, query: ResultQuery) -> Select[Any]:
    statement = select(documents)
    if query.ids:
        keys = [key_of(identity) for identity in query.ids]
        statement = statement.where(documents.c.key.in_(keys), documents.c.id.in_(query.ids))
    if query.source:
        statement = statement.where(documents.c.source == _name_number(connection, query.source))
    if query.label or query.model:
        statement = statement.join(answers, answers.c.document == documents.c.n).where(*_of_answers(connection, query))
    return statement


def _of_answers(connection: Connection, query: ResultQuery) -> list[ColumnElement[bool]]:
    """What must hold of an answer; the index of the rarer is walked, of label and model."""
    model = _name_number(connection, query.model) if query.model else None
    if not query.label:
        return [answers.c.model == model]
    label = _name_number(connection, query.label)
    if model is None:
        # A document may have the label from two models; it is listed once.
        other = answers.alias()
        again = exists().where(
            other.c.document == answers.c.document, other.c.label == label, other.c.model < answers.c.model
        )
        return [answers.c.label == label, ~again]
    # What is added to nothing is no condition that an index could serve.
    if _total(connection, counts.c.model == model) < _total(connection, counts.c.label == label):
        return [answers.c.model == model, answers.c.label + 0 == label]
    return [answers.c.label == label, answers.c.model + 0 == model]


def _total(connection: Connection, condition: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.sum(counts.c.total)).where(condition)).scalar() or 0)


def _dead(query: DeadQuery) -> Select[Any]:
    statement = select(dead_letters)
    if query.ids:
        keys = [key_of(identity) for identity in query.ids]
        statement = statement.where(dead_letters.c.key.in_(keys), dead_letters.c.id.in_(query.ids))
    if query.burials:
        statement = statement.where(dead_letters.c.burial.in_(query.burials))
    if query.source:
        statement = statement.where(dead_letters.c.source == query.source)
    if query.model:
        statement = statement.where(dead_letters.c.model == query.model)
    return statement


def _count_rows(connection: Connection, query: ResultQuery) -> Counts:
    found = _results(connection, query).subquery()
    statement = (
        select(answers.c.model, answers.c.label, func.count())
        .select_from(found.join(answers, answers.c.document == found.c.n))
        .group_by(answers.c.model, answers.c.label)
    )
    if query.model:
        statement = statement.where(answers.c.model == _name_number(connection, query.model))
    cells = [(row[0], row[1], int(row[2])) for row in connection.execute(statement)]
    total = connection.execute(select(func.count()).select_from(found)).scalar_one()
    return Counts(total, _by_name(connection, cells))


def _by_name(connection: Connection, cells: Sequence[tuple[int, int, int]]) -> dict[str, dict[str, int]]:
    """Totals of models and labels, which are given by their numbers, by their names."""
    named = _names(connection, {number for model, label, _ in cells for number in (model, label)})
    made: dict[str, dict[str, int]] = {}
    for model, label, total in cells:
        if total:
            made.setdefault(named[model], {})[named[label]] = total
    return made


def _with_answers(connection: Connection, rows: Sequence[Mapping[Any, Any]]) -> list[Result]:
    numbers = [row["n"] for row in rows]
    found: dict[int, dict[str, Prediction]] = {}
    stored = connection.execute(select(answers).where(answers.c.document.in_(numbers))).all()
    wanted = {row["source"] for row in rows}.union(*((row.model, row.version, row.label) for row in stored))
    named = _names(connection, wanted)
    for row in stored:
        prediction = Prediction(named[row.label], row.score, named[row.version])
        found.setdefault(row.document, {})[named[row.model]] = prediction
    return [
        Result(
            row["id"],
            row["text"],
            named[row["source"]],
            row["created_at"],
            msgspec.json.decode(row["meta"]) if row["meta"] else {},
            found.get(row["n"], {}),
        )
        for row in rows
    ]


def _dead_letter(row: Mapping[Any, Any]) -> DeadLetter:
    return DeadLetter(**{name: row[name] for name in DeadLetter.__struct_fields__})


def _names(connection: Connection, numbers: Collection[int]) -> dict[int, str]:
    found = connection.execute(select(names.c.n, names.c.name).where(names.c.n.in_(numbers)))
    return {row[0]: row[1] for row in found}


def _name_number(connection: Connection, name: str) -> int:
    """The number of a name; for an unknown name one that nothing has."""
    found = connection.execute(select(names.c.n).where(names.c.name == name)).scalar()
    return -1 if found is None else int(found)
