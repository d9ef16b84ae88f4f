"""One loop over all pages of a query, and over chunks of ids."""

from collections.abc import Sequence

import pytest

from headrace import browse
from headrace.burial import bury
from headrace.documents import DeadLetter, Outcome, Result, content_hash
from headrace.ports import DeadQuery, Page, ResultQuery
from headrace.stores.memory import MemoryStore
from headrace.testing.outcomes import document, labelled

MANY = 2 * browse.IDS + 1


class Counted(MemoryStore):
    """A store that notes how many ids each query names."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []
        self.contents: list[int] = []

    def find(self, query: ResultQuery, *, limit: int = 50, page: str | None = None) -> Page[Result]:
        self.asked.append(len(query.ids))
        return super().find(query, limit=limit, page=page)

    def find_dead(self, query: DeadQuery, *, limit: int = 50, page: str | None = None) -> Page[DeadLetter]:
        self.asked.append(len(query.ids))
        self.contents.append(len(query.contents))
        return super().find_dead(query, limit=limit, page=page)


@pytest.fixture
def store() -> Counted:
    """Many documents, each with a result and two dead letters."""
    made = Counted()
    made.write([labelled(f"{number}") for number in range(MANY)])
    for model in ("mood", "topic"):
        letters = [bury(document(f"{number}"), "raised", "no", model=model) for number in range(MANY)]
        made.write([Outcome(document(letter.id), dead=(letter,)) for letter in letters])
    return made


def names(numbers: Sequence[int]) -> list[str]:
    return [f"{number}" for number in numbers]


def test_every_page_of_a_query_is_walked_newest_first(store: Counted) -> None:
    assert [one.id for one in browse.results(store, ResultQuery(), size=7)] == names(range(MANY))[::-1]
    assert len(store.asked) == -(-MANY // 7)
    letters = list(browse.letters(store, DeadQuery(model="mood")))
    assert [one.id for one in letters] == names(range(MANY))[::-1]


def test_many_ids_are_asked_for_in_chunks_and_no_ids_not_at_all(store: Counted) -> None:
    assert {one.id for one in browse.results_of(store, names(range(MANY)))} == set(names(range(MANY)))
    assert store.asked == [browse.IDS, browse.IDS, 1]
    store.asked.clear()
    assert list(browse.results_of(store, [])) == list(browse.letters_of(store, [])) == []
    assert list(browse.letters_numbered(store, [], DeadQuery())) == []
    assert store.asked == []


def test_dead_letters_of_contents_come_newest_first_though_they_fill_several_pages(store: Counted) -> None:
    contents = [content_hash(one.id, one.text) for one in map(document, names(range(MANY)))]
    found = list(browse.letters_of(store, contents))
    assert len(found) == 2 * MANY
    by_id = {name: [one.model for one in found if one.id == name] for name in ("0", f"{MANY - 1}")}
    assert set(map(tuple, by_id.values())) == {("topic", "mood")}
    assert max(store.contents) == browse.IDS


def test_dead_letters_are_found_by_their_numbers_in_pages(store: Counted) -> None:
    numbers = [one.burial for one in browse.letters(store, DeadQuery(model="mood"))]
    store.asked.clear()
    found = browse.letters_numbered(store, [*numbers, 12345], DeadQuery(model="mood"))
    assert sorted((one.burial for one in found), reverse=True) == numbers
    assert len(store.asked) >= MANY / browse.LETTERS
