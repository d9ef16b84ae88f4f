"""What every sink has to do. Subclass `SinkSuite` in a test module and give it two fixtures.

    class TestMySink(SinkSuite):
        @pytest.fixture
        def connect(self): ...   # returns a function: each call opens another connection to one sink, which is empty at first
        @pytest.fixture
        def consume(self): ...   # returns a function: the first call starts a consumer of everything; each waits until it has got
                                 # as many bodies as it is asked for since the last call, and returns them

Connections that a test opens are closed by the fixture, or by the test itself.
"""

from collections.abc import Callable

import pytest

from headrace.documents import Body
from headrace.errors import Rejected, Unavailable
from headrace.ports import Sink

Connect = Callable[[], Sink]
Consume = Callable[[int], list[Body]]

SWEDISH = Body(b'{"id": "a"}\n{"id": "b"}', "language.sv")
ENGLISH = Body(b'{"id": "c"}', "language.en")


class SinkSuite:
    """The tests. Each name is the sentence that it checks."""

    def test_bodies_arrive_unchanged_under_their_keys(self, connect: Connect, consume: Consume) -> None:
        consume(0)
        connect().publish([SWEDISH, ENGLISH])
        assert sorted(consume(2), key=lambda body: body.key) == [ENGLISH, SWEDISH]

    def test_what_several_connections_publish_arrives(self, connect: Connect, consume: Consume) -> None:
        consume(0)
        connect().publish([SWEDISH])
        connect().publish([ENGLISH])
        assert sorted(consume(2), key=lambda body: body.key) == [ENGLISH, SWEDISH]

    def test_many_bodies_all_arrive(self, connect: Connect, consume: Consume) -> None:
        consume(0)
        sink = connect()
        bodies = [Body(b"%d" % number, f"size.{number % 7}") for number in range(3000)]
        sink.publish(bodies[:2000])
        sink.publish(bodies[2000:])
        assert sorted(consume(3000), key=lambda body: int(body.data)) == bodies

    def test_any_label_can_be_a_key(self, connect: Connect, consume: Consume) -> None:
        consume(0)
        bodies = [
            Body(b"1", "mood.très bien"),
            Body(b"2", "mood.#"),
            Body(b"3", "mood.a.b"),
            Body(b"4", "mood.\U0001f642"),
        ]
        connect().publish(bodies)
        assert sorted(consume(4), key=lambda body: body.data) == bodies

    def test_publishing_needs_no_consumer(self, connect: Connect, consume: Consume) -> None:
        sink = connect()
        sink.publish([SWEDISH])
        consume(0)
        sink.publish([ENGLISH])
        assert ENGLISH in consume(1)

    def test_publishing_no_bodies_does_nothing(self, connect: Connect, consume: Consume) -> None:
        consume(0)
        sink = connect()
        sink.publish([])
        sink.publish([ENGLISH])
        assert consume(1) == [ENGLISH]

    def test_a_body_beyond_the_limit_is_rejected_and_none_is_published(
        self, connect: Connect, consume: Consume
    ) -> None:
        consume(0)
        sink = connect()
        with pytest.raises(Rejected, match="limit"):
            sink.publish([SWEDISH, Body(bytes(sink.body_bytes() + 1), "language.sv")])
        sink.publish([ENGLISH])
        assert consume(1) == [ENGLISH]

    def test_a_closed_connection_publishes_nothing(self, connect: Connect) -> None:
        sink = connect()
        sink.publish([SWEDISH])
        sink.close()
        sink.close()
        with pytest.raises(Unavailable, match="closed"):
            sink.publish([ENGLISH])
