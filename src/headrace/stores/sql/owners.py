"""What documents and dead letters are erased by beside their ids, in columns that hold hashes of it."""

from collections.abc import Callable, Collection, Iterable, Sequence
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
        if by := tuple(key for key in (identity, *_owners_in(source, meta)) if key in keys):
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
    for table, number, rows_after, read in _WITHOUT:
        last, asked = -1, rows_after.format(mark)
        update = f"UPDATE {table} SET author = {mark}, edit_of = {mark} WHERE {number} = {mark}"
        while rows := connection.execute(asked, (last,)).fetchall():
            for last, source, said in rows:
                if any(owners := read(source, said)):
                    connection.execute(update, (*columns_of(owners), last))


def _owners_in(source: str | None, meta: str | None) -> Owners:
    """The owners of a document by what is stored of it."""
    return owners_of(source or "", msgspec.json.decode(meta)) if meta else Owners()


def _key(name: str) -> int | None:
    return key_of(name) if name else None


#: Tables, their numbers, their rows after a number, and what reads the owners of a row.
_WITHOUT: Sequence[tuple[str, str, str, Callable[[str, Any], Owners]]] = (
    (
        "documents",
        "n",
        "SELECT d.n, name, meta FROM documents d LEFT JOIN names ON names.n = source"
        f" WHERE d.n > {{}} AND meta IS NOT NULL ORDER BY d.n LIMIT {AT_ONCE}",
        _owners_in,
    ),
    (
        "dead_letters",
        "burial",
        f"SELECT burial, source, data FROM dead_letters WHERE burial > {{}} ORDER BY burial LIMIT {AT_ONCE}",
        owners_of_letter,
    ),
)
