"""Texts in Latin letters that are written in others: made letter by letter, as people write them who have no other keyboard."""

import random
from collections.abc import Callable, Mapping, Sequence

Change = Callable[[str, random.Random], str]

#: The ways in which each letter is written, by script.
ROMAN: Mapping[str, Mapping[str, Sequence[str]]] = {
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


def romanised(script: str) -> Change:
    """The text in Latin letters, as people write it who have no other keyboard. A text uses one spelling throughout."""
    table = ROMAN[script]

    def change(text: str, chance: random.Random) -> str:
        spelling = {letter: chance.choice(ways) for letter, ways in table.items()}
        if script == "devanagari":
            return _indic(text, spelling)
        if script == "arabic":
            return _semitic(text, spelling, chance)
        return "".join(spelling.get(letter, letter) for letter in text.lower())

    return change


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
