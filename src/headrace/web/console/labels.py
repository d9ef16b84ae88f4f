"""How labels are shown: a language by its English name and its own, any other label as it is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

from babel import Locale, UnknownLocaleError

UNKNOWN, NO_LANGUAGE = "und", "zxx"
FEWEST = 2  #: labels from which a model can be seen to tell languages apart

_SPECIAL: Mapping[str, str] = {UNKNOWN: "Unknown language", NO_LANGUAGE: "No language"}
# Languages whose own name the CLDR lacks, or gives as something else.
_OWN: Mapping[str, str] = {
    "id": "Bahasa Indonesia", "ilo": "Ilokano", "ms": "Bahasa Melayu", "ny": "Chichewa", "tl": "Tagalog", "war": "Winaray",
}  # fmt: skip


@dataclass(frozen=True)
class Name:
    """A label as it is shown. `own` is a language's name in that language; empty if it is the same as `name`, or if the label is not a
    language."""

    name: str
    own: str = ""


@cache
def of_language(tag: str) -> Name | None:
    """The names of a language by its BCP 47 tag ("sv", "pt-BR"); None if the CLDR does not know the tag."""
    if tag in _SPECIAL:
        return Name(_SPECIAL[tag])
    english = _english(tag)
    if english is None:
        return None
    own = _OWN.get(tag) or _own(tag)
    return Name(english, "" if own == english else own)


def are_languages(labels: Collection[str]) -> bool:
    """Whether a model's labels are language tags. All of them must be: "no" or "it" alone may mean something else."""
    return len(labels) >= FEWEST and all(_looks_like_tag(label) and of_language(label) for label in labels)


def name_of(label: str, *, language: bool) -> Name:
    """How to show a label; `language` says whether its model's labels are languages."""
    return (of_language(label) if language else None) or Name(label)


def _looks_like_tag(label: str) -> bool:
    return label.replace("-", "").isalnum() and label.isascii() and len(label.partition("-")[0]) in (2, 3)


def _english(tag: str) -> str | None:
    english = Locale("en")
    named: str | None = english.languages.get(tag)
    if named is not None:
        return named
    try:
        shown: str | None = Locale.parse(tag, sep="-").get_display_name(english)
    except (UnknownLocaleError, ValueError):
        return None
    return shown


def _own(tag: str) -> str:
    try:
        locale = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return ""
    own: str = locale.get_display_name(locale) or ""
    # Many languages write their own names in lower case; here they stand beside English ones. (Georgian has capitals, but not for this.)
    return own[:1].title() + own[1:]
