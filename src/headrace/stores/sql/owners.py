"""What documents and dead letters are erased by beside their ids, in columns that hold hashes of it."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from headrace.belonging import Owners, owners_of, owners_of_letter
from headrace.stores.sql.schema import key_of

NONE = (None, None)  # the columns of what has no owners
AT_ONCE = 1000  # rows that are read together


def columns_of(owners: Owners) -> tuple[int | None, int | None]:
    """The columns `author` and `edit_of` of a row."""
    return _key(owners.author), _key(owners.original)


def matched(rows: Iterable[tuple[Any, ...]], keys: Collection[str]) -> list[tuple[int, tuple[str, ...], int]]:
    """Of documents (number, id, when published, source, meta) those that one of the keys erases: their numbers, the keys that do it, and
    when they were published, 0 if that is not known. Hashes alone are not enough: two keys may share one."""
    found = []
    for number, identity, published_at, source, meta in rows:
        owners = owners_of(source or "", msgspec.json.decode(meta)) if meta else Owners()
        if by := tuple(key for key in (identity, *owners) if key in keys):
            found.append((number, by, published_at or 0))
    return found


def matched_letters(rows: Iterable[tuple[Any, ...]], keys: Collection[str]) -> list[int]:
    """Of dead letters (burial, id, source, data) those that one of the keys erases: their numbers."""
    return [
        burial
        for burial, identity, source, data in rows
        if any(key in keys for key in (identity, *owners_of_letter(source, data)))
    ]


def note(connection: Any, mark: str) -> None:
    """Fill the columns of rows that were written before there were any. `mark` stands for a value in the driver's statements."""
    found: Mapping[str, str] = {
        "documents": "SELECT documents.n, name, meta FROM documents LEFT JOIN names ON names.n = source"
        f" WHERE documents.n > {mark} AND meta IS NOT NULL ORDER BY documents.n LIMIT {AT_ONCE}",
        "dead_letters": f"SELECT burial, source, data FROM dead_letters WHERE burial > {mark} ORDER BY burial LIMIT {AT_ONCE}",
    }
    for (table, statement), column in zip(found.items(), ("n", "burial"), strict=True):
        last = -1
        while rows := connection.execute(statement, (last,)).fetchall():
            last = rows[-1][0]
            for number, source, said in rows:
                owners = (
                    owners_of(source or "", msgspec.json.decode(said))
                    if table == "documents"
                    else owners_of_letter(source, said)
                )
                if any(owners):
                    update = f"UPDATE {table} SET author = {mark}, edit_of = {mark} WHERE {column} = {mark}"
                    connection.execute(update, (*columns_of(owners), number))


def _key(name: str) -> int | None:
    return key_of(name) if name else None
