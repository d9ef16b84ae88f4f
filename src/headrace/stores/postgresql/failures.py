"""What PostgreSQL's errors, and those of a pool before it, become: the caller waits, stops or buries."""

import re

import psycopg
from psycopg import errors

from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable

# A refusal while connecting has no error code, only a message. libpq says what it can never do before it connects to anything.
_REFUSED = re.compile(
    r"connection is bad: (?!connection to server)|could not match \d+ port"
    r"|password authentication failed|no password supplied|does not exist|no pg_hba\.conf entry|permission denied"
    r"|not permitted to log in|authentication failed|authentication method requirement|channel binding required"
    r"|SSL negotiation|does not support SSL|SSL was required|does not match host name|could not (read|load) (certificate|private key|root)"
    r"|connection option|unsupported frontend|unsupported startup parameter"
    r"|unrecognized configuration parameter|invalid value for parameter|invalid command-line argument|requires a value"
)
# Besides these classes, passing is what a pool has lost, or what the change of a table has made invalid.
_PASSING = frozenset(
    {
        "0A000",  # a cached plan whose result has changed; or a standby that is to write
        "26000",  # no such prepared statement
        "34000",  # no such cursor
    }
)
_CLASSES = frozenset(
    {
        "08",  # the connection, and whatever PgBouncer says of itself
        "25",  # the state of this transaction: idle_in_transaction_session_timeout, transaction_timeout
        "40",  # rolled back: deadlocks, serialization
        "53",  # insufficient resources: connections, memory, disk
        "55",  # lock_timeout, and what is not ready
        "57",  # shutdown, cancelled, statement_timeout, idle_session_timeout
        "58",  # errors of the system
        "72",  # the snapshot is too old
        "XX",  # internal errors
    }
)
# A store that is dropped, or being restored.
_GONE = (errors.UndefinedTable, errors.InvalidSchemaName, errors.InvalidColumnReference)


def refused(error: psycopg.Error, doing: str) -> HeadraceError:
    """The error to raise for a connection that cannot be opened."""
    message = _message(error)
    if isinstance(error, psycopg.ProgrammingError) or _REFUSED.search(message):
        if "unsupported startup parameter: options" in message:
            message += ": a pool takes no options, so set them for the role (ALTER ROLE … SET …)"
        return Misconfigured(f"{doing}: {message}; check user, password, database and parameters of the URL")
    return Unavailable(f"{doing}: {message}")


def translate(error: psycopg.Error, doing: str) -> HeadraceError:
    """The error to raise for one of PostgreSQL's."""
    message = _message(error)
    state = error.sqlstate or ""
    if isinstance(error, errors.InsufficientPrivilege):
        return Misconfigured(
            f"{doing}: {message}; grant the user CREATE on the database, or ownership of the store's schema"
        )
    if "statement pooling mode" in message:
        return Misconfigured(f"{doing}: {message}; set pool_mode of PgBouncer to transaction or session")
    if isinstance(error, errors.ReadOnlySqlTransaction) or (state == "0A000" and "recovery" in message):
        return Unavailable(
            f"{doing}: the server only reads; name the primary, or add target_session_attrs=read-write to the URL"
        )
    if isinstance(error, errors.DiskFull):
        return Unavailable(f"{doing}: the server's disk is full; free some space there, and it goes on by itself")
    if isinstance(error, _GONE):
        return Unavailable(
            f"{doing}: {message}; if the store is being restored, it goes on by itself. Tables that were dropped are made anew by a restart"
        )
    if isinstance(error, errors.UndefinedColumn):
        return Misconfigured(f"{doing}: {message}; the store was restored as an earlier Headrace wrote it: restart")
    if state[:2] in ("22", "23", "54") or (not state and isinstance(error, psycopg.DataError)):
        return Rejected(f"{doing}: the server can never store it ({message})")
    # An error without a state is one of the connection.
    lost = not state and isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
    if lost or state in _PASSING or state[:2] in _CLASSES:
        return Unavailable(f"{doing}: {message}")
    return Misconfigured(f"{doing}: {message}")


def _message(error: psycopg.Error) -> str:
    return " ".join(str(error).split())
