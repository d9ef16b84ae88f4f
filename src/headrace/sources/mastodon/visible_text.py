"""The text that a reader sees of a post's HTML."""

import re
from collections import Counter
from collections.abc import Iterable
from html import unescape

from headrace.sources.html_text import LINES, MARKUP

_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_NO_TEXT = frozenset(("script", "style"))
#: Classes of what Mastodon hides: the ends of a shortened link, and a link that stands for a quoted post.
_HIDDEN = frozenset(("invisible", "quote-inline"))
_SHORTENED = "ellipsis"  # the class of a part of a link after which there is more
_MORE = "…"
_CLASS = re.compile(r"""\sclass\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\n\f\u200b]+")


def visible_text(html: str) -> str:
    """The text, a line for each paragraph and after each `<br>`. Blanks in a row are one, as in a browser."""
    reading, at = _Reading(), 0
    while found := MARKUP.search(html, at):
        reading.read(html[at : found.start()])
        at, tag = found.end(), (found["name"] or "").lower()
        if found[0] == "<!--":
            at = end + 3 if (end := html.find("-->", at)) >= 0 else len(html)
        elif found["end"]:
            reading.end(tag)
        elif tag:
            classes = _CLASS.search(found[0])
            reading.begin(tag, (classes[1] or classes[2] or classes[3] or "").split() if classes else ())
    reading.read(html[at:])
    lines = (_BLANKS.sub(" ", line).strip() for line in "".join(reading.parts).split("\0"))
    return "\n".join(filter(None, lines))


class _Reading:
    """Collects the text that is seen; `\\0` ends a line."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._open: list[tuple[str, bool, bool]] = []  # the tag, whether it hides, whether it was shortened
        self._count = Counter[str]()
        self._hiding = 0

    def begin(self, tag: str, classes: Iterable[str]) -> None:
        if tag in LINES:
            self.parts.append("\0")
        if tag in _VOID:
            return
        hides = tag in _NO_TEXT or not _HIDDEN.isdisjoint(classes)
        self._open.append((tag, hides, _SHORTENED in classes))
        self._count[tag] += 1
        self._hiding += hides

    def end(self, tag: str) -> None:
        if tag in LINES:
            self.parts.append("\0")
        while self._count[tag]:
            last, hid, shortened = self._open.pop()
            self._count[last] -= 1
            self._hiding -= hid
            if shortened and not self._hiding:
                self.parts.append(_MORE)
            if last == tag:
                return

    def read(self, text: str) -> None:
        if text and not self._hiding:
            self.parts.append(unescape(text).replace("\0", ""))
