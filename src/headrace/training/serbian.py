"""Serbian is written in two scripts: texts that are given in one are learnt in the other too.

Some sources have Serbian in Cyrillic, some in Latin script, and what distinguishes it from Croatian is words, not letters. Every Cyrillic
text has exactly one Latin form, letter by letter, and nearly every Latin text has a Cyrillic form.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

Row = tuple[str, str, str]

CYRILLIC, LATIN = "/cyrillic", "/latin"
#: The share of a listed word's frequency that its Latin form gets: a word in Latin letters is more likely to be Croatian.
LATIN_SHARE = 0.3

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
_FOREIGN = re.compile(
    r"[qwxy@#]|://", re.IGNORECASE
)  # foreign names and links, which Cyrillic text leaves in Latin letters
_IS_CYRILLIC = re.compile("[Ѐ-ӿ]")
_TWO_SCRIPTS = frozenset({"sr"})


def rows_in_both_scripts(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows, and after each Serbian one the same text in the other script, if it can be transliterated.

    Sources of Serbian rows become `NAME/latin` and `NAME/cyrillic`, so that the scripts can be weighted differently.
    """
    for text, label, source in rows:
        if label not in _TWO_SCRIPTS:
            yield text, label, source
            continue
        here, there = (CYRILLIC, LATIN) if _IS_CYRILLIC.search(text) else (LATIN, CYRILLIC)
        yield text, label, source + here
        if (twin := _transliterated(text)) != text:
            yield twin, label, source + there


def words_in_both_scripts(words: Mapping[str, float]) -> dict[str, float]:
    """A word list with each word in both scripts; LATIN_SHARE of its frequency goes to the Latin form, the rest to the Cyrillic one."""
    found: dict[str, float] = {}
    for word, frequency in words.items():
        twin = _transliterated(word)
        share = 1 - LATIN_SHARE if _IS_CYRILLIC.search(word) else LATIN_SHARE
        found[word] = found.get(word, 0.0) + frequency * share
        found[twin] = found.get(twin, 0.0) + frequency * (1 - share)
    return found


def lists_in_both_scripts(lists: Mapping[str, Mapping[str, float]]) -> dict[str, Mapping[str, float]]:
    """Word lists (label → word → frequency), that of Serbian in both scripts."""
    return {label: words_in_both_scripts(words) if label in _TWO_SCRIPTS else words for label, words in lists.items()}


def _transliterated(text: str) -> str:
    """A Serbian text in the other script; unchanged if it has letters or signs that Cyrillic text would leave as they are."""
    if _IS_CYRILLIC.search(text):
        return text.translate(_TO_LATIN)
    return text if _FOREIGN.search(text) else _LETTERS.sub(lambda found: _TO_CYRILLIC[found[0]], text)
