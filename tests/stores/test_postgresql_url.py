"""What the URL of a store in PostgreSQL says, and what in it is refused at once."""

import pytest

from headrace.errors import Misconfigured, Unavailable
from headrace.stores.postgresql import PostgresqlStore
from headrace.stores.postgresql.server import Server
from headrace.stores.postgresql.url import parse


def test_a_url_names_the_schema_and_leaves_the_rest_to_libpq_as_it_is_written() -> None:
    said = parse("postgresql://me:p%40ss@one:5432,two/base?sslmode=require&schema=my%20own&options=-c%20a%3Db+c")
    assert said["conninfo"] == "postgresql://me:p%40ss@one:5432,two/base?sslmode=require&options=-c%20a%3Db+c"
    assert said["schema"] == "my own"
    assert parse("postgresql://one/base")["schema"] == "headrace"


def test_a_server_is_called_by_host_and_database_without_the_password() -> None:
    server = Server("postgresql://me:secret@one:5433,two/base", "headrace")
    assert "secret" not in str(server)
    assert str(server).startswith("postgresql://one,two:")


@pytest.mark.parametrize("url", ["postgresql://me:secret@h/b?nonsense=1", "postgresql://me:secret@h:x/b"])
def test_an_address_that_means_nothing_is_refused_without_the_password(url: str) -> None:
    with pytest.raises((Misconfigured, Unavailable)) as caught:
        PostgresqlStore.from_url(url)
    assert "secret" not in str(caught.value)


def test_a_password_with_a_question_mark_or_a_hash_leaves_the_parameters_as_they_are() -> None:
    assert parse("postgresql://me:a?b#c@one/base?schema=own&sslmode=require") == {
        "conninfo": "postgresql://me:a?b#c@one/base?sslmode=require",
        "schema": "own",
    }
    assert parse("postgresql://one/base?schema=own&user=me@corp")["schema"] == "own"


# What can never work, and what the message says of it.
NEVER = {
    "postgresql://me:secret@h/b?sslmode=requir": "sslmode",
    "postgresql://me:secret@h/b?target_session_attrs=foo": "target_session_attrs",
    "postgresql://me:secret@h/b?replication=database": "replication",
    "postgresql://me:secret@h/b?channel_binding=foo": "channel_binding",
    "postgresql://me:secret@h/b?gssencmode=foo": "gssencmode",
    "postgresql://me:secret@h/b?load_balance_hosts=foo": "load_balance_hosts",
    "postgresql://me:secret@h/b?ssl_min_protocol_version=foo": "ssl_min_protocol_version",
    "postgresql://me:secret@h:99999/b": "a port is not a number from 1 to 65535",
    "postgresql://me:secret@h:0/b": "a port is not a number from 1 to 65535",
    "postgresql://h,i/b?port=1,2,3": "2 hosts and 3 ports",
    "postgresql://me:secret@h/b?connect_timeout=abc": "connect_timeout is a whole number",
    "postgresql://me:secret@h/b?keepalives_idle=abc": "keepalives_idle is a whole number",
    "postgresql://me:secret@h/b?tcp_user_timeout=1.5": "tcp_user_timeout is a whole number",
    "postgresql://me:secret@h/b?sslmod=require": "did you mean sslmode",
    "postgresql://me:secret@h/b?shema=mine": "did you mean schema",
    "postgresql://me:secret@h%20i/b": "is not the name of a host",
    "postgresql://me:secret@-h..i/b": "is not the name of a host",
    f"postgresql://me:secret@{'h' * 64}/b": "is not the name of a host",
    "postgresql://me:12/secret@h/b": "percent-encode",
    "postgresql://me:secret/12@h/b": "percent-encode",
    "postgresql://me:12/a?secret=b@h/b": "percent-encode",
    "postgresql://me:%secret@h/b": "percent-encode",
}


@pytest.mark.parametrize("url", NEVER)
def test_what_can_never_work_is_told_at_once_and_without_the_password(url: str) -> None:
    with pytest.raises(Misconfigured, match=NEVER[url]) as caught:
        PostgresqlStore.from_url(url)
    assert "secret" not in str(caught.value)
