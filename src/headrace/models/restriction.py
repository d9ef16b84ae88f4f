"""Restrictions: the labels that a model is restricted to, as people write them, checked against those that it has.

sv,da,no           labels, separated by commas or |
wikipedias|sq      a set of labels that the model's card names, and one label more
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from headrace.errors import Misconfigured, did_you_mean
from headrace.models.card import Rule

#: Other codes of languages, with those that the language model has.
_OTHER_CODES: Mapping[str, str] = {
    "nb": "no", "nn": "no", "nob": "no", "nno": "no", "cmn": "zh", "iw": "he", "in": "id", "ji": "yi", "fil": "tl"
}  # fmt: skip
_REGION = re.compile("[-_]")
_SEPARATORS = re.compile(r"[\s;/,+|]+")

LISTED = 150  # labels that a message lists at most
SHOWN = 8  # labels of a restriction that a message shows


def split(written: str) -> tuple[str, ...]:
    """The labels in "sv|da|no" or "sv,da,no", without the blanks around each. Commas separate if there is no |."""
    return tuple(part.strip() for part in written.split("|" if "|" in written else ","))


def check(labels: Iterable[str]) -> tuple[str, ...]:
    """The labels as they are. Raises Misconfigured if there is none, if one is empty or is not text, or if one occurs twice."""
    if isinstance(labels, str | bytes):
        raise Misconfigured("labels takes several labels, and got a single string; put it in a list")
    if not isinstance(labels, Iterable):
        raise Misconfigured(f"labels takes a list of labels, and got {labels!r}")
    wanted = tuple(labels)
    if not all(isinstance(one, str) for one in wanted):
        raise Misconfigured("a label to restrict a model to is not a string; give a list of strings")
    if not any(wanted):
        raise Misconfigured("the labels to restrict a model to are empty; name at least one, or leave them out")
    if not all(wanted):
        raise Misconfigured(f"one of the labels {', '.join(wanted)!r} is empty; take away the separator")
    if len(set(wanted)) < len(wanted):
        (twice, _), *_ = Counter(wanted).most_common(1)
        raise Misconfigured(f"the label {twice!r} is named twice; name it once")
    return wanted


def choose(
    labels: Iterable[str], *, of: str, known: Sequence[str], sets: Mapping[str, Sequence[str]], rule: Rule | None
) -> tuple[str, ...]:
    """The labels that are named, those of sets included, in the order of `known`, the labels that the model `of` has.

    Of a set, those count that are `known`. Raises Misconfigured as `check` does, and for what is neither a label nor a set.
    """
    chosen, all_known = set[str](), set(known)
    for one in check(labels):
        found = {one} & all_known or all_known.intersection(sets.get(one, ()))
        if not found:
            raise Misconfigured(_reason(one, of, known, sets, rule))
        chosen.update(found)
    return tuple(label for label in known if label in chosen)


def restricted_name(name: str, labels: Sequence[str]) -> str:
    """How a restricted model is written: "language[sv|da|no]"; of many labels only the first are shown."""
    more = f"|… {len(labels)} labels" if len(labels) > SHOWN else ""
    return f"{name}[{'|'.join(labels[:SHOWN])}{more}]"


def listing(known: Sequence[str], sets: Iterable[str]) -> str:
    """A model's labels and sets, for a message."""
    more = f" … ({len(known)} in all)" if len(known) > LISTED else ""
    named = f"; its sets of labels are {', '.join(sets)}" if (sets := list(sets)) else ""
    return f"{', '.join(known[:LISTED])}{more}{named}"


def suggestion(label: str, known: Iterable[str]) -> str:
    """A part of a message about an unknown label: what was perhaps meant, whatever its case or its region (pt-BR); or nothing."""
    known = list(known)
    parts = [part for part in _SEPARATORS.split(label) if part]
    if len(parts) > 1 and all(part in known for part in parts):
        return f"did you mean several labels, {','.join(parts)}? "
    code = label.casefold()
    language = _REGION.split(code)[0]
    for wanted in (code, language, _OTHER_CODES.get(language)):
        if alike := [one for one in known if one.casefold() == wanted]:
            return f"did you mean {alike[0]!r}? "
    return did_you_mean(label, known, "{!r}")


def _reason(label: str, of: str, known: Sequence[str], sets: Mapping[str, Sequence[str]], rule: Rule | None) -> str:
    if rule is not None and label in (rule.unknown, rule.no_letters):
        return f"{of} can't be restricted to {label!r}: that is what it answers if it names no label; leave it out"
    if label in sets:
        return f"{of} has none of the labels of the set {label!r}; its labels are {listing(known, ())}"
    return (
        f"{of} has no label {label!r}; {suggestion(label, [*known, *sets])}its labels are {listing(known, sets)}"
        f" (`headrace models show {of.partition('[')[0]}`)"
    )
