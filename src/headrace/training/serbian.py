"""Languages that are written in two scripts: what was gathered in one is learnt in the other too.

Serbian is gathered in Cyrillic here and in Latin script there, and what tells it from Croatian is words, not letters. Every Cyrillic text
has exactly one Latin form, letter by letter, and nearly every Latin one a Cyrillic form, so both are learnt.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

Row = tuple[str, str, str]

CYRILLIC, LATIN = "/cyrillic", "/latin"
LATIN_SHARE = 0.3  # of listed words: a word in Latin letters that is Croatian too is rather that

_CYRILLIC = "абвгдђежзијклљмнњопрстћуфхцчџш"
_LATIN = "a b v g d đ e ž z i j k l lj m n nj o p r s t ć u f h c č dž š".split()  # noqa: SIM905 (legible)
_TO_LATIN: Mapping[int, str] = str.maketrans(
    dict(zip(_CYRILLIC, _LATIN, strict=True))
    | {c.upper(): i.capitalize() for c, i in zip(_CYRILLIC, _LATIN, strict=True)}
)
_TO_CYRILLIC: Mapping[str, str] = {
    form(i): case(c) for c, i in zip(_CYRILLIC, _LATIN, strict=True) for form, case in (
        (str.lower, str.lower), (str.capitalize, str.upper), (str.upper, str.upper)
    )
}  # fmt: skip
_LETTERS = re.compile("|".join(sorted(_TO_CYRILLIC, key=len, reverse=True)))
_FOREIGN = re.compile(r"[qwxy@#]|://", re.IGNORECASE)  # names, links: they stay as they are in Cyrillic text
_IS_CYRILLIC = re.compile("[Ѐ-ӿ]")
_TWO_SCRIPTS = frozenset({"sr"})


def twins(rows: Sequence[Row]) -> Iterator[Row]:
    """Rows, and behind each of a language with two scripts the same in the other one, where it has letters of the first.

    The sources of both are then named by script, `NAME/latin` and `NAME/cyrillic`, so that they can be weighed apart.
    """
    for text, label, source in rows:
        if label not in _TWO_SCRIPTS:
            yield text, label, source
            continue
        here, there = (CYRILLIC, LATIN) if _IS_CYRILLIC.search(text) else (LATIN, CYRILLIC)
        yield text, label, source + here
        if (twin := _twin(text)) != text:
            yield twin, label, source + there


def both(words: Mapping[str, float]) -> dict[str, float]:
    """A word list of a language with two scripts, each word in both: in Latin script with LATIN_SHARE of its frequency there."""
    found: dict[str, float] = {}
    for word, frequency in words.items():
        twin = _twin(word)
        share = 1 - LATIN_SHARE if _IS_CYRILLIC.search(word) else LATIN_SHARE
        found[word] = found.get(word, 0.0) + frequency * share
        found[twin] = found.get(twin, 0.0) + frequency * (1 - share)
    return found


def in_both_scripts(lists: Mapping[str, Mapping[str, float]]) -> dict[str, Mapping[str, float]]:
    """Word lists (label → word → frequency), those of languages with two scripts in both."""
    return {label: both(words) if label in _TWO_SCRIPTS else words for label, words in lists.items()}


def _twin(text: str) -> str:
    """A Serbian text in the other script; itself where it has letters or signs that Cyrillic text doesn't have."""
    if _IS_CYRILLIC.search(text):
        return text.translate(_TO_LATIN)
    return text if _FOREIGN.search(text) else _LETTERS.sub(lambda found: _TO_CYRILLIC[found[0]], text)
