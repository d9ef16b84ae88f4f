"""Names and their numbers, as they are stored: never remembered beyond a transaction, because a failover or a restore may lose some."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from headrace.stores.sql.among import among, rows_among
from headrace.stores.sql.schema import names

_NAMES = among(select(names.c.n, names.c.name), names.c.n)


def names_of(connection: Connection, numbers: Collection[int]) -> dict[int, str]:
    """The names of these numbers. One that the store has lost is told as such: what else is known is worth showing."""
    found = {int(row[0]): str(row[1]) for row in rows_among(connection, _NAMES, numbers)}
    return found if len(found) == len(numbers) else {**{number: lost_name(number) for number in numbers}, **found}


def lost_name(number: int) -> str:
    """What stands for a name of which only the number is left."""
    return f"(lost name {number})"


def name_sql(table: str, number: str) -> str:
    """SQL for a name: the column `name` of a joined table, or what stands for it if only the number, an expression, is left."""
    return f"coalesce({table}.name, '(lost name ' || {number} || ')')"


def name_number(connection: Connection, name: str) -> int:
    """The number of a name; for an unknown name one that nothing has."""
    found = connection.execute(select(names.c.n).where(names.c.name == name)).scalar()
    return -1 if found is None else int(found)
