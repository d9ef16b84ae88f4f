"""The questions that are asked of the SQL stores, in SQLAlchemy Core: pages, counts, workers."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Delete, Select, delete, exists, func, select

from headrace.documents import DeadLetter, Prediction, Result
from headrace.ports import FORGET_SECONDS, Page, Query, WorkerStatus
from headrace.stores import pages
from headrace.stores.sql.schema import answers, counts, dead_letters, documents, key_of, names, workers


def find(connection: Connection, query: Query, limit: int, page: str | None) -> Page:
    """A page of results or dead letters, newest first; pages are keyed by the number of the last row."""
    column = _place(query)
    statement = (_results(connection, query) if query.kind == "results" else _dead(query)).order_by(column.desc())
    if page is not None:
        below = pages.number(page)
        statement = statement.where(column < below)
        if query.kind == "results":
            # Said of both tables, so that a join that walks the two side by side begins here.
            statement = statement.where(documents.c.n < below)
    rows = connection.execute(statement.limit(limit + 1)).mappings().all()
    more, rows = len(rows) > limit, rows[:limit]
    if query.kind == "dead":
        return Page([_dead_letter(row) for row in rows], str(rows[-1]["burial"]) if more else None)
    return Page(_with_answers(connection, rows), str(rows[-1]["n"]) if more else None)


def count(connection: Connection, query: Query) -> dict[str, int]:
    """See `ports.Store.count`."""
    if query.kind == "dead":
        letters = _dead(query).subquery()
        grouped = select(letters.c.kind, func.count()).group_by(letters.c.kind)
        return {row[0]: row[1] for row in connection.execute(grouped)}
    if query.ids or query.source or query.label:
        return _count_rows(connection, query)
    by_number = {row[0]: row[1] for row in connection.execute(select(names.c.n, names.c.name))}
    if not query.model:
        grouped = select(counts.c.model, func.sum(counts.c.total)).group_by(counts.c.model)
        return {by_number.get(model, ""): int(total) for model, total in connection.execute(grouped)}
    rows = (
        select(counts.c.label, func.sum(counts.c.total))
        .where(counts.c.model == _name_number(connection, query.model))
        .group_by(counts.c.label)
    )
    return {by_number[label]: int(total) for label, total in connection.execute(rows) if total}


def list_workers(connection: Connection) -> list[WorkerStatus]:
    """Every worker that was remembered, by name."""
    return [
        WorkerStatus(
            row.name,
            row.started_at,
            row.seen_at,
            row.state,
            _loads(row.models),
            _loads(row.counts),
            row.metrics or b"",
        )
        for row in connection.execute(select(workers).order_by(workers.c.name))
    ]


def forget_workers(seen: WorkerStatus) -> Delete:
    """Deletes the workers that were last seen long before this one."""
    return delete(workers).where(workers.c.seen_at < seen.seen_at - FORGET_SECONDS * 1_000_000)


def worker_row(worker: WorkerStatus) -> dict[str, Any]:
    """A worker as a row of its table."""
    return {
        "name": worker.name,
        "started_at": worker.started_at,
        "seen_at": worker.seen_at,
        "state": worker.state,
        "models": msgspec.json.encode(list(worker.models)).decode(),
        "counts": msgspec.json.encode(dict(worker.counts)).decode(),
        "metrics": worker.metrics,
    }


def _place(query: Query) -> Any:
    """The column by which pages are ordered: that of the index which finds the documents, so that no page sorts them all."""
    if query.kind == "dead":
        return dead_letters.c.burial
    return answers.c.document if query.label or query.model else documents.c.n


def _results(connection: Connection, query: Query) -> Select[Any]:
    statement = select(documents)
    if query.ids:
        keys = [key_of(identity) for identity in query.ids]
        statement = statement.where(documents.c.key.in_(keys), documents.c.id.in_(query.ids))
    if query.source:
        statement = statement.where(documents.c.source == _name_number(connection, query.source))
    if query.label or query.model:
        statement = statement.join(answers, answers.c.document == documents.c.n).where(*_of_answers(connection, query))
    return statement


def _of_answers(connection: Connection, query: Query) -> list[ColumnElement[bool]]:
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


def _dead(query: Query) -> Select[Any]:
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
    return statement.where(dead_letters.c.burial < 0) if query.label else statement


def _count_rows(connection: Connection, query: Query) -> dict[str, int]:
    found = _results(connection, query).subquery()
    totals: dict[str, int] = {}
    if not query.model:
        totals[""] = connection.execute(select(func.count()).select_from(found)).scalar_one()
    group = answers.c.label if query.model else answers.c.model
    grouped = (
        select(names.c.name, func.count())
        .select_from(found.join(answers, answers.c.document == found.c.n).join(names, names.c.n == group))
        .group_by(names.c.name)
    )
    if query.model:
        grouped = grouped.where(answers.c.model == _name_number(connection, query.model))
    totals.update({row[0]: row[1] for row in connection.execute(grouped)})
    return totals


def _with_answers(connection: Connection, rows: Sequence[Mapping[Any, Any]]) -> list[Result]:
    numbers = [row["n"] for row in rows]
    found: dict[int, dict[str, Prediction]] = {}
    stored = connection.execute(select(answers).where(answers.c.document.in_(numbers))).all()
    wanted = {row["source"] for row in rows}.union(*((row.model, row.version, row.label) for row in stored))
    found_names = select(names.c.n, names.c.name).where(names.c.n.in_(wanted))
    named: dict[int, str] = {row[0]: row[1] for row in connection.execute(found_names)}
    for row in stored:
        prediction = Prediction(named[row.label], row.score, named[row.version])
        found.setdefault(row.document, {})[named[row.model]] = prediction
    return [
        Result(
            row["id"],
            row["text"],
            named[row["source"]],
            row["created_at"],
            _loads(row["meta"]) if row["meta"] else {},
            found.get(row["n"], {}),
        )
        for row in rows
    ]


def _dead_letter(row: Mapping[Any, Any]) -> DeadLetter:
    return DeadLetter(**{name: row[name] for name in DeadLetter.__struct_fields__})


def _name_number(connection: Connection, name: str) -> int:
    """The number of a name; one that nothing has where the name is unknown."""
    found = connection.execute(select(names.c.n).where(names.c.name == name)).scalar()
    return -1 if found is None else int(found)


def _loads(text: str) -> Any:
    return msgspec.json.decode(text)
