"""Several sources at once."""

import threading
from collections.abc import Iterator, Sequence

import pytest
from support import PATIENCE, logged, until

from headrace.brokers.memory import MemoryBroker, Queue
from headrace.documents import Document
from headrace.errors import HeadraceError, Misconfigured
from headrace.ingest.several import Opened, Options, Several
from headrace.ports import Batch
from headrace.runtime import Stop
from headrace.stores.memory import MemoryStore


class Given:
    """A source of these texts, which goes on for ever after them if it is endless."""

    def __init__(self, name: str, texts: Sequence[str], *, endless: bool = False, error: str = "") -> None:
        self.name, self.texts, self.endless, self.error = name, texts, endless, error
        self.closed = threading.Event()

    def read(self, after: str | None = None) -> Iterator[Batch]:
        for number, text in enumerate(self.texts, 1):
            if number > int(after or 0):
                yield Batch([Document(f"{self.name}:{text}", text, self.name)], str(number))
        if self.error:
            raise Misconfigured(self.error)
        if self.endless:
            self.closed.wait(PATIENCE)

    def close(self) -> None:
        self.closed.set()


def several(stop: Stop, **options: float) -> tuple[Several, Queue, MemoryStore]:
    queue, store = Queue(), MemoryStore()
    return Several(lambda: MemoryBroker(queue), lambda: store, stop=stop, options=Options(**options)), queue, store


def opened(*sources: Given) -> list[Opened]:
    return [Opened(source, source.name) for source in sources]


def test_endless_sources_are_read_beside_each_other_until_the_stop() -> None:
    stop = Stop()
    work, _, store = several(stop)
    sources = opened(Given("a", "xy", endless=True), Given("b", "z", endless=True), Given("c", "uvw"))
    said: list[bool] = []
    thread = threading.Thread(target=lambda: said.append(work.run(sources)))
    thread.start()
    try:
        assert until(lambda: work.tally.published == 6)
    finally:
        stop.request()
        thread.join(PATIENCE)
    assert said == [False]
    assert {name: "stopped" in text for name, text in store.cursors().items()} == {"a": True, "b": True, "c": False}


def test_sources_that_end_come_one_after_the_other_and_share_what_they_remember() -> None:
    work, _, _ = several(Stop())
    assert work.run(opened(Given("a", "x"), Given("a", "x")))
    assert (work.tally.published, work.tally.repeated) == (1, 1)


def test_a_source_that_is_idle_counts_as_read() -> None:
    work, _, store = several(Stop(), until_idle=0.2)
    assert work.run(opened(Given("a", "xy", endless=True)))
    assert work.tally.published == 2
    assert '"ended"' in store.cursors()["a"]


def test_a_source_that_fails_does_not_end_the_others_and_its_error_is_raised_in_the_end() -> None:
    work, _, store = several(Stop(), until_idle=0.2)
    sources = opened(Given("bad", "x", endless=True, error="no such stream"), Given("good", "yz", endless=True))
    with pytest.raises(Misconfigured, match="no such stream"):
        work.run(sources)
    assert work.tally.published == 3
    assert '"failed","told":"no such stream"' in store.cursors()["bad"].replace(", ", ",")


def test_a_source_with_a_bug_has_failed_in_the_ledger() -> None:
    class Buggy(Given):
        def read(self, after: str | None = None) -> Iterator[Batch]:
            yield from super().read(after)
            raise ZeroDivisionError("by zero")

    work, _, store = several(Stop())
    with pytest.raises(HeadraceError, match="ZeroDivisionError: by zero"):
        work.run(opened(Buggy("bad", "x"), Given("good", "y")))
    assert work.tally.published == 2
    assert '"failed","told":"ZeroDivisionError: by zero"' in store.cursors()["bad"].replace(", ", ",")


def test_nothing_to_read_is_read_at_once() -> None:
    work, _, _ = several(Stop())
    assert work.run([])


def test_a_source_that_fails_does_not_keep_those_after_it_from_being_read() -> None:
    work, _, store = several(Stop())
    with pytest.raises(Misconfigured, match="is missing"):
        work.run(opened(Given("a", "", error="a is missing"), Given("b", "xy")))
    assert work.tally.published == 2
    assert '"ended"' in store.cursors()["b"]


def test_what_is_wrong_in_a_source_itself_is_told_and_the_others_are_read() -> None:
    class Odd(Given):
        def read(self, after: str | None = None) -> Iterator[Batch]:
            yield from super().read(after)
            raise ZeroDivisionError("a mistake")

    work, _, _ = several(Stop())
    with logged(), pytest.raises(HeadraceError, match="ZeroDivisionError: a mistake"):
        work.run(opened(Odd("a", "x"), Given("b", "y")))
    assert work.tally.published == 2


def test_a_source_that_ends_is_never_idle() -> None:
    class Slow(Given):
        def read(self, after: str | None = None) -> Iterator[Batch]:
            assert not self.closed.wait(0.5)  # as if it looked for its place
            yield from super().read(after)

    work, _, _ = several(Stop(), until_idle=0.05)
    assert work.run(opened(Slow("a", "x")))
    assert work.tally.published == 1
