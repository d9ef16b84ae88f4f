"""Results, totals and workers as the browser gets them: plain values, which it shows as text."""

import json
from collections.abc import Mapping
from typing import Any

from headrace.documents import Prediction, Result
from headrace.errors import Misconfigured
from headrace.models.registry import Registry
from headrace.ports import WorkerStatus, model_of
from headrace.web.console.labels import Name, are_languages, name_of
from headrace.web.console.snapshot import Totals
from headrace.web.lookup import DeadLetterInfo, FullResult

TEXT_LENGTH = 360  #: characters of a text in a list
WHOLE_LENGTH = 20_000  #: characters of a text shown by itself
STALE_SECONDS = 10  #: without a heartbeat, after which a worker is faded


class LabelNames:
    """Knows which models' labels are languages: from the champion's card or, without one, from the labels in the store."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._by_card: dict[str, bool | None] = {}
        self._by_sight: dict[str, bool] = {}

    def learn(self, seen: Mapping[str, Mapping[str, int]]) -> None:
        """Take the labels that each model has given so far, for models without a card."""
        self._by_sight = {model: are_languages(counts) for model, counts in seen.items()}

    def name(self, model: str, label: str) -> Name:
        """How to show a label of a model, which is given by its name or by a version."""
        bare = model_of(model)
        if bare not in self._by_card:
            self._by_card[bare] = self._ask_card(bare)
        by_card = self._by_card[bare]
        return name_of(label, language=self._by_sight.get(bare, False) if by_card is None else by_card)

    def _ask_card(self, model: str) -> bool | None:
        try:
            return are_languages(self._registry.card(model).labels)
        except Misconfigured:
            return None  # a Python classifier has no card


def row(result: Result, model: str, names: LabelNames) -> dict[str, Any]:
    """A result in the list, under the prediction of one model, with the other models' beside it."""
    known = dict(result.predictions)
    first = known.pop(model, None) or Prediction("–", -1.0)
    named = names.name(model, first.label)
    return {
        "id": result.id,
        "label": first.label,
        "name": named.name,
        "own": named.own,
        "text": shorten(result.text, TEXT_LENGTH),
        "source": result.source,
        "score": None if first.score < 0 else round(first.score, 3),
        "others": [{"model": one, "name": names.name(one, said.label).name} for one, said in sorted(known.items())],
    }


def bars(counts: Mapping[str, int], model: str, names: LabelNames) -> list[dict[str, Any]]:
    """Labels with their counts, most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"label": label, "count": count, **_names(names.name(model, label))} for label, count in ordered]


def tiles(totals: Totals) -> list[dict[str, str]]:
    """The figures at the top of the page; "?" if the broker can't tell."""
    backlog = totals.backlog
    ready = backlog.ready if backlog else None
    leased = backlog.leased if backlog else None
    oldest = f"oldest {span(backlog.oldest)}" if backlog and backlog.oldest is not None else ""
    at_work = f"{leased:,} in progress" if leased else ""
    dead, most = sum(totals.dead.values()), max(totals.dead.items(), key=lambda item: item[1], default=("none", 0))
    others = f", others {dead - most[1]:,}" if dead > most[1] else ""
    kinds = f"{most[0]} {most[1]:,}{others}" if dead else "none"
    rate = f"{totals.rate:,.0f}" if totals.rate >= 10 or not totals.rate else f"{totals.rate:.1f}"
    return [
        {"name": "Documents", "value": f"{totals.documents:,}", "more": "stored", "tone": ""},
        {"name": "Per second", "value": rate, "more": "stored, last 6 s", "tone": ""},
        {
            "name": "Backlog",
            "value": "?" if ready is None else f"{ready:,}",
            "more": ", ".join(part for part in (at_work, oldest) if part) or "bodies",
            "tone": "",
        },
        {
            "name": "Dead letters",
            "value": f"{dead:,}",
            "more": kinds,
            "tone": "bad" if dead else "",
            "href": "/dead",
        },
    ]


def worker(one: WorkerStatus, now: int) -> dict[str, str]:
    """A worker: green while it beats, faded once it has been silent for ten seconds. `now` is by the clock of the store."""
    silent = (now - one.seen_at) / 1e6
    counts = [f"{one.counts[name]:,} {name}" for name in ("stored", "buried") if one.counts.get(name)]
    up = f"up {span((one.seen_at - one.started_at) / 1e6)}"
    heard = f"silent for {span(silent)}" if silent > STALE_SECONDS else up
    more = " · ".join([*counts, heard, *one.models])
    return {"name": one.name, "state": one.state, "more": more, "tone": "stale" if silent > STALE_SECONDS else "well"}


def detail(identity: str, found: FullResult | DeadLetterInfo | None, names: LabelNames) -> dict[str, Any]:
    """Everything about one document."""
    if not isinstance(found, FullResult):
        return {"id": identity, "gone": True}
    facts = [
        [said.model or model, f"{_called(said.label, names.name(model, said.label))}, {said.score:.4f}"]
        for model, said in sorted(found.predictions.items())
    ]
    facts += [[f"Failed: {letter.model or letter.kind}", letter.reason] for letter in found.dead]
    if found.more_dead:
        facts.append(["Failed", f"and {found.more_dead:,} more, older"])
    facts += [[name, value] for name, value in (("Source", found.source), ("Created", found.created_at)) if value]
    meta = json.dumps(found.meta, ensure_ascii=False, indent=2)[:WHOLE_LENGTH] if found.meta else ""
    return {"id": identity, "text": shorten(found.text, WHOLE_LENGTH), "facts": facts, "meta": meta}


def shorten(text: str, length: int) -> str:
    """The beginning of a text, with an ellipsis if something is left out."""
    return text if len(text) <= length else text[: length - 1] + "…"


def span(seconds: float) -> str:
    """A duration in at most two units: "4 s", "3 min", "2 h 5 min", "3 d"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours = whole // 60, whole // 3600
    if hours < 1:
        return f"{minutes} min"
    if hours < 48:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{hours // 24} d"


def _names(name: Name) -> dict[str, str]:
    return {"name": name.name, "own": name.own}


def _called(label: str, name: Name) -> str:
    both = f"{name.name} · {name.own}" if name.own else name.name
    return both if both == label else f"{both} ({label})"
