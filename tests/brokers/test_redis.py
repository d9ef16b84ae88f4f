"""What Redis' adapter does beyond the suite: the stream stays small, others may publish to it, and errors say what to do."""

import secrets
from collections.abc import Iterator
from contextlib import closing

import msgspec
import pytest
import redis as driver
from support import setup, until
from support.own_servers import OwnServers

from headrace.brokers.redis import RedisBroker
from headrace.documents import Body
from headrace.errors import Misconfigured, Unavailable
from headrace.runtime import Stop
from headrace.stores.memory import MemoryStore
from headrace.testing.brokers import LARGE, PATIENCE, bodies, data, take
from headrace.testing.outcomes import letters, results
from headrace.worker.keeper import Keeper

REWRITING = ("aof_rewrite_in_progress", "aof_rewrite_scheduled")


@pytest.fixture
def queue(redis: str) -> Iterator[str]:
    name = f"test-{secrets.token_hex(6)}"
    yield name
    with closing(driver.Redis.from_url(redis)) as client:
        client.delete(name)


def test_the_stream_holds_only_what_is_not_acked_and_closing_leaves_no_consumer(redis: str, queue: str) -> None:
    with (
        closing(driver.Redis.from_url(redis)) as client,
        closing(RedisBroker.from_url(f"{redis}?queue={queue}&lease=3600")) as one,
    ):
        one.publish(bodies(*map(str, range(2500))))
        two = RedisBroker.from_url(f"{redis}?queue={queue}&lease=3600")
        two.ack(take(two, 2500)[:1000])
        two.close()
        assert client.xlen(queue) == 1500
        one.ack(take(one, 1500))
        assert client.xlen(queue) == 0
        assert len(client.xinfo_consumers(queue, "headrace")) == 1


def test_the_first_field_of_an_entry_is_the_body_and_the_others_are_headers(redis: str, queue: str) -> None:
    with (
        closing(driver.Redis.from_url(redis)) as client,
        closing(RedisBroker.from_url(f"{redis}?queue={queue}&lease=3600")) as broker,
    ):
        broker.publish(bodies("ours"))
        client.xadd(queue, {"payload": b"alone"})
        client.xadd(
            queue, {"payload": b"typed", "Content-Type": "text/plain", "content-encoding": "gzip", "ce_id": "7"}
        )
        found = {one.data: one for one in take(broker, 3)}
        assert (found[b"ours"].headers, found[b"alone"].headers) == ((), ())
        typed = found[b"typed"]
        assert (typed.content_type, typed.encoding, ("ce_id", "7") in typed.headers) == ("text/plain", "gzip", True)
        client.xadd(queue, {"payload": b"late", "content-type": "text/plain"})
        (late,) = broker.receive(LARGE, PATIENCE)
        assert (late.data, late.content_type) == (b"late", "text/plain")


def test_an_entry_that_has_no_body_is_a_record_of_its_fields(redis: str, queue: str) -> None:
    store = MemoryStore()
    with (
        closing(driver.Redis.from_url(redis)) as client,
        closing(RedisBroker.from_url(f"{redis}?queue={queue}&lease=3600")) as broker,
    ):
        client.xadd(queue, {"user": "anna", "comment": "grün", "n": 7})
        client.xadd(queue, {"body": '{"comment": "alone"}', "n": 9})
        client.xadd(queue, {"comment": "[1] brackets", "n": 10})
        client.xadd(queue, {"comment": b"\xff", "n": 8})
        settings = msgspec.structs.replace(setup(), fields="text=comment, id=n, meta=user")
        Keeper(broker, store, settings, deadline=60.0, stop=Stop(), drain=True).run()
    found = {one.text: (one.id, one.meta) for one in results(store)}
    assert found["grün"] == ("7", {"user": "anna"})
    assert found.keys() == {"grün", "alone", "[1] brackets"}
    assert [letter.data for letter in letters(store)] == [b"\xff"]


def test_a_body_that_came_back_keeps_its_age_and_its_source(redis: str, queue: str) -> None:
    with closing(driver.Redis.from_url(redis)) as client:
        client.xadd(queue, {"data": b"a", "key": "files", "at": 1_000_000_000_000})
        one = RedisBroker.from_url(f"{redis}?queue={queue}&lease=3600")
        take(one, 1)
        one.close()
        ((_, fields),) = client.xrange(queue)
        assert (fields[b"data"], fields[b"key"]) == (b"a", b"files")
        with closing(RedisBroker.from_url(f"{redis}?queue={queue}&lease=3600")) as two:
            assert (two.backlog().oldest or 0) > 86_400


def test_entries_that_others_add_are_received(redis: str, queue: str) -> None:
    with (
        closing(driver.Redis.from_url(redis)) as client,
        closing(RedisBroker.from_url(f"{redis}?queue={queue}&lease=3600")) as one,
    ):
        client.xadd(queue, {"body": b"a"})
        assert one.backlog().oldest is not None
        held = take(one, 1)
        client.xadd(queue, {"body": b"b"})
        assert data([*held, *one.receive(LARGE, PATIENCE)]) == ["a", "b"]


def test_a_key_that_is_not_a_stream_is_misconfigured(redis: str, queue: str) -> None:
    with (
        closing(driver.Redis.from_url(redis)) as client,
        closing(RedisBroker.from_url(f"{redis}?queue={queue}&lease=3600")) as one,
    ):
        client.set(queue, "something else")
        for call in (lambda: one.publish(bodies("a")), lambda: one.receive(LARGE, 0), one.backlog):
            with pytest.raises(Misconfigured, match="choose another queue"):
                call()


def test_a_missing_database_is_misconfigured(redis: str) -> None:
    address = redis.removesuffix("/0")
    with (
        pytest.raises(Misconfigured, match="index is out of range; name a database"),
        closing(RedisBroker.from_url(f"{address}/99999")) as one,
    ):
        one.publish(bodies("a"))


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServers]:
    servers = OwnServers()
    try:
        servers.start("redis")
        yield servers
    finally:
        servers.close()


def test_a_server_that_is_full_takes_nothing_until_there_is_room(own: OwnServers) -> None:
    with (
        closing(driver.Redis.from_url(own.url("REDIS"))) as client,
        closing(RedisBroker.from_url(own.url("REDIS"))) as one,
    ):
        one.publish(bodies("a"))
        client.config_set("maxmemory", 1)
        with pytest.raises(Unavailable, match="used memory > 'maxmemory'"):
            one.publish([Body(b"b")])
        client.config_set("maxmemory", 0)
        one.publish(bodies("c"))
        assert data(take(one, 2)) == ["a", "c"]


@pytest.mark.parametrize(
    ("setting", "value", "usual", "told"),
    [
        ("appendonly", "no", "yes", "loses what came since the last snapshot"),
        ("appendfsync", "everysec", "always", "loses the last second"),
        ("maxmemory-policy", "allkeys-lru", "noeviction", "may drop the queue"),
    ],
)
def test_settings_of_the_server_that_lose_are_warned_of(
    own: OwnServers, setting: str, value: str, usual: str, told: str
) -> None:
    with (
        closing(driver.Redis.from_url(own.url("REDIS"))) as client,
        closing(RedisBroker.from_url(own.url("REDIS"))) as one,
    ):
        assert one.warnings() == []
        client.config_set(setting, value)
        (warning,) = one.warnings()
        client.config_set(setting, usual)
        # While Redis writes its file anew, as it does when it begins to write one, it doesn't let itself be stopped.
        until(lambda: not any(client.info("persistence")[one] for one in REWRITING), "the end of writing")
    assert told in warning
    assert "headrace@" not in warning
