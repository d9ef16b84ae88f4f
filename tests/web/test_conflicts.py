"""The thread that asks the store whether ids are known with other texts: once for all that has piled up."""

import threading
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import Future

import pytest
from support import PATIENCE

from headrace.documents import DeadLetter, Document, Outcome, Prediction, Result
from headrace.errors import Conflict, Unavailable
from headrace.ports import Watch
from headrace.stores.memory import MemoryStore
from headrace.web.conflicts import ConflictCheck
from headrace.web.publishing import Job


class Asked:
    """A watch of a store that counts how often it is asked; it waits until it is released, if it is held."""

    def __init__(self, store: MemoryStore) -> None:
        self._watch: Watch = store.watch()
        self.asked: list[int] = []
        self.entered, self.let_go = threading.Event(), threading.Event()
        self.let_go.set()
        self.trouble: Exception | None = None
        self.closed = 0

    def conflicts(self, documents: Sequence[tuple[str, str]]) -> Set[int]:
        self.asked.append(len(documents))
        self.entered.set()
        assert self.let_go.wait(PATIENCE)
        if self.trouble is not None:
            trouble, self.trouble = self.trouble, None
            raise trouble
        return self._watch.conflicts(documents)

    def results(self, ids: Sequence[str]) -> dict[str, Result]:
        raise AssertionError(f"nobody wants the results of {ids}")

    def letters(self, contents: Sequence[str]) -> list[DeadLetter]:
        raise AssertionError(f"nobody wants the dead letters of {contents}")

    def wait(self, seconds: float) -> bool:
        raise AssertionError(f"nobody waits, not even {seconds} seconds")

    def close(self) -> None:
        self.closed += 1


class Check:
    """A check, and what becomes of its jobs: None once one is handed on to be published."""

    def __init__(self, store: MemoryStore, **options: int) -> None:
        self.watch = Asked(store)
        self.published: list[list[Job]] = []
        self.check = ConflictCheck(lambda: self.watch, self.publish, self.settle, **options)
        self._futures: dict[Job, Future[None]] = {}

    def send(self, *documents: tuple[str, str], size: int = 10, deadline: float = float("inf")) -> "Future[None]":
        job = Job([], dict(documents), size, deadline)
        future = self._futures[job] = Future()
        self.check.publish([job])
        return future

    def publish(self, jobs: Sequence[Job]) -> None:
        self.published.append(list(jobs))
        self.settle([(job, None) for job in jobs])

    def settle(self, settled: Sequence[tuple[Job, Exception | None]]) -> None:
        for job, error in settled:
            if error is None:
                self._futures[job].set_result(None)
            else:
                self._futures[job].set_exception(error)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.write([Outcome(Document("a", "Hej", published_at=1), (Prediction("sv", 0.9, "language@1"),))])
    return store


@pytest.fixture
def check(store: MemoryStore) -> Iterator[Check]:
    made = Check(store)
    yield made
    made.watch.let_go.set()
    made.check.close(PATIENCE)
    assert made.watch.closed == (1 if made.watch.asked else 0)


def held(check: Check) -> "Future[None]":
    """Sends something that keeps the thread busy until it is let go."""
    check.watch.let_go.clear()
    first = check.send(("first", "Hej"))
    assert check.watch.entered.wait(PATIENCE)
    return first


def test_what_the_store_does_not_know_or_knows_with_the_same_text_is_published(check: Check) -> None:
    check.send(("new", "Hej"), ("a", "Hej")).result(PATIENCE)


def test_an_id_that_is_stored_with_another_text_is_named_and_nothing_of_its_request_is_published(check: Check) -> None:
    with pytest.raises(Conflict, match="'a' is stored with another text") as caught:
        check.send(("new", "Hej"), ("a", "Hopp")).result(PATIENCE)
    assert getattr(caught.value, "identity", "") == "a"
    assert check.published == []


def test_the_store_is_asked_once_for_all_that_has_piled_up_and_what_passes_is_published_together(check: Check) -> None:
    first = held(check)
    rest = [check.send((f"{number}", "Hej")) for number in range(50)]
    bad = check.send(("a", "Hopp"))
    check.watch.let_go.set()
    for job in (first, *rest):
        job.result(PATIENCE)
    assert isinstance(bad.exception(PATIENCE), Conflict)
    assert check.watch.asked == [1, 51]
    assert [len(jobs) for jobs in check.published] == [1, 50]


def test_of_two_texts_under_one_id_at_the_same_time_the_first_is_published_and_the_second_refused(check: Check) -> None:
    first = held(check)
    one, two, again = check.send(("b", "one")), check.send(("b", "two")), check.send(("b", "one"))
    check.watch.let_go.set()
    for job in (first, one, again):
        job.result(PATIENCE)
    with pytest.raises(Conflict, match="'b' was sent at the same time with another text"):
        two.result(PATIENCE)


def test_a_text_that_is_refused_does_not_count_as_sent(check: Check) -> None:
    first = held(check)
    wrong, right = check.send(("a", "Hopp")), check.send(("a", "Hej"))
    check.watch.let_go.set()
    for job in (first, right):
        job.result(PATIENCE)
    assert isinstance(wrong.exception(PATIENCE), Conflict)


@pytest.mark.parametrize("trouble", [Unavailable("the store is away"), OSError("too many open files")])
def test_a_store_that_cannot_be_asked_fails_all_that_has_piled_up_and_is_asked_again_for_the_next(
    store: MemoryStore, trouble: Exception
) -> None:
    check = Check(store)
    check.watch.trouble = trouble
    with pytest.raises(type(trouble), match=str(trouble)):
        check.send(("b", "Hej")).result(PATIENCE)
    check.send(("b", "Hej")).result(PATIENCE)
    assert check.check.alive()
    check.check.close(PATIENCE)


def test_what_comes_to_its_turn_too_late_is_not_published(check: Check) -> None:
    with pytest.raises(Unavailable, match="in time"):
        check.send(("b", "Hej"), deadline=0.0).result(PATIENCE)
    assert check.published == []


def test_more_than_can_be_held_for_a_slow_store_is_refused_at_once(store: MemoryStore) -> None:
    check = Check(store, most_bytes=100)
    first = held(check)
    second = check.send(("b", "Hej"), size=90)
    with pytest.raises(Unavailable, match="waiting for the store"):
        check.send(("c", "Hej"), size=20)
    check.watch.let_go.set()
    first.result(PATIENCE)
    second.result(PATIENCE)
    check.check.close(PATIENCE)
    with pytest.raises(Unavailable, match="stopping"):
        check.send(("c", "Hej"))
