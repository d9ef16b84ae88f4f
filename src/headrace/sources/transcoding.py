"""Text in other encodings than UTF-8: told by a byte order mark, by the zeros of UTF-16 and UTF-32, or by the user."""

import codecs
from collections.abc import Callable, Sequence
from encodings.aliases import aliases
from typing import Protocol

from headrace.errors import Misconfigured, did_you_mean
from headrace.sources.compression import Damaged

LOOKED_AT = 64  #: bytes that show an encoding without a byte order mark
_MARKS: Sequence[tuple[bytes, str]] = (  # UTF-32 first: its mark begins like that of UTF-16
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_NOT_UTF_8 = "not valid UTF-8"  # in the fault of a record
_UTF_8 = frozenset({"utf-8", "utf-8-sig", "utf8", "u8"})


class _Decoder(Protocol):
    def decode(self, data: bytes, final: bool = False, /) -> str: ...


def known_encoding(written: str) -> str:
    """The name of an encoding as it is written; empty for UTF-8. Raises Misconfigured, with what was perhaps meant, for an unknown one."""
    try:
        b" ".decode(written, "replace")
        name = codecs.lookup(written).name
    except (LookupError, ValueError):
        names = {name.replace("_", "-") for pair in aliases.items() for name in pair}
        meant = did_you_mean(written.lower().replace("_", "-"), sorted(names))
        raise Misconfigured(
            f"no encoding {written!r} is known; {meant}write utf-16, cp1252, latin-1, shift-jis or the like"
        ) from None
    return "" if name in _UTF_8 else written


def wide_encoding(head: bytes) -> str:
    """The name of the encoding if these first bytes of a stream are in UTF-16 or UTF-32, with or without a byte order mark; else empty."""
    for mark, name in _MARKS:
        if head.startswith(mark) and (b"\0" in head or not head[2:]):
            return name
    parts = [head[at:LOOKED_AT:4] for at in range(4)]
    filled = [bool(part) and part.count(0) < 0.3 * len(part) for part in parts]
    if len(head) >= 16 and [any(part) for part in parts].count(False) >= 2 and filled.count(True) == 1:
        return {0: "UTF-32LE", 3: "UTF-32BE"}.get(filled.index(True), "")
    even, odd = head[0:LOOKED_AT:2], head[1:LOOKED_AT:2]
    if len(odd) >= 4 and not even.count(0) and odd.count(0) > 0.7 * len(odd):
        return "UTF-16LE"
    if len(odd) >= 4 and not odd.count(0) and even.count(0) > 0.7 * len(even):
        return "UTF-16BE"
    return ""


class Transcoded:
    """Reads a stream of text as UTF-8.

    `encoding` is the one that it is in; if empty, it is UTF-8 and comes as it is, unless its first bytes are in UTF-16 or UTF-32: `least`
    of them are waited for. Bytes that are no text in the encoding become bytes that are none in UTF-8. Raises Damaged if a stream of
    UTF-16 or UTF-32 ends within a character, or cannot be read on.
    """

    def __init__(self, read: Callable[[int], bytes], *, encoding: str = "", least: int = LOOKED_AT) -> None:
        self._read = read
        self.encoding = encoding
        self._least = least
        self._held = b""
        self._damage: Damaged | None = None  # that comes after what is held
        self._decoder: _Decoder | None = None
        self._begun = False

    def __call__(self, size: int) -> bytes:
        if not self._begun:
            self._begin(size)
        if self._decoder is None:
            return self._take(size)
        while True:
            chunk = self._take(size)
            try:
                text = self._decoder.decode(chunk, not chunk)
            except UnicodeDecodeError as error:
                raise Damaged(f"it is not {self.encoding}: {error.reason}") from None
            if text or not chunk:
                return text.encode("utf-8", "surrogatepass")

    def _begin(self, size: int) -> None:
        self._begun = True
        if not self.encoding:
            while self._undecided() and self._damage is None:
                try:
                    chunk = self._read(size)
                except Damaged as damage:
                    self._damage = damage
                    break
                if not chunk:
                    break
                self._held += chunk
            self.encoding = wide_encoding(self._held)
        if self.encoding:
            wide = self.encoding.lower().startswith(("utf-16", "utf-32", "utf_16", "utf_32"))
            self._decoder = codecs.getincrementaldecoder(self.encoding)("surrogatepass" if wide else "surrogateescape")

    def _undecided(self) -> bool:
        """Whether more bytes are needed to tell the encoding."""
        held = self._held[:4]
        return len(self._held) < self._least or (len(held) < 4 and any(mark.startswith(held) for mark, _ in _MARKS))

    def _take(self, size: int) -> bytes:
        if not self._held and self._damage:
            raise self._damage
        chunk, self._held = self._held or self._read(size), b""
        return chunk


def explained(fault: str, data: bytes, encoding: str) -> str:
    """The fault of a record, if it is that its bytes are not UTF-8, with what they seem to be instead, and what to do; else as it is.

    `encoding` is the one that they were in, if that is known: then they are not UTF-8 because they were none of its characters.
    """
    before, found, _ = fault.partition(_NOT_UTF_8)
    if not found:
        return fault
    return f"{before}not valid {encoding}; name the right encoding, or mend it" if encoding else fault + _hint(data)


def _hint(data: bytes) -> str:
    high = [byte for byte in data if byte >= 0x80]
    if not high or _has_characters(data):
        return ""  # one bad byte in text that is UTF-8 otherwise
    letters = sum(chr(byte).isalpha() for byte in data if byte < 0x80)
    if len(high) <= letters and not {0x81, 0x8D, 0x8F, 0x90, 0x9D} & set(high):
        return ", or if the file is in CP1252, as it seems, read it with --encoding cp1252"
    return ", or name the encoding of the file, such as --encoding cp1251, shift-jis or gb18030"


def _has_characters(data: bytes) -> bool:
    """Whether bytes that are not UTF-8 as a whole hold characters of it that are not ASCII."""
    return any(not character.isascii() for character in data.decode("utf-8", "ignore"))
