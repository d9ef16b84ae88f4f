"""What sentiments are called, and what a data set must have to learn them from."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from headrace.errors import Misconfigured
from headrace.training import datasets
from headrace.training.datasets import Row
from headrace.training.labels import NUMBER

NEGATIVE, NEUTRAL, POSITIVE = NAMES = ("negative", "neutral", "positive")
#: Texts of each label that are needed at least.
LEAST = 20

#: What other words may mean, in small letters. Whether 0 is negative or neutral depends on the other numbers.
_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("negative", "neg", "n", "bad", "-1", "-1.0", "-"), NEGATIVE),
    **dict.fromkeys(("neutral", "neu", "none", "mixed"), NEUTRAL),
    **dict.fromkeys(("positive", "pos", "p", "good", "+1", "+"), POSITIVE),
}
_NUMBERS: Mapping[frozenset[str], Mapping[str, str]] = {
    frozenset(names): dict(zip(names, meant, strict=True))
    for names, meant in (
        (("0", "1"), (NEGATIVE, POSITIVE)),
        (("0", "4"), (NEGATIVE, POSITIVE)),
        (("1", "2"), (NEGATIVE, POSITIVE)),
        (("0", "1", "2"), NAMES),
        (("0", "2", "4"), NAMES),
        (("1", "2", "3"), NAMES),
        (("-1", "1"), (NEGATIVE, POSITIVE)),
        (("-1", "0", "1"), NAMES),
        (("1", "2", "3", "4", "5"), (NEGATIVE, NEGATIVE, NEUTRAL, POSITIVE, POSITIVE)),
    )
}


def check(rows: Sequence[Row]) -> None:
    """Raise Misconfigured for fewer than two labels, for labels that look like sentiments under other names, and for fewer than LEAST texts
    of a label."""
    if len({row.label for row in rows}) < 2:
        datasets.check(rows)
    counts = Counter(row.label for row in rows)
    if meant := meanings(counts):
        pairs = ",".join(f"{label}={meaning}" for label, meaning in meant.items())
        raise Misconfigured(
            f"the labels {', '.join(sorted(counts))} look like sentiments under other names; say what they mean, perhaps"
            f' --map "{pairs}": the names are {", ".join(NAMES)}, and any other words are taken as they are'
        )
    if _are_numbers(counts):
        raise Misconfigured(
            f"the labels {', '.join(sorted(counts))} are numbers; say what they mean: --map"
            f' "{min(counts)}=negative,{max(counts)}=positive" and so on'
        )
    if rare := [f"{label!r} has {count}" for label, count in sorted(counts.items()) if count < LEAST]:
        raise Misconfigured(
            f"these are too few texts to learn sentiment from: {', '.join(rare)}; each label needs {LEAST} at least, and some thousands"
            " to be good; give more, or a recorded stream with --distant, or another recipe with --recipe text"
        )


def _are_numbers(labels: Iterable[str]) -> bool:
    return all(NUMBER.fullmatch(label) for label in labels)


def meanings(labels: Counter[str] | Sequence[str]) -> dict[str, str]:
    """The labels that look like sentiments under other names, with what they may mean; none if they are what they should be."""
    others = sorted(label for label in labels if label not in NAMES)
    if numbers := _NUMBERS.get(frozenset(others)):
        return {label: numbers[label] for label in others}
    return {label: _WORDS[label.lower()] for label in others if label.lower() in _WORDS}


def remark(rows: Sequence[Row]) -> str:
    """What a user should know of a model that has only two of the three sentiments; else, and for other labels, an empty string."""
    names = {row.label for row in rows}
    if names == {NEGATIVE, POSITIVE}:
        return "there are no neutral texts: every text will be called negative or positive; give neutral ones too if that is wrong"
    return ""
