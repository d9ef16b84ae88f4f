"""Languages that are written in two scripts: what was gathered in one is learnt in the other too.

Serbian texts are mostly gathered in Cyrillic, and what tells Serbian from Croatian in Latin script is words, not letters. Every
Cyrillic text has exactly one Latin form, letter by letter, so it is learnt in both.
"""

from collections.abc import Iterator, Mapping, Sequence

Row = tuple[str, str, str]

_CYRILLIC = "абвгдђежзијклљмнњопрстћуфхцчџш"
_LATIN = "a b v g d đ e ž z i j k l lj m n nj o p r s t ć u f h c č dž š".split()  # noqa: SIM905 (legible)
_SERBIAN: Mapping[int, str] = str.maketrans(
    dict(zip(_CYRILLIC, _LATIN, strict=True))
    | {c.upper(): i.capitalize() for c, i in zip(_CYRILLIC, _LATIN, strict=True)}
)
_TABLES: Mapping[str, Mapping[int, str]] = {"sr": _SERBIAN}


def twins(rows: Sequence[Row]) -> Iterator[Row]:
    """For each row of a language with two scripts that has letters of the first: the same in the second, as source `NAME/latin`."""
    for text, label, source in rows:
        table = _TABLES.get(label)
        if table and (twin := text.translate(table)) != text:
            yield twin, label, f"{source}/latin"
