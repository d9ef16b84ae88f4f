"""Texts as arrays of code points, decoded and preprocessed as a vectoriser of scikit-learn would."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from headrace.errors import Misconfigured, Rejected
from headrace.scoring.characters import IRREGULAR, table

#: Characters that are taken apart at a time, which bounds the memory that a long text needs.
PIECE = 1 << 16
#: The most characters that a batch of several texts has.
BATCH_CHARACTERS = 1 << 20


class Preprocessing(msgspec.Struct, frozen=True):
    """A vectoriser's settings of what happens to a text before its n-grams are counted, by scikit-learn's names and with its defaults.

    `accents` is its strip_accents ("" for None), `errors` its decode_error.
    """

    lowercase: bool = True
    accents: Literal["", "ascii", "unicode"] = ""
    encoding: str = "utf-8"
    errors: str = "strict"

    def character_table(self) -> NDArray[np.uint32]:
        """The kernel's table of characters. It doesn't lower if accents are stripped: `code_points` has done it already."""
        return table(self.lowercase and not self.accents)

    def code_points(self, texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The code points of all texts, end to end (uint32), and where each begins and the last ends (int64, one more than texts).

        Accents are stripped if wanted; lower case is left to the table unless a text has IRREGULAR characters.
        """
        if self.accents:
            strip = _STRIPPERS[self.accents]
            texts = [strip(text.lower() if self.lowercase else text) for text in texts]
        whole = "".join(texts)
        if self.lowercase and (IRREGULAR[0] in whole or IRREGULAR[1] in whole):
            texts = [text.lower() for text in texts]
            whole = "".join(texts)
        code_points = np.frombuffer(whole.encode("utf-32-le", "surrogatepass"), np.uint32)
        bounds = np.array((0, len(code_points))) if len(texts) == 1 else _offsets(texts)
        return code_points, bounds

    def decode(self, texts: list[Any]) -> list[str]:
        """The texts, bytes decoded. Raises Rejected for what is neither string nor bytes, and UnicodeDecodeError as scikit-learn does."""
        if set(map(type, texts)) <= {str}:
            return texts
        return [self._decode(place, text) for place, text in enumerate(texts)]

    def _decode(self, place: int, text: object) -> str:
        if isinstance(text, bytes):
            return text.decode(self.encoding, self.errors)
        if isinstance(text, str):
            return text
        raise Rejected(f"text {place} can't be scored: it is not a string but of type {type(text).__name__}")


def _offsets(texts: Sequence[str]) -> NDArray[np.int64]:
    return np.fromiter(chain((0,), accumulate(map(len, texts))), np.int64, len(texts) + 1)


def as_list(texts: Iterable[str]) -> list[str]:
    """The texts of any iterable (tuple, generator, array, Series ...) as a list; a list is returned as it is.

    Raises Misconfigured for a single string, whose characters would otherwise count as texts.
    """
    if isinstance(texts, np.ndarray):
        texts = texts.tolist()
    if isinstance(texts, str | bytes):
        raise Misconfigured("predict takes several texts, and got a single string; put it in a list")
    return texts if isinstance(texts, list) else list(texts)


def batches(texts: list[str], size: int) -> Iterator[list[str]]:
    """Batches of `size` texts; one of more than BATCH_CHARACTERS characters is taken apart into single texts."""
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        if sum(map(len, batch)) <= BATCH_CHARACTERS:
            yield batch
        else:
            yield from ([text] for text in batch)


def _strip_unicode(text: str) -> str:
    if text.isascii():
        return text
    parts = unicodedata.normalize("NFKD", text)
    pieces = (parts[start : start + PIECE] for start in range(0, len(parts), PIECE))
    return "".join("".join(c for c in piece if not unicodedata.combining(c)) for piece in pieces)


def _strip_ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


_STRIPPERS: Mapping[str, Callable[[str], str]] = {"unicode": _strip_unicode, "ascii": _strip_ascii}
