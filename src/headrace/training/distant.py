"""Distant labels: a recorded stream, labelled by the emoticons and emoji in it (Go, Bhayani and Huang 2009, Twitter sentiment
classification using distant supervision). They are taken out of the texts, so that a model learns the words beside them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.errors import Misconfigured, Rejected
from headrace.fields import USUAL, Fields
from headrace.models.card import Origin
from headrace.sources.tweets import Stray, in_message
from headrace.training.datasets import Progress, Row, silent
from headrace.training.files import find, stem
from headrace.training.files import rows as rows_of

NEGATIVE, POSITIVE = "negative", "positive"
#: Before the name of the file that a row is from, in its source.
SOURCE = "distant_"
#: Letters that a text has at least, besides its signs.
LETTERS = 12

_HAPPY = "😀😃😄😁😆😊🙂😍🥰😘😗😙😚😋🤗🤩🥳😎☺😇😌❤🧡💛💚💙💜💕💖💗💓💞💘💝😻👍👏🙌🎉🎊💯"
_SAD = "😞😔😟😕🙁☹😣😖😫😩🥺😢😭😤😠😡🤬😰😥😓😨😱😒🙄💔👎😿😾🤮🤢😷🤒😪"
_HAPPY_FACE, _SAD_FACE = (
    r"[:;=][-^o']?[)\]D]+(?!\w)|\(+[-^]?[:;=]|<3+|\^_*\^",
    r"[:=][-^o']*[(\[]+|\)+[-^']?[:=]|[:=][-']?/(?!/)|D[-']?:(?!\w)|:'+\(",
)
_SIGNS: Mapping[str, Any] = {
    POSITIVE: re.compile(rf"(?<![\w:])(?:{_HAPPY_FACE})|[{_HAPPY}]"),
    NEGATIVE: re.compile(rf"(?<![\w:])(?:{_SAD_FACE})|[{_SAD}]"),
}
_RETWEET = re.compile(r"RT @\w+")
_BESIDES = re.compile("[\ufe0f\u200d\U0001f3fb-\U0001f3ff]")  # what may follow an emoji


@dataclass(frozen=True)
class Distant:
    """Rows that were labelled by their signs, the number of rows of each file, and how many texts there were in all."""

    rows: Sequence[Row]
    origins: tuple[Origin, ...]
    texts: int


def label_stream(
    files: Sequence[Path | str], *, fields: Fields = USUAL, encoding: str = "", progress: Progress = silent
) -> Distant:
    """Label the texts of files and folders by their signs.

    A text without signs, or with signs of both kinds, is left out; so are retweets, repeats (signs, links and mentions aside), and texts of
    fewer than LETTERS letters. Files are those of `datasets.read`, but need no labels; a text is where the `fields` say, or by the usual
    ones that of each tweet in a recorded message of X's API. Raises Misconfigured if a file can't be read, or if both labels do not
    come of it.
    """
    paths, texts, rows, origins = find(files), 0, list[Row](), list[Origin]()
    seen = set[str]()
    for number, path in enumerate(paths):
        progress("labelling", number, len(paths))
        before, source = len(rows), SOURCE + stem(path).removeprefix(SOURCE)
        for text in _texts(path, fields, encoding):
            texts += 1
            found = by_signs(text)
            if found is not None and (key := _key(found[0])) not in seen:
                seen.add(key)
                rows.append(Row(*found, source))
        origins.append(Origin(source, len(rows) - before))
    progress("labelling", len(paths), len(paths))
    for label in (NEGATIVE, POSITIVE):
        if not any(row.label == label for row in rows):
            raise Misconfigured(
                f"no text in {', '.join(map(str, paths))} has {label} emoticons or emoji only ({texts:,} texts were read); record more of"
                " the stream, or give labelled texts with --data"
            )
    return Distant(rows, tuple(origins), texts)


def by_signs(text: str) -> tuple[str, str] | None:
    """The text without its signs, and the label that they stand for; None if it has none, signs of both kinds, or little besides."""
    if _RETWEET.match(text):
        return None
    labels = [label for label, signs in _SIGNS.items() if signs.search(text)]
    if len(labels) != 1:
        return None
    without = " ".join(_BESIDES.sub("", _SIGNS[labels[0]].sub(" ", text)).split())
    return (without, labels[0]) if sum(map(str.isalpha, without)) >= LETTERS else None


def _texts(path: Path | str, fields: Fields, encoding: str) -> Iterator[str]:
    for _, members in rows_of(path, fields, encoding=encoding):
        if isinstance(members, dict):
            for text in _of_tweets(members) if fields.usual else _of_fields(members, fields):
                if isinstance(text, str) and text.strip():
                    yield text


def _of_tweets(members: Mapping[str, Any]) -> Iterator[Any]:
    """The texts of what a row holds if it is a message of X's API; a row that has just a `text` looks like one."""
    for tweet in in_message(members) or ():
        if not isinstance(tweet, Stray) and tweet.original is None:
            yield tweet.text


def _of_fields(members: Mapping[str, Any], fields: Fields) -> Iterator[Any]:
    with suppress(Rejected):  # one of several texts that is not one
        yield fields.text_of(members)


def _key(text: str) -> str:
    """The same for texts that differ in links, mentions, case, blanks and marks only."""
    plain = re.sub(r"(?:https?:|www\.)\S+|@\w+", " ", text.casefold())
    return "".join(filter(str.isalnum, plain))
