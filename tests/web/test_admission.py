"""Who is admitted to a call, by the test's own clock."""

from collections import deque
from collections.abc import Iterable

import pytest

from headrace.web.admission import FEW, LASTING_SECONDS, LONG_SECONDS, QUEUE_SECONDS, SHORT_SECONDS, Admission, Place
from headrace.web.responses import RETRY_SECONDS, Refused

MANY = 500


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def admission(clock: Clock) -> Admission:
    return Admission("the test", many=MANY, clock=clock)


def enter(admission: Admission, number: int) -> list[Place]:
    """So many requests, of which all are admitted."""
    places = [admission.enter() for _ in range(number)]
    assert all(places)
    return [place for place in places if place is not None]


def leave(places: Iterable[Place]) -> None:
    for place in places:
        place.leave()


def test_a_crowd_that_comes_at_once_is_admitted(admission: Admission) -> None:
    enter(admission, 10 * MANY)


def test_few_may_take_their_time(admission: Admission, clock: Clock) -> None:
    for _ in range(FEW):
        enter(admission, 1)
        clock.now += 60
    enter(admission, 1)


def test_once_more_than_few_have_waited_long_no_more_are_admitted_until_they_are_taken(
    admission: Admission, clock: Clock
) -> None:
    early = enter(admission, FEW + 1)
    clock.now += LONG_SECONDS / 2
    late = enter(admission, 10)
    clock.now += LONG_SECONDS / 2
    assert admission.enter() is None
    for place in early[:2]:
        place.leave()
    assert admission.enter() is None, "in the same turn of the loop"
    clock.now += 0.01
    enter(admission, 1)
    for place in (*early, *late):
        place.leave()
        place.leave()
    assert admission.here == 1


def test_many_may_not_wait_for_long(admission: Admission, clock: Clock) -> None:
    enter(admission, MANY - 1)
    clock.now += SHORT_SECONDS
    enter(admission, 1)
    clock.now += 0.001
    assert admission.enter() is None


def test_many_may_not_wait_even_a_moment_if_that_lasts(admission: Admission, clock: Clock) -> None:
    waiting: deque[list[Place]] = deque()
    began, pause = clock.now, 0.6 * QUEUE_SECONDS
    while clock.now - began < LASTING_SECONDS - pause:
        waiting.append(enter(admission, MANY))
        clock.now += pause
        if len(waiting) > 2:
            leave(waiting.popleft())
    clock.now += 2 * pause
    assert admission.enter() is None
    leave(waiting.popleft())
    leave(waiting.popleft())
    clock.now += 0.001
    enter(admission, 2 * MANY)


def test_a_stall_that_does_not_last_refuses_nobody(admission: Admission, clock: Clock) -> None:
    for _ in range(20):
        places = enter(admission, 2 * MANY)
        clock.now += 0.9 * SHORT_SECONDS
        leave(places)
        clock.now += 0.001


def test_one_that_is_refused_is_told_to_come_again(admission: Admission, clock: Clock) -> None:
    enter(admission, FEW + 1)
    clock.now += LONG_SECONDS
    with pytest.raises(Refused) as refused, admission.place():
        pass
    response = refused.value.response()
    assert (response.status_code, response.headers["retry-after"]) == (503, str(RETRY_SECONDS))
    assert b"too many requests wait for the test" in bytes(response.body)


def test_a_place_is_left_when_its_block_fails(admission: Admission) -> None:
    with pytest.raises(ZeroDivisionError), admission.place():
        raise ZeroDivisionError
    assert admission.here == 0
