"""Sentences as streams hold them, for benchmarks/language.py: in markup, with templates and code, in fancy letters, garbled.

They are made by rule from sentences, the same ones every time; their label is still the sentence's.
"""

import random
import re
import string
import unicodedata
from collections.abc import Callable, Mapping, Sequence

from language_tests import Example

#: Sentences of each language.
SIZE = 40
LANGUAGES = (
    "en",
    "de",
    "fr",
    "es",
    "pt",
    "it",
    "nl",
    "sv",
    "pl",
    "cs",
    "tr",
    "vi",
    "ru",
    "uk",
    "el",
    "ar",
    "he",
    "hi",
    "ja",
    "ko",
    "zh",
    "th",
)
LATIN = frozenset({"en", "de", "fr", "es", "pt", "it", "nl", "sv"})
Change = Callable[[str, random.Random], str]

_LETTERS = string.ascii_uppercase + string.ascii_lowercase
_SMALL = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡxʏᴢ"


def _alphabet(upper: int, lower: int) -> dict[int, str]:
    return str.maketrans(_LETTERS, "".join(chr(start + i) for start in (upper, lower) for i in range(26)))


LETTERS: Mapping[str, Mapping[int, str]] = {
    "mathematical bold": _alphabet(0x1D400, 0x1D41A),
    "mathematical sans bold": _alphabet(0x1D5D4, 0x1D5EE),
    "bold script": _alphabet(0x1D4D0, 0x1D4EA),
    "bold Fraktur": _alphabet(0x1D56C, 0x1D586),
    "monospace": _alphabet(0x1D670, 0x1D68A),
    "circled": _alphabet(0x24B6, 0x24D0),
    "full-width": _alphabet(0xFF21, 0xFF41),
    "squared": _alphabet(0x1F130, 0x1F130),
    "small capitals": str.maketrans(_LETTERS, _SMALL * 2),
}
HOLES = (
    "{name}",
    "${firstName}",
    "{{ user.name }}",
    "%s",
    "%(count)d",
    "<%= title %>",
    "{0}",
    "[[page]]",
    "$USER",
    "%1$s",
)
CODE = (
    "print()",
    "my_favourite_song",
    "x = y + 1",
    "=>",
    "config.yaml",
    "getName()",
    "user.id",
    "`git push`",
    "--force",
    "v2.1",
)
LINKS = (
    "https://example.org/a-b?c=1",
    "www.example.com",
    "@someone_else",
    "#breakingnews",
    "info@example.org",
    "t.co/x1Yz",
    ":-)",
    "😂🔥",
)
ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", '"': "&quot;", "'": "&#39;", "ä": "&auml;", "é": "&eacute;", "ü": "&uuml;"}
)


def dressed(sentences: Mapping[str, Sequence[str]]) -> dict[str, list[Example]]:
    """Sentences by the kind of what was done to them, of those of LANGUAGES that there are; each with its label."""
    chance = random.Random(0)
    every = [(text, label) for label in LANGUAGES for text in sentences.get(label, [])[:SIZE]]
    latin = [example for example in every if example[1] in LATIN]
    some = lambda *labels: [example for example in every if example[1] in labels]  # noqa: E731
    tasks: dict[str, tuple[Change, list[Example]]] = {
        "HTML": (_html, every),
        "BBCode": (_bbcode, every),
        "Markdown": (_markdown, every),
        "templates": (_inserted(HOLES, 3), every),
        "prose about code": (_inserted(CODE, 2), every),
        "links, names, tags": (_inserted(LINKS, 4), every),
        "a short text in a template": (_short(HOLES), latin),
        "capitals": (lambda text, _: text.upper(), every),
        "without diacritics": (lambda text, _: _bare(text), some("de", "fr", "es", "pt", "it", "sv", "pl", "cs", "tr")),
        "spaced letters": (lambda text, _: "   ".join(" ".join(word) for word in text.split()), latin),
        "digits for letters": (lambda text, _: text.translate(str.maketrans("aeioAEIO", "43104310")), latin),
        "UTF-8 read as Windows-1252": (_garbled("utf-8", "cp1252"), some("de", "fr", "es", "pt", "sv", "pl", "cs", "tr", "vi")),
        "UTF-8 read as it twice": (_garbled("utf-8", "cp1252", 2), some("de", "fr", "es", "pt", "sv", "pl", "cs", "tr", "vi")),
        "Cyrillic UTF-8 read as Windows-1252": (_garbled("utf-8", "cp1252"), some("ru", "uk")),
        "Windows-1251 read as 1252": (_garbled("cp1251", "cp1252"), some("ru", "uk")),
        "KOI8-R read as Latin-1": (_garbled("koi8-r", "latin-1"), some("ru")),
        "Windows-1253 read as 1252": (_garbled("cp1253", "cp1252"), some("el")),
    }  # fmt: skip
    made = {kind: [(change(text, chance), label) for text, label in of] for kind, (change, of) in tasks.items()}
    return made | {
        f"letters: {name}": [(text.translate(dict(table)), label) for text, label in latin]
        for name, table in LETTERS.items()
    }


def addresses() -> dict[str, list[str]]:
    """Texts that are nothing but addresses and names of files, by kind: `zxx` is right."""
    chance = random.Random(0)
    words = [
        "politik",
        "deutschland",
        "news",
        "article",
        "john",
        "marie",
        "project",
        "holiday",
        "report",
        "final",
        "musica",
        "berlin",
        "shop",
    ]
    pick = lambda: chance.choice(words)  # noqa: E731
    ends = ["com", "de", "org", "se", "co.uk", "fr", "io", "com.br"]
    return {
        "e-mail addresses": [f"{pick()}.{pick()}@{pick()}.{chance.choice(ends)}" for _ in range(200)],
        "hosts with paths": [f"{pick()}.{chance.choice(ends)}/{pick()}/{pick()}-{pick()}" for _ in range(200)],
        "Unix paths": [f"/{pick()}/{pick()}/{pick()}_{pick()}.txt" for _ in range(200)],
        "Windows paths": [f"C:\\{pick().capitalize()}\\{pick()}\\{pick()}.docx" for _ in range(200)],
        "names of files": [f"{pick()}_{pick()}_{chance.randrange(99)}.{chance.choice(('pdf', 'jpg', 'py', 'mp3'))}" for _ in range(200)],
    }  # fmt: skip


def _html(text: str, chance: random.Random) -> str:
    words = text.translate(ENTITIES).split(" ")
    at = chance.randrange(len(words))
    words[at] = chance.choice(
        ('<a href="https://example.org/x?y=1&z=2">{}</a>', "<b>{}</b>", '<span class="top">{}</span>')
    ).format(words[at])
    inner = " ".join(words)
    shapes = ("<p>{}</p>", '<div class="text" id="a1">{}<br/></div>', "<li>{}</li>", "<!-- start --><h1>{}</h1>")
    return chance.choice(shapes).format(inner)


def _bbcode(text: str, chance: random.Random) -> str:
    words = text.split(" ")
    at = chance.randrange(len(words))
    words[at] = chance.choice(("[b]{}[/b]", "[url=http://example.org]{}[/url]", "[i]{}[/i]")).format(words[at])
    return chance.choice(("{}", "[quote]{}[/quote]", "[size=12]{}[/size] [img]http://example.org/a.png[/img]")).format(
        " ".join(words)
    )


def _markdown(text: str, chance: random.Random) -> str:
    words = text.split(" ")
    at = chance.randrange(len(words))
    words[at] = chance.choice(("**{}**", "[{}](https://example.org/some/page)", "_{}_", "~~{}~~")).format(words[at])
    return chance.choice(("# {}", "> {}", "- [x] {}", "{}\n\n```\nx = 1\n```", "{} ![](a.png)")).format(" ".join(words))


def _inserted(pieces: Sequence[str], most: int) -> Change:
    def insert(text: str, chance: random.Random) -> str:
        words = text.split(" ")
        for _ in range(chance.randint(1, most)):
            words.insert(chance.randint(0, len(words)), chance.choice(pieces))
        return " ".join(words)

    return insert


def _short(pieces: Sequence[str]) -> Change:
    return lambda text, chance: _inserted(pieces, 2)(" ".join(text.split(" ")[:6]), chance)


def _garbled(written: str, read: str, times: int = 1) -> Change:
    """What comes out if a text is written in one encoding and read in another; bytes that the other lacks become control characters."""

    def garble(text: str, _: random.Random) -> str:
        for _time in range(times):
            raw = text.encode(written, "ignore")
            text = "".join(bytes([byte]).decode(read, "ignore") or chr(byte) for byte in raw)
        return text

    return garble


def _bare(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.translate(str.maketrans("łŁıßøØ", "lLisoO")))
    return re.sub(r"[\u0300-\u036f]", "", decomposed)
