"""Leases of Redis, NATS and beanstalkd: when they run out, what `keep` does, and that nobody else holds what is leased."""

import time

import pytest
from support import again, come, until
from support.own_queue import SHORT, OwnQueue

from headrace.ports import Delivery
from headrace.testing.brokers import LARGE, PATIENCE, bodies, data, take


class Lease:
    """How long a lease is valid. If the machine was so slow that it may have run out, a test shows nothing and tries again."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds - 1  # in the last second of a lease beanstalkd takes it for run out

    def is_good(self) -> bool:
        return time.monotonic() < self._end


@pytest.mark.parametrize("kind", ["redis", "nats"])  # beanstalkd 1.12 overlooks it now and then
def test_leases_of_a_worker_that_never_calls_keep_go_to_another(queue: OwnQueue) -> None:
    one, two = queue.connect(lease=SHORT), queue.connect(lease=SHORT)
    one.publish(bodies("a", "b"))
    stale = take(one, 2)
    come(two, "a", "b")
    one.ack(stale)
    one.keep(stale)
    one.close()
    two.close()
    come(queue.connect(lease=SHORT), "a", "b")


@pytest.mark.parametrize("kind", ["redis", "nats"])
def test_acks_and_keeps_of_an_expired_lease_do_not_touch_the_next_one(queue: OwnQueue) -> None:
    one, two = queue.connect(lease=SHORT), queue.connect(lease=SHORT)
    one.publish(bodies("a"))

    def shown() -> bool:
        stale, fresh = come(one, "a"), list[Delivery]()
        while not fresh:
            lease = Lease(SHORT)
            fresh = two.receive(LARGE, 0.1)
        one.ack(stale)
        one.keep(stale)
        came = two.receive(LARGE, 0.1)
        assert came == [] or not lease.is_good()
        return lease.is_good()

    until(shown, "an attempt within one lease")
    one.close()
    two.close()
    come(queue.connect(lease=SHORT), "a")


@pytest.mark.parametrize("kind", ["beanstalkd"])
def test_leases_of_a_connection_that_ends_go_to_another_at_once(queue: OwnQueue) -> None:
    wire = queue.wire()
    one, two = queue.connect(through=wire), queue.connect()
    one.publish(bodies("a", "b"))
    stale = take(one, 2)
    wire.cut()
    fresh = come(two, "a", "b")
    again(lambda: one.ack(stale))
    two.close()
    assert data(fresh) == ["a", "b"]
    assert data(take(queue.connect(), 2)) == ["a", "b"]


def test_a_lease_that_is_kept_does_not_run_out(queue: OwnQueue) -> None:
    def shown() -> bool:
        queue.move()
        one, two = queue.connect(lease=2 * SHORT), queue.connect(lease=2 * SHORT)
        one.publish(bodies("a"))
        lease = Lease(2 * SHORT)
        held = take(one, 1)
        end = time.monotonic() + 2 * SHORT + 1
        while time.monotonic() < end:
            last, lease = lease, Lease(2 * SHORT)
            one.keep(held)
            if not last.is_good():
                return False
            came = two.receive(LARGE, 0.2)
            if not lease.is_good():
                return False
            assert came == []
        one.ack(held)
        if not lease.is_good():
            return False
        one.close()
        assert two.receive(LARGE, 0.2) == []
        return True

    until(shown, "an attempt in which each keep came in time")


def test_a_batch_leaves_the_rest_to_others_and_no_body_is_leased_twice(queue: OwnQueue) -> None:
    one, two = queue.connect(), queue.connect()
    one.publish(bodies(*(f"{number:04}" for number in range(500))))
    held = one.receive(400, PATIENCE)
    assert 1 <= len(held) <= 100
    rest = take(two, 500 - len(held))
    assert len({delivery.data for delivery in held + rest}) == 500
