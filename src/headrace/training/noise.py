"""Noise: texts in no language as it is written, made from real ones, for a model to learn what it should not name.

Each kind keeps the lengths of real words, since they are not what tells noise from language.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from headrace.training.romanising import ROMAN, Change, romanised

#: Rows of keyboards: fingers that mash one hit neighbouring keys.
_KEYBOARDS: Mapping[str, tuple[str, ...]] = {
    "latin": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "cyrillic": ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),
    "greek": ("ςερτυθιοπ", "ασδφγηξκλ", "ζχψωβνμ"),
    "hebrew": ("קראטוןםפ", "שדגכעיחלךף", "זסבהנמצתץ"),
    "arabic": ("ضصثقفغعهخحجد", "شسيبلاتنمكط", "ئءؤرىةوزظ"),
}
_QWERTY = "qwertyuiop[]asdfghjkl;'zxcvbnm,."
#: What the keys of _QWERTY write on other layouts.
_TYPED: Mapping[str, str] = {
    "cyrillic": "йцукенгшщзхъфывапролджэячсмитьбю",
    "greek": ";ςερτυθιοπ[]ασδφγηξκλ΄'ζχψωβνμ,.",
    "hebrew": "/'קראטוןםפ][שדגכעיחלךף,זסבהנמצתץ",
    "arabic": "ضصثقفغعهخحجدشسيبلاتنمكطئءؤرﻻىةوز",
}
#: Encodings that a text is written in, and by mistake read in.
_MISREAD = (("utf-8", "latin-1"), ("utf-8", "cp1252"), ("utf-8", "cp1251"), ("cp1251", "latin-1"), ("koi8-r", "latin-1"),
            ("iso8859-7", "latin-1"), ("cp1256", "latin-1"), ("cp1255", "latin-1"), ("euc-kr", "latin-1"), ("gbk", "latin-1"),
            ("shift-jis", "latin-1"), ("cp1251", "koi8-r"), ("koi8-r", "cp1251"))  # fmt: skip

#: Letters that look like a letter turned by half a turn.
_TURNED: Mapping[int, int] = str.maketrans("abcdefghijklmnopqrtuvwy", "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹʇnʌʍʎ")
#: Languages whose texts are written in Latin letters now and then, by their script.
_ROMANISED: Mapping[str, tuple[str, ...]] = {
    "cyrillic": ("ru", "uk", "be", "bg"),
    "greek": ("el",),
    "arabic": ("ar", "fa", "ur"),
    "devanagari": ("hi", "mr", "ne"),
    "hebrew": ("he",),
}

#: A letter that stands inside of words at most so many times as often as at their edges is left out of some mash.
AT_EDGES = 0.25


class Noise(NamedTuple):
    """A text of a kind of noise; `long_only` says that a few words of it could as well be words of a language."""

    text: str
    kind: str
    long_only: bool


def make(texts: Mapping[str, Sequence[str]], labels: Iterable[str], script: str, size: int, seed: int) -> list[Noise]:
    """Noise in a script: `size` texts of each kind, made from texts of the labels that are written in it.

    `texts` are those of all labels, by label: the ones in other scripts are romanised.
    """
    chance = random.Random(f"{script} {seed}")
    known = sorted(label for label in labels if texts.get(label))
    if not known:
        return []
    alphabets = {label: alphabet_of(texts[label]) for label in known}
    inner = {label: inside_of(texts[label], alphabets[label]) for label in known}
    frequent = {label: [one for text in texts[label] for one in text.lower() if one in inner[label]] for label in known}
    made = []
    for _ in range(size):
        label = chance.choice(known)
        text = chance.choice(texts[label])
        made += [
            Noise(mashed(chance.choice((alphabets, inner, frequent))[label], script)(text, chance), "mashed", False),
            Noise(ciphered(alphabets[label])(text, chance), "ciphered", True),
            Noise(shuffled(text, chance), "shuffled", True),
        ]
    if script == "latin":
        for other in ROMAN:
            made += _each(romanised(other), texts, _ROMANISED[other], f"romanised {other}", size, chance)
        for other in _TYPED:
            made += _each(mistyped(other), texts, _ROMANISED[other], "mistyped", size // 4, chance)
    elif script in _TYPED:
        made += _each(typed(script), texts, ("en", "de", "fr", "es", "it"), "mistyped", size, chance)
    if script in ("latin", "cyrillic"):
        foreign = sorted(set(texts) - set(known)) if script == "latin" else sorted(texts)
        made += _each(misread, texts, foreign, "misread", size, chance)
    return made


def _each(
    change: Change,
    texts: Mapping[str, Sequence[str]],
    labels: Iterable[str],
    kind: str,
    size: int,
    chance: random.Random,
) -> list[Noise]:
    pool = [text for label in labels for text in texts.get(label, ())]
    return [Noise(change(chance.choice(pool), chance), kind, False) for _ in range(size if pool else 0)]


def mashed(alphabet: Sequence[str], script: str) -> Change:
    """Letters of the alphabet (or neighbouring keys) at random, in place of those of the text. A letter may be in the alphabet several
    times, and is drawn as often."""

    def change(text: str, chance: random.Random) -> str:
        rows = ["".join(filter(set(alphabet).__contains__, row)) for row in _KEYBOARDS.get(script, ())]
        rows = rows if all(rows) else []
        kind = chance.randrange(4)
        words = []
        for word in text.lower().split()[: chance.randint(1, 6)]:
            length = max(len(word), chance.randint(4, 10))
            if rows and kind == 0:
                row = chance.choice(rows)
                letters = "".join(chance.choice(row) for _ in range(length))
            elif rows and kind == 1:
                letters = "".join(chance.choice(chance.choice(rows)) for _ in range(length))
            else:
                letters = "".join(chance.choice(alphabet) for _ in range(length))
            words.append(letters)
        return " ".join(words)

    return change


def ciphered(alphabet: Sequence[str]) -> Change:
    """Each letter replaced by another one, the same one throughout the text: a shift of the alphabet, or any permutation."""

    def change(text: str, chance: random.Random) -> str:
        letters = sorted(alphabet)
        if chance.random() < 0.5:
            by = chance.randrange(1, len(letters))
            other = letters[by:] + letters[:by]
        else:
            other = chance.sample(letters, len(letters))
        return text.lower().translate({ord(one): two for one, two in zip(letters, other, strict=True)})

    return change


def shuffled(text: str, chance: random.Random) -> str:
    """The letters of each word in another order: reversed, or at random; or the text turned upside down."""
    kind = chance.random()
    if kind < 0.1:
        return text.lower().translate(_TURNED)[::-1]
    if kind < 0.5:
        return " ".join(word[::-1] for word in text.lower().split())
    return " ".join("".join(chance.sample(word, len(word))) for word in text.lower().split())


def mistyped(script: str) -> Change:
    """The keys of a text, typed while the keyboard was set to Latin letters."""
    table = {ord(typed): key for typed, key in zip(_TYPED[script], _QWERTY, strict=True)}
    return lambda text, _: text.lower().translate(table)


def typed(script: str) -> Change:
    """The keys of a text in Latin letters, typed while the keyboard was set to the script."""
    table = {ord(key): letter for letter, key in zip(_TYPED[script], _QWERTY, strict=True)}
    return lambda text, _: text.lower().translate(table)


def misread(text: str, chance: random.Random) -> str:
    """The bytes of a text, read in an encoding that it was not written in."""
    written, read = chance.choice(_MISREAD)
    return text.encode(written, "ignore").decode(read, "ignore")


def alphabet_of(texts: Iterable[str], share: float = 0.001) -> list[str]:
    """The letters that make up at least this share of all letters of the texts, in order of their code points."""
    counts = Counter(letter for text in texts for letter in text.lower() if letter.isalpha())
    least = share * sum(counts.values())
    return sorted(letter for letter, count in counts.items() if count >= least)


def inside_of(texts: Iterable[str], alphabet: Sequence[str]) -> list[str]:
    """The letters of an alphabet without those that nearly always end or begin a word, such as the final forms of Hebrew, whose places
    would give random letters away; the whole alphabet if too few are left.
    """
    places: Counter[tuple[str, str]] = Counter()
    for text in texts:
        for word in text.lower().split():
            letters = [letter for letter in word if letter.isalpha()]
            places.update((letter, "inside") for letter in letters[1:-1])
            places.update((letter, "edge") for letter in letters[:1] + letters[1:][-1:])
    inside = [one for one in alphabet if places[one, "inside"] > AT_EDGES * places[one, "edge"]]
    return inside if len(inside) > len(alphabet) // 2 else list(alphabet)
