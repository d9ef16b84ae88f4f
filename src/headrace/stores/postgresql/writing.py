"""How outcomes become rows in PostgreSQL, inside the transaction that the store has begun.

Every writer takes its locks in one order (names, documents, answers, predictions, cells, counts, hours, spans, dead letters, each sorted),
so that two never wait for each other; the store begins again if that fails all the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from headrace.belonging import owners_of, owners_of_letter
from headrace.documents import DeadLetter, Document, Outcome, microseconds
from headrace.ports import model_of
from headrace.stores.merging import Known, Plan, ids_of, keys_in, names_in, plan
from headrace.stores.postgresql import figures
from headrace.stores.postgresql.server import Open, identifier
from headrace.stores.sql import owners, tallies
from headrace.stores.sql.schema import key_of

_OWNED = ("key", "author", "edit_of")  # each has an index
FOUND = " UNION ".join(
    "SELECT d.n, id, published_at, name, meta FROM {}documents d LEFT JOIN {}names ON names.n = source"
    f" WHERE {column} = ANY(%s)"
    for column in _OWNED
)
FOUND_LETTERS = " UNION ".join(
    f"SELECT burial, id, source, data FROM {{}}dead_letters WHERE {column} = ANY(%s)" for column in _OWNED
)


def write(open_: Open, outcomes: Sequence[Outcome]) -> bool:
    """Write what is new in the outcomes; whether anything is.

    Raises psycopg.errors.UniqueViolation if another writer has inserted one of the documents or answers in the meantime.
    """
    keys = _hashes(ids_of(outcomes))
    # Writers share this lock. An erasure waits for writers that have read the tombstones already, and later writers wait for it.
    open_.execute("LOCK TABLE {}tombstones IN ROW EXCLUSIVE MODE")
    made = _plan(open_, outcomes, keys)
    numbers = _number_documents(open_, made)
    _insert(open_, made, keys, numbers, _number_names(open_, made))
    _bury(open_, made)
    return bool(made.documents or made.answers or made.predictions or made.burials)


def catch_up(open_: Open, table: str, column: str) -> None:
    """Let a sequence go on after the largest number in its table.

    It is behind after a copy that has the rows and not the sequence: by logical replication, or of the data alone.
    """
    sequence = open_.execute("SELECT pg_get_serial_sequence(%s, %s)", (f"{identifier(open_.schema)}.{table}", column))
    (name,) = sequence.fetchall()[0]
    open_.execute(f"SELECT setval(%s, max({column})) FROM {{}}{table}", (name,))


# By the constraints that tell that a sequence is behind.
BEHIND: Mapping[str, Callable[[Open], None]] = {
    f"{table}_pkey": partial(catch_up, table=table, column=column)
    for table, column in (("names", "n"), ("documents", "n"), ("dead_letters", "burial"))
}


def erase(open_: Open, names: Sequence[str]) -> None:
    """Erase by the keys of `belonging`; see `ports.Store.erase`."""
    keys = _hashes(names)
    if not keys:
        return
    open_.execute("LOCK TABLE {}tombstones IN SHARE ROW EXCLUSIVE MODE")
    now = microseconds()
    times, numbers, asked = dict.fromkeys(keys, now), [], [list(keys.values())] * 3
    for number, by, published_at in owners.matched(open_.execute(FOUND, asked), keys):
        numbers.append(number)
        for name in by:
            # A clock that was set back must not make the tombstone older than what it erases.
            times[name] = max(times[name], published_at)
    stored = dict(open_.execute("SELECT n, stored_at FROM {}documents WHERE n = ANY(%s)", (numbers,)).fetchall())
    gone = open_.execute(
        "DELETE FROM {}answers WHERE document = ANY(%s) RETURNING document, model, version, label", (numbers,)
    ).fetchall()
    totals, hours = tallies.of_answers(gone, now, stored)
    totals[0, 0] = len(numbers)
    figures.add(open_, figures.COUNTS, [(*cell, -total) for cell, total in totals.items()])
    figures.add(open_, figures.HOURS, [(*cell, -total) for cell, total in hours.items()])
    open_.execute("DELETE FROM {}predictions WHERE document = ANY(%s)", (numbers,))
    open_.execute("DELETE FROM {}documents WHERE n = ANY(%s)", (numbers,))
    drop(open_, owners.matched_letters(open_.execute(FOUND_LETTERS, asked), keys))
    open_.execute(
        "INSERT INTO {}tombstones SELECT key, max(at) FROM unnest(%s::bigint[], %s::bigint[]) AS t (key, at) GROUP BY key"
        " ON CONFLICT (key) DO UPDATE SET erased_at = greatest(tombstones.erased_at, excluded.erased_at)",
        (list(keys.values()), [times[name] for name in keys]),
    )


def drop(open_: Open, burials: Sequence[int]) -> None:
    """See `ports.Store.drop`."""
    open_.execute("DELETE FROM {}dead_letters WHERE burial = ANY(%s::bigint[])", (list(burials),))


def _hashes(names: Iterable[str]) -> dict[str, int]:
    return {name: key_of(name) for name in names}


def _plan(open_: Open, outcomes: Sequence[Outcome], keys: Mapping[str, int]) -> Plan:
    asked = list(keys.values())
    found = open_.execute("SELECT n, id, text, stored_at FROM {}documents WHERE key = ANY(%s)", (asked,))
    known = {
        identity: Known(number, text, stored_at) for number, identity, text, stored_at in found if identity in keys
    }
    if known:
        _add_predictions(open_, known)
    hashes = _hashes(keys_in(outcomes))
    marked = open_.execute("SELECT key, erased_at FROM {}tombstones WHERE key = ANY(%s)", (list(hashes.values()),))
    times = dict(marked.fetchall())
    erased = {name: times[key] for name, key in hashes.items() if key in times}
    row = open_.execute("SELECT EXISTS (SELECT 1 FROM {}dead_letters)").fetchone()
    # New documents get numbers below zero in the plan; `_number_documents` gives them their own.
    any_buried = row is not None and bool(row[0])
    return plan(outcomes, known, erased, next_number=-len(outcomes), now=microseconds(), any_buried=any_buried)


def _add_predictions(open_: Open, known: Mapping[str, Known]) -> None:
    by_number = {entry.number: entry for entry in known.values()}
    asked = (list(by_number),)
    for document, model, version in open_.execute(
        "SELECT document, m.name, v.name FROM {}answers"
        " LEFT JOIN {}names m ON m.n = model LEFT JOIN {}names v ON v.n = version"
        " WHERE document = ANY(%s)",
        asked,
    ):
        by_number[document].answered.append(model)
        by_number[document].versions.append(version)
    for document, version in open_.execute(
        "SELECT document, name FROM {}predictions LEFT JOIN {}names ON n = version WHERE document = ANY(%s)", asked
    ):
        by_number[document].versions.append(version)


def _number_documents(open_: Open, made: Plan) -> dict[int, int]:
    """The numbers that new documents get in the table, by those that they have in the plan."""
    if not made.documents:
        return {}
    rows = open_.execute(
        "SELECT nextval(pg_get_serial_sequence(%s, 'n')) FROM generate_series(1, %s)",
        (f"{identifier(open_.schema)}.documents", len(made.documents)),
    )
    return {planned: row[0] for (planned, _), row in zip(made.documents, rows, strict=True)}


def _number_names(open_: Open, made: Plan) -> dict[str, int]:
    """The numbers of all names that the plan needs; new names are given one.

    They are asked for each time: what an earlier transaction was told may have been lost with a server, or replaced by a restore.
    """
    needed = sorted(names_in(made))
    read = "SELECT name, n FROM {}names WHERE name = ANY(%s)"
    found = dict(open_.execute(read, (needed,)).fetchall())
    if new := [name for name in needed if name not in found]:
        add = "INSERT INTO {}names (name) SELECT unnest(%s::text[]) ON CONFLICT (name) DO NOTHING"
        open_.execute(add, (new,))
        found = dict(open_.execute(read, (needed,)).fetchall())
    return found


def _sources(open_: Open, made: Plan, names: Mapping[str, int]) -> dict[int, int]:
    """The numbers of the sources of documents that get answers, by their numbers in the plan."""
    sources = {planned: names[document.source] for planned, document in made.documents}
    if earlier := [n for n in {n for n, _ in made.answers} if n not in sources]:
        sources |= dict(open_.execute("SELECT n, source FROM {}documents WHERE n = ANY(%s)", (earlier,)).fetchall())
    return sources


def _insert(
    open_: Open, made: Plan, keys: Mapping[str, int], numbers: Mapping[int, int], names: Mapping[str, int]
) -> None:
    documents = [_row(numbers[n], keys[document.id], document, names, made.now) for n, document in made.documents]
    documents.sort(key=lambda row: row[1:3])
    columns = "n int8, key int8, id text, text text, source int4, created_at text, meta text, published_at int8, stored_at int8"
    columns += ", author int8, edit_of int8"
    open_.copy("documents", columns, documents)
    models = {version: names[model_of(version)] for version in {prediction.model for _, prediction in made.answers}}
    sources = _sources(open_, made, names)
    answers = [
        (numbers.get(n, n), models[p.model], names[p.model], names[p.label], p.score, sources[n])
        for n, p in made.answers
    ]
    open_.copy(
        "answers", "document int8, model int4, version int4, label int4, score float8, source int4", sorted(answers)
    )
    others = [(numbers.get(n, n), names[p.model], names[p.label], p.score) for n, p in made.predictions]
    open_.copy("predictions", "document int8, version int4, label int4, score float8", sorted(others))
    figures.add(
        open_,
        figures.CELLS,
        sorted({(source, label, version, model) for _, model, version, label, _, source in answers}),
    )
    totals, hours = tallies.of_answers(answers, made.now, made.earlier)
    totals[0, 0] = len(documents)
    figures.add(open_, figures.COUNTS, [(*cell, total) for cell, total in totals.items() if total])
    figures.add(open_, figures.HOURS, [(*cell, total) for cell, total in hours.items()])
    figures.add(open_, figures.SPANS, tallies.of_documents(list(numbers.values()), made.now))


def _row(number: int, key: int, document: Document, names: Mapping[str, int], now: int) -> tuple[Any, ...]:
    meta = msgspec.json.encode(document.meta).decode() if document.meta else None
    source, published_at = names[document.source], document.published_at
    owned = owners.columns_of(owners_of(document.source, document.meta)) if meta else owners.NONE
    said = document.id, document.text, source, document.created_at, meta, published_at
    return number, key, *said, now, *owned


def _bury(open_: Open, made: Plan) -> None:
    if made.cleared:
        asked = (made.cleared_contents(),)
        found = open_.execute("SELECT burial, content, model FROM {}dead_letters WHERE content = ANY(%s)", asked)
        if cleared := made.clears(found):
            drop(open_, cleared)
    for letter in _sorted(made.burials.values()):
        open_.execute(
            "INSERT INTO {}dead_letters (key, content, model, id, kind, reason, data, source, published_at, buried_at, author, edit_of)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            # A replacement gets a new number, so that dropping the old burial does not drop this one.
            " ON CONFLICT (content, model) DO UPDATE SET (burial, key, id, kind, reason, data, source, published_at, buried_at, author,"
            " edit_of) ="
            " (excluded.burial, excluded.key, excluded.id, excluded.kind, excluded.reason, excluded.data, excluded.source,"
            " excluded.published_at, excluded.buried_at, excluded.author, excluded.edit_of)",
            _dead_row(letter),
        )


def _sorted(letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    return sorted(letters, key=lambda letter: (letter.content, letter.model))


def _dead_row(letter: DeadLetter) -> tuple[Any, ...]:
    key, now = key_of(letter.id), microseconds()
    said = letter.content, letter.model, letter.id, letter.kind, letter.reason, letter.data, letter.source
    return key, *said, letter.published_at, now, *owners.columns_of(owners_of_letter(letter.source, letter.data))
