"""Tweets as documents. What is kept of a tweet beside its text is small: who wrote it, and what it belongs to."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.documents import Document
from headrace.documents import read as read_document
from headrace.errors import Rejected
from headrace.sources.tweets import Post, Status
from headrace.validation import kind

SOURCE = "twitter"  #: the source of all documents, and the beginning of their ids
FIRST_SNOWFLAKE = 29_700_859_247  #: the first id that holds a time (4 November 2010)
_SNOWFLAKE_EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657_000, tzinfo=UTC)
_USER = re.compile(r"\w{1,50}", re.ASCII)
_DIGITS = re.compile(r"\d{1,20}", re.ASCII)
_NUMBERS = 1 << 64  # of tweets; none is as great
_SHOWN = 40  # characters of what is no id
_TIME_BITS = 22  # of an id, after its milliseconds
_NO_LANGUAGE = re.compile("und|zxx|q[a-t][a-z]")  # of a text of mentions, tags or links, or of too few words


def document_of(tweet: Status | Post, limit: int) -> Document:
    """The document of a tweet. Raises Rejected if it has no id or no text, or can't be stored."""
    members = tweet.members
    number = number_of(members)
    about = _of_status(tweet) if isinstance(tweet, Status) else _of_post(tweet)
    meta: dict[str, Any] = {name: value for name, value in about.items() if isinstance(value, str) and value}
    language = members.get("lang")
    if isinstance(language, str) and language and not _NO_LANGUAGE.fullmatch(language):
        meta["lang"] = language
    meta["url"] = f"https://x.com/{_user(meta)}/status/{number}"
    if tweet.tags:
        meta["tags"] = [*tweet.tags]
    described = {"id": id_of(number), "text": tweet.text, "created_at": members.get("created_at"), "meta": meta}
    document = read_document(described, source=SOURCE, limit=limit)
    if document.created_at is None:
        document = read_document({**described, "created_at": _time_of(number)}, source=SOURCE, limit=limit)
    return document


def id_of(number: str) -> str:
    """The id of the document of the tweet with this number."""
    return f"{SOURCE}:{number}"


def number_of(members: Mapping[str, Any], what: str = "a tweet") -> str:
    """The number of a tweet, or of `what`, by which X knows it. Raises Rejected if there is none."""
    number = members.get("id_str") or members.get("id")
    if isinstance(number, str) and _DIGITS.fullmatch(number) and int(number) < _NUMBERS:
        return number
    if isinstance(number, int) and not isinstance(number, bool) and 0 < number < _NUMBERS:
        return str(number)
    shown = repr(number[:_SHOWN]) if isinstance(number, str) else kind(number)
    raise Rejected(f"{what} has an 'id', which is a whole number or a string of digits, not {shown}")


def _user(meta: Mapping[str, Any]) -> str:
    """The author's name in a link; what X takes instead if it is not known."""
    author = meta.get("author", "")
    return author if _USER.fullmatch(author) else "i/web"


def _of_status(tweet: Status) -> Mapping[str, Any]:
    members, original = tweet.members, tweet.original
    user = members.get("user")
    return {
        **({"author": user.get("screen_name"), "author_id": _key(user)} if isinstance(user, dict) else {}),
        "retweet_of": original and _key(original),
        "quote_of": _key(members, "quoted_status_id") or _key(members.get("quoted_status")),
        "reply_to": _key(members, "in_reply_to_status_id"),
    }


def _of_post(tweet: Post) -> Mapping[str, Any]:
    author_id = tweet.members.get("author_id")
    user = tweet.users.get(str(author_id), tweet.members.get("author"))
    return {
        "author": user.get("username") if isinstance(user, dict) else None,
        "author_id": author_id,
        "retweet_of": _key(tweet.referenced("retweeted")),
        "quote_of": _key(tweet.referenced("quoted")),
        "reply_to": _key(tweet.referenced("replied_to")),
        "edit_of": _first_version(tweet.members),
    }


def _first_version(members: Mapping[str, Any]) -> str | None:
    """The id of the document of the tweet that this one is an edit of; None if it is not an edit."""
    versions = members.get("edit_history_tweet_ids")
    if not isinstance(versions, list) or len(versions) < 2 or versions[0] == members.get("id"):
        return None
    return id_of(str(versions[0]))


def _key(members: Any, name: str = "id") -> str | None:
    """An id in an object, as text: that of version 1.1 which is text anyway, or else the one that may be a number."""
    if not isinstance(members, dict):
        return None
    value = members.get(f"{name}_str") or members.get(name)
    return None if value is None or isinstance(value, bool | dict | list) else str(value)


def _time_of(number: str) -> str | None:
    """When a tweet was written, by its number; None for an older one than numbers with a time."""
    value = int(number)
    if not FIRST_SNOWFLAKE <= value < 1 << 63:
        return None
    at = _SNOWFLAKE_EPOCH + timedelta(milliseconds=value >> _TIME_BITS)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
