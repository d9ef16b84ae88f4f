"""What every store does: what becomes of documents that are written.

Seven suites say what a store is: `StoreSuite`, `ErasingSuite` (testing.erasing), `DeadLetterSuite` (testing.dead_letters), `QuerySuite`
(testing.queries), `HistorySuite` (testing.history), `ProgressSuite` (testing.progress) and `WatchSuite` (testing.watching). Subclass each
in a test module that has a fixture `connect`: a function, of which each call opens a connection of its own to one empty store.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import msgspec

from headrace.burial import bury_bytes
from headrace.clock import microseconds, to_datetime
from headrace.documents import Outcome, Result
from headrace.ports import Counts, ResultQuery, StoreAdapter
from headrace.testing.outcomes import document, labelled, labels, letters, prediction, results, timeless

Connect = Callable[[], StoreAdapter]
OPENERS = 4  # threads that open a store at once


class StoreSuite:
    """What is written; each name is the sentence that the test shows."""

    def test_a_result_is_found_as_it_was_written(self, connect: Connect) -> None:
        store = connect()
        meta = {"a": [1, 2.5, None, True, {"ö": "ß"}]}
        text = "Καλημέρα 😀\n\tعالم\u200d"
        written = document("id ö/1", text, created_at="2026-01-31T12:00:00+02:00", meta=meta)
        store.write([Outcome(written, (prediction("el"),))])
        assert timeless(results(store)) == [
            Result("id ö/1", text, "suite", "2026-01-31T12:00:00+02:00", meta, {"language": prediction("el")})
        ]

    def test_a_result_says_when_it_was_published_and_when_it_was_first_stored(self, connect: Connect) -> None:
        store = connect()
        before = to_datetime(microseconds())
        store.write([labelled("a", published_at=1_500_000)])
        after = to_datetime(microseconds())
        (first,) = results(store)
        assert first.published_at == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)
        assert first.stored_at is not None
        assert before <= first.stored_at <= after
        store.write([Outcome(document("a", published_at=9), (prediction("good", "mood@dddddd"),)), labelled("b")])
        (again,) = results(store, ResultQuery(ids=["a"]))
        assert (again.published_at, again.stored_at) == (first.published_at, first.stored_at)

    def test_a_time_of_publishing_may_be_unknown_or_beyond_all_calendars(self, connect: Connect) -> None:
        store = connect()
        store.write([labelled("none", published_at=None), labelled("late", published_at=(1 << 62) - 1)])
        times = {result.id: result.published_at for result in results(store)}
        assert times == {"none": None, "late": datetime.max.replace(tzinfo=UTC)}

    def test_what_one_connection_writes_another_finds(self, connect: Connect) -> None:
        one, two = connect(), connect()
        one.write([labelled("a")])
        assert [result.id for result in results(two)] == ["a"]

    def test_those_who_open_a_new_store_at_once_all_have_it(self, connect: Connect) -> None:
        gate = Barrier(OPENERS)

        def open_(number: int) -> StoreAdapter:
            gate.wait()
            store = connect()
            store.write([labelled(f"{number}")])
            return store

        with ThreadPoolExecutor(OPENERS) as beside:
            stores = list(beside.map(open_, range(OPENERS)))
        assert [len(results(store)) for store in stores] == [OPENERS] * OPENERS

    def test_writing_nothing_changes_nothing(self, connect: Connect) -> None:
        store = connect()
        store.write([])
        assert results(store) == []
        assert store.count(ResultQuery()) == Counts()

    def test_writing_the_same_again_changes_nothing(self, connect: Connect) -> None:
        store = connect()
        for _ in range(3):
            store.write([labelled("a"), labelled("b"), labelled("a")])
        assert sorted(result.id for result in results(store)) == ["a", "b"]
        assert labels(store) == {"sv": 2}
        assert letters(store) == []

    def test_the_first_answer_stands(self, connect: Connect) -> None:
        store = connect()
        store.write([Outcome(document("a"), (prediction("sv"),))])
        store.write([Outcome(document("a"), (prediction("da", "language@bbbbbb"),))])
        store.write([Outcome(document("a"), (prediction("no"),))])
        assert results(store)[0].predictions == {"language": prediction("sv")}
        assert labels(store) == {"sv": 1}

    def test_models_answer_each_for_itself(self, connect: Connect) -> None:
        store = connect()
        store.write([labelled("a")])
        mood = prediction("positive", "sentiment@cccccc", -1.5)
        store.write([Outcome(document("a"), (prediction("sv"), mood))])
        assert results(store)[0].predictions == {"language": prediction("sv"), "sentiment": mood}
        assert store.count(ResultQuery()) == Counts(1, {"language": {"sv": 1}, "sentiment": {"positive": 1}})

    def test_a_shadow_never_answers(self, connect: Connect) -> None:
        store = connect()
        shadow = prediction("da", "language@bbbbbb")
        store.write([Outcome(document("a"), (), (shadow,))])
        store.write([Outcome(document("b"), (prediction("sv"),), (shadow,))])
        assert {result.id: result.predictions for result in results(store)} == {
            "a": {},
            "b": {"language": prediction("sv")},
        }
        assert labels(store) == {"sv": 1}

    def test_a_document_without_predictions_is_a_result(self, connect: Connect) -> None:
        store = connect()
        store.write([Outcome(document("a"))])
        assert timeless(results(store)) == [Result("a", "hej", "suite", None, {}, {})]

    def test_the_same_id_with_another_text_is_buried_as_a_conflict(self, connect: Connect) -> None:
        store = connect()
        store.write([labelled("a", text="one")])
        store.write([labelled("a", text="two"), labelled("b")])
        assert {result.id: result.text for result in results(store)} == {"a": "one", "b": "hej"}
        (letter,) = letters(store)
        assert (letter.id, letter.kind) == ("a", "conflict")
        assert msgspec.json.decode(letter.data)["text"] == "two"

    def test_a_conflict_within_one_batch_is_found_too(self, connect: Connect) -> None:
        store = connect()
        store.write([labelled("a", text="one"), labelled("a", text="two"), labelled("a", text="three")])
        assert [result.text for result in results(store)] == ["one"]
        assert len(letters(store)) == 2
        store.write([labelled("a", text="one")])
        assert len(letters(store)) == 2

    def test_ids_differ_by_every_letter(self, connect: Connect) -> None:
        store = connect()
        names = ["a", "A", "a ", "å", "a\u030a", "1", "01", "x" * 256]
        store.write([labelled(name, text=f"text of {name}") for name in names])
        assert {result.id: result.text for result in results(store)} == {name: f"text of {name}" for name in names}
        assert [result.id for result in results(store, ResultQuery(ids=["A"]))] == ["A"]

    def test_a_large_batch_is_written_whole(self, connect: Connect) -> None:
        store = connect()
        store.write([labelled(f"{number}", text="text " * 50) for number in range(3000)])
        assert store.count(ResultQuery()).documents == 3000
        assert len(results(store, limit=1000)) == 1000

    def test_what_is_removed_is_gone_with_all_it_held_and_removing_again_is_nothing(self, connect: Connect) -> None:
        store = connect()
        store.write([labelled("a"), Outcome(None, dead=(bury_bytes(b"x", "no"),))])
        store.save("files:a", "1")
        store.remove()
        store.remove()
        anew = connect()
        assert (results(anew), letters(anew), anew.load("files:a")) == ([], [], None)
        anew.write([labelled("a")])

    def test_warnings_are_sentences_about_what_is_lost(self, connect: Connect) -> None:
        assert all(" " in told for told in connect().warnings())

    def test_closing_twice_is_closing_once(self, connect: Connect) -> None:
        store = connect()
        store.close()
        store.close()
