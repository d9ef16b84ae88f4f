"""Reading the documents of a request: the usual ones are read in a shorter way, with the same end."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace import documents
from headrace.documents import Document, encode
from headrace.errors import Rejected
from headrace.web.api.submission import read_submission
from headrace.web.responses import Refused

NOW = 1_764_394_376_123_456
LIMIT = 300

words = st.text(max_size=8) | st.sampled_from([" a ", "a\0", "\ud800", "", "x" * 65, "ö" * 128, "ö" * 129, "a" * 260])
members = st.fixed_dictionaries(
    {},
    optional={
        "id": words | st.integers() | st.none(),
        "text": words | st.sampled_from(["Hej " * 60, "Hej " * 75]) | st.none(),
        "source": words | st.none() | st.booleans(),
        "meta": st.dictionaries(st.text(max_size=3), st.integers() | words, max_size=2) | st.none(),
        "created_at": st.sampled_from(["2026-01-31", "soon", 5, None]),
        "published_at": st.sampled_from([1, "x", None]),
        "more": words,
    },
)


def generally(member: Any) -> Document | str:
    """What a document is, read in the general way; or why it is refused."""
    rest = {name: value for name, value in member.items() if name != "published_at"}
    try:
        return documents.stamp(documents.read(rest, source="api", limit=LIMIT), NOW)
    except Rejected as error:
        return str(error)


def here(value: Any) -> Document | str:
    try:
        sent = read_submission(value, limit=LIMIT, now=NOW)
    except Refused as error:
        return error.message
    assert sent.lines == [(encode(sent.documents[0]), sent.documents[0].source)]
    return sent.documents[0]


@given(members)
def test_a_document_is_read_as_documents_are_read_everywhere(member: dict[str, Any]) -> None:
    assert here(member) == generally(member)


@given(st.integers(150, LIMIT))
def test_the_limit_is_the_same_to_the_byte(length: int) -> None:
    for identity in ("a", " a"):
        member = {"id": identity, "text": "x" * length}
        assert here(member) == generally(member)


@pytest.mark.parametrize("value", [None, 5, "text", [], [5], [[]], {}, {"text": ""}, [{"text": "a"}] * 1001])
def test_what_is_not_a_document_or_a_list_of_up_to_a_thousand_is_refused(value: Any) -> None:
    with pytest.raises(Refused):
        read_submission(value, limit=LIMIT, now=NOW)


def test_the_last_of_those_that_say_the_same_is_published_and_all_are_answered() -> None:
    value = [{"id": "a", "text": "Hej", "meta": {"n": n}} for n in range(3)]
    sent = read_submission(value, limit=LIMIT, now=NOW)
    assert [document.id for document in sent.documents] == ["a"] * 3
    ((line, _),) = sent.lines
    assert msgspec.json.decode(line)["meta"] == {"n": 2}


def test_only_ids_that_the_sender_has_named_are_looked_up() -> None:
    sent = read_submission(
        [{"id": "a", "text": "Hej"}, {"id": None, "text": "Hej"}, {"text": "Hopp"}], limit=LIMIT, now=NOW
    )
    assert sent.texts == {"a": "Hej"}
