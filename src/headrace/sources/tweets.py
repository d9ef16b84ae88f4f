"""Tweets: which of them a message of X's API holds, in its versions 1.1 and 2, and the text of each.

Streams, pages of search results and lists are told apart by what is in them, since recordings mix them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

_PAGES = ("statuses", "results")  # members of version 1.1 that hold a list of tweets: of a search, of a premium one
_STATUS = frozenset({"id_str", "user", "full_text"})  # members that only version 1.1 has
_NOTHING: Mapping[str, Any] = {}


class Status(NamedTuple):
    """A tweet as version 1.1 has it; `tags` are those of the rules that it matches."""

    members: Mapping[str, Any]
    tags: Sequence[str] = ()

    @property
    def original(self) -> Mapping[str, Any] | None:
        """The tweet that this one retweets; None if it is no retweet."""
        found = _inner(self.members, "retweeted_status")
        while found is not None and (inner := _inner(found, "retweeted_status")) is not None:
            found = inner
        return found

    @property
    def text(self) -> Any:
        """The whole text, of a retweet that of the original; what is not a string if there is none."""
        members = self.original or self.members
        extended = _inner(members, "extended_tweet")
        for text in ((extended or _NOTHING).get("full_text"), members.get("full_text")):
            if text:
                return unescape(text)
        return unescape(members.get("text"))


class Post(NamedTuple):
    """A tweet as version 2 has it; `posts` and `users` are what came with it, by their ids, `tags` those of the rules that it matches."""

    members: Mapping[str, Any]
    posts: Mapping[str, Mapping[str, Any]] = _NOTHING
    users: Mapping[str, Mapping[str, Any]] = _NOTHING
    tags: Sequence[str] = ()

    def referenced(self, kind: str) -> Mapping[str, Any] | None:
        """The reference to another tweet (`retweeted`, `quoted` or `replied_to`); None if there is none."""
        return next((one for one in _objects(self.members.get("referenced_tweets")) if one.get("type") == kind), None)

    @property
    def original(self) -> Mapping[str, Any] | None:
        """The tweet that this one retweets, as far as it came with it; None if it is no retweet."""
        found = self.referenced("retweeted")
        return None if found is None else self.posts.get(str(found.get("id")), found)

    @property
    def text(self) -> Any:
        """The whole text, of a retweet that of the original if it came with it; what is not a string if there is none."""
        return unescape((self.original and _whole(self.original)) or _whole(self.members))


class Stray(NamedTuple):
    """What stands in a list of tweets and is not even an object."""

    members: Any


Tweets = Sequence[Status | Post | Stray]


def in_message(message: Mapping[str, Any]) -> Tweets | None:
    """The tweets that a message holds; None if it is a message of another kind."""
    if "text" in message or "full_text" in message:
        if not _STATUS.isdisjoint(message) or not isinstance(message.get("id"), str):
            return [Status(message, _tags(message) if "matching_rules" in message else ())]
        return [Post(message)]  # of a page that was taken apart
    if "data" in message:
        return _posts(message)
    for name in _PAGES:
        if isinstance(listed := message.get(name), list):
            return [Status(one, _tags(one)) if isinstance(one, dict) else Stray(one) for one in listed]
    return None


def unescape(text: Any) -> Any:
    """A text of X's API without the entities by which it writes `&`, `<` and `>`; what is not a string, as it is."""
    if isinstance(text, str) and "&" in text:
        return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return text


def _posts(message: Mapping[str, Any]) -> Tweets | None:
    data = message["data"]
    if isinstance(data, dict) and ("text" in data or "note_tweet" in data):
        data = [data]
    if not isinstance(data, list):
        return None
    includes = _inner(message, "includes") or _NOTHING
    posts, users = _by_id(includes.get("tweets")), _by_id(includes.get("users"))
    tags = _tags(message)
    return [Post(one, posts, users, tags) if isinstance(one, dict) else Stray(one) for one in data]


def _whole(post: Mapping[str, Any]) -> Any:
    return (_inner(post, "note_tweet") or _NOTHING).get("text") or post.get("text")


def _tags(message: Mapping[str, Any]) -> Sequence[str]:
    rules = _objects(message.get("matching_rules"))
    return [tag for rule in rules if isinstance(tag := rule.get("tag"), str) and tag]


def _by_id(listed: Any) -> Mapping[str, Mapping[str, Any]]:
    return {str(one.get("id")): one for one in _objects(listed)}


def _objects(listed: Any) -> Iterable[Mapping[str, Any]]:
    return (one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()


def _inner(members: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    found = members.get(name)
    return found if isinstance(found, dict) else None
