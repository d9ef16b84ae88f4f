"""What an answer holds, read by feedparser: a feed with its entries, or none."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import feedparser

_ROOT = re.compile(rb"<(?:\w+:)?(?:rss|feed|rdf)[\s>]", re.IGNORECASE)
_END = re.compile(rb"</(?:\w+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)
_BEGINNING, _ENDING = 4096, 4096  # bytes in which a feed begins and ends
_TTL = re.compile(rb"<ttl>\s*(\d{1,6})\s*</ttl>", re.IGNORECASE)
#: Entities for code points from D800 to DFFF, one or several in a row.
_HALF = rb"&#(?:5529[6-9]|55[3-9]\d\d|56\d\d\d|57[0-2]\d\d|573[0-3]\d|5734[0-3]|[xX]0*[dD][89a-fA-F][0-9a-fA-F]{2});"
_HALVES = re.compile(rb"(?:" + _HALF + rb")+")
#: Entities for code points above 10FFFF.
_BEYOND = re.compile(
    rb"&#(?:0*(?:111411[2-9]|11141[2-9]\d|1114[2-9]\d\d|111[5-9]\d{3}|11[2-9]\d{4}|1[2-9]\d{5}|[2-9]\d{6}|[1-9]\d{7,})"
    rb"|[xX]0*(?:1[1-9a-fA-F]|[2-9a-fA-F][0-9a-fA-F]|[1-9a-fA-F][0-9a-fA-F]{2,})[0-9a-fA-F]{4});"
)
ATTRIBUTES = 1000  #: of a tag, at most: parsing takes time with the square of their number
_MANY = re.compile(
    rb"<[A-Za-z][^\s<>]*+(?:\s++[^\s<>=]++\s*+=\s*+(?:\"[^\"<]*+\"|'[^'<]*+'|[^\s<>\"']++)){%d}" % (ATTRIBUTES + 1)
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_FEEDS = ("application/rss+xml", "application/atom+xml", "application/rdf+xml")


@dataclass(frozen=True)
class Feed:
    """A feed: its title, its entries as feedparser names their members, and what is wrong with it, if it had to be read leniently.

    `known` is false if the answer is not a feed at all; `named` is then the address of the feed that the page names, or empty.
    """

    known: bool
    title: str
    entries: Sequence[Mapping[str, Any]]
    fault: str
    named: str
    unescaped: bool  #: whether texts that are said to be plain have no entities (Atom), as they often have in RSS


def parse(data: bytes, kind: str, address: str) -> Feed:
    """Read an answer with this content type, from this address. The last entry of a feed that was cut off is left out."""
    if _MANY.search(data):
        return Feed(False, "", (), f"a tag has more than {ATTRIBUTES:,} attributes", "", False)
    whole, found, fault = _whole_characters(data), None, ""
    for charset in _charsets(kind) if _begins(data) else _charsets(kind)[:1]:
        # Without a charset the document says its own encoding, whatever the type (RFC 7303); feedparser takes text/xml for ASCII.
        told_type = f"application/xml; charset={charset}" if charset else "application/xml"
        given = {"content-type": told_type, "content-location": address}
        try:
            found = feedparser.parse(io.BytesIO(whole), response_headers=given, sanitize_html=False)
        except Exception as error:
            fault = f"it cannot be read: {error}"
        if found is not None and found.get("version"):
            break
    if found is None:
        return Feed(False, "", (), fault, "", False)
    entries = [dict(entry) for entry in found.get("entries", ())]  # whose old names warn when they are asked for
    told = found.get("feed", {})
    links = [link for link in told.get("links", ()) if link.get("rel") == "alternate" and link.get("type") in _FEEDS]
    version = str(found.get("version", ""))
    return Feed(
        known=bool(version),
        title=str(told.get("title", "")),
        entries=entries[:-1] if _begins(data) and not is_whole(data) else entries,
        fault=str(found.get("bozo_exception", "it is not well-formed")) if found.get("bozo") else "",
        named=next((link["href"] for link in links if urlsplit(link.get("href", "")).netloc), ""),
        unescaped=version.startswith("atom"),
    )


def _charsets(kind: str) -> Sequence[str]:
    """By which charsets an answer with this content type may be read, the most likely first; empty for the one that it names itself."""
    named = _CHARSET.search(kind)
    try:
        b"".decode(named[1] if named else "undefined")
    except (LookupError, UnicodeError, ValueError):
        return "", "utf-8"
    return named[1] if named else "", "", "utf-8"


def _whole_characters(data: bytes) -> bytes:
    """The data without entities for halves of characters, as old feeds write emoji, and for no characters; two halves become the
    character."""

    def whole(found: re.Match[bytes]) -> bytes:
        units = [
            int(one[1:], 16) if one[:1] in b"xX" else int(one)
            for one in re.findall(rb"&#([xX]?[0-9a-fA-F]+);", found[0])
        ]
        text = b"".join(unit.to_bytes(2, "big") for unit in units).decode("utf-16-be", "replace")
        return "".join(f"&#{ord(one)};" for one in text).encode()

    return _HALVES.sub(whole, _BEYOND.sub(b"&#65533;", data))


def is_whole(data: bytes) -> bool:
    """Whether an answer begins and ends as feeds do."""
    return _begins(data) and bool(_END.search(data[-_ENDING:].replace(b"\0", b"")))


def ttl(data: bytes) -> float:
    """The seconds for which the feed says that it need not be asked again; 0 if it does not say."""
    found = _TTL.search(data.partition(b"<item")[0])
    return int(found[1]) * 60.0 if found else 0.0


def _begins(data: bytes) -> bool:
    return bool(_ROOT.search(data[:_BEGINNING].replace(b"\0", b"")))
