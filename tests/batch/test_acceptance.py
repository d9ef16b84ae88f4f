"""What the quick look takes for a document is one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.batch.acceptance import surely_documents
from headrace.documents import read


def is_surely_document(members: dict[str, Any], limit: int) -> bool:
    [found] = surely_documents([members], limit)
    return found


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 65), 1 << 65),
    st.floats(),
    st.text(st.characters()),
    st.sampled_from(["", " ", "\0", "\ud800", "é" * 64, "😀" * 64, "x" * 65, 10**18, -1, 1e300, "2026-01-31", "soon"]),
)
VALUES = st.recursive(ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
NAMES = st.sampled_from(["id", "text", "source", "created_at", "meta", "published_at", "more"]) | st.text()


@given(st.dictionaries(NAMES, VALUES, max_size=7), st.text(), st.integers(1000, 3000))
def test_what_is_surely_a_document_is_read_as_one(members: dict[str, Any], text: str, limit: int) -> None:
    for given_ in (members, {"text": text, **members}, {**members, "text": text}):
        if is_surely_document(given_, limit):
            read(given_, limit=limit)


@pytest.mark.parametrize(
    "members",
    [
        {"text": "a"},
        {"id": "1", "text": "Vad är klockan?", "source": None, "created_at": "2026-01-31"},
        {"text": "a", "meta": {"b": [1, 2.5, None, {"c": True}]}, "user": {"name": "é"}, "likes": 3},
    ],
)
def test_usual_documents_are_recognised(members: dict[str, Any]) -> None:
    assert is_surely_document(members, 1 << 20)


@pytest.mark.parametrize("deep", [31, 32, 33])
def test_nesting_is_judged_as_by_reading(deep: int) -> None:
    value: Any = 1
    for _ in range(deep):
        value = [value]
    for members in ({"text": "a", "meta": {"b": value}}, {"text": "a", "b": value}):
        if is_surely_document(members, 1 << 20):
            read(members)


def test_what_may_be_too_long_is_left_to_reading() -> None:
    assert not is_surely_document({"text": "\x01" * 300}, 2000)
    assert is_surely_document({"text": "a" * 100}, 2000)


def test_one_that_cannot_be_stored_makes_its_neighbours_unsure() -> None:
    assert surely_documents([{"text": "a"}, {"text": "b\0"}], 2000) == [False, False]
    assert surely_documents([{"text": "a"}, {"text": 1}, [], {"text": "c", "n": {"\ud800": 1}}], 2000) == [False] * 4
    assert surely_documents([{"text": "a"}, {"text": 1}, []], 2000) == [True, False, False]
    assert surely_documents([], 2000) == []
