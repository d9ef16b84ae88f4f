"""What every watch of a store does: it looks up many documents at once, and learns of changes. Needs a fixture `connect`."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from random import Random

from headrace.burial import bury
from headrace.documents import DeadLetter, Outcome, content_hash
from headrace.ports import ResultQuery, Watch
from headrace.testing.outcomes import document, labelled, letters, prediction, results
from headrace.testing.stores import Connect

PATIENCE = 30.0  # seconds after which what has not come never will


class WatchSuite:
    """Looking up many, and waiting for changes; each name is the sentence that the test shows."""

    def test_a_conflict_is_an_id_that_is_stored_with_another_text(self, connect: Connect) -> None:
        store = connect()
        one = "one 'ö' \"😀\" \\ %s {}"
        store.write([labelled("a", text=one), labelled("b"), labelled("c")])
        with closing(store.watch()) as watch:
            asked = [("a", one), ("b", "other"), ("c", "Hej"), ("d", "new"), ("A", "x"), ("a", "two"), ("b", "hej")]
            assert set(watch.conflicts(asked)) == {1, 2, 5}
            assert not watch.conflicts([("a", one), ("d", "new"), ("d", "newer")])
            assert not watch.conflicts([])
            store.erase(["b"])
            assert set(watch.conflicts(asked)) == {2, 5}

    def test_results_are_the_same_as_those_that_are_found(self, connect: Connect) -> None:
        store = connect()
        chance = Random(7)
        mood = prediction("good", "mood@dddddd", -1.5)
        store.write(
            [
                Outcome(
                    document(
                        f"{number}", f"text \n\t\"{number}\" '😀'", source=chance.choice("ab"), meta={"ö": [1, None]}
                    ),
                    (prediction(chance.choice("xy"), score=chance.random() * 10 ** chance.randint(-9, 3)), mood),
                    (prediction("z", "shadow@cccccc"),),
                )
                for number in range(200)
            ]
        )
        store.write([Outcome(document("bare", created_at="2026-01-31T12:00:00Z", published_at=None))])
        store.write([labelled("dead", text="-"), labelled("dead", text="other")])
        found = {result.id: result for result in results(store, limit=1000)}
        with closing(store.watch()) as watch:
            assert watch.results([*found, "unknown"]) == found
            assert watch.results(["7", "7"]) == {"7": found["7"]}
            assert watch.results(["unknown"]) == watch.results([]) == {}

    def test_thousands_are_looked_up_at_once(self, connect: Connect) -> None:
        store = connect()
        store.write([labelled(f"{number}") for number in range(1500)])
        ids = [f"{number}" for number in range(3000)]
        with closing(store.watch()) as watch:
            assert len(watch.results(ids)) == 1500
            assert len(watch.conflicts([(identity, "other") for identity in ids])) == 1500
            assert not watch.letters(ids)

    def test_dead_letters_are_found_by_what_was_buried_newest_first(self, connect: Connect) -> None:
        store = connect()
        with closing(store.watch()) as watch:
            contents = [content_hash(name, "hej") for name in ("a", "b")]
            assert not watch.letters(contents)
            for model in ("mood", "language"):
                store.write([Outcome(document("a"), dead=(bury(document("a"), "raised", "no", model=model),))])
            store.write([Outcome(document("c"), dead=(bury(document("c"), "raised", "no"),))])
            wanted: list[DeadLetter] = [letter for letter in letters(store) if letter.id == "a"]
            assert [letter.model for letter in wanted] == ["language", "mood"]
            assert list(watch.letters(contents)) == wanted
            assert not watch.letters([])

    def test_who_waits_learns_of_what_another_connection_writes(self, connect: Connect) -> None:
        store, other = connect(), connect()
        with closing(store.watch()) as watch, ThreadPoolExecutor(1) as beside:
            for name in ("a", "b", "c"):
                begun = threading.Event()
                found = beside.submit(_wait_for, watch, partial(_ids, watch, name), begun)
                assert begun.wait(PATIENCE)
                other.write([labelled(name)])
                assert found.result(PATIENCE) == [name]

    def test_who_waits_learns_of_a_dead_letter(self, connect: Connect) -> None:
        store, other = connect(), connect()
        content = content_hash("a", "hej")
        with closing(store.watch()) as watch, ThreadPoolExecutor(1) as beside:
            begun = threading.Event()
            found = beside.submit(_wait_for, watch, lambda: [one.id for one in watch.letters([content])], begun)
            assert begun.wait(PATIENCE)
            other.write([Outcome(document("a"), dead=(bury(document("a"), "raised", "no"),))])
            assert found.result(PATIENCE) == ["a"]

    def test_waiting_ends_in_time_though_nothing_is_written(self, connect: Connect) -> None:
        with closing(connect().watch()) as watch:
            assert watch.wait(PATIENCE)
            watch.wait(0.0)
            watch.wait(0.01)

    def test_a_watch_sees_what_is_removed_and_made_anew(self, connect: Connect) -> None:
        store = connect()
        store.write([labelled("a")])
        with closing(store.watch()) as watch:
            assert set(watch.results(["a"])) == {"a"}
            connect().remove()
            anew = connect()
            assert not watch.results(["a"])
            anew.write([labelled("b")])
            assert set(watch.results(["a", "b"])) == {"b"}
            assert [result.id for result in results(anew, ResultQuery(ids=["b"]))] == ["b"]

    def test_closing_a_watch_twice_is_closing_it_once_and_unused_it_closes_too(self, connect: Connect) -> None:
        watch = connect().watch()
        watch.close()
        watch.close()


def _ids(watch: Watch, identity: str) -> list[str]:
    return list(watch.results([identity]))


def _wait_for(watch: Watch, look: Callable[[], list[str]], begun: threading.Event) -> list[str]:
    """Wait until there is something to see, as a server does: it looks after each change, and what it misses is lost."""
    watch.wait(0.0)
    assert not look()
    begun.set()
    while True:
        if watch.wait(PATIENCE) and (found := look()):
            return found
