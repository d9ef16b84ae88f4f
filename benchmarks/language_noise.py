"""Texts that are in no language, for benchmarks/language.py: mash, random letters, ciphers, and languages in letters that are not theirs.

They are made by rule, the same ones every time; those that need sentences get them.
"""

import random
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

#: Texts of each kind.
SIZE = 300

LATIN = "abcdefghijklmnopqrstuvwxyz"
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
#: The rows of keys of keyboards, by the name of the layout.
LAYOUTS: Mapping[str, Sequence[str]] = {
    "QWERTY": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "QWERTZ": ("qwertzuiopü", "asdfghjklöä", "yxcvbnm"),
    "AZERTY": ("azertyuiop", "qsdfghjklmù", "wxcvbn"),
    "Swedish": ("qwertyuiopå", "asdfghjklöä", "zxcvbnm"),
    "Turkish": ("qwertyuıopğü", "asdfghjklşi", "zxcvbnmöç"),
    "Dvorak": ("pyfgcrl", "aoeuidhtns", "qjkxbmwvz"),
    "Russian": ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),
    "Ukrainian": ("йцукенгшщзхї", "фівапролджє", "ячсмитьбю"),
    "Greek": ("ςερτυθιοπ", "ασδφγηξκλ", "ζχψωβνμ"),
    "Hebrew": ("קראטוןםפ", "שדגכעיחלךף", "זסבהנמצתץ"),
    "Arabic": ("ضصثقفغعهخحجد", "شسيبلاتنمكط", "ئءؤرىةوزظ"),
}
ALPHABETS = {
    "Latin": LATIN,
    "Latin with diacritics": LATIN + "àáâãäåæçèéêëìíîïñòóôõöøùúûüýčćđěęğłńňőřśşšťůűźżž",
    "Cyrillic": CYRILLIC,
    "Greek": "αβγδεζηθικλμνξοπρστυφχψως",
    "Arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "Hebrew": "אבגדהוזחטיכלמנסעפצקרשת",
    "Devanagari": "अआइईउऊएऐओऔकखगघचछजझटठडढणतथदधनपफबभमयरलवशषसहािीुूेैोौ",
    "Hangul": "".join(map(chr, range(0xAC00, 0xD7A4, 7))),
}
_UPSIDE_DOWN = str.maketrans("abcdefghijklmnopqrstuvwxyz.,?!'", "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz˙'¿¡,")
_ROT13 = str.maketrans(LATIN, LATIN[13:] + LATIN[:13])
_CAESAR = str.maketrans(LATIN, LATIN[3:] + LATIN[:3])
_ATBASH = str.maketrans(LATIN, LATIN[::-1])
_SHIFTED = str.maketrans(CYRILLIC, CYRILLIC[13:] + CYRILLIC[:13])


def _table(signs: str, written: str) -> dict[str, str]:
    """What each sign becomes; - stands for nothing."""
    return dict(zip(signs, written.replace("-", "").split(" "), strict=True))


_RUSSIAN = _table(CYRILLIC + "ё", "a b v g d e zh z i y k l m n o p r s t u f kh ts ch sh shch - y - e yu ya yo")
_GREEK = _table("αβγδεζηθικλμνξοπρστυφχψως", "a v g d e z i th i k l m n x o p r s t y f ch ps o s")
_ARABIC = _table(
    "ابتثجحخدذرزسشصضطظعغفقكلمنهويةىأإآءئؤ",
    "a b t th j 7 kh d th r z s sh s d t z 3 gh f 2 k l m n h w y a a a e a 2 2 2",
)
_HINDI = _table("अआइईउऊएऐओऔऋािीुूेैोौृंँः", "a aa i ee u oo e ai o au ri aa i ee u oo e ai o au ri n n h")
_HINDI_CONSONANTS = _table(
    "कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसह",
    "k kh g gh n ch chh j jh n t th d dh n t th d dh n p ph b bh m y r l v sh sh s h",
)
#: What comes out on one layout if a text is typed as on the other.
_ON_RUSSIAN = dict(zip("qwertyuiop[]asdfghjkl;'zxcvbnm,.", "йцукенгшщзхъфывапролджэячсмитьбю", strict=True))
_ON_GREEK = dict(zip("qwertyuiopasdfghjklzxcvbnm", ";ςερτυθιοπασδφγηξκλζχψωβνμ", strict=True))
_ON_HEBREW = dict(zip("qwertyuiopasdfghjkl;zxcvbnm,.", "/'קראטוןםפשדגכעיחלךףזסבהנמצתץ", strict=True))
_ON_ARABIC = dict(zip("qwertyuiop[]asdfghjkl;'zxcvnm,./", "ضصثقفغعهخحجدشسيبلاتنمكطئءؤرىةوزظ", strict=True))


def kinds(sentences: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The texts by kind, some of them made from `sentences` by label, of which it uses de en es fr ru el ar hi he."""
    chance = random.Random(0)
    of = {label: [text.lower() for text in texts[:SIZE]] for label, texts in sentences.items()}
    latin = [text for label in ("en", "de", "fr", "es") for text in of.get(label, [])[: SIZE // 4]]
    made = {"mash: " + name: [_mash(rows, chance) for _ in range(SIZE // 3)] for name, rows in LAYOUTS.items()} | {
        "random letters: " + name: [_letters(signs, chance) for _ in range(SIZE // 3)]
        for name, signs in ALPHABETS.items()
    }
    return made | {
        "shuffled letters": [re.sub(r"\w+", lambda word: _shuffled(word[0], chance), text) for text in latin],
        "backwards": [text[::-1] for text in latin],
        "rot13": [text.translate(_ROT13) for text in latin],
        "Caesar's cipher": [text.translate(_CAESAR) for text in latin],
        "atbash": [text.translate(_ATBASH) for text in latin],
        "Cyrillic rot13": [text.translate(_SHIFTED) for text in of.get("ru", [])],
        "upside down": [text.translate(_UPSIDE_DOWN)[::-1] for text in of.get("en", [])],
        "romanised Russian": [_by(_RUSSIAN)(text) for text in of.get("ru", [])],
        "romanised Greek": [_by(_GREEK)(_bare(text)) for text in of.get("el", [])],
        "romanised Arabic": [_by(_ARABIC)(text) for text in of.get("ar", [])],
        "romanised Hindi": [_hindi(text) for text in of.get("hi", [])],
        "English on Russian keys": [_by(_ON_RUSSIAN)(text) for text in of.get("en", [])],
        "English on Greek keys": [_by(_ON_GREEK)(text) for text in of.get("en", [])],
        "English on Hebrew keys": [_by(_ON_HEBREW)(text) for text in of.get("en", [])],
        "English on Arabic keys": [_by(_ON_ARABIC)(text) for text in of.get("en", [])],
        "Russian on English keys": [_by({to: key for key, to in _ON_RUSSIAN.items()})(text) for text in of.get("ru", [])],
        "Greek on English keys": [_by({to: key for key, to in _ON_GREEK.items()})(_bare(text)) for text in of.get("el", [])],
        "Hebrew on English keys": [_by({to: key for key, to in _ON_HEBREW.items()})(text) for text in of.get("he", [])],
    }  # fmt: skip


def group(kind: str) -> str:
    """The group of a kind of noise, or of any other kind of text."""
    if kind.endswith(" keys"):
        return "wrong keyboard layout"
    if kind in {"rot13", "Caesar's cipher", "atbash", "Cyrillic rot13"}:
        return "ciphers"
    return kind.partition(":")[0] if ":" in kind else "romanised" if kind.startswith("romanised") else kind


def _mash(rows: Sequence[str], chance: random.Random) -> str:
    """Runs over neighbouring keys, as of a hand or a cat."""
    words = []
    for _ in range(chance.randint(1, 4)):
        row, word = chance.choice(rows), ""
        place = chance.randrange(len(row))
        for _ in range(chance.randint(4, 14)):
            word += row[place]
            if chance.random() < 0.3:
                row = chance.choice(rows)
            place = min(max(place + chance.choice((-3, -2, -1, -1, 1, 1, 2, 3)), 0), len(row) - 1)
        words.append(word + chance.choice(("", "", "", ";", "#")))
    return " ".join(words)


def _letters(signs: str, chance: random.Random) -> str:
    return " ".join("".join(chance.choices(signs, k=chance.randint(3, 12))) for _ in range(chance.randint(2, 8)))


def _shuffled(word: str, chance: random.Random) -> str:
    signs = list(word)
    chance.shuffle(signs)
    return "".join(signs)


def _bare(text: str) -> str:
    """The letters without their accents."""
    return "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))


def _by(table: Mapping[str, str]) -> Callable[[str], str]:
    return lambda text: "".join(table.get(sign, sign) for sign in text)


def _hindi(text: str) -> str:
    """As Hindi is typed in Latin letters: a consonant without a sign has the vowel a, but not at the end of a word."""
    written = ""
    for place, sign in enumerate(text):
        follows = text[place + 1 : place + 2]
        if sign in _HINDI_CONSONANTS:
            inherent = follows in _HINDI_CONSONANTS or follows in {"ं", "ँ", "ः"}
            written += _HINDI_CONSONANTS[sign] + ("a" if inherent else "")
        elif sign not in "़्":
            written += _HINDI.get(sign, "." if sign == "।" else sign)
    return written
