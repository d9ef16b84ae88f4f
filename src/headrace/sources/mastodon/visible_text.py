"""The text that a reader sees of a post's HTML."""

import re
from collections import Counter
from html.parser import HTMLParser

_OWN_LINES = frozenset(
    [
        "p",
        "div",
        "br",
        "li",
        "ul",
        "ol",
        "dl",
        "dt",
        "dd",
        "blockquote",
        "pre",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "table",
        "tr",
    ]
)  #: begin a line, and end one
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_NO_TEXT = frozenset(("script", "style"))
#: Classes of what Mastodon hides: the ends of a shortened link, and a link that stands for a quoted post.
_HIDDEN = frozenset(("invisible", "quote-inline"))
_SHORTENED = "ellipsis"  # the class of a part of a link after which there is more
_MORE = "…"
_BLANKS = re.compile(r"[ \t\r\n\f\u200b]+")


def visible_text(html: str) -> str:
    """The text, a line for each paragraph and after each `<br>`. Blanks in a row are one, as in a browser."""
    reading = _Reading()
    reading.feed(html)
    reading.close()
    lines = (_BLANKS.sub(" ", line).strip() for line in "".join(reading.parts).split("\0"))
    return "\n".join(filter(None, lines))


class _Reading(HTMLParser):
    """Collects the text that is seen; `\\0` ends a line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._open: list[tuple[str, bool, bool]] = []  # the tag, whether it hides, whether it was shortened
        self._count = Counter[str]()
        self._hiding = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in _OWN_LINES:
            self.parts.append("\0")
        if tag in _VOID:
            return
        classes = (dict(attributes).get("class") or "").split()
        hides = tag in _NO_TEXT or not _HIDDEN.isdisjoint(classes)
        self._open.append((tag, hides, _SHORTENED in classes))
        self._count[tag] += 1
        self._hiding += hides

    def handle_endtag(self, tag: str) -> None:
        if tag in _OWN_LINES:
            self.parts.append("\0")
        while self._count[tag]:
            last, hid, shortened = self._open.pop()
            self._count[last] -= 1
            self._hiding -= hid
            if shortened and not self._hiding:
                self.parts.append(_MORE)
            if last == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self._hiding:
            self.parts.append(data.replace("\0", ""))
