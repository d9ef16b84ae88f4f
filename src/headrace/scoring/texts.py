"""Texts as arrays of code points, as a vectoriser's settings ask for them."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from headrace.errors import Misconfigured, Rejected
from headrace.scoring.characters import UNRULY, table

PIECE = 1 << 16  # characters that are objects of their own at a time


class Reading(msgspec.Struct, frozen=True):
    """How a vectoriser reads a text: what bytes mean, lower case, accents stripped; scikit-learn's own settings."""

    lowercase: bool = True
    accents: Literal["", "ascii", "unicode"] = ""
    encoding: str = "utf-8"
    errors: str = "strict"

    def characters(self) -> NDArray[np.uint32]:
        """The kernel's table of characters. Where accents are stripped, `points` has lowered the text already."""
        return table(self.lowercase and not self.accents)

    def points(self, texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The code points of all texts, end to end, and the bounds of each (one more than there are texts)."""
        if self.accents:
            strip = _STRIPPERS[self.accents]
            texts = [strip(text.lower() if self.lowercase else text) for text in texts]
        whole = "".join(texts)
        if self.lowercase and (UNRULY[0] in whole or UNRULY[1] in whole):
            texts = [text.lower() for text in texts]
            whole = "".join(texts)
        points = np.frombuffer(whole.encode("utf-32-le", "surrogatepass"), np.uint32)
        bounds = np.array((0, len(points))) if len(texts) == 1 else _bounds(texts)
        return points, bounds

    def decode(self, texts: list[Any]) -> list[str]:
        """Texts with bytes decoded. Raises Rejected for what is neither, and UnicodeDecodeError as scikit-learn does."""
        if set(map(type, texts)) <= {str}:
            return texts
        return [self._decode(place, text) for place, text in enumerate(texts)]

    def _decode(self, place: int, text: object) -> str:
        if isinstance(text, bytes):
            return text.decode(self.encoding, self.errors)
        if isinstance(text, str):
            return text
        raise Rejected(f"text {place} can't be scored: it is no string but of type {type(text).__name__}")


def _bounds(texts: Sequence[str]) -> NDArray[np.int64]:
    return np.fromiter(chain((0,), accumulate(map(len, texts))), np.int64, len(texts) + 1)


def listed(texts: Iterable[str]) -> list[str]:
    """The texts of any container (list, tuple, generator, array, Series) as a list.

    Raises Misconfigured for a single string, whose characters would otherwise be taken for texts.
    """
    if isinstance(texts, np.ndarray):
        texts = texts.tolist()
    if isinstance(texts, str | bytes):
        raise Misconfigured("predict takes several texts, and got a single string; put it in a list")
    return texts if isinstance(texts, list) else list(texts)


def _strip_unicode(text: str) -> str:
    if text.isascii():
        return text
    parts = unicodedata.normalize("NFKD", text)
    pieces = (parts[start : start + PIECE] for start in range(0, len(parts), PIECE))
    return "".join("".join(c for c in piece if not unicodedata.combining(c)) for piece in pieces)


def _strip_ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


_STRIPPERS: Mapping[str, Callable[[str], str]] = {"unicode": _strip_unicode, "ascii": _strip_ascii}
