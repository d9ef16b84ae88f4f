"""What NATS' adapter does beyond the suite: streams that others made, limits of the server, settings that lose."""

import asyncio
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import nats as driver
import pytest
from support import insist, setup
from support.own_servers import claimed

from headrace.brokers.nats import NatsBroker
from headrace.errors import Misconfigured, Rejected
from headrace.runtime import Stop
from headrace.stores.memory import MemoryStore
from headrace.testing.brokers import PATIENCE, bodies, data, take
from headrace.testing.outcomes import letters, results
from headrace.worker.keeper import Keeper


class Server:
    """NATS, as its own client sees it."""

    def __init__(self, url: str) -> None:
        self.url, self.queue = url, f"test-{secrets.token_hex(6)}"

    def connect(self) -> NatsBroker:
        return NatsBroker.from_url(f"{self.url}?queue={self.queue}&lease=3600")

    def make(self, settings: Mapping[str, Any]) -> None:
        async def make() -> None:
            client = await driver.connect(self.url, connect_timeout=PATIENCE)
            await client.jetstream(timeout=PATIENCE).add_stream(name=self.queue, subjects=[self.queue], **settings)
            await client.close()

        asyncio.run(make())

    def put(self, body: bytes, **headers: str) -> None:
        async def put() -> None:
            client = await driver.connect(self.url, connect_timeout=PATIENCE)
            await client.jetstream(timeout=PATIENCE).publish(
                self.queue, body, headers={name.replace("_", "-"): value for name, value in headers.items()} or None
            )
            await client.close()

        asyncio.run(put())


@pytest.fixture
def server(nats: str) -> Iterator[Server]:
    server = Server(nats)
    yield server
    server.connect().remove()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"storage": "memory"}, "loses all when the server ends"),
        ({"max_age": 3600}, "drops its oldest messages"),
        ({"max_msgs": 10, "discard": "old"}, "drops its oldest messages"),
        ({"retention": "workqueue", "storage": "file"}, "loses what came in the last two minutes when the power fails"),
    ],
)
def test_an_existing_stream_is_used_as_it_is_and_warned_of(
    server: Server, settings: Mapping[str, Any], told: str
) -> None:
    server.make(settings)
    with closing(server.connect()) as broker:
        broker.publish(bodies("a"))
        broker.ack(take(broker, 1))
        assert any(told in warning for warning in broker.warnings())


def test_a_stream_that_headrace_created_drops_nothing(server: Server) -> None:
    with closing(server.connect()) as broker:
        (warning,) = broker.warnings()
        assert "three replicas" in warning
        assert "headrace:headrace" not in warning


def test_what_others_publish_is_received(server: Server) -> None:
    with closing(server.connect()) as broker:
        broker.publish(bodies("a"))
        server.put(b"b")
        assert data(take(broker, 2)) == ["a", "b"]


def test_a_header_names_the_content_encoding(server: Server) -> None:
    with closing(server.connect()) as broker:
        broker.publish(bodies("plain"))
        server.put(b"packed", Content_Encoding="gzip")
        assert {one.data: one.encoding for one in take(broker, 2)} == {b"plain": "", b"packed": "gzip"}


def test_headers_and_the_id_of_a_message_are_handed_over(server: Server) -> None:
    with closing(server.connect()) as broker:
        broker.publish(bodies("ours"))
        server.put(b"theirs", Content_Type="text/plain", ce_id="7%25", Nats_Msg_Id="m")
        found = {one.data: one for one in take(broker, 2)}
        assert (found[b"ours"].content_type, found[b"ours"].headers, found[b"ours"].key) == ("", (), "")
        theirs = found[b"theirs"]
        assert (theirs.content_type, theirs.key) == ("text/plain", "m")
        assert ("ce-id", "7%25") in theirs.headers


def test_messages_of_others_are_texts_and_events(server: Server) -> None:
    event = {"ce_specversion": "1.0", "ce_id": "7", "ce_source": "/sh%C3%B6p", "ce_type": "review"}
    store = MemoryStore()
    with closing(server.connect()) as broker:
        broker.publish([])
        server.put("grün".encode(), Content_Type="text/plain")
        server.put(b'{"text": "binary"}', **event)
        server.put(b"a text", **{**event, "ce_id": "8", "ce_datacontenttype": "text/plain"})
        Keeper(broker, store, setup(), deadline=60.0, stop=Stop(), drain=True).run()
    found = {one.text: one.id for one in results(store)}
    assert found.keys() == {"grün", "binary", "a text"}
    assert (found["binary"], found["a text"], letters(store)) == ("/shöp|7", "/shöp|8", [])


def test_the_limit_is_that_of_the_server_and_a_stream_may_have_a_smaller_one(server: Server) -> None:
    server.make({"max_msg_size": 1000})
    with closing(server.connect()) as broker:
        assert broker.body_bytes() == 1 << 20
        with pytest.raises(Rejected, match=r"publishing to nats:.*message size"):
            broker.publish(bodies("x" * 2000))
        broker.publish(bodies("b"))
        assert data(take(broker, 1)) == ["b"]


def test_bodies_beyond_one_window_all_arrive(server: Server) -> None:
    with closing(server.connect()) as broker:
        names = [f"{number:04}" for number in range(700)]
        broker.publish(bodies(*names))
        assert data(take(broker, 700)) == names


def test_a_url_with_a_path_is_refused() -> None:
    with pytest.raises(Misconfigured, match="has no path"):
        NatsBroker.from_url("nats://host/path")


def test_a_node_that_does_not_answer_is_passed_over(nats: str) -> None:
    account, _, rest = nats.rpartition("@")
    broker = NatsBroker.from_url(f"{account}@127.0.0.1:1,127.0.0.1:2,{rest}?queue=test-{secrets.token_hex(6)}")
    broker.publish(bodies("a"))
    assert data(take(broker, 1)) == ["a"]
    broker.remove()


LEAST = """
listen: "127.0.0.1:{port}"
jetstream {{ store_dir: "{folder}" }}
authorization {{ users: [
  {{ user: all, password: all }}
  {{ user: none, password: none, permissions: {{ publish: {{ deny: ">" }} }} }}
  {{ user: nothing_new, password: nothing_new, permissions: {{ publish: {{ deny: "$JS.API.STREAM.CREATE.>" }} }} }}
] }}
"""


def test_what_the_server_does_not_allow_a_user_is_told_at_once(nats: str, tmp_path: Path) -> None:
    assert nats, "NATS is installed"
    port, claim = claimed()
    (tmp_path / "nats.conf").write_text(LEAST.format(port=port, folder=tmp_path / "data"))
    command = ["/usr/sbin/nats-server", "-c", str(tmp_path / "nats.conf")]

    def connect(user: str) -> NatsBroker:
        return NatsBroker.from_url(f"nats://{user}:{user}@127.0.0.1:{port}?queue=least")

    with claim, subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            with (
                closing(connect("nothing_new")) as one,
                pytest.raises(Misconfigured, match=r"(?i)stream\.create.*let this user"),
            ):
                insist(lambda: one.publish(bodies("a")))
            with closing(connect("all")) as one:
                insist(lambda: one.publish(bodies("a")))
            with closing(connect("none")) as one, pytest.raises(Misconfigured, match="let this user"):
                one.publish(bodies("b"))
            with closing(connect("nothing_new")) as one:
                one.ack(take(one, 1))
                assert one.backlog().ready == 0
        finally:
            process.kill()
