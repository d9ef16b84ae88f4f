"""Looking up many documents of a PostgreSQL store at once, and learning of its changes.

Writers notify a channel after their commits. The server is asked again and again until the first notification has come, and a few times a
second from then on: a writer may die between its commit and its notification. Behind a pool nothing is listened to: in its transaction
mode, PgBouncer takes LISTEN, and hands no notification on.
"""

import contextlib
import select
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg import errors

from headrace.clock import to_datetime
from headrace.documents import DeadLetter, Prediction, Result
from headrace.stores.postgresql.failures import translate
from headrace.stores.postgresql.server import Open, Server, begin, ended, identifier
from headrace.stores.sql.numbering import name_sql
from headrace.stores.sql.schema import key_of
from headrace.stores.ticks import Ticks

LOOK_SECONDS = 0.25  #: between two looks at a server that tells of changes

_CONFLICTS = (
    "SELECT asked.place FROM unnest(%s::bigint[], %s::text[], %s::text[]) WITH ORDINALITY AS asked (key, id, text, place)"
    " JOIN {}documents AS d ON d.key = asked.key AND d.id = asked.id WHERE d.text != asked.text"
)


_ANSWERS = (
    f"SELECT json_agg(json_build_array({name_sql('m', 'a.model')}, {name_sql('v', 'a.version')}, {name_sql('l', 'a.label')}, a.score))"
    " FROM {}answers AS a LEFT JOIN {}names AS m ON m.n = a.model LEFT JOIN {}names AS v ON v.n = a.version"
    " LEFT JOIN {}names AS l ON l.n = a.label WHERE a.document = d.n"
)
_RESULTS = (
    f"SELECT d.id, d.text, {name_sql('s', 'd.source')}, d.created_at, d.meta, d.published_at, d.stored_at, ({_ANSWERS})::text"
    " FROM {}documents AS d LEFT JOIN {}names AS s ON s.n = d.source WHERE d.key = ANY(%s)"
)
_LETTERS = (
    f"SELECT {', '.join(DeadLetter.__struct_fields__)}"
    " FROM {}dead_letters WHERE content = ANY(%s) ORDER BY burial DESC"
)

_decode_answers = msgspec.json.Decoder(list[tuple[str, str, str, float | str]]).decode

T = TypeVar("T")


class PostgresqlWatch:
    """A watch over a connection that stays open."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: psycopg.Connection[Any] | None = None
        self._asked_to_listen = self._told = False
        self._changed = True
        self._ticks = Ticks()
        self._look_at = 0.0

    def conflicts(self, documents: Sequence[tuple[str, str]]) -> set[int]:
        if not documents:
            return set()
        ids, texts = zip(*documents, strict=True)
        asked = [key_of(identity) for identity in ids], list(ids), list(texts)
        return self._ask(lambda open_: {place - 1 for (place,) in open_.execute(_CONFLICTS, asked)})

    def results(self, ids: Sequence[str]) -> dict[str, Result]:
        asked = set(ids)
        keys = [key_of(identity) for identity in asked]
        rows = self._ask(lambda open_: open_.execute(_RESULTS, (keys,)).fetchall()) if asked else []
        if found := {row[0]: _result(*row) for row in rows if row[0] in asked}:
            self._ticks.begin()
        return found

    def letters(self, contents: Sequence[str]) -> list[DeadLetter]:
        if not contents:
            return []
        return self._ask(lambda open_: [DeadLetter(*row) for row in open_.execute(_LETTERS, (list(contents),))])

    def wait(self, seconds: float) -> bool:
        with self._translated("waiting for changes of"):
            connection = self._connected()
            if not self._asked_to_listen:
                self._asked_to_listen = True
                self._listen(connection)
            left = max(0.0, self._look_at - time.monotonic()) if self._told else self._ticks.left()
            if not self._changed and _is_readable(connection.fileno(), min(left, seconds)):
                connection.pgconn.consume_input()
                while connection.pgconn.notifies():
                    self._changed = self._told = True
            if not self._changed and left > seconds:
                return False
            self._changed = False
            self._look_at = time.monotonic() + LOOK_SECONDS
            self._ticks.next()
            return True

    def close(self) -> None:
        self._disconnect()

    def _listen(self, connection: psycopg.Connection[Any]) -> None:
        """Have notifications sent to this connection, unless there is a pool in between, or a standby at its end."""
        (number,) = connection.execute("SELECT pg_backend_pid()").fetchall()[0]
        if number != connection.info.backend_pid:
            return  # the number that we were told when connecting is one that a pool has made up
        connection.add_notify_handler(self._note)
        try:
            connection.execute(f"LISTEN {identifier(self._server.schema)}")
        except (errors.ReadOnlySqlTransaction, errors.ObjectNotInPrerequisiteState):
            return

    def _note(self, _notify: object) -> None:
        """A notification has come while the server was asked something else."""
        self._changed = self._told = True

    def _ask(self, work: Callable[[Open], T]) -> T:
        """The work's value, in a transaction that only reads."""
        with self._translated("using the store"):
            connection = self._connected()
            try:
                begin(connection, "READ ONLY")
            except psycopg.Error:
                if not connection.closed:
                    raise
                # It was closed while nobody used it: a new one does as well.
                connection = self._connected()
                begin(connection, "READ ONLY")
            with ended(connection):
                return work(Open(connection, self._server.schema))

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._disconnect()
            self._connection = self._server.open()
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._asked_to_listen = self._told = False
        self._changed = True  # nobody tells what has changed meanwhile
        self._ticks.begin()
        if connection is not None:
            connection.close()

    @contextlib.contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise translate(error, f"{doing} {self._server}") from error


def _is_readable(descriptor: int, seconds: float) -> bool:
    """Whether there is something to read within so many seconds. Unlike select, poll knows descriptors above 1,023."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


def _result(
    identity: str,
    text: str,
    source: str,
    created_at: str | None,
    meta: str | None,
    published_at: int | None,
    stored_at: int,
    answers: str | None,
) -> Result:
    members: dict[str, Any] = msgspec.json.decode(meta) if meta else {}
    rows = _decode_answers(answers) if answers else []
    predictions = {model: Prediction(label, float(score), version) for model, version, label, score in rows}
    published = None if published_at is None else to_datetime(published_at)
    return Result(identity, text, source, created_at, members, predictions, published, to_datetime(stored_at))
