"""The ledgers of sources as the browser gets them: plain values, which it shows as text."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from headrace.ingest.ledger import COUNTS, MINUTES
from headrace.web.console.view import WHOLE_LENGTH, shorten, span

NAME_LENGTH, REASON_LENGTH, CURSOR_LENGTH = 300, 600, 48  #: characters of these in the list
SILENT_SECONDS = 600  #: without a new ledger, after which a source that should be running is shown as silent
_MINUTE = 60_000_000  # in microseconds
ALWAYS = ("read", "published")  #: counts that are shown for every source, even if all are zero


class State(NamedTuple):
    """How a state is shown: its rank in the list, its colour, its name, and what it means."""

    rank: int
    tone: str
    name: str
    about: str = ""


AGAIN = "“headrace ingest” continues where it stopped."
SILENT = State(1, "bad", "Silent")
STATES: Mapping[str, State] = {
    "failed": State(0, "bad", "Failed", f"Once the cause is mended, {AGAIN}"),
    "waiting": State(2, "late", "Waiting"),
    "paused": State(3, "late", "Paused"),
    "reading": State(4, "well", "Reading"),
    "unknown": State(5, "late", "Unknown", "Its cursor was not saved by “headrace ingest”."),
    "stopped": State(6, "", "Stopped", f"Somebody stopped it. {AGAIN}"),
    "ended": State(7, "", "Ended", "It was read to its end."),
}
RUNNING = ("reading", "waiting", "paused")  #: states in which a process saves the ledger from time to time
#: What counts are called; one that is missing here is called as it is.
NAMES: Mapping[str, str] = {"paid": "Paid for", "erased": "Deletions"}


def listed(ledgers: Sequence[Mapping[str, Any]], now: int) -> list[tuple[State, Mapping[str, Any]]]:
    """The ledgers with their states, those first that want attention, and by name among each other. `now` is in microseconds."""
    stated = [(state_of(one, now), one) for one in ledgers]
    return sorted(stated, key=lambda pair: (pair[0].rank, pair[1]["name"]))


def state_of(ledger: Mapping[str, Any], now: int) -> State:
    """The state as it is shown: a source that should be running is silent if its ledger is old. An unknown word is shown as it is."""
    state = ledger["state"]
    silent = (now - ledger["saved_at"]) / 1e6
    if state in RUNNING and ledger["saved_at"] and silent > SILENT_SECONDS:
        last = f"Its last word was “{state}”, {span(silent)} ago. Either nothing came since, or it is not running any more. {AGAIN}"
        return SILENT._replace(about=last)
    return STATES.get(state) or State(5, "late", shorten(state, 40))


def matches(state: State, ledger: Mapping[str, Any], wanted: str) -> bool:
    """Whether the name, the URL or the state contains what is wanted; upper and lower case are the same."""
    return any(wanted.casefold() in text.casefold() for text in (ledger["name"], ledger["url"], state.name))


def columns(ledgers: Sequence[Mapping[str, Any]]) -> list[str]:
    """The counts that are shown: those that are not zero everywhere, in the order of COUNTS."""
    return [what for what in COUNTS if what in ALWAYS or any(one[what] for one in ledgers)]


def kinds(states: Sequence[State]) -> list[dict[str, str]]:
    """How many sources are in each state, in the order of the list."""
    numbers = Counter((state.rank, state.tone, state.name) for state in states)
    return [{"tone": tone, "name": f"{name} {number:,}"} for (_, tone, name), number in sorted(numbers.items())]


def row(state: State, ledger: Mapping[str, Any], shown: Sequence[str], now: int) -> dict[str, Any]:
    """A source in the list, with the counts `shown`."""
    name, url = shorten(ledger["name"], NAME_LENGTH), shorten(ledger["url"], NAME_LENGTH)
    read, published = (_by_minute(ledger["minutes"], what, now) for what in ALWAYS)
    gaps = [_gap(gap) for gap in reversed(ledger["gaps"])]
    return {
        "key": ledger["name"],
        "name": name,
        "url": "" if ledger["name"].endswith(ledger["url"]) else url,
        "state": state.name,
        "tone": state.tone,
        "about": state.about,
        "reason": shorten(ledger["reason"], REASON_LENGTH),
        "age": _age(ledger, now),
        "counts": [[called(what), f"{ledger[what]:,}", _weight(what, ledger[what])] for what in shown],
        "lag": _lag(ledger["lag_seconds"]),
        "read": read,
        "published": published,
        **_last_hour(published, read),
        "gaps": len(gaps),
        "gap": gaps[0] if gaps else None,
        "cursor": shorten(ledger["cursor"], CURSOR_LENGTH),
    }


def detail(name: str, ledgers: Sequence[Mapping[str, Any]], now: int) -> dict[str, Any]:
    """All that is known of a source: the whole cursor, its gaps, and what was counted in each of the last minutes."""
    ledger = next((one for one in ledgers if one["name"] == name), None)
    if ledger is None:
        return {"key": name, "name": shorten(name, WHOLE_LENGTH), "gone": True}
    state = state_of(ledger, now)
    minutes = [(minute, counts) for minute, counts in reversed(ledger["minutes"]) if any(counts.values())]
    met = [what for what in COUNTS if any(counts.get(what) for _, counts in minutes)]
    return {
        "key": name,
        "name": shorten(name, WHOLE_LENGTH),
        "url": shorten(ledger["url"], WHOLE_LENGTH),
        "state": " ".join(part for part in (f"{state.name}.", state.about) if part),
        "reason": shorten(ledger["reason"], WHOLE_LENGTH),
        "saved": ledger["saved_at"] // 1000,
        "cursor": shorten(ledger["cursor"], WHOLE_LENGTH),
        "gaps": [_gap(gap) for gap in reversed(ledger["gaps"])],
        "heads": [called(what) for what in met],
        "minutes": [[minute * 60_000, *(f"{counts.get(what, 0):,}" for what in met)] for minute, counts in minutes],
    }


def called(what: str) -> str:
    """The name of a count for people."""
    return NAMES.get(what, what.replace("_", " ").capitalize())


def _by_minute(minutes: Sequence[tuple[int, Mapping[str, int]]], what: str, now: int) -> list[int]:
    """How many in each of the last 60 minutes, the present one last; empty if there were none."""
    first = now // _MINUTE - MINUTES + 1
    numbers = {minute - first: counts.get(what, 0) for minute, counts in minutes}
    found = [numbers.get(place, 0) for place in range(MINUTES)]
    return found if any(found) else []


def _last_hour(published: Sequence[int], read: Sequence[int]) -> dict[str, str]:
    """The chart in words, as a sentence and in short."""
    if not published:
        short = f"Last hour: {sum(read):,} read, none published" if read else "Nothing in the last hour"
        return {"chart": short, "hour": short}
    number, most = f"{sum(published):,}", f"{max(published):,}"
    return {
        "chart": f"{number} documents published in the last hour, at most {most} in a minute",
        "hour": f"Last hour: {number}, peak {most} a minute",
    }


def _age(ledger: Mapping[str, Any], now: int) -> str:
    seconds = (now - ledger["saved_at"]) / 1e6
    if not ledger["saved_at"]:
        return ""
    when = "just now" if seconds < 60 else f"{span(seconds)} ago"
    return f"updated {when}" if ledger["state"] in RUNNING else when


def _lag(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 10 else span(seconds)


def _gap(gap: Mapping[str, Any]) -> dict[str, Any]:
    missed = gap["missed"]
    many = "an unknown number missed" if missed is None else f"{missed:,} missed"
    return {"at": gap["at"] // 1000, "reason": shorten(gap["reason"], REASON_LENGTH), "missed": many}


def _weight(what: str, number: int) -> str:
    """Whether a count is none, or one to worry about."""
    if not number:
        return "none"
    return "bad" if what in ("missed", "shed", "malformed", "refused") else ""
