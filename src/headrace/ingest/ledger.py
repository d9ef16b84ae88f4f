"""The ledger of a source: how far it was read, and what became of all that it gave. It is saved in the store, under the source's name."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from headrace import metrics
from headrace.clock import microseconds
from headrace.meter import Meter
from headrace.ports import Cursors, Gap

MINUTES = 60  # that are counted one by one
GAPS = 20  # the last ones, that are kept
_MINUTE = 60_000_000  # in microseconds
UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)  # what is raised of a text that is not what was saved
#: What is counted of a source: what it gave, and what became of that.
COUNTS: Sequence[str] = ("read", "published", "repeated", "malformed", "refused", "erased", "missed", "shed")


class Missed(msgspec.Struct, frozen=True):
    """A gap: when it was told, in microseconds since the epoch; the source's reason; how many documents are missing, if that is known."""

    at: int
    reason: str
    missed: int | None = None


class Ledger(msgspec.Struct):
    """What is known of a source, over all its runs.

    `state` is reading, waiting, ended, stopped or failed, and `told` the reason of the last but one or the last. `at` is when the ledger
    was saved last; `latest` when the newest document was written, as the platform says, and `lag` how many seconds before it was read that
    was. `minutes` are counts of the last minutes: the minute's number since the epoch, and what was counted in it.
    """

    url: str = ""
    state: str = "reading"
    told: str = ""
    at: int = 0
    lag: float | None = None
    counts: dict[str, int] = {}
    gaps: list[Missed] = []
    minutes: list[tuple[int, dict[str, int]]] = []

    def count(self, what: str, number: int, at: int) -> None:
        """Count so many of one of COUNTS, at a time in microseconds since the epoch."""
        minute = at // _MINUTE
        if not self.minutes or self.minutes[-1][0] != minute:
            self.minutes = [*self.minutes[-(MINUTES - 1) :], (minute, {})]
        for counts in (self.counts, self.minutes[-1][1]):
            counts[what] = counts.get(what, 0) + number

    def miss(self, gap: Gap, at: int) -> None:
        """Note a gap, and count what is missing."""
        self.gaps = [*self.gaps[-(GAPS - 1) :], Missed(at, gap.reason, gap.missed)]
        if gap.missed:
            self.count("missed", gap.missed, at)


class Saved(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is saved under the name of a source: the source's own cursor (empty before the first), how many documents were published up to
    it, and the ledger, which earlier versions did not keep."""

    cursor: str
    published: int
    ledger: Ledger | None = None


def load(cursors: Cursors, name: str) -> Saved | None:
    """What was saved of a source; None if nothing was. What cannot be read is handed on as its cursor: a source that cannot read that
    either says so, and begins anew."""
    text = cursors.load(name)
    try:
        return msgspec.json.decode(text, type=Saved) if text else None
    except UNREADABLE:
        return Saved(text, 0) if text else None


def save(cursors: Cursors, name: str, saved: Saved) -> None:
    """Save it. Durable when it returns."""
    if saved.ledger is not None:
        saved.ledger.at = microseconds()
    cursors.save(name, msgspec.json.encode(saved).decode())


def table(cursors: Cursors) -> list[dict[str, Any]]:
    """A row for each source that has a name, as `headrace sources --json` shows it. The state of one whose cursor was not saved by
    `ingest` is `unknown`."""
    rows = []
    for name, text in cursors.cursors().items():
        try:
            saved = msgspec.json.decode(text, type=Saved)
        except UNREADABLE as error:
            saved = Saved(text, 0, Ledger(state="unknown", told=f"its cursor cannot be read: {error}"))
        if name:
            rows.append(_row(name, saved))
    return rows


def show(meter: Meter, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set the gauges of the sources that were heard of last; `rows` are those of `table`."""
    for metric in (metrics.SOURCE_DOCUMENTS, metrics.SOURCE_SAVED, metrics.SOURCE_LAG):
        meter.clear(metric)
    newest = sorted(rows, key=lambda row: row["saved_at"])[-metrics.LIMITS["source"] :]
    for row in newest:
        for what in COUNTS:
            meter.set(metrics.SOURCE_DOCUMENTS, row[what], row["name"], what)
        meter.set(metrics.SOURCE_SAVED, row["saved_at"] / 1e6, row["name"], row["state"])
        if row["lag_seconds"] is not None:
            meter.set(metrics.SOURCE_LAG, row["lag_seconds"], row["name"])


def _row(name: str, saved: Saved) -> dict[str, Any]:
    ledger = saved.ledger or Ledger(state="ended", counts={"published": saved.published})
    counts: Mapping[str, int] = ledger.counts
    return {
        "name": name,
        "url": ledger.url or name,
        "state": ledger.state,
        "reason": ledger.told,
        **{what: counts.get(what, 0) for what in COUNTS},
        "lag_seconds": ledger.lag,
        "cursor": saved.cursor,
        "saved_at": ledger.at,
        "gaps": msgspec.to_builtins(ledger.gaps),
        "minutes": msgspec.to_builtins(ledger.minutes),
    }
