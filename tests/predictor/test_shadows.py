"""Which shadows are asked, as time passes."""

from support import logged

from headrace.models.spec import parse
from headrace.predictor.shadows import Shadows


class Clock:
    """A time that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def make() -> tuple[Shadows, Clock]:
    clock = Clock()
    return Shadows(parse("language, shadow language@challenger, shadow other=python:a:B"), clock=clock), clock


def test_a_shadow_that_was_left_out_is_tried_again_and_left_out_for_longer_at_its_next_death() -> None:
    shadows, clock = make()
    with logged() as said:
        assert [shadows.died(1, "killed", "SIGSEGV") for _ in range(3)] == [True] * 3
    assert said == ["the shadow language@challenger is left out for 60 s, and then tried again: SIGSEGV"]
    assert shadows.skipped() == [1]
    clock.now = 61.0
    assert shadows.skipped() == []
    shadows.died(1, "killed", "SIGSEGV")
    clock.now = 61.0 + 119
    assert shadows.skipped() == [1]
    clock.now = 61.0 + 121
    assert shadows.skipped() == []
    for _ in range(20):
        shadows.died(1, "killed", "SIGSEGV")
    clock.now += 3601
    assert shadows.skipped() == []


def test_one_missed_deadline_is_enough_and_only_shadows_are_left_out() -> None:
    shadows, _ = make()
    assert not shadows.died(0, "overdue", "too long")
    assert not shadows.died(-1, "overdue", "too long")
    assert shadows.died(2, "overdue", "too long")
    assert shadows.left_out == [2]


def test_a_shadow_that_takes_longer_than_the_answers_rests_for_the_difference() -> None:
    shadows, clock = make()
    shadows.worked({0: 0.5, 1: 0.4, 2: 5.0})
    assert shadows.skipped() == [2]
    assert shadows.left_out == []
    clock.now = 4.6
    assert shadows.skipped() == []


def test_a_shadow_that_could_not_be_opened_is_due_after_a_while() -> None:
    shadows, clock = make()
    shadows.opened([1])
    assert shadows.left_out == [1]
    assert not shadows.is_due()
    clock.now = 61.0
    assert shadows.is_due()
    shadows.opened([1])
    assert not shadows.is_due()
    clock.now = 61.0 + 121
    assert shadows.is_due()
    shadows.opened([])
    assert shadows.skipped() == []
