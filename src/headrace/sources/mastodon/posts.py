"""Posts as documents, and what else is said of them in a stream."""

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headrace.documents import parse
from headrace.documents import read as read_document
from headrace.errors import Rejected
from headrace.framing import KEPT_BYTES
from headrace.ports import Deletion, Item, Malformed
from headrace.sources.mastodon.visible_text import visible_text
from headrace.sources.stream import Message
from headrace.validation import kind

SOURCE = "mastodon"  #: the source of all documents, and the beginning of their ids
REMEMBERED = 20_000  #: posts that are not told again
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_SHOWN = 40  # characters of what is no id


class Posts:
    """Turns the events of a stream into items. `host` is the server's; `limit`: the largest document, in bytes.

    It remembers which posts it has told, so that none is told twice. An edit names the post it is of, and is erased with it.
    """

    def __init__(self, host: str, limit: int) -> None:
        self._host, self._limit = host, limit
        self.last = ""  #: the id of the latest post that came
        self._told: OrderedDict[str, None] = OrderedDict()

    def items(self, message: Message) -> Sequence[Item]:
        """The items of an event; none of one that tells nothing of posts."""
        try:
            if message.fault:
                raise Rejected(message.fault)
            if message.event == "delete":
                return (self._deleted(message.data),)
            if message.event in ("update", "status.update"):
                return [*self._written(message)]
        except Rejected as error:
            where = f"{SOURCE}:{self._host}, event {message.event}"
            return (Malformed(message.data[:KEPT_BYTES], str(error), where),)
        return ()

    def _written(self, message: Message) -> Iterator[Item]:
        """The document of a post or of its edit, unless it was told, or has no text."""
        members = parse(message.data, lenient=True)
        if not isinstance(members, dict):
            raise Rejected(f"a post is a JSON object, not {kind(members)}")
        number, edited_at = number_of(members), members.get("edited_at")
        if message.event == "update":
            self.last = later(self.last, number)
        of_post = identity = f"{SOURCE}:{self._host}:{number}"
        if isinstance(edited_at, str) and edited_at:
            identity = f"{of_post}@{edited_at}"
        if identity in self._told:
            return
        text = _text(members, self._limit)
        if text:
            about = _about(members) | ({"edit_of": of_post, "edited_at": edited_at} if identity != of_post else {})
            described = {"id": identity, "text": text, "created_at": members.get("created_at"), "meta": about}
            yield read_document(described, source=SOURCE, limit=self._limit)
        _keep(self._told, identity, None)

    def _deleted(self, data: bytes) -> Deletion:
        number = data.decode(errors="replace").strip()
        if not _ID.fullmatch(number):
            raise Rejected(f"a deletion has the id of a post, not {number[:_SHOWN]!r}")
        of_post = f"{SOURCE}:{self._host}:{number}"
        self._told.pop(of_post, None)
        return Deletion(of_post)


def number_of(members: Mapping[str, Any]) -> str:
    """The id of a post on its server. Raises Rejected if it has none."""
    number = members.get("id")
    if not isinstance(number, str) or not _ID.fullmatch(number):
        shown = repr(number[:_SHOWN]) if isinstance(number, str) else kind(number)
        raise Rejected(f"a post has an 'id' of letters and digits, not {shown}")
    return number


def id_in(data: bytes) -> str:
    """The id of a post in JSON; empty if it has none, or is not a post."""
    try:
        members = parse(data, lenient=True)
        return number_of(members) if isinstance(members, dict) else ""
    except Rejected:
        return ""


def later(one: str, other: str) -> str:
    """Which of two ids is that of the later post; they grow with time, and may be empty."""
    return max(one, other, key=lambda number: (len(number), number))


def _text(members: Mapping[str, Any], limit: int) -> str:
    """The warning above a post, if it has one, and its text."""
    content, warning = members.get("content"), members.get("spoiler_text") or ""
    if not isinstance(content, str) or not isinstance(warning, str):
        raise Rejected(f"a post has texts 'content' and 'spoiler_text', not {kind(content)} and {kind(warning)}")
    if len(content) > limit:
        raise Rejected(
            f"the post has {len(content):,} characters of HTML; the limit is {limit:,} (setting document_bytes)"
        )
    return "\n".join(filter(None, (" ".join(warning.split()), visible_text(content))))


def _about(members: Mapping[str, Any]) -> dict[str, Any]:
    account, tags = members.get("account"), members.get("tags")
    account = account if isinstance(account, dict) else {}
    about = {
        "author": account.get("acct"),
        "author_id": account.get("uri") or account.get("url"),
        "author_url": account.get("url"),
        "url": members.get("url") or members.get("uri"),
        "lang": members.get("language"),
        "in_reply_to": members.get("in_reply_to_id"),
        "visibility": members.get("visibility"),
    }
    found: dict[str, Any] = {name: value for name, value in about.items() if isinstance(value, str) and value}
    names = (
        [tag["name"] for tag in tags if isinstance(tag, dict) and isinstance(tag.get("name"), str)]
        if isinstance(tags, list)
        else []
    )
    return found | ({"tags": names} if names else {})


def _keep(kept: OrderedDict[str, Any], key: str, value: Any) -> None:
    """Put a value at the end, and drop the oldest if there are too many."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)
