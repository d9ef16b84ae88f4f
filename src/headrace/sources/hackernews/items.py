"""Items of Hacker News as documents."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from headrace.documents import Document, parse
from headrace.documents import read as read_document
from headrace.errors import Rejected
from headrace.framing import KEPT_BYTES
from headrace.ports import Deletion, Malformed
from headrace.sources import html_text
from headrace.sources.hackernews.connection import Answer
from headrace.sources.hackernews.place import Told
from headrace.validation import kind

SOURCE = "hackernews"
TYPES = frozenset({"story", "comment", "job", "poll", "pollopt"})
USUAL = frozenset({"story", "comment"})
_PAGE = "https://news.ycombinator.com/item?id="
_ERASED = "-"  # stands for the versions of an item that was deleted


class Reading:
    """Makes documents of items, and remembers in `told` which. `types`: those that are wanted; `limit`: bytes of a document."""

    def __init__(self, name: str, types: frozenset[str], limit: int, told: Told) -> None:
        self._name, self._types, self._limit, self._told = name, types, limit, told

    def new(self, answer: Answer) -> Iterator[Document | Malformed]:
        """What a new item is: a document, or nothing if it is deleted, dead, or of a type that is not wanted."""
        try:
            number, item = _read(answer)
            if item.get("deleted") or str(item.get("type")) not in self._types:
                return
            if item.get("dead"):
                self._told.replace(number)
                return
            document = self._document(number, item)
        except Rejected as error:
            yield Malformed(answer.data[:KEPT_BYTES], str(error), f"{self._name}, item {answer.number}")
            return
        self._told.replace(number, _version(document.text))
        yield document

    def changed(self, answer: Answer) -> Iterator[Document | Deletion | Malformed]:
        """What a change to an item is: its deletion, a document of its own if the text is another, or nothing.

        Of an item that is not remembered nothing but a deletion is told.
        """
        try:
            number, item = _read(answer)
        except Rejected:
            return  # it was told when the item was new
        versions = self._told.versions(number)
        if item.get("deleted"):
            yield from self._deleted(number, versions)
        elif versions is not None and not item.get("dead"):
            told = [version for version in versions if version != _ERASED]
            if not told:
                yield from self.new(answer)
                return
            try:
                document = self._document(number, item)
            except Rejected:
                return  # a text that was emptied
            version = _version(document.text)
            if version not in told:
                self._told.add(number, version)
                meta = {**document.meta, "edit_of": document.id}
                yield msgspec.structs.replace(document, id=f"{document.id}@{version}", meta=meta)

    def _deleted(self, number: int, versions: list[str] | None) -> Iterator[Deletion]:
        if versions == [_ERASED]:
            return
        self._told.replace(number, _ERASED)
        if versions != []:
            yield Deletion(f"{SOURCE}:{number}")  # its edits name it

    def _document(self, number: int, item: Mapping[str, Any]) -> Document:
        """Raises Rejected if it is none."""
        texts = [text for name in ("title", "text") if (text := _text(item, name))]
        meta = {
            "url": item.get("url"),
            "author": item.get("by"),
            "parent": item.get("parent"),
            "type": item.get("type"),
            "link": f"{_PAGE}{number}",
        }
        members = {
            "id": f"{SOURCE}:{number}",
            "text": "\n".join(texts),
            "created_at": item.get("time"),
            "meta": {name: value for name, value in meta.items() if value is not None and value != ""},
        }
        return read_document(members, source=SOURCE, limit=self._limit)


def _read(answer: Answer) -> tuple[int, Mapping[str, Any]]:
    """The id of an item, and the item. Raises Rejected if it is not one."""
    if answer.fault:
        raise Rejected(answer.fault)
    item = parse(answer.data, lenient=True)
    if not isinstance(item, dict):
        raise Rejected(f"an item is a JSON object, not {kind(item)}")
    number = item.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise Rejected(f"the 'id' of an item is a whole number, not {kind(number)}")
    return number, item


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name, "")
    if not isinstance(value, str):
        raise Rejected(f"{name!r} must be a string, not {kind(value)}")
    return html_text.plain(value)


def _version(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
