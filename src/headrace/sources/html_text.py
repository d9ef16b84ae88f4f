"""The text of HTML, as people read it.

It is scanned in one pass, in time that grows with its length alone: what platforms send is written by strangers, and `html.parser` takes
minutes for some 100 KB of unfinished tags.
"""

import re
from collections.abc import Iterator
from html import unescape

#: Elements that stand on lines of their own; `br` ends a line.
LINES = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote br caption center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4"
        " h5 h6 header hgroup hr li main menu nav ol optgroup option p pre search section summary table tbody tfoot thead tr ul",
    )
)
_CELLS = frozenset({"td", "th"})
_DROPPED = frozenset({"head", "noscript", "script", "style", "template", "title"})  # hold nothing that is read
_BLANKS = re.compile(r"[ \t\n\r\f]+")
#: The beginning of a comment; a declaration; a tag, in whose quotes there may be a `>`. What is none of them is text.
MARKUP = re.compile(
    r"<!--|<[!?][^<>]*+>|<(?P<end>/?)(?P<name>[a-zA-Z][^\s/<>]*+)(?>[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+[^<>]*+>"
)


def plain(html: str) -> str:
    """The text without tags: each paragraph, item or row on a line of its own, without blank lines; blanks are collapsed as browsers do,
    but for the line ends of `pre`. The texts of links stay, scripts and styles don't, and entities are the characters they stand for."""
    if "<" not in html and "&" not in html:
        return _lines(_BLANKS.sub(" ", html))
    return _lines("".join(_pieces(html.replace("<![CDATA[", "").replace("]]>", ""))))


def _pieces(html: str) -> Iterator[str]:
    """The pieces of the text, with line ends in between."""
    at, as_it_stands = 0, False
    endless = set[str]()  # elements whose ends do not come any more
    while found := MARKUP.search(html, at):
        yield _text(html[at : found.start()], as_it_stands)
        at, name = found.end(), (found["name"] or "").lower()
        if found[0] == "<!--":
            end = html.find("-->", at)
            if end < 0:
                return
            at = end + 3
        elif name in _DROPPED and not found["end"] and name not in endless:
            if end_tag := re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(html, at):
                at = end_tag.start()
            else:
                endless.add(name)
        elif name in LINES:
            as_it_stands = not found["end"] if name == "pre" else as_it_stands
            yield "\n"
        elif name in _CELLS:
            yield " "
    yield _text(html[at:], as_it_stands)


def _text(piece: str, as_it_stands: bool) -> str:
    return unescape(piece if as_it_stands else _BLANKS.sub(" ", piece))


def _lines(text: str) -> str:
    return "\n".join(line for part in text.split("\n") if (line := " ".join(part.split())))
