"""Fields: documents out of records that were not made for Headrace."""

from typing import Any

import pytest

from headrace.documents import Document, encode
from headrace.errors import Misconfigured, Rejected
from headrace.fields import USUAL, Field, Fields

POST = {"post_id": 7, "payload": {"body": "so nice", "tags": ["a", "b"]}, "when": "2026-01-31T12:00:00Z", "lang": "en"}


def read(members: Any, **named: str) -> Document:
    return Fields.parse(**named).read(members, source="files")


def test_a_record_with_the_usual_members_is_read_as_ever() -> None:
    assert Fields.parse().usual
    document = read({"id": 1, "text": "a", "source": "s", "created_at": "2026-01-31", "meta": {"b": 1}, "c": 2})
    assert document == Document("1", "a", "s", "2026-01-31", {"c": 2, "b": 1})


def test_members_are_named_or_pointed_at_and_all_else_is_meta() -> None:
    document = read(POST, text="/payload/body", id="post_id", created_at="when", source="lang")
    assert document == Document("7", "so nice", "en", "2026-01-31T12:00:00Z", {"payload": {"tags": ["a", "b"]}})
    assert POST["payload"] == {"body": "so nice", "tags": ["a", "b"]}  # the record is as it was


def test_meta_holds_what_is_named_under_its_own_name() -> None:
    document = read(POST, text="/payload/body", meta="lang, /payload/tags/1, absent")
    assert document.meta == {"lang": "en", "1": "b"}


def test_texts_of_several_members_are_joined_and_empty_ones_left_out() -> None:
    assert read({"title": "Hello", "body": "you"}, text="title,body").text == "Hello\nyou"
    assert read({"title": None, "body": "you"}, text="title,body").text == "you"
    assert read({"body": "you"}, text="title,body").text == "you"
    with pytest.raises(Rejected, match="'title' must be a string, not a number"):
        read({"title": 5, "body": "you"}, text="title,body")


def test_a_record_without_an_id_gets_one_and_always_the_same() -> None:
    first, second = (read(POST, text="/payload/body", id="number") for _ in range(2))
    assert first.id == second.id != ""


def test_members_that_only_share_a_name_with_ours_are_meta() -> None:
    ours = {"id": {"$oid": "5f"}, "source": ["web"], "meta": "yes", "text": "other", "created_at": {"$date": 5}}
    assert read({"tweet": "a", **ours}, text="tweet").meta == ours


def test_a_time_that_cannot_be_read_is_kept_in_meta() -> None:
    document = read({"tweet": "a", "when": "at noon"}, text="tweet", created_at="when")
    assert (document.created_at, document.meta) == (None, {"created_at": "at noon"})


def test_pointers_escape_slashes_and_tildes_and_count_from_zero() -> None:
    record = {"a/b": {"m~n": "text"}, "list": [{"t": "x"}]}
    assert Field("/a~1b/m~0n").of(record) == "text"
    assert Field("/list/0/t").of(record) == "x"
    assert Field("/list/1/t").of(record) is None
    assert Field("/list/-1/t").of(record) is None
    assert Field("a/b").of(record) == {"m~n": "text"}
    assert Field("/odd").of({"/odd": 1, "odd": 2}) == 1


@pytest.mark.parametrize("written", [{"text": "a,"}, {"id": " "}, {"text": "/a~2"}, {"source": "/a~"}])
def test_what_names_no_member_is_refused(written: dict[str, str]) -> None:
    with pytest.raises(Misconfigured, match="names no member"):
        Fields.parse(**written)


def test_a_name_that_holds_a_comma_is_in_double_quotes() -> None:
    record = {"last, first": "Ada", "a": "b", 'say "hi"': "c", "/x,y": 1, "deep": {"x,y": "d"}}
    document = read(record, text='a, "last, first"', meta='"/deep/x,y","say ""hi"""')
    assert (document.text, document.meta) == ("b\nAda", {"x,y": "d", 'say "hi"': "c"})
    assert read(record, text="a", id="last, first").id == "Ada"  # one name, which is no list
    assert read({'5" screen': "a"}, text='5" screen').text == "a"


@pytest.mark.parametrize("written", ['"a', '"a"b', 'x, "a, b', '""b"'])
def test_wrong_quotes_are_told(written: str) -> None:
    with pytest.raises(Misconfigured, match=r"the quotes of '.*' are wrong"):
        Fields.parse(text=written)


def test_two_members_of_one_name_in_meta_are_refused() -> None:
    with pytest.raises(Misconfigured, match="two members 'name'"):
        Fields.parse(meta="/user/name, /place/name")


@pytest.mark.parametrize(
    ("record", "named", "reason"),
    [
        ({"tweet": "a", "id": 1}, "", "no member 'text'; it has 'tweet', 'id'; if the text is in 'tweet', say so: --text tweet"),
        ({"tweet": "a", "body": "b"}, "", "no member 'text'; it has 'tweet', 'body'"),
        ({"tweet": "a"}, "twete", "no member 'twete'; it has 'tweet'; did you mean tweet?"),
        ({"payload": {"body": "a"}}, "/payload/bdy", "no member '/payload/bdy'; /payload has '/payload/body'; did you mean /payload/body?"),
        ({"payload": 5}, "/payload/body", "no member '/payload/body'; it has 'payload'"),
        ({}, "tweet", "no member 'tweet'; it has none"),
    ],
)  # fmt: skip
def test_a_record_without_the_text_is_refused_with_what_it_has(record: Any, named: str, reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        read(record, text=named)
    assert str(caught.value) == f"the document has {reason}"


def test_the_line_of_a_body_is_read_by_the_fields_too() -> None:
    fields = Fields.parse(text="/payload/body", id="post_id")
    line = b'{"post_id": "x", "payload": {"body": "hi", "n": NaN}}'
    assert fields.decode(line) == Document("x", "hi", meta={"payload": {"n": None}})
    assert USUAL.decode(b'{"id": "x", "text": "hi"}') == Document("x", "hi")
    with pytest.raises(Rejected, match="not JSON"):
        fields.decode(b"nothing")
    with pytest.raises(Rejected, match="limit is"):
        fields.decode(b'{"payload": {"body": "%s"}}' % (b"x" * 2000), limit=1024)


def test_what_headrace_has_published_is_read_as_it_is_whatever_the_fields() -> None:
    fields = Fields.parse(text="/payload/body")
    ours = encode(Document("x", "hi", published_at=5))
    assert fields.decode(ours) == Document("x", "hi", published_at=5)
    assert fields.decode(b'{"text": "hi", "published_at": null}').text == "hi"
    with pytest.raises(Rejected, match="no member '/payload/body'"):
        fields.decode(b'{"text": "hi"}')
