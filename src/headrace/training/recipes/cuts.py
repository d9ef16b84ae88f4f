"""Cuts: short texts out of long ones, to measure how a model does on them."""

import hashlib
import random
from collections.abc import Callable, Sequence

from headrace.training.datasets import Row

Cut = Callable[[str, random.Random], str]


def one_word(text: str, chance: random.Random) -> str:
    """A word of the text; if the text doesn't put blanks between words, up to four characters. A text without letters stays whole."""
    words = [word for word in text.split() if any(character.isalpha() for character in word)]
    if not words:
        return text
    word = chance.choice(words)
    return _piece(word, 4, chance) if _unspaced(word) else word


def two_words(text: str, chance: random.Random) -> str:
    """Two neighbouring words; if the text doesn't put blanks between words, up to eight characters. A single word stays whole."""
    words = text.split()
    if len(words) < 2:
        return _piece(text, 8, chance) if _unspaced(text) else text
    start = chance.randrange(len(words) - 1)
    pair = " ".join(words[start : start + 2])
    return _piece(pair, 8, chance) if _unspaced(pair) else pair


def twenty_characters(text: str, chance: random.Random) -> str:
    """A piece of up to twenty characters."""
    return _piece(text, 20, chance).strip() or text


def cut_rows(rows: Sequence[Row], cut: Cut, seed: int) -> list[Row]:
    """The rows with their texts cut; the same text and seed give the same piece."""
    return [
        row._replace(text=cut(row.text, random.Random(hashlib.blake2b(f"{seed} {row.text}".encode()).digest())))
        for row in rows
    ]


def _piece(text: str, length: int, chance: random.Random) -> str:
    start = chance.randrange(max(1, len(text) - length + 1))
    return text[start : start + length]


def _unspaced(text: str) -> bool:
    """Whether the text has Japanese or Chinese characters."""
    return any("\u3040" <= character <= "\u9fff" for character in text)
