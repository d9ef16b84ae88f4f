"""Everything that a query finds, page after page; and everything under many keys, a chunk of keys at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from headrace.documents import DeadLetter, Result
from headrace.ports import DeadQuery, Page, ResultQuery, Store

PAGE = 200  # rows of a page, unless the caller says otherwise
LETTERS = 50  # dead letters of a page: each may be as large as a document
IDS = 500  # ids of a query: each is a parameter of a statement, of which databases allow some thousands

Item = TypeVar("Item", covariant=True)
Key = TypeVar("Key")
Query = TypeVar("Query", contravariant=True)


class _Find(Protocol[Query, Item]):
    def __call__(self, query: Query, *, limit: int, page: str | None) -> Page[Item]: ...


def results(store: Store, query: ResultQuery, *, size: int = PAGE) -> Iterator[Result]:
    """All results of a query, newest first, in pages of `size`; what is stored meanwhile is left out."""
    return _pages(store.find, query, size)


def letters(store: Store, query: DeadQuery, *, size: int = LETTERS) -> Iterator[DeadLetter]:
    """All dead letters of a query, newest first, in pages of `size`; what is buried meanwhile is left out."""
    return _pages(store.find_dead, query, size)


def results_of(store: Store, ids: Sequence[str]) -> Iterator[Result]:
    """The results that have these ids, of which each has at most one; none for no ids."""
    for chunk in _chunks(ids):
        yield from results(store, ResultQuery(ids=chunk), size=IDS)


def letters_of(store: Store, contents: Sequence[str]) -> Iterator[DeadLetter]:
    """The dead letters that have these contents, of each the newest first; none for no contents."""
    for chunk in _chunks(contents):
        yield from letters(store, DeadQuery(contents=chunk))


def letters_numbered(store: Store, burials: Sequence[int], query: DeadQuery) -> Iterator[DeadLetter]:
    """The dead letters of a query that have one of these numbers; none for no numbers."""
    for chunk in _chunks(burials):
        yield from letters(store, replace(query, burials=chunk))


def _pages(find: _Find[Query, Item], query: Query, size: int) -> Iterator[Item]:
    page: str | None = None
    while True:
        found = find(query, limit=size, page=page)
        yield from found.items
        page = found.next
        if page is None:
            return


def _chunks(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    for start in range(0, len(keys), IDS):
        yield keys[start : start + IDS]
