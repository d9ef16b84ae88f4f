"""The command `erase`."""

from contextlib import closing
from typing import Annotated

from cyclopts import Parameter

from headrace.commands.operands import unicode
from headrace.commands.output import Json, print_json
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.documents import microseconds, read
from headrace.errors import Misconfigured, Rejected
from headrace.log import logger
from headrace.ports import Presence
from headrace.urls import Connectors

FAR_SECONDS = 5  # by which this host's clock and the store's may differ, untold
LOG = logger("headrace.commands")


def erase(
    *ids: str,
    author: Annotated[
        tuple[str, ...],
        Parameter(negative="", help="All that an author has written: the source, a colon, and the author's id."),
    ] = (),
    json: Json = False,
    settings: Flags = Settings(),
) -> None:
    """Erase documents by their ids or authors: their results, their dead letters, and what is still on its way."""
    if not ids and not author:
        raise Misconfigured("give the ids of the documents to erase, or --author")
    if not all(identity.strip() for identity in ids):
        raise Misconfigured("an id is empty; give the ids of the documents to erase")
    ids = tuple(unicode(identity, f"id {number}") for number, identity in enumerate(ids, 1))
    authors = tuple(unicode(one, "--author").strip() for one in author)
    for one in authors:
        if not all(part.strip() for part in (*one.partition(":")[::2], one)):
            raise Misconfigured(
                f"--author is {one!r}; write the source of the documents, a colon, and the author_id or the author in their meta,"
                " such as twitter:12345"
            )
    for identity in ids:
        try:
            read({"id": identity, "text": "-"})
        except Rejected as error:
            raise Misconfigured(f"no document can be called {identity!r}: {error}") from error
    with closing(Connectors(settings.broker, settings.store).store()) as store:
        _warn_of_clock(store)
        store.erase([*ids, *(identity.strip() for identity in ids)], authors=authors)
    named = len(set(ids)) + len(set(authors))
    if json:
        print_json({"erased": named})
    else:
        print(f"{named:,} erased")


def _warn_of_clock(store: Presence) -> None:
    """Tombstones have the time of this host. If it is wrong, what was published before the erasure cannot be told from what comes after."""
    before, told, after = microseconds(), store.time(), microseconds()
    ahead, behind = (before - told) / 1e6, (told - after) / 1e6
    if ahead >= FAR_SECONDS:
        LOG.warning(
            f"the clock of this host is {ahead:,.0f} s ahead of the store's: documents that are sent again under these ids within that time"
            " may be dropped; set the clock right (NTP)"
        )
    elif behind >= FAR_SECONDS:
        LOG.warning(
            f"the clock of this host is {behind:,.0f} s behind the store's: documents under these ids that were published within that time"
            " and are not stored yet may appear; set the clock right (NTP), and erase them again"
        )
