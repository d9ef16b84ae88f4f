"""All pages of a query, one after another."""

from collections.abc import Iterator

from headrace.documents import DeadLetter
from headrace.ports import Query, Store

PAGE = 200


def letters(store: Store, query: Query) -> Iterator[DeadLetter]:
    """All dead letters of a query, newest first, page by page; what is buried meanwhile is left out."""
    page: str | None = None
    while True:
        found = store.find(query, limit=PAGE, page=page)
        for item in found.items:
            assert isinstance(item, DeadLetter)
            yield item
        page = found.next
        if page is None:
            return
