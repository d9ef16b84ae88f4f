"""The queries of the SQL stores, in SQLAlchemy Core: pages and counts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, FromClause, Select, exists, func, select

from headrace.clock import to_datetime, to_microseconds
from headrace.documents import DeadLetter, Prediction, Result
from headrace.ports import Counts, DeadQuery, Page, ResultQuery, model_of
from headrace.stores import pages
from headrace.stores.sql import cells
from headrace.stores.sql.among import among, rows_among
from headrace.stores.sql.bounds import bounds
from headrace.stores.sql.numbering import name_number, names_of
from headrace.stores.sql.schema import DOCUMENT, answers, counts, dead_letters, documents, key_of

_ANSWERS = among(
    select(answers.c.document, answers.c.model, answers.c.version, answers.c.label, answers.c.score), answers.c.document
)


def find(connection: Connection, query: ResultQuery, limit: int, page: str | None) -> Page[Result]:
    """See `ports.Store.find`."""
    below = pages.below(page)
    if (of_cells := cells.matching(connection, query)) is not None:
        of_answers = [*_of_score(query, answers), *_within(bounds(connection, query, below), answers.c.document)]
        of_documents = _of_documents(connection, replace(query, source=""))  # cells say the source
        statement = cells.newest(connection, of_cells, of_answers, of_documents, limit + 1)
    else:
        # Pages are ordered by the column of the index that finds the documents, so that no page sorts them all.
        place = answers.c.document if _joins(query) else documents.c.n
        statement = _results(connection, query, below).order_by(place.desc()).limit(limit + 1)
    rows, following = pages.cut(connection.execute(statement).all(), limit, lambda row: int(row[0]))
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
    if query != ResultQuery(model=query.model):
        return _count_rows(connection, query)
    statement = select(counts.c.model, counts.c.label, func.sum(counts.c.total)).group_by(
        counts.c.model, counts.c.label
    )
    if query.model:
        statement = statement.where(counts.c.model == name_number(connection, query.model))
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


def _joins(query: ResultQuery) -> bool:
    """Whether results are found from their answers, in an index of these; bounds of the score alone have none."""
    return bool(query.label or query.model or query.version)


def _results(connection: Connection, query: ResultQuery, below: int | None = None) -> Select[Any]:
    """The documents of a query, with numbers below the one given."""
    statement = select(*DOCUMENT).where(*_of_documents(connection, query))
    if _joins(query):
        statement = statement.join(answers, answers.c.document == documents.c.n).where(*_of_answers(connection, query))
    elif query.of_answers():
        scored = select(answers.c.document).where(answers.c.document == documents.c.n, *_of_score(query, answers))
        # Of one document after the other, by the limit: as a join it would be planned for all of them.
        statement = statement.where(scored.limit(1).scalar_subquery().is_not(None))
    # Said of both tables, so that a join that walks the two side by side begins and ends here.
    columns = (documents.c.n, answers.c.document) if _joins(query) else (documents.c.n,)
    return statement.where(*_within(bounds(connection, query, below), *columns))


def _of_documents(connection: Connection, query: ResultQuery) -> list[ColumnElement[bool]]:
    """What must hold of a document, whatever its answers."""
    asked: list[ColumnElement[bool]] = []
    if query.ids:
        keys = [key_of(identity) for identity in query.ids]
        asked += [documents.c.key.in_(keys), documents.c.id.in_(query.ids)]
    if query.source:
        asked.append(documents.c.source == name_number(connection, query.source))
    if query.text:
        position = func.instr if connection.dialect.name == "sqlite" else func.strpos
        asked.append(position(documents.c.text, query.text) > 0)
    if query.since is not None:
        asked.append(documents.c.stored_at >= to_microseconds(query.since))
    if query.until is not None:
        asked.append(documents.c.stored_at < to_microseconds(query.until))
    return asked


def _within(bounds: tuple[int | None, int | None], *columns: ColumnElement[int]) -> list[ColumnElement[bool]]:
    first, last = bounds
    least = [] if first is None else [column >= first for column in columns]
    return least if last is None else [*least, *(column <= last for column in columns)]


def _of_answers(connection: Connection, query: ResultQuery) -> list[ColumnElement[bool]]:
    """What must hold of an answer; the index of the rarer is walked, of label and model."""
    named = query.model or model_of(query.version)
    model = name_number(connection, named) if named else None
    label = name_number(connection, query.label) if query.label else None
    others = _of_score(query, answers)
    if query.version:
        others.append(answers.c.version == name_number(connection, query.version))
    if label is None:
        return [answers.c.model == model, *others]
    if model is None:
        # A document may have the label from two models; it is listed once.
        other = answers.alias()
        again = exists().where(
            other.c.document == answers.c.document,
            other.c.label == label,
            other.c.model < answers.c.model,
            *_of_score(query, other),
        )
        return [answers.c.label == label, ~again, *others]
    # What is added to nothing is no condition that an index could serve.
    if _total(connection, counts.c.model == model) < _total(connection, counts.c.label == label):
        return [answers.c.model == model, answers.c.label + 0 == label, *others]
    return [answers.c.label == label, answers.c.model + 0 == model, *others]


def _of_score(query: ResultQuery, table: FromClause) -> list[ColumnElement[bool]]:
    bounds: list[ColumnElement[bool]] = []
    if query.min_score is not None:
        bounds.append(table.c.score >= query.min_score)
    if query.max_score is not None:
        bounds.append(table.c.score <= query.max_score)
    return bounds


def _total(connection: Connection, condition: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.sum(counts.c.total)).where(condition)).scalar() or 0)


def _dead(query: DeadQuery) -> Select[Any]:
    statement = select(dead_letters)
    if query.ids:
        keys = [key_of(identity) for identity in query.ids]
        statement = statement.where(dead_letters.c.key.in_(keys), dead_letters.c.id.in_(query.ids))
    if query.burials:
        statement = statement.where(dead_letters.c.burial.in_(query.burials))
    if query.contents:
        statement = statement.where(dead_letters.c.content.in_(query.contents))
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
        statement = statement.where(answers.c.model == name_number(connection, query.model))
    cells = [(row[0], row[1], int(row[2])) for row in connection.execute(statement)]
    total = connection.execute(select(func.count()).select_from(found)).scalar_one()
    return Counts(total, _by_name(connection, cells))


def _by_name(connection: Connection, cells: Sequence[tuple[int, int, int]]) -> dict[str, dict[str, int]]:
    """Totals of models and labels, which are given by their numbers, by their names."""
    named = names_of(connection, {number for model, label, _ in cells for number in (model, label)})
    made: dict[str, dict[str, int]] = {}
    for model, label, total in cells:
        if total:
            made.setdefault(named[model], {})[named[label]] = total
    return made


def _with_answers(connection: Connection, rows: Sequence[Sequence[Any]]) -> list[Result]:
    stored = rows_among(connection, _ANSWERS, [row[0] for row in rows])
    wanted = {row[4] for row in rows}
    for _, model, version, label, _ in stored:
        wanted.update((model, version, label))
    named = names_of(connection, wanted)
    found: dict[int, dict[str, Prediction]] = {row[0]: {} for row in rows}
    for document, model, version, label, score in stored:
        found[document][named[model]] = Prediction(named[label], score, named[version])
    times = {at: to_datetime(at) for row in rows for at in row[7:] if at is not None}
    return [
        Result(
            identity,
            text,
            named[source],
            created_at,
            msgspec.json.decode(meta) if meta else {},
            found[number],
            times.get(published_at),
            times[stored_at],
        )
        for number, _, identity, text, source, created_at, meta, published_at, stored_at in rows
    ]


def _dead_letter(row: Mapping[Any, Any]) -> DeadLetter:
    return DeadLetter(**{name: row[name] for name in DeadLetter.__struct_fields__})
