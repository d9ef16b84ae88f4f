"""What every store knows beyond the answers that stand: all predictions, and answers by the hour. Needs a fixture `connect`."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headrace import clock
from headrace.burial import bury
from headrace.documents import Outcome
from headrace.ports import DeadQuery, HourCount, ResultQuery, Store, StoredPrediction
from headrace.testing.outcomes import document, labelled, letters, prediction, results
from headrace.testing.stores import Connect

START = datetime(2026, 11, 28, 22, 30, tzinfo=UTC)
TURNS = 60


class Clock:
    """The time that this process's stores take for now, until the test is over."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self._patched = patched

    def set(self, at: datetime) -> None:
        nanoseconds = 1000 * clock.to_microseconds(at)
        self._patched.setattr("time.time_ns", lambda: nanoseconds)


class HistorySuite:
    """Predictions and counts by the hour; each name is the sentence that the test shows."""

    @pytest.fixture
    def now(self, monkeypatch: pytest.MonkeyPatch) -> Clock:
        made = Clock(monkeypatch)
        made.set(START)
        return made

    def test_all_predictions_are_read_back_shadows_and_later_versions_included(self, connect: Connect) -> None:
        store = connect()
        answer, mood = prediction("sv"), prediction("good", "mood@dddddd", 0.25)
        shadow, later = prediction("da", "language@bbbbbb", -0.5), prediction("no", "language@000000")
        store.write([Outcome(document("a"), (answer,), (shadow,)), labelled("b")])
        store.write([Outcome(document("a"), (later, mood)), Outcome(document("a"), (answer,), (shadow,))])
        assert store.predictions(["a", "unknown"]) == {
            "a": [
                StoredPrediction(answer, True),
                StoredPrediction(later, False),
                StoredPrediction(shadow, False),
                StoredPrediction(mood, True),
            ]
        }

    def test_a_document_without_predictions_and_no_ids_have_none(self, connect: Connect) -> None:
        store = connect()
        store.write([Outcome(document("a")), labelled("b")])
        assert store.predictions(["a"]) == store.predictions([]) == {}

    def test_predictions_of_an_erased_document_are_gone(self, connect: Connect) -> None:
        store = connect()
        store.write([Outcome(document("a"), (prediction("sv"),), (prediction("da", "language@bbbbbb"),))])
        store.erase(["a"])
        assert store.predictions(["a"]) == {}

    def test_results_are_found_by_when_they_were_stored(self, connect: Connect, now: Clock) -> None:
        store = connect()
        minutes = [0, 1, 31, 95, 29, 30]  # the clock is set back once
        for number, after in enumerate(minutes):
            now.set(START + timedelta(minutes=after))
            store.write([labelled(f"{number}", "sv" if number % 2 else "da"), labelled(f"{number}+")])

        def found(since: timedelta | None = None, until: timedelta | None = None, **members: Any) -> list[str]:
            first, after = (None if since is None else START + since), (None if until is None else START + until)
            query = ResultQuery(since=first, until=after, **members)
            return [result.id for result in results(store, query) if "+" not in result.id]

        minute, tick = timedelta(minutes=1), timedelta(microseconds=1)
        assert found() == list("543210")
        assert found(since=30 * minute) == list("532")
        assert found(since=30 * minute + tick) == list("32")
        assert found(until=30 * minute) == list("410")
        assert found(until=30 * minute + tick) == list("5410")
        assert found(since=minute, until=31 * minute) == list("541")
        assert found(since=minute, until=31 * minute, label="sv", model="language") == list("51")
        assert found(since=96 * minute) == found(until=-minute) == found(since=minute, until=minute) == []
        first, last = (at.replace(tzinfo=UTC) for at in (datetime.min, datetime.max))
        assert [one.id for one in results(store, ResultQuery(since=first, until=last), limit=2)] == ["5+", "5"]
        assert results(store, ResultQuery(since=last)) == results(store, ResultQuery(until=first)) == []
        assert store.count_by_hour("language", first, last) == store.count_by_hour("language") != []
        assert store.count(ResultQuery(since=START + 30 * minute, label="da")).documents == 1
        assert store.count(ResultQuery(until=START + 30 * minute)).documents == 6

    def test_pages_of_a_span_of_time_hold_each_result_once(self, connect: Connect, now: Clock) -> None:
        store = connect()
        for number in range(24):
            now.set(START + timedelta(minutes=7 * number))
            store.write([labelled(f"{number:02}", "sv" if number % 2 else "da")])
        query = ResultQuery(label="sv", since=START + timedelta(minutes=7), until=START + timedelta(minutes=7 * 20))
        seen: list[str] = []
        page: str | None = None
        while len(seen) < 100:
            answer = store.find(query, limit=3, page=page)
            seen += [result.id for result in answer.items]
            page = answer.next
            if page is None:
                break
        assert seen == [f"{number:02}" for number in range(19, 0, -2)]

    def test_answers_are_counted_by_the_hour_in_which_their_document_was_stored(
        self, connect: Connect, now: Clock
    ) -> None:
        store = connect()
        store.write([labelled("1"), labelled("2", "da"), labelled("3", "da")])
        now.set(START + timedelta(hours=2))
        mood = prediction("good", "mood@dddddd")
        store.write([labelled("4"), Outcome(document("1"), (mood,)), Outcome(document("5"), (), (mood,))])
        first, third = START.replace(minute=0), START.replace(minute=0) + timedelta(hours=2)
        assert list(store.count_by_hour("language")) == [
            HourCount(first, "da", 2),
            HourCount(first, "sv", 1),
            HourCount(third, "sv", 1),
        ]
        assert list(store.count_by_hour("mood")) == [HourCount(first, "good", 1)]
        assert list(store.count_by_hour("nothing")) == []

    def test_hours_are_counted_that_begin_since_one_time_and_before_another(self, connect: Connect, now: Clock) -> None:
        store = connect()
        for hour in range(5):
            now.set(START + timedelta(hours=hour))
            store.write([labelled(f"{hour}")])

        def hours(since: datetime | None, until: datetime | None) -> list[int]:
            return [counted.hour.hour for counted in store.count_by_hour("language", since, until)]

        begins = START.replace(minute=0)
        assert hours(None, None) == [22, 23, 0, 1, 2]
        assert hours(begins + timedelta(hours=1), None) == [23, 0, 1, 2]
        assert hours(begins + timedelta(microseconds=1), None) == [23, 0, 1, 2]
        assert hours(None, begins + timedelta(hours=1)) == [22]
        assert hours(None, begins + timedelta(hours=1, microseconds=1)) == [22, 23]
        assert hours(begins, begins) == []

    def test_an_hour_of_which_everything_was_erased_is_left_out(self, connect: Connect, now: Clock) -> None:
        store = connect()
        store.write([labelled("a")])
        now.set(START + timedelta(hours=1))
        store.write([labelled("b")])
        store.erase(["a", "a", "unknown"])
        assert [counted.hour.hour for counted in store.count_by_hour("language")] == [23]

    def test_counts_by_hour_are_those_of_a_recount_whatever_was_written_repeated_and_erased(
        self, connect: Connect, now: Clock
    ) -> None:
        chance = random.Random(9)
        store = connect()
        at = START
        for _ in range(TURNS):
            at += timedelta(minutes=chance.randrange(-20, 90))  # clocks are set back, too
            now.set(at)
            if chance.random() < 0.2:
                store.erase([f"{chance.randrange(40)}" for _ in range(3)])
            else:
                store.write([self._any_outcome(chance, at) for _ in range(chance.randrange(1, 12))])
        for model in ("language", "mood"):
            counted = {(one.hour, one.label): one.count for one in store.count_by_hour(model)}
            assert counted == self._recount(store, model)
            assert sum(counted.values()) == store.count(ResultQuery(model=model)).documents
        assert len(counted) > 10
        assert letters(store, DeadQuery(model="mood"))

    def _any_outcome(self, chance: random.Random, at: datetime) -> Outcome:
        published = document(
            f"{chance.randrange(40)}",
            chance.choice(["hej", "hej", "hej", "moi"]),
            published_at=clock.to_microseconds(at),
        )
        versions = [f"{chance.choice(['language', 'mood'])}@{chance.randrange(3):06}" for _ in range(2)]
        said = [prediction(chance.choice("xyz"), version) for version in dict.fromkeys(versions)]
        dead = (bury(published, "raised", "no", model="mood"),) if chance.random() < 0.2 else ()
        half = chance.randrange(len(said) + 1)
        return Outcome(published, tuple(said[:half]), tuple(said[half:]), dead)

    def _recount(self, store: Store, model: str) -> Counter[tuple[datetime, str]]:
        found: Counter[tuple[datetime, str]] = Counter()
        for result in results(store, limit=1000):
            assert result.stored_at is not None
            if model in result.predictions:
                hour = result.stored_at.replace(minute=0, second=0, microsecond=0)
                found[hour, result.predictions[model].label] += 1
        return found
