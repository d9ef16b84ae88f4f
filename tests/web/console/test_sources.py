"""What the page of sources gets to show: states, counts, the last hour, gaps."""

from typing import Any

import anyio
import pytest
from support import PATIENCE
from support.web_world import unreachable

from headrace.documents import microseconds
from headrace.ingest.ledger import COUNTS, Ledger, Missed, Saved, save, table
from headrace.models.registry import Registry
from headrace.stores.memory import MemoryStore
from headrace.web.console.ledgers import called, columns, detail, kinds, listed, matches, row, state_of
from headrace.web.console.snapshot import Snapshots
from headrace.web.services import Services
from headrace.web.state import AppState

MINUTE = 60_000_000
NOW = 30_000_000 * MINUTE + 30_000_000


def ledger(name: str = "sse:x", state: str = "reading", **more: Any) -> dict[str, Any]:
    """A ledger as `table` gives it, saved now."""
    zeros = dict.fromkeys(COUNTS, 0)
    known = {
        "name": name,
        "url": name,
        "state": state,
        "reason": "",
        "lag_seconds": None,
        "cursor": "7",
        "saved_at": NOW,
    }
    return {**known, **zeros, "gaps": [], "minutes": [], **more}


def shown(one: dict[str, Any]) -> dict[str, Any]:
    return row(state_of(one, NOW), one, columns([one]), NOW)


@pytest.mark.parametrize(
    ("state", "name", "tone"),
    [
        ("reading", "Reading", "well"),
        ("waiting", "Waiting", "late"),
        ("paused", "Paused", "late"),
        ("ended", "Ended", ""),
        ("stopped", "Stopped", ""),
        ("failed", "Failed", "bad"),
        ("unknown", "Unknown", "late"),
        ("of tomorrow", "of tomorrow", "late"),
    ],
)
def test_each_state_has_a_name_and_a_colour(state: str, name: str, tone: str) -> None:
    assert state_of(ledger(state=state), NOW)[1:3] == (tone, name)


@pytest.mark.parametrize("state", ["reading", "waiting", "paused"])
def test_a_source_that_should_be_running_and_was_not_heard_of_for_long_is_silent(state: str) -> None:
    old = ledger(state=state, saved_at=NOW - 125 * MINUTE)
    assert state_of(old, NOW).name == "Silent"
    assert f"“{state}”, 2 h 5 min ago" in state_of(old, NOW).about
    assert "“headrace ingest” continues" in state_of(old, NOW).about
    assert state_of(ledger(state=state, saved_at=NOW - 9 * MINUTE), NOW).name != "Silent"
    assert state_of(ledger(state=state, saved_at=NOW + 9 * MINUTE), NOW).name != "Silent"  # the clock of another host


@pytest.mark.parametrize("state", ["ended", "stopped", "failed"])
def test_what_does_not_run_is_not_silent_however_long_ago_it_was(state: str) -> None:
    assert state_of(ledger(state=state, saved_at=NOW - 5000 * MINUTE), NOW).name == state.capitalize()


def test_those_that_want_attention_come_first_and_the_others_by_name() -> None:
    old = NOW - 60 * MINUTE
    ledgers = [ledger("b"), ledger("a"), ledger("c", "ended"), ledger("d", "failed"), ledger("e", saved_at=old)]
    found = listed([*ledgers, ledger("f", "waiting")], NOW)
    assert [one["name"] for _, one in found] == ["d", "e", "f", "a", "b", "c"]
    assert [kind["name"] for kind in kinds([state for state, _ in found])] == [
        "Failed 1", "Silent 1", "Waiting 1", "Reading 2", "Ended 1",
    ]  # fmt: skip


def test_counts_that_are_zero_everywhere_are_left_out_but_for_read_and_published() -> None:
    assert columns([]) == ["read", "published"]
    assert columns([ledger(missed=3), ledger(repeated=1)]) == ["read", "published", "repeated", "missed"]
    assert shown(ledger(read=1234, missed=3))["counts"] == [
        ["Read", "1,234", ""], ["Published", "0", "none"], ["Missed", "3", "bad"],
    ]  # fmt: skip


def test_every_count_has_a_name_for_people() -> None:
    assert [called(what) for what in ("read", "erased", "paid", "of_tomorrow")] == [
        "Read", "Deletions", "Paid for", "Of tomorrow",
    ]  # fmt: skip


def test_the_last_hour_is_shown_by_minute_and_in_words() -> None:
    minute = NOW // MINUTE
    minutes = [
        (minute - 60, {"read": 100}),
        (minute - 59, {"read": 3, "published": 2}),
        (minute, {"read": 1000, "published": 1000}),
    ]
    told = shown(ledger(minutes=minutes))
    assert (len(told["read"]), told["read"][0], told["read"][-1]) == (60, 3, 1000)
    assert (told["published"][0], sum(told["published"])) == (2, 1002)
    assert told["chart"] == "1,002 documents published in the last hour, at most 1,000 in a minute"
    assert told["hour"] == "Last hour: 1,002, peak 1,000 a minute"
    repeated = shown(ledger(minutes=[(minute, {"read": 5, "repeated": 5})]))
    assert (repeated["published"], repeated["chart"]) == ([], "Last hour: 5 read, none published")
    assert shown(ledger(minutes=[(minute - 60, {"read": 100})]))["chart"] == "Nothing in the last hour"


def test_a_row_says_how_fresh_it_is_and_how_late_its_documents_are() -> None:
    assert shown(ledger())["age"] == "updated just now"
    assert shown(ledger(saved_at=NOW - 3 * MINUTE))["age"] == "updated 3 min ago"
    assert shown(ledger(state="ended", saved_at=NOW - 125 * MINUTE))["age"] == "2 h 5 min ago"
    assert shown(ledger(state="unknown", saved_at=0))["age"] == ""
    assert [shown(ledger(lag_seconds=lag))["lag"] for lag in (None, 0.04, 9.96, 75.0)] == [
        "",
        "0.0 s",
        "10.0 s",
        "1 min",
    ]


def test_a_row_has_the_last_gap_and_the_detail_has_all() -> None:
    gaps = [{"at": 1_000_000, "reason": "cut", "missed": None}, {"at": 2_000_000, "reason": "late", "missed": 1234}]
    one = ledger(gaps=gaps)
    assert (shown(one)["gaps"], shown(one)["gap"]) == (2, {"at": 2000, "reason": "late", "missed": "1,234 missed"})
    assert [gap["missed"] for gap in detail("sse:x", [one], NOW)["gaps"]] == [
        "1,234 missed",
        "an unknown number missed",
    ]
    assert shown(ledger())["gap"] is None


def test_the_detail_has_the_whole_cursor_and_what_was_counted_by_minute() -> None:
    minutes = [(10, {"read": 1}), (11, {}), (12, {"read": 2000, "erased": 1})]
    one = ledger(cursor="c" * 5000, minutes=minutes, reason="503")
    assert len(shown(one)["cursor"]) == 48
    known = detail("sse:x", [one], NOW)
    assert (len(known["cursor"]), known["state"], known["reason"]) == (5000, "Reading.", "503")
    assert known["heads"] == ["Read", "Deletions"]
    assert known["minutes"] == [[720_000, "2,000", "1"], [600_000, "1", "0"]]
    assert detail("gone", [one], NOW) == {"key": "gone", "name": "gone", "gone": True}


def test_long_names_and_reasons_are_shortened_in_the_list_only() -> None:
    long = "sse:https://host/" + "x" * 5000
    told = shown(ledger(long, "waiting", reason="r" * 5000, url="posts"))
    assert (len(told["name"]), len(told["reason"]), told["key"], told["url"]) == (300, 600, long, "posts")
    assert shown(ledger(long))["url"] == ""
    assert detail(long, [ledger(long)], NOW)["name"] == long


def test_sources_are_found_by_name_url_or_state() -> None:
    one = ledger("files:/srv/Posts.jsonl", "ended", url="posts")
    found = [wanted for wanted in ("POSTS.", "srv", "end", "", "read") if matches(state_of(one, NOW), one, wanted)]
    assert found == ["POSTS.", "srv", "end", ""]


def test_what_ingest_saves_is_what_visitors_see_and_they_share_a_query(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(MemoryStore):
        asked = 0

        def cursors(self) -> dict[str, str]:
            self.asked += 1
            return super().cursors()

    monkeypatch.setattr("headrace.web.state.ANSWER_SECONDS", PATIENCE)
    store = Counting()
    kept = Ledger("posts", counts={"read": 2}, gaps=[Missed(1, "cut", 3)])
    kept.count("published", 2, microseconds())
    save(store, "files:posts", Saved("2", 2, kept))
    store.save("old", "no json")
    state = AppState.from_services(
        Services(store=store, connect=unreachable, registry=Registry("nowhere", builtin=None))
    )
    snapshots = Snapshots(state, clock=lambda: 0.0)

    async def look() -> list[dict[str, Any]]:
        await snapshots.sources()
        return await snapshots.sources()

    known = anyio.run(look)
    state.close()
    assert store.asked == 1
    assert known == table(store)
    found = {one["name"]: row(state_of(one, microseconds()), one, columns(known), microseconds()) for one in known}
    assert found["files:posts"]["chart"].startswith("2 documents published")
    assert (found["old"]["state"], "cannot be read" in found["old"]["reason"]) == ("Unknown", True)
