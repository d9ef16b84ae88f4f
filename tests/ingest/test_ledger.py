"""The ledger of a source: what it counts, and what is kept of an earlier version's."""

import pytest

from headrace.ingest.ledger import GAPS, MINUTES, Ledger, Saved, load, save, table
from headrace.ports import Gap
from headrace.stores.memory import MemoryStore

MINUTE = 60_000_000


def test_what_is_counted_is_summed_and_kept_by_the_minute() -> None:
    ledger = Ledger()
    for minute in range(MINUTES + 5):
        ledger.count("read", 2, minute * MINUTE + 1)
    ledger.count("published", 1, (MINUTES + 4) * MINUTE + 9)
    assert ledger.counts == {"read": 2 * (MINUTES + 5), "published": 1}
    assert len(ledger.minutes) == MINUTES
    assert ledger.minutes[-1] == (MINUTES + 4, {"read": 2, "published": 1})


def test_the_last_gaps_are_kept_and_what_is_known_to_be_missing_is_counted() -> None:
    ledger = Ledger()
    for number in range(GAPS + 1):
        ledger.miss(Gap(f"gap {number}", number or None), 5)
    assert len(ledger.gaps) == GAPS
    assert ledger.gaps[-1].reason == f"gap {GAPS}"
    assert ledger.counts == {"missed": sum(range(GAPS + 1))}


def test_a_ledger_is_read_as_it_was_saved() -> None:
    store = MemoryStore()
    ledger = Ledger("sse:https://x/", "waiting", "503")
    ledger.count("read", 3, MINUTE)
    save(store, "sse:x", Saved("7", 2, ledger))
    assert load(store, "sse:x") == Saved("7", 2, ledger)
    assert load(store, "sse:y") is None
    assert ledger.at > 0


@pytest.mark.parametrize(
    "text", ["garbage", "7", '{"cursor": 7}', '{"cursor": "7", "published": "x"}', "[" * 100_000, "\udcff"]
)
def test_what_cannot_be_read_is_handed_on_as_a_cursor_which_the_source_refuses(text: str) -> None:
    store = MemoryStore()
    store.save("sse:x", text)
    assert load(store, "sse:x") == Saved(text, 0)
    assert [row["state"] for row in table(store)] == ["unknown"]


def test_the_table_has_a_row_for_each_source_also_from_before_there_were_ledgers() -> None:
    store = MemoryStore()
    store.save("files:/old", '{"cursor":"{}","published":4}')
    save(store, "sse:x", Saved("7", 2, Ledger("sse:https://x/", counts={"read": 3, "published": 2})))
    old, new = table(store)
    assert (old["name"], old["state"], old["published"], old["read"], old["cursor"]) == (
        "files:/old",
        "ended",
        4,
        0,
        "{}",
    )
    assert (new["name"], new["url"], new["state"], new["read"], new["lag_seconds"]) == (
        "sse:x",
        "sse:https://x/",
        "reading",
        3,
        None,
    )


def test_a_cursor_that_somebody_else_saved_is_told() -> None:
    store = MemoryStore()
    store.save("mail:inbox", "5")
    (row,) = table(store)
    assert (row["name"], row["state"], row["cursor"]) == ("mail:inbox", "unknown", "5")
    assert row["reason"].startswith("its cursor cannot be read: ")
