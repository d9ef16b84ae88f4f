"""Noise: texts in no language as it is written, made from real ones, for a model to learn what it should not name.

Each kind keeps the lengths of real words, since they are not what tells noise from language.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

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

_ROMAN: Mapping[str, Mapping[str, Sequence[str]]] = {
    "cyrillic": {
        **{c: (r,) for c, r in zip("абвгдезиклмнопрстуф", "abvgdeziklmnoprstuf", strict=True)},
        "ё": ("yo", "e", "jo"), "ж": ("zh", "j"), "й": ("y", "j", "i"), "х": ("kh", "h", "x"), "ц": ("ts", "c"),
        "ч": ("ch", "4"), "ш": ("sh",), "щ": ("shch", "sch", "sh"), "ъ": ("", "y"), "ы": ("y", "i"), "ь": ("", "'"), "э": ("e",),
        "ю": ("yu", "ju"), "я": ("ya", "ja"), "і": ("i",), "ї": ("yi", "i"), "є": ("ye", "ie"), "ґ": ("g",), "ў": ("u", "w"),
    },
    "greek": {
        **{c: (r,) for c, r in zip("αβγδεζικλμνοπρστφ", "avgdeziklmnoprstf", strict=True)},
        "η": ("i", "h"), "θ": ("th", "8"), "ξ": ("x", "ks"), "ς": ("s",), "υ": ("y", "u", "i"), "χ": ("ch", "x", "h"), "ψ": ("ps",),
        "ω": ("o", "w"), "ά": ("a",), "έ": ("e",), "ή": ("i", "h"), "ί": ("i",), "ό": ("o",), "ύ": ("y", "u"), "ώ": ("o", "w"),
        "ϊ": ("i",), "ϋ": ("y",), "ΐ": ("i",), "ΰ": ("y",),
    },
    "arabic": {
        "ا": ("a",), "أ": ("a",), "إ": ("i",), "آ": ("a", "aa"), "ب": ("b",), "ت": ("t",), "ث": ("th",), "ج": ("j", "g"), "ح": ("h", "7"),
        "خ": ("kh", "5"), "د": ("d",), "ذ": ("dh", "z"), "ر": ("r",), "ز": ("z",), "س": ("s",), "ش": ("sh", "ch"), "ص": ("s", "9"),
        "ض": ("d",), "ط": ("t", "6"), "ظ": ("z",), "ع": ("a", "3"), "غ": ("gh",), "ف": ("f",), "ق": ("q", "9", "k"), "ك": ("k",),
        "ل": ("l",), "م": ("m",), "ن": ("n",), "ه": ("h",), "و": ("w", "ou", "o"), "ي": ("y", "i", "ee"), "ى": ("a",), "ة": ("a", "ah"),
        "ء": ("", "2"), "ئ": ("e", "2"), "ؤ": ("o", "2"), "پ": ("p",), "چ": ("ch",), "ژ": ("zh",), "گ": ("g",), "ک": ("k",),
        "ی": ("i", "y"), "ے": ("e", "ay"), "ں": ("n",), "ہ": ("h",), "ھ": ("h",), "ٹ": ("t",), "ڈ": ("d",), "ڑ": ("r",),
    },
    "devanagari": {
        "अ": ("a",), "आ": ("aa", "a"), "इ": ("i",), "ई": ("ee", "i"), "उ": ("u",), "ऊ": ("oo", "u"), "ए": ("e",), "ऐ": ("ai",),
        "ओ": ("o",), "औ": ("au",), "ऋ": ("ri",), "ा": ("aa", "a"), "ि": ("i",), "ी": ("ee", "i"), "ु": ("u",), "ू": ("oo", "u"),
        "े": ("e",), "ै": ("ai",), "ो": ("o",), "ौ": ("au",), "ृ": ("ri",), "ं": ("n",), "ँ": ("n",), "ः": ("h",), "़": ("",),
        "क": ("k",), "ख": ("kh",), "ग": ("g",), "घ": ("gh",), "ङ": ("n",), "च": ("ch",), "छ": ("chh",), "ज": ("j",), "झ": ("jh",),
        "ञ": ("n",), "ट": ("t",), "ठ": ("th",), "ड": ("d",), "ढ": ("dh",), "ण": ("n",), "त": ("t",), "थ": ("th",), "द": ("d",),
        "ध": ("dh",), "न": ("n",), "प": ("p",), "फ": ("ph", "f"), "ब": ("b",), "भ": ("bh",), "म": ("m",), "य": ("y",), "र": ("r",),
        "ल": ("l",), "ळ": ("l",), "व": ("v", "w"), "श": ("sh",), "ष": ("sh",), "स": ("s",), "ह": ("h",),
    },
}  # fmt: skip
_CONSONANTS = frozenset("कखगघङचछजझञटठडढणतथदधनपफबभमयरलळवशषसह")
_SIGNS = frozenset("ािीुूेैोौृ़्")
_SHORT_VOWELS = ("a", "a", "i", "u", "e")

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

Change = Callable[[str, random.Random], str]


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
    made = []
    for _ in range(size):
        label = chance.choice(known)
        text = chance.choice(texts[label])
        made += [
            Noise(mashed(alphabets[label], script)(text, chance), "mashed", False),
            Noise(ciphered(alphabets[label])(text, chance), "ciphered", True),
            Noise(shuffled(text, chance), "shuffled", True),
        ]
    if script == "latin":
        for other in _ROMAN:
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
    """Letters of the alphabet (or neighbouring keys) at random, in place of those of the text."""

    def change(text: str, chance: random.Random) -> str:
        rows = _KEYBOARDS.get(script, ())
        kind = chance.randrange(3)
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


def romanised(script: str) -> Change:
    """The text in Latin letters, as people write it who have no other keyboard. A text uses one spelling throughout."""
    table = _ROMAN[script]

    def change(text: str, chance: random.Random) -> str:
        spelling = {letter: chance.choice(ways) for letter, ways in table.items()}
        if script == "devanagari":
            return _indic(text, spelling)
        if script == "arabic":
            return _semitic(text, spelling, chance)
        return "".join(spelling.get(letter, letter) for letter in text.lower())

    return change


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


def _indic(text: str, spelling: Mapping[str, str]) -> str:
    """Consonants keep their inherent a, unless a vowel sign or virama follows or the word ends."""
    found = []
    for place, letter in enumerate(text):
        after = text[place + 1 : place + 2]
        if letter in _CONSONANTS:
            bare = after in _SIGNS or (not after.isalpha() and after not in _SIGNS)
            found.append(spelling[letter] + ("" if bare else "a"))
        elif letter != "्":
            found.append(spelling.get(letter, letter))
    return "".join(found)


def _semitic(text: str, spelling: Mapping[str, str], chance: random.Random) -> str:
    """Short vowels, which the script leaves out, stand at random between consonants."""
    found: list[str] = []
    for letter in text:
        roman = spelling.get(letter)
        if roman and found and found[-1][-1:].isalpha() and found[-1][-1] not in "aeiou" and roman[0] not in "aeiou":
            found.append(chance.choice(_SHORT_VOWELS) if chance.random() < 0.7 else "")
        found.append(letter if roman is None else roman)
        if not found[-1]:
            found.pop()
    return "".join(found)
