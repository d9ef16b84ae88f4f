"""What a label is called on a page: a language by both its names, anything else as it is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

from babel import Locale, UnknownLocaleError

UNKNOWN, NO_LANGUAGE = "und", "zxx"
FEWEST = 2

_SPECIAL: Mapping[str, str] = {UNKNOWN: "Unknown language", NO_LANGUAGE: "No language"}
# Where the CLDR has no name of the language in itself, or one that is no name of a language.
_OWN: Mapping[str, str] = {"war": "Winaray", "id": "Bahasa Indonesia", "ms": "Bahasa Melayu", "tl": "Tagalog"}


@dataclass(frozen=True)
class Name:
    """`own` is the language's name in itself; empty where that is the same, or the label is no language."""

    name: str
    own: str = ""


@cache
def of_language(tag: str) -> Name | None:
    """The names of a language by its BCP 47 tag ("sv", "pt-BR"); None where it is none that the CLDR knows."""
    if tag in _SPECIAL:
        return Name(_SPECIAL[tag])
    english = _english(tag)
    if english is None:
        return None
    own = _OWN.get(tag) or _own(tag)
    return Name(english, "" if own == english else own)


def are_languages(labels: Collection[str]) -> bool:
    """Whether a model's labels are tags of languages: all of them, since "no" or "it" alone may mean something else."""
    return len(labels) >= FEWEST and all(_looks_like_tag(label) and of_language(label) for label in labels)


def name_of(label: str, *, language: bool) -> Name:
    """What to show for a label; `language` where its model's labels are languages."""
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
    # Many languages write their own names small; on a page they stand beside English ones.
    return own[:1].upper() + own[1:]
