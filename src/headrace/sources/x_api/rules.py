"""The rules of a filtered stream, and how they are changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self


class Rule(NamedTuple):
    """A rule: what posts must be like, the name that matching posts are given, and its id, which it has once X knows it."""

    value: str
    tag: str = ""
    id: str = ""

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> Self:
        """A rule as X writes it."""
        return cls(*(str(members.get(name) or "") for name in ("value", "tag", "id")))

    @property
    def written(self) -> tuple[str, str]:
        """What makes it the same rule."""
        return (self.value, self.tag)


class Fault(NamedTuple):
    """A rule that X refuses: its value or its id, and why."""

    rule: str
    reason: str


@dataclass
class Change:
    """What X has done: the rules that it added, how many it deleted, and what it refused."""

    added: list[Rule] = field(default_factory=list)
    deleted: int = 0
    faults: list[Fault] = field(default_factory=list)

    def take(self, answer: Mapping[str, Any], *, asked: int, deleting: bool) -> None:
        """Add an answer to a request for so many rules."""
        listed, errors = answer.get("data"), answer.get("errors")
        added = [] if deleting else [Rule.read(one) for one in _objects(listed)]
        faults = [fault_of(one) for one in _objects(errors)]
        meta = answer.get("meta")
        is_refused = not isinstance(meta, dict) and not added  # as a whole
        self.added += added
        self.faults += faults or ([fault_of(answer)] if is_refused else [])
        if deleting and not is_refused:
            summary = meta.get("summary") if isinstance(meta, dict) else None
            deleted = summary.get("deleted") if isinstance(summary, dict) else None
            self.deleted += deleted if isinstance(deleted, int) else max(0, asked - len(faults))

    def __add__(self, other: "Change") -> "Change":
        return Change(self.added + other.added, self.deleted + other.deleted, self.faults + other.faults)


class Difference(NamedTuple):
    """What to do so that a stream has the rules that are wanted. The tag of a rule cannot be changed, and X has no two rules of the same
    value, so a rule with another tag is deleted before it is added."""

    add: Sequence[Rule]
    retag: Sequence[Rule]  # as they are to be
    outdated: Sequence[Rule]  # as those are now
    delete: Sequence[Rule]

    @classmethod
    def of(cls, wanted: Sequence[Rule], present: Sequence[Rule]) -> Self:
        """From the rules that are present to those that are wanted."""
        kept = {rule.written for rule in wanted}
        values = {rule.value: rule for rule in present}
        new = [rule for rule in wanted if rule.value not in values]
        retagged = [
            rule for rule in wanted if rule.value in values and rule.written not in {r.written for r in present}
        ]
        again = {rule.value for rule in retagged}
        outdated = [rule for rule in present if rule.value in again]
        gone = [rule for rule in present if rule.written not in kept and rule.value not in again]
        return cls(new, retagged, outdated, gone)


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())


def fault_of(error: Mapping[str, Any]) -> Fault:
    """What X says is wrong with a rule."""
    details = error.get("details")
    told = details if isinstance(details, list) else [error.get("detail") or error.get("message") or ""]
    title = str(error.get("title") or "")
    reason = ": ".join(filter(None, (title, " ".join(str(one) for one in told if one))))
    rule = error.get("value") or error.get("id") or ""
    return Fault(str(rule), " ".join(reason.split()) or "X does not say why")
