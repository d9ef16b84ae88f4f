"""Rows that have one of many numbers: by a statement that is made once, and is the same however many numbers there are."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

#: A statement in the words of each dialect.
Statements = Mapping[str, Select[Any]]


def among(statement: Select[Any], column: ColumnElement[Any]) -> Statements:
    """The statement for the rows of which the column has one of the numbers that `rows_among` is given."""
    listed = func.json_each(bindparam("numbers", type_=Text)).table_valued("value")
    return {
        "sqlite": statement.where(column.in_(select(listed.c.value))),
        "postgresql": statement.where(column == any_(bindparam("numbers", type_=ARRAY(BigInteger)))),
    }


def rows_among(connection: Connection, statements: Statements, numbers: Collection[int]) -> Sequence[Sequence[Any]]:
    """The rows of a statement of `among`, for these numbers."""
    name = connection.dialect.name
    given = str(list(numbers)) if name == "sqlite" else list(numbers)  # such a list reads as JSON
    return connection.execute(statements[name], {"numbers": given}).all()
