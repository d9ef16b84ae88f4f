"""The messages of X's API, one after the other: tweets, and what else is said in a stream."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from headrace.documents import Document
from headrace.errors import Rejected
from headrace.fields import names_of
from headrace.ports import AuthorDeletion, Deletion, Gap, Item, Malformed
from headrace.sources.records import KEPT_BYTES, Record
from headrace.sources.tweets import Post, Status, Stray, Tweets, in_message
from headrace.sources.twitter.documents import document_of, id_of, number_of
from headrace.sources.twitter.undelivered import Undelivered
from headrace.validation import kind

LOG = logging.getLogger("headrace.sources")
_SILENT = ("scrub_geo", "meta")  # say nothing about a text
_SHOWN = 200  # characters of what X says about a connection


class Messages:
    """Turns messages into items. It remembers how many tweets were not delivered, so it needs all messages of a connection, in order.

    `limit`: the largest document, in bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._undelivered = Undelivered()

    def items(self, record: Record) -> Sequence[Item]:
        """The items of a message: of a page there are many, of a keep-alive signal there are none. What is not a message is Malformed."""
        message = record.members
        try:
            if record.fault:
                raise Rejected(record.fault)
            if not isinstance(message, dict):
                raise Rejected(f"a message of X's API is a JSON object, not {kind(message)}")
            tweets = in_message(message)
            if tweets is None:
                return self._told(message, record.where)
            if len(tweets) > 1:
                return [*self._page(tweets, record.where)]
            return [self._document(tweet) for tweet in tweets]
        except Rejected as error:
            return (Malformed(record.data[:KEPT_BYTES], str(error), record.where),)

    def passed(self, record: Record) -> None:
        """Take notice of a message whose items are not wanted."""
        message = record.members
        if isinstance(message, dict) and in_message(message) is None:
            with suppress(Rejected):  # it was told when its items were read
                self._missed(message)

    def _page(self, tweets: Tweets, where: str) -> Iterator[Document | Malformed]:
        for place, tweet in enumerate(tweets, 1):
            try:
                yield self._document(tweet)
            except Rejected as error:
                yield Malformed(_written(tweet.members)[:KEPT_BYTES], str(error), f"{where}, tweet {place}")

    def _document(self, tweet: Status | Post | Stray) -> Document:
        if isinstance(tweet, Stray):
            raise Rejected(f"a tweet is a JSON object, not {kind(tweet.members)}")
        return document_of(tweet, self._limit)

    def _told(self, message: Mapping[str, Any], where: str) -> Sequence[Item]:
        """What a message says that holds no tweets."""
        if "delete" in message:
            return (Deletion(id_of(number_of(_inner(message, "delete", "status")))),)
        if "status_withheld" in message:
            return (Deletion(id_of(number_of(_inner(message, "status_withheld")))),)
        if "user_withheld" in message:
            return (AuthorDeletion(id_of(number_of(_inner(message, "user_withheld"), "an account"))),)
        if "limit" in message:
            missed = self._missed(message)
            return (Gap(f"{where}: X did not deliver {missed:,} matching posts", missed),) if missed else ()
        if "disconnect" in message or "warning" in message or "errors" in message:
            self._missed(message)
            LOG.warning(f"{where}: X says: {_written(message).decode()[:_SHOWN]}")
            return ()
        if any(name in message for name in _SILENT):
            return ()
        raise Rejected(
            f"no message of X's API is known with these members: {names_of(message)}; a tweet has 'text' or 'full_text'"
        )

    def _missed(self, message: Mapping[str, Any]) -> int:
        """How many tweets a limit notice says are missing; 0 for any other message. Raises Rejected if it says no number."""
        if "disconnect" in message:
            self._undelivered.reconnected()
        if "limit" not in message:
            return 0
        total = _inner(message, "limit").get("track")
        if not isinstance(total, int) or isinstance(total, bool) or total < 0:
            raise Rejected(f"a limit notice has a whole number 'track', not {kind(total)}")
        return self._undelivered.missed(total)


def _inner(message: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """An object within a message. Raises Rejected if it is not there."""
    for name in names:
        found = message.get(name)
        if not isinstance(found, dict):
            raise Rejected(f"{name!r} must be an object, not {kind(found)}")
        message = found
    return message


def _written(value: object) -> bytes:
    """A part of a message as JSON, also if it cannot be written in UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace")
