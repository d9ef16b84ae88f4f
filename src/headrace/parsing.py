"""Parsing JSON, and the ids in it, with a word on what is wrong with what is neither."""

import json
import math
from decimal import Decimal

import msgspec

from headrace.errors import Rejected
from headrace.framing import NOT_FINITE
from headrace.validation import kind, not_utf8

_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")  # the byte order marks of UTF-16 and UTF-32
_decode = msgspec.json.Decoder().decode


def parse(text: bytes, *, lenient: bool = False) -> object:
    """A JSON value, without a byte order mark. Raises Rejected, with the reason, if it is not JSON.

    NaN and infinities are not JSON; if `lenient`, they are read as null.
    """
    if not text.strip():
        raise Rejected("the body is empty; a document is a JSON object with a member 'text'")
    try:
        return _decode(text.removeprefix(_BOM))
    except RecursionError:
        raise Rejected("the JSON is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if text.startswith(_WIDE):
            raise Rejected("the document is in UTF-16 or UTF-32; convert it to UTF-8") from None
        if fault := not_utf8(text):  # msgspec's versions differ in what they raise, and say, of it
            raise Rejected(f"the document is {fault}") from None
        if lenient and NOT_FINITE.search(text):
            return _parse_not_finite(text)
        hint = "; or it holds half of a surrogate pair" if b"\\u" in text else ""
        raise Rejected(f"the document is not JSON: {error}{hint}") from None


def _parse_not_finite(text: bytes) -> object:
    try:
        return json.loads(text.removeprefix(_BOM), parse_constant=lambda _name: None)
    except UnicodeDecodeError:
        raise Rejected(f"the document is {not_utf8(text)}") from None
    except RecursionError:
        raise Rejected("the JSON is nested too deeply") from None
    except ValueError as error:
        raise Rejected(f"the document is not JSON: {error}") from None


def id_text(value: object) -> str | None:
    """An id as text, without blanks around it; a number is one too, so that 18, 18.0 and "18" are the same. None if it is missing or blank.

    Raises Rejected for any other value.
    """
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or value != value:  # NaN stands for what is missing
        return None
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    raise Rejected(f"'id' must be a string or a number, not {kind(value)}")
