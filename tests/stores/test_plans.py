"""What pages, the API and commands ask of a store of a million documents costs what it finds, not what there is."""

import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, event, func, select
from sqlalchemy.pool import StaticPool

from headrace.belonging import keys_to_erase
from headrace.burial import bury_bytes
from headrace.clock import to_microseconds
from headrace.documents import Outcome
from headrace.ports import DeadQuery, ResultQuery, StoreAdapter
from headrace.stores.postgresql import PostgresqlStore
from headrace.stores.postgresql.server import Server
from headrace.stores.postgresql.server import begin as begin_transaction
from headrace.stores.postgresql.writing import FOUND, FOUND_LETTERS
from headrace.stores.sql import history, migrations, queries
from headrace.stores.sql.schema import answers, key_of
from headrace.stores.sqlite import SqliteStore, writing
from headrace.testing.outcomes import document, labelled, prediction

DOCUMENTS, DEAD, FEW = 1_000_000, 200_000, 20
LIMIT = 50
# Rows that a page of this size may look at; a scan looks at a million.
MOST_ROWS = 20 * LIMIT
# SQLite counts the steps of its machine instead, some ten to twenty a row.
MOST_STEPS = 20 * MOST_ROWS
INDEXES = ("documents_identity", "documents_source", "answers_label", "answers_model", "answers_cell")

OTHER = "language@bbbbbb"
START, SECONDS = (
    datetime(2026, 1, 1, tzinfo=UTC),
    10,
)  # when the first document was stored, and how long after each other


def moment(number: int) -> datetime:
    """When the document of a number was stored."""
    return START + timedelta(seconds=SECONDS * number)


Question: TypeAlias = ResultQuery | DeadQuery

PAGES: Sequence[Question] = [
    ResultQuery(),
    ResultQuery(label="sv"),
    ResultQuery(label="rare"),
    ResultQuery(source="suite"),
    ResultQuery(source="rare"),
    ResultQuery(model="language"),
    ResultQuery(model="old"),
    ResultQuery(model="language", label="sv"),
    ResultQuery(model="language", label="rare"),
    ResultQuery(model="old", label="sv"),
    ResultQuery(source="suite", label="sv"),
    ResultQuery(source="suite", model="language", label="sv"),
    ResultQuery(source="rare", label="rare"),
    # What many documents have each, and one or none has both; the one is among the oldest.
    ResultQuery(source="suite", label="no"),
    ResultQuery(source="suite", label="da"),
    ResultQuery(source="other", label="sv"),
    ResultQuery(source="other", label="da"),
    ResultQuery(source="other", label="da", text="ex"),
    ResultQuery(source="other", version="language@aaaaaa"),
    ResultQuery(source="suite", version="language@bbbbbb", label="da"),
    ResultQuery(source="other", model="language"),
    ResultQuery(source="other", model="old"),
    ResultQuery(version="language@aaaaaa", label="da"),
    ResultQuery(version="language@bbbbbb", label="sv"),
    ResultQuery(version="language@cccccc"),
    ResultQuery(version="language@cccccc", source="suite"),
    ResultQuery(model="language", label="rare"),
    ResultQuery(until=moment(DOCUMENTS // 2), source="suite", label="da"),
    ResultQuery(since=moment(DOCUMENTS // 2), source="other", label="da"),
    ResultQuery(since=moment(DOCUMENTS // 2), version="language@cccccc"),
    ResultQuery(label="nothing"),
    ResultQuery(source="nothing"),
    ResultQuery(model="nothing"),
    ResultQuery(ids=["common", "rare 3", "nothing"]),
    ResultQuery(version="language@aaaaaa", label="da"),
    ResultQuery(version="old@aaaaaa"),
    ResultQuery(text="ex"),
    ResultQuery(min_score=0.5, max_score=0.5),
    ResultQuery(label="sv", text="ex", min_score=0.5),
    ResultQuery(since=moment(DOCUMENTS - 10)),
    ResultQuery(since=moment(100)),
    ResultQuery(until=moment(1000)),
    ResultQuery(until=moment(DOCUMENTS // 2)),
    ResultQuery(since=moment(DOCUMENTS + 10)),
    ResultQuery(since=moment(DOCUMENTS // 3), until=moment(DOCUMENTS // 3 + 10)),
    ResultQuery(since=moment(DOCUMENTS // 3), until=moment(DOCUMENTS // 3 + 10), label="sv"),
    ResultQuery(since=moment(DOCUMENTS // 3), label="rare"),
    ResultQuery(until=moment(DOCUMENTS // 2), label="sv", model="language"),
    ResultQuery(until=moment(DOCUMENTS // 2), model="language"),
    ResultQuery(until=moment(DOCUMENTS // 2), source="suite"),
    ResultQuery(since=moment(DOCUMENTS - 10), source="suite", version="language@aaaaaa", text="ex"),
    DeadQuery(),
    DeadQuery(model="language"),
    DeadQuery(model="old"),
    DeadQuery(source="suite"),
    DeadQuery(source="rare"),
    DeadQuery(ids=["common", "nothing"]),
    DeadQuery(burials=[100, 5_000]),
]


def find(connection: Connection, query: Question, page: str | None) -> object:
    """A page of results, or of dead letters."""
    if isinstance(query, DeadQuery):
        return queries.find_dead(connection, query, LIMIT, page)
    return queries.find(connection, query, LIMIT, page)


def count(connection: Connection, query: Question) -> object:
    """The figures of results, or of dead letters."""
    return queries.count_dead(connection, query) if isinstance(query, DeadQuery) else queries.count(connection, query)


def begin(store: StoreAdapter) -> None:
    """The oldest, and rarest: what a walk from the newest would meet last."""
    for number in range(FEW):
        answers = prediction("rare"), prediction("sv", "old@aaaaaa")
        store.write([Outcome(document(f"rare {number}", source="rare"), answers)])
        store.write([Outcome(None, dead=(bury_bytes(b"%d" % number, "no", source="rare"),))])
    store.write([Outcome(document("common"), (prediction("sv"),)), Outcome(document("other"), (prediction("da"),))])
    store.write(
        [labelled("left", "sv", source="other"), Outcome(document("right", source="other"), (prediction("da", OTHER),))]
    )
    store.write([Outcome(document("once"), (prediction("sv", "language@cccccc"),))])


def fill(run: Callable[[str], Any], numbers: str, steps: Sequence[str]) -> None:
    """A million documents with an answer each, and dead letters.

    `numbers` is a table expression of the numbers up to %s, `steps` are the statements that make tables of figures from documents.
    """
    name = "(SELECT n FROM names WHERE name = '{}')".format
    # Those of one source have one label, by one version; those of the other have another, by another.
    source, label, version = (
        f"CASE i % 2 WHEN 0 THEN {name(one)} ELSE {name(other)} END"
        for one, other in (("suite", "other"), ("sv", "da"), ("language@aaaaaa", OTHER))
    )
    run(
        "INSERT INTO documents (n, key, id, text, source, stored_at)"
        f" SELECT i, CAST(i AS bigint) * 7919 % 1000003 * 1000, 'd' || i, 'text', {source}, 0"
        f" FROM {numbers.format(DOCUMENTS)} AS t WHERE i > 100"
    )
    run(
        f"INSERT INTO answers (document, model, version, label, score, source) SELECT i, {name('language')}, {version},"
        f" {label}, 0.5, {source} FROM {numbers.format(DOCUMENTS)} AS t WHERE i > 100"
    )
    run(
        "INSERT INTO dead_letters (burial, key, content, model, id, kind, reason, data, source, buried_at)"
        " SELECT i, i, 'c' || i, 'language', 'd' || i, 'raised', 'no', '', 'suite', 1"
        f" FROM {numbers.format(DEAD)} AS t WHERE i > 100"
    )
    run(
        f"UPDATE counts SET total = total + {DOCUMENTS // 2} WHERE label IN ({name('sv')}, {name('da')}) AND model = {name('language')}"
    )
    run(f"UPDATE documents SET stored_at = {to_microseconds(START)} + n * {SECONDS * 1_000_000}")
    for table in ("hours", "spans"):
        run(f"DELETE FROM {table}")
        (statement,) = [step for step in steps if step.startswith(f"INSERT INTO {table}")]
        run(statement)


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("plans") / "store.db"
    with closing(SqliteStore(path)) as store:
        begin(store)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN")
    made = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    for name, _ in made:
        connection.execute(f"DROP INDEX {name}")
    numbers = "(WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {}) SELECT i FROM c)"
    fill(connection.execute, numbers, migrations.SQLITE[2])
    for _, statement in made:
        connection.execute(statement)
    connection.execute("COMMIT")
    yield connection
    connection.close()


@pytest.mark.parametrize("page", [None, f"{DOCUMENTS // 2}"])
@pytest.mark.parametrize("query", PAGES, ids=str)
def test_a_page_of_sqlite_takes_few_steps(million: sqlite3.Connection, query: Question, page: str | None) -> None:
    engine = create_engine("sqlite://", creator=lambda: million, poolclass=StaticPool)
    with engine.connect() as connection:
        steps = counted(million, lambda: find(connection, query, page))
    assert steps < MOST_STEPS


def test_counting_in_sqlite_adds_up_what_is_kept_and_walks_the_kinds_of_dead_letters(
    million: sqlite3.Connection,
) -> None:
    engine = create_engine("sqlite://", creator=lambda: million, poolclass=StaticPool)
    with engine.connect() as connection:
        for query in (
            ResultQuery(),
            ResultQuery(model="language"),
            ResultQuery(label="rare"),
            ResultQuery(source="rare"),
            DeadQuery(model="old"),
        ):
            assert counted(million, lambda query=query: count(connection, query)) < MOST_STEPS
        first, last = moment(DOCUMENTS // 2), moment(DOCUMENTS // 2) + timedelta(days=2)
        assert counted(million, lambda: history.count_by_hour(connection, "language", first, last)) < MOST_STEPS
        hours = history.count_by_hour(connection, "language", None, None)
        assert sum(one.count for one in hours) == DOCUMENTS - 100 + FEW + 5
        assert len(hours) > 5000
        asked: list[str] = []
        million.set_trace_callback(asked.append)
        assert queries.count_dead(connection, DeadQuery())["raised"] == DEAD - 100
        million.set_trace_callback(None)
    (statement,) = [one for one in asked if "dead_letters" in one]
    ((*_, plan),) = million.execute(f"EXPLAIN QUERY PLAN {statement}")
    assert "USING COVERING INDEX dead_letters_kind" in plan


def test_writing_to_a_million_takes_few_steps(million: sqlite3.Connection) -> None:
    outcomes = [labelled("common"), labelled("brand new"), labelled("other", text="in conflict")]
    million.execute("BEGIN")
    steps = counted(million, lambda: writing.write(million, outcomes))
    million.execute("ROLLBACK")
    assert steps < MOST_STEPS


def test_erasing_one_author_or_document_among_a_million_takes_few_steps(million: sqlite3.Connection) -> None:
    written = [labelled(f"by {n}", meta={"author": "anna"}) for n in range(FEW)]
    edits = [labelled(f"{n}@1", meta={"edit_of": "brand new"}) for n in range(FEW)]
    million.execute("BEGIN")
    writing.write(million, [*written, *edits])
    keys = keys_to_erase(["brand new"], ["suite:anna"])
    steps = counted(million, lambda: writing.erase(million, keys))
    left = million.execute("SELECT count(*) FROM documents WHERE author IS NOT NULL OR edit_of IS NOT NULL").fetchone()
    million.execute("ROLLBACK")
    assert left == (0,)
    assert steps < MOST_STEPS


def test_the_measure_sees_a_scan(million: sqlite3.Connection) -> None:
    steps = counted(million, lambda: million.execute("SELECT count(*) FROM answers WHERE score > 0.7").fetchall())
    assert steps > 10 * MOST_STEPS


def counted(connection: sqlite3.Connection, work: Callable[[], object]) -> int:
    """How many steps SQLite's machine takes for it, to a hundred."""
    steps = [0]

    def tick() -> None:
        steps[0] += 100

    connection.set_progress_handler(tick, 100)
    work()
    connection.set_progress_handler(None, 100)
    return steps[0]


@pytest.fixture(scope="module")
def server(postgresql: str) -> Iterator[tuple[Connection, list[Any]]]:
    """A connection to a million documents in PostgreSQL, and the plans of what it was asked, as they were run."""
    name = f"plans_{secrets.token_hex(6)}"
    with closing(PostgresqlStore(postgresql, schema=name)) as store:
        begin(store)
    with psycopg.connect(
        postgresql, options=f"-c search_path={name} -c synchronous_commit=off", autocommit=True
    ) as plain:
        made = plain.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %s AND indexname = ANY(%s)",
            (name, list(INDEXES)),
        ).fetchall()
        for index, _ in made:
            plain.execute(f"DROP INDEX {index}")
        for table in ("documents", "answers", "dead_letters"):
            plain.execute(f"ALTER TABLE {table} SET UNLOGGED")  # faster to fill
        fill(plain.execute, "(SELECT i FROM generate_series(1, {}) AS s (i))", migrations.POSTGRESQL[2])
        for _, statement in made:
            plain.execute(statement)
        plain.execute("ANALYZE")
    plans: list[Any] = []
    engine = create_engine(
        "postgresql+psycopg://",
        creator=Server(postgresql, name).open,
        poolclass=StaticPool,
        isolation_level="AUTOCOMMIT",
        use_native_hstore=False,
        execution_options={"schema_translate_map": {None: name}},
    )

    @event.listens_for(engine, "before_cursor_execute")
    def explain(_connection: Any, cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("SELECT") and "pg_catalog" not in statement:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
            plans.append(cursor.fetchone()[0][0]["Plan"])

    with engine.connect() as connection:
        driven = connection.connection.driver_connection
        assert isinstance(driven, psycopg.Connection)
        begin_transaction(driven, "READ ONLY")
        yield connection, plans
    engine.dispose()
    PostgresqlStore(postgresql, schema=name).remove()


@pytest.mark.parametrize("page", [None, f"{DOCUMENTS // 2}"])
@pytest.mark.parametrize("query", PAGES, ids=str)
def test_a_page_of_postgresql_looks_at_few_rows(
    server: tuple[Connection, list[Any]], query: Question, page: str | None
) -> None:
    connection, plans = server
    plans.clear()
    find(connection, query, page)
    assert plans
    assert all(looked_at(plan) < MOST_ROWS for plan in plans)


def test_counting_in_postgresql_adds_up_what_is_kept(server: tuple[Connection, list[Any]]) -> None:
    connection, plans = server
    plans.clear()
    for query in (
        ResultQuery(),
        ResultQuery(model="language"),
        ResultQuery(label="rare"),
        ResultQuery(source="rare"),
        DeadQuery(model="old"),
    ):
        count(connection, query)
    history.count_by_hour(connection, "language", moment(DOCUMENTS // 2), moment(DOCUMENTS // 2) + timedelta(days=2))
    assert all(looked_at(plan) < MOST_ROWS for plan in plans)
    hours = history.count_by_hour(connection, "language", None, None)
    assert sum(one.count for one in hours) == DOCUMENTS - 100 + FEW + 5
    assert looked_at(plans[-1]) < 3 * len(hours)
    connection.execute(select(func.count()).select_from(answers).where(answers.c.score > 0.7))
    assert looked_at(plans[-1]) >= DOCUMENTS - 100  # the measure sees a scan


def looked_at(plan: Any) -> int:
    """How many rows a plan has taken from tables and indexes, those included that it then left."""
    left = sum(plan.get(name, 0) for name in ("Rows Removed by Filter", "Rows Removed by Index Recheck"))
    own = 0 if "Plans" in plan else (plan["Actual Rows"] + left) * plan["Actual Loops"]
    return round(own + sum(map(looked_at, plan.get("Plans", ()))))


def test_what_an_author_wrote_is_found_in_postgresql_without_a_scan(server: tuple[Connection, list[Any]]) -> None:
    connection, plans = server
    plans.clear()
    schema = connection.get_execution_options()["schema_translate_map"][None]
    keys = [[key_of(key) for key in keys_to_erase(["common"], ["suite:anna"])]] * 3
    for statement in (FOUND, FOUND_LETTERS):
        connection.exec_driver_sql(statement.replace("{}", f'"{schema}".'), tuple(keys))
    assert len(plans) == 2
    assert all(looked_at(plan) < MOST_ROWS for plan in plans)
