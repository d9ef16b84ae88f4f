"""When the broker's backlog is over its limit, and how rarely it is asked for."""

import pytest
from support import logged

from headrace.errors import Unavailable
from headrace.ingest.backlog import BacklogGauge, Watermark
from headrace.ports import Backlog


class Asked:
    """A broker that is asked for its backlog; each answer takes `cost` seconds."""

    def __init__(self, ready: int | None = 0, cost: float = 0.0) -> None:
        self.ready, self.cost, self.now, self.times = ready, cost, 0.0, 0

    def __call__(self) -> Backlog:
        self.times += 1
        self.now += self.cost
        return Backlog(self.ready, None, None)

    def gauge(self, limit: int = 100) -> BacklogGauge:
        return BacklogGauge(limit, clock=lambda: self.now)


def test_what_is_over_the_limit_stays_so_until_it_has_fallen_to_nine_tenths_of_it() -> None:
    mark = Watermark(100)
    seen = [(number, mark.see(number)) for number in (100, 101, 100, 91, 90, 100, 101)]
    assert [number for number, over in seen if over] == [101, 100, 91, 101]


def test_a_number_that_is_not_known_is_not_over() -> None:
    mark = Watermark(1)
    assert mark.see(2)
    assert not mark.see(None)


def test_the_backlog_is_asked_for_once_a_second_however_often_it_is_looked_at() -> None:
    broker = Asked(101)
    gauge = broker.gauge()
    for _ in range(1000):
        assert gauge.is_over(broker)
        broker.now += 0.01
    assert broker.times == 10


def test_a_broker_that_takes_long_to_say_is_asked_for_a_tenth_of_the_time() -> None:
    broker = Asked(cost=2.0)
    gauge = broker.gauge()
    for _ in range(1000):
        gauge.is_over(broker)
        broker.now += 0.1
    assert broker.times in (4, 5)


def test_it_is_asked_sooner_if_what_was_published_here_may_have_passed_the_limit() -> None:
    broker = Asked(90)
    gauge = broker.gauge()
    assert not gauge.is_over(broker)
    gauge.add(10)
    broker.now += 0.2
    assert not gauge.is_over(broker)
    assert broker.times == 1
    gauge.add(1)
    broker.ready = 101
    assert gauge.is_over(broker)
    assert (broker.times, gauge.bodies) == (2, 101)


def test_a_broker_that_took_long_to_say_is_asked_soon_all_the_same_if_the_limit_may_be_passed() -> None:
    broker = Asked(0, cost=0.3)  # as the first answer takes longer, for which a connection is made
    gauge = broker.gauge()
    assert not gauge.is_over(broker)
    gauge.add(101)
    broker.ready = 101
    broker.now += 0.3
    assert gauge.is_over(broker)


def test_an_error_of_the_broker_changes_nothing_and_it_is_asked_again() -> None:
    broker = Asked(101)
    gauge = broker.gauge()
    assert gauge.is_over(broker)
    broker.now += 2

    def away() -> Backlog:
        raise Unavailable("the broker is away")

    with pytest.raises(Unavailable):
        gauge.is_over(away)
    broker.ready = 0
    assert not gauge.is_over(broker)


def test_a_broker_that_does_not_tell_its_backlog_is_never_over_and_that_is_said_once() -> None:
    broker = Asked(None)
    gauge = broker.gauge()
    with logged() as said:
        for _ in range(3):
            assert not gauge.is_over(broker)
            broker.now += 2
    assert said == ["the broker does not tell how many bodies are ready, so backlog_limit has no effect"]
