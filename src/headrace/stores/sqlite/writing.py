"""How outcomes become rows of the embedded store, and rows are deleted, inside a transaction that the store has begun."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from headrace.belonging import owners_of, owners_of_letter
from headrace.documents import DeadLetter, Document, Outcome, microseconds
from headrace.ports import model_of
from headrace.stores.merging import Known, Plan, ids_of, keys_in, names_in, plan
from headrace.stores.sql import owners, tallies
from headrace.stores.sql.schema import key_of

IN = "IN (SELECT value FROM json_each(?))"
_OWNED = ("key", "author", "edit_of")  # each has an index
_FOUND = " UNION ".join(
    f"SELECT d.n, id, published_at, name, meta FROM documents d LEFT JOIN names ON names.n = source WHERE {column} {IN}"
    for column in _OWNED
)
_FOUND_LETTERS = " UNION ".join(
    f"SELECT burial, id, source, data FROM dead_letters WHERE {column} {IN}" for column in _OWNED
)
_ADD = "DO UPDATE SET total = total + excluded.total"
_COUNT = f"INSERT INTO counts (model, label, total) VALUES (?, ?, ?) ON CONFLICT (model, label) {_ADD}"
_COUNT_HOURS = (
    f"INSERT INTO hours (model, hour, label, total) VALUES (?, ?, ?, ?) ON CONFLICT (model, hour, label) {_ADD}"
)
_SPAN = (
    "INSERT INTO spans (seconds, start, first, last) VALUES (?, ?, ?, ?) ON CONFLICT (seconds, start)"
    " DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)"
)


def write(connection: sqlite3.Connection, outcomes: Sequence[Outcome]) -> None:
    """Write what is new in the outcomes."""
    keys = _hashes(ids_of(outcomes))
    made = _plan(connection, outcomes, keys)
    _insert(connection, made, keys, _number_names(connection, made))
    _bury(connection, made)


def erase(connection: sqlite3.Connection, names: Sequence[str]) -> None:
    """Erase by the keys of `belonging`; see `ports.Store.erase`."""
    keys, now = _hashes(names), microseconds()
    asked, times, numbers = as_json(keys.values()), dict.fromkeys(keys, now), []
    for number, by, published_at in owners.matched(connection.execute(_FOUND, [asked] * 3), keys):
        numbers.append(number)
        for name in by:
            # A clock that was set back must not make the tombstone older than what it erases.
            times[name] = max(times[name], published_at)
    erased = as_json(numbers)
    gone = connection.execute(
        f"SELECT n, model, version, label, stored_at FROM answers JOIN documents ON n = document WHERE document {IN}",
        (erased,),
    ).fetchall()
    totals, hours = tallies.of_answers(gone, now, {row[0]: row[4] for row in gone})
    totals[0, 0] = len(numbers)
    connection.executemany(_COUNT, [(*cell, -total) for cell, total in totals.items()])
    connection.executemany(_COUNT_HOURS, [(*cell, -total) for cell, total in hours.items()])
    for table, column in (("answers", "document"), ("predictions", "document"), ("documents", "n")):
        connection.execute(f"DELETE FROM {table} WHERE {column} {IN}", (erased,))
    drop(connection, owners.matched_letters(connection.execute(_FOUND_LETTERS, [asked] * 3), keys))
    connection.executemany(
        "INSERT INTO tombstones VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET erased_at = max(erased_at, excluded.erased_at)",
        ((key, times[name]) for name, key in keys.items()),
    )


def drop(connection: sqlite3.Connection, burials: Sequence[int]) -> None:
    """See `ports.Store.drop`."""
    connection.execute(f"DELETE FROM dead_letters WHERE burial {IN}", (as_json(burials),))


def as_json(values: Iterable[Any]) -> str:
    """Values as the parameter of a statement with `IN`."""
    return msgspec.json.encode(list(values)).decode()


def _hashes(names: Iterable[str]) -> dict[str, int]:
    return {name: key_of(name) for name in names}


def _plan(connection: sqlite3.Connection, outcomes: Sequence[Outcome], keys: Mapping[str, int]) -> Plan:
    asked = as_json(keys.values())
    known = {
        identity: Known(number, text, stored_at)
        for number, identity, text, stored_at in connection.execute(
            f"SELECT n, id, text, stored_at FROM documents WHERE key {IN}", (asked,)
        )
        if identity in keys
    }
    if known:
        _add_predictions(connection, known)
    erased: dict[str, int] = {}
    if connection.execute("SELECT EXISTS (SELECT 1 FROM tombstones)").fetchone()[0]:
        hashes = _hashes(keys_in(outcomes))
        rows = connection.execute(f"SELECT key, erased_at FROM tombstones WHERE key {IN}", (as_json(hashes.values()),))
        times = dict(rows.fetchall())
        erased = {name: times[key] for name, key in hashes.items() if key in times}
    any_buried = bool(connection.execute("SELECT EXISTS (SELECT 1 FROM dead_letters)").fetchone()[0])
    number, now = _next_number(connection), microseconds()
    return plan(outcomes, known, erased, next_number=number, now=now, any_buried=any_buried)


def _add_predictions(connection: sqlite3.Connection, known: Mapping[str, Known]) -> None:
    by_number = {entry.number: entry for entry in known.values()}
    asked = as_json(by_number)
    for document, model, version in connection.execute(
        "SELECT document, m.name, v.name FROM answers"
        " LEFT JOIN names m ON m.n = model LEFT JOIN names v ON v.n = version"
        f" WHERE document {IN}",
        (asked,),
    ):
        by_number[document].answered.append(model)
        by_number[document].versions.append(version)
    for document, version in connection.execute(
        f"SELECT document, name FROM predictions LEFT JOIN names ON n = version WHERE document {IN}", (asked,)
    ):
        by_number[document].versions.append(version)


def _number_names(connection: sqlite3.Connection, made: Plan) -> dict[str, int]:
    """The numbers of all names that the plan needs; new names are given one.

    They are asked for each time: the file may have been restored since the last.
    """
    needed, read = names_in(made), f"SELECT name, n FROM names WHERE name {IN}"
    found = dict(connection.execute(read, (as_json(needed),)).fetchall())
    if new := needed - found.keys():
        connection.executemany("INSERT INTO names (name) VALUES (?)", ((name,) for name in sorted(new)))
        found |= dict(connection.execute(read, (as_json(new),)).fetchall())
    return found


def _sources(connection: sqlite3.Connection, made: Plan, names: Mapping[str, int]) -> dict[int, int]:
    """The numbers of the sources of documents that get answers, by the numbers of these."""
    sources = {number: names[document.source] for number, document in made.documents}
    if earlier := [n for n in {n for n, _ in made.answers} if n not in sources]:
        rows = connection.execute(f"SELECT n, source FROM documents WHERE n {IN}", (as_json(earlier),))
        sources |= dict(rows.fetchall())
    return sources


def _insert(connection: sqlite3.Connection, made: Plan, keys: Mapping[str, int], names: Mapping[str, int]) -> None:
    connection.executemany(
        "INSERT INTO documents (n, key, id, text, source, created_at, meta, published_at, stored_at, author, edit_of)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_row(number, keys[document.id], document, names, made.now) for number, document in made.documents],
    )
    models = {version: names[model_of(version)] for version in {prediction.model for _, prediction in made.answers}}
    sources = _sources(connection, made, names)
    rows = [(n, models[p.model], names[p.model], names[p.label], p.score, sources[n]) for n, p in made.answers]
    connection.executemany(
        "INSERT INTO answers (document, model, version, label, score, source) VALUES (?, ?, ?, ?, ?, ?)", rows
    )
    connection.executemany(
        "INSERT OR IGNORE INTO cells (source, label, version, model) VALUES (?, ?, ?, ?)",
        {(source, label, version, model) for _, model, version, label, _, source in rows},
    )
    connection.executemany(
        "INSERT INTO predictions (document, version, label, score) VALUES (?, ?, ?, ?)",
        [(n, names[p.model], names[p.label], p.score) for n, p in made.predictions],
    )
    totals, hours = tallies.of_answers(rows, made.now, made.earlier)
    totals[0, 0] = len(made.documents)
    connection.executemany(_COUNT, [(*cell, total) for cell, total in totals.items() if total])
    connection.executemany(_COUNT_HOURS, [(*cell, total) for cell, total in hours.items()])
    connection.executemany(_SPAN, tallies.of_documents([number for number, _ in made.documents], made.now))


def _row(number: int, key: int, document: Document, names: Mapping[str, int], now: int) -> tuple[Any, ...]:
    meta = msgspec.json.encode(document.meta).decode() if document.meta else None
    source, published_at = names[document.source], document.published_at
    owned = owners.columns_of(owners_of(document.source, document.meta)) if meta else owners.NONE
    said = document.id, document.text, source, document.created_at, meta, published_at
    return number, key, *said, now, *owned


def _bury(connection: sqlite3.Connection, made: Plan) -> None:
    if made.cleared:
        asked = as_json(made.cleared_contents())
        found = connection.execute(f"SELECT burial, content, model FROM dead_letters WHERE content {IN}", (asked,))
        drop(connection, made.clears(found))
    connection.executemany(
        # A replacement gets a new number, so that dropping the old burial does not drop this one.
        "INSERT OR REPLACE INTO dead_letters (key, content, model, id, kind, reason, data, source, published_at, buried_at,"
        " author, edit_of) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (_dead_row(letter) for letter in made.burials.values()),
    )


def _dead_row(letter: DeadLetter) -> tuple[Any, ...]:
    key, now = key_of(letter.id), microseconds()
    said = letter.content, letter.model, letter.id, letter.kind, letter.reason, letter.data, letter.source
    return key, *said, letter.published_at, now, *owners.columns_of(owners_of_letter(letter.source, letter.data))


def _next_number(connection: sqlite3.Connection) -> int:
    """The number of the next document: none is given twice, and spans remember those of erased documents too."""
    last: int | None = connection.execute("SELECT max(last) FROM spans WHERE seconds = 86400").fetchone()[0]
    return 1 + (last or 0)
