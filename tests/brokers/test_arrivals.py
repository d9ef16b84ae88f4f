"""What has arrived and was not received yet: in order, by bytes, and with the mean size that decides how much is fetched ahead."""

from headrace.brokers.arrivals import Arrivals
from headrace.documents import BODY_BYTES
from headrace.ports import Delivery


def arrivals(*sizes: int) -> Arrivals:
    """Deliveries of these sizes, whose receipts count them."""
    made = Arrivals()
    for number, size in enumerate(sizes):
        made.add(Delivery(bytes(size), number))
    return made


def receipts(deliveries: list[Delivery]) -> list[int]:
    return [delivery.receipt for delivery in deliveries]


def test_as_many_are_taken_as_the_limit_allows_in_their_order() -> None:
    waiting = arrivals(10, 20, 30, 40)
    assert receipts(waiting.take(60)) == [0, 1, 2]
    assert (len(waiting), waiting.bytes) == (1, 40)
    assert receipts(waiting.take(60)) == [3]
    assert (waiting.take(60), len(waiting), waiting.bytes) == ([], 0, 0)


def test_a_delivery_beyond_the_limit_is_taken_alone() -> None:
    waiting = arrivals(100, 1, 100)
    assert [receipts(waiting.take(50)) for _ in range(3)] == [[0], [1], [2]]


def test_the_mean_size_follows_what_was_taken_and_outlives_clearing() -> None:
    waiting = arrivals(*[300] * 40)
    assert waiting.mean_bytes == BODY_BYTES
    for _ in range(20):
        waiting.take(600)
    assert 300 <= waiting.mean_bytes < 301
    before = waiting.mean_bytes
    waiting.add(Delivery(b"a", 0))
    waiting.clear()
    assert (len(waiting), waiting.bytes, waiting.mean_bytes) == (0, 0, before)
    assert waiting.take(600) == []
    assert waiting.mean_bytes == before


def test_stale_deliveries_are_dropped_and_their_bytes_no_longer_counted() -> None:
    waiting = arrivals(10, 20, 30)
    waiting.drop(lambda delivery: delivery.receipt == 1)
    assert waiting.bytes == 40
    assert receipts(waiting.take(100)) == [0, 2]
