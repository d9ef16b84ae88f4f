"""What is a document, what is refused at the door, and how documents are packed into bodies and back."""

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.burial import bury, bury_bytes
from headrace.documents import (
    ADDED_BYTES,
    BODY_BYTES,
    DOCUMENT_BYTES,
    Document,
    content_id,
    decode,
    encode,
    pack,
    parse,
    read,
    stamp,
    unpack,
)
from headrace.errors import Rejected

storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
numbers = st.integers(-(1 << 63), (1 << 63) - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | storable,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(storable, inner, max_size=4),
    max_leaves=8,
)
documents = st.builds(
    Document,
    id=names.filter(lambda name: name == name.strip()),
    text=names,
    source=storable,
    created_at=st.none() | st.datetimes().map(lambda time: f"{time.isoformat()}Z") | st.dates().map(str),
    meta=st.dictionaries(storable, values, max_size=4),
    published_at=st.none() | st.integers(0, (1 << 62) - 1),
)


def refused(value: Any, *, limit: int = DOCUMENT_BYTES) -> str:
    with pytest.raises(Rejected) as caught:
        read(value, limit=limit)
    return str(caught.value)


@given(documents)
def test_a_document_comes_out_of_a_body_as_it_went_in(document: Document) -> None:
    assert decode(encode(document)) == document


@given(documents)
def test_what_the_door_takes_is_what_a_worker_reads(document: Document) -> None:
    taken = read(msgspec.json.decode(encode(document)))
    assert taken == document
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(taken), type=Document) == document


@given(st.lists(documents, max_size=30), st.integers(1, 4096))
def test_packing_keeps_every_document_in_order_within_the_target(some: list[Document], target: int) -> None:
    bodies = list(pack(some, target=target))
    lines = [(line, body) for body in bodies for line in unpack(body.data)]
    assert [decode(line) for line, _ in lines] == some
    assert all(body.key == decode(line).source for line, body in lines)
    assert all(len(body.data) <= target or len(unpack(body.data)) == 1 for body in bodies)


@given(st.binary(max_size=200) | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_document_or_rejected(line: bytes) -> None:
    with contextlib.suppress(Rejected):
        assert decode(line).text
    assert bury_bytes(line, "no").data == line


@given(values)
def test_any_json_value_is_a_document_or_rejected(value: Any) -> None:
    for candidate in (value, {"text": value}, {"text": "a", "id": value}, {"text": "a", "published_at": value}):
        with contextlib.suppress(Rejected):
            assert decode(encode(read(candidate))) == read(candidate)


def test_packing_nothing_gives_no_body() -> None:
    assert list(pack([])) == []


def test_packing_fills_bodies_to_about_sixteen_kibibytes() -> None:
    bodies = list(pack(Document(f"{number:03}", "x" * 250) for number in range(1000)))
    assert all(BODY_BYTES - 300 < len(body.data) <= BODY_BYTES for body in bodies[:-1])


def test_a_body_has_at_least_one_line_and_none_that_is_blank() -> None:
    assert unpack(b"") == unpack(b"\n\n \t\r\n") == [b""]
    assert unpack(b"\na\n\nb\r\n") == [b"a", b"b\r"]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"text": ""}, "'text' is empty"),
        ({}, "no member 'text'"),
        ({"text": None}, "'text' must be a string, not null"),
        ({"text": 5}, "'text' must be a string, not a number"),
        ({"text": True}, "'text' must be a string, not a boolean"),
        ({"text": ["a"]}, "'text' must be a string, not a list"),
        ({"text": {"a": 1}}, "'text' must be a string, not an object"),
        ({"text": "a\0b"}, "'text' holds a NUL"),
        ({"text": "a\ud800b"}, "'text' holds half of a surrogate pair"),
        ({"text": "a", "id": False}, "'id' must be a string or a number, not a boolean"),
        ({"text": "a", "id": [1]}, "'id' must be a string or a number, not a list"),
        ({"text": "a", "id": {"$oid": "1"}}, "'id' must be a string or a number, not an object"),
        ({"text": "a", "id": float("inf")}, "'id' must be a string or a number, not a number"),
        ({"text": "a", "id": "ö" * 129}, "'id' is longer than 256 bytes"),
        ({"text": "a", "id": "a\0"}, "'id' holds a NUL"),
        ({"text": "a", "source": 5}, "'source' must be a string"),
        ({"text": "a", "source": "s" * 257}, "'source' is longer than 256 bytes"),
        ({"text": "a", "meta": []}, "'meta' must be an object, not a list"),
        ({"text": "a", "meta": {"b": ["\ud800"]}}, "'meta' holds half of a surrogate pair"),
        ({"text": "a", "extra\0": 1}, "'meta' holds a NUL"),
        ({"text": "a", "n": 1 << 63}, "'meta' holds a whole number of more than 64 bits"),
        ({"text": "a", "n": -(1 << 63) - 1}, "'meta' holds a whole number of more than 64 bits"),
        ({"text": "a", "n": float("nan")}, "'meta' holds nan"),
        ({"text": "a", "n": float("inf")}, "'meta' holds inf"),
        ({"text": "a", "n": (1, 2)}, "'meta' holds tuple"),
        ({"text": "a", "created_at": "2026-01-31\x0012:00:00"}, "'meta' holds a NUL"),
        ({"text": "a", "created_at": "2026-01-31\ud80012:00:00"}, "'meta' holds half of a surrogate pair"),
        ({"text": "a", "published_at": -1}, "'published_at' must be a whole number"),
        ({"text": "a", "published_at": True}, "'published_at' must be a whole number"),
        ({"text": "a", "published_at": 1 << 62}, "'published_at' must be a whole number"),
        ("a", "a document is a JSON object with a member 'text', not a string"),
        (None, "a document is a JSON object with a member 'text', not null"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_the_member_and_the_reason(members: Any, reason: str) -> None:
    assert reason in refused(members)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "the body is empty"),
        (b" \r", "the body is empty"),
        (b"hello", "not JSON"),
        (b'{"text": "a"', "not JSON"),
        (b'{"text": "a"} {"text": "b"}', "not JSON"),
        (b'{"text": "\xff\xfe"}', "not valid UTF-8: byte 11 is 0xff"),
        ('{"text": "a"}'.encode("utf-16"), "UTF-16"),
        (b'{"text": "a\x01"}', "not JSON"),
        (b'{"text": "\\ud800"}', "surrogate pair"),
        (b'{"text": "\\u0000"}', "NUL"),
        (b'{"id": "a", "text": "\\u0000"}', "NUL"),
        (b'{"id": "\\u0000", "text": "a"}', "NUL"),
        (b'{"id": "a", "text": "b", "created_at": "2026-01-31\\u000012:00:00"}', "'meta' holds a NUL"),
        (b'{"id": "a", "text": "b", "meta": {"\\u0000": 1}}', "NUL"),
        (b'{"id": "a", "text": "b", "meta": {"n": 1e999}}', "not JSON"),
        (b'{"id": ' + b"9" * 5000 + b', "text": "a"}', "not JSON"),
        (b'{"id": "a", "text": "b", "meta": {"n": 36893488147419103232}}', "more than 64 bits"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"text": "a", "x": ' + b"[" * 33 + b"]" * 33 + b"}", "nested more than 32 deep"),
        (b'{"text": "a", "x": ' + b'{"y":' * 33 + b"1" + b"}" * 33 + b"}", "nested more than 32 deep"),
        (b"null", "not null"),
        (b'["a"]', "not a list"),
    ],
)
def test_a_line_that_is_no_document_is_rejected_with_the_reason(line: bytes, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        decode(line)


def test_a_byte_order_mark_before_a_document_is_no_part_of_it() -> None:
    assert decode(b'\xef\xbb\xbf{"id": "a", "text": "b"}') == Document("a", "b")
    assert parse(b"\xef\xbb\xbf5") == 5


def test_ten_megabytes_of_text_are_refused_by_their_size() -> None:
    text = "x" * 10_000_000
    assert "the limit is 1,048,576 (setting document_bytes)" in refused({"text": text})
    with pytest.raises(Rejected, match="document_bytes"):
        decode(encode(Document("a", text)))


def test_a_document_at_the_limit_is_taken_and_still_fits_with_what_the_door_adds() -> None:
    empty = len(encode(Document("", "", "files")))
    taken = read({"text": "x" * (2000 - empty)}, source="files", limit=2000)
    assert decode(encode(stamp(taken, 1 << 61)), limit=2000).id == taken.id
    assert refused({"text": "x" * (2001 - empty), "source": "files"}, limit=2000)
    with pytest.raises(Rejected):
        decode(encode(Document("a", "x" * (2000 + ADDED_BYTES))), limit=2000)


def test_the_limit_counts_bytes_and_not_letters() -> None:
    assert refused({"text": "語" * 500}, limit=1500)
    assert read({"text": "x" * 500}, limit=1500)


@pytest.mark.parametrize(
    ("given_id", "identity"),
    [
        ("42", "42"),
        ("42.0", "42"),
        ("42e0", "42"),
        ('"42"', "42"),
        ('" 42\\n"', "42"),
        ("-7", "-7"),
        ("0", "0"),
        ("1050118621198921728", "1050118621198921728"),
        ("18446744073709551617", "18446744073709551617"),
        ("1.5", "1.5"),
        ("1e-7", "0.0000001"),
        ('"42.0"', "42.0"),
    ],
)
def test_numbers_are_ids_too_and_blanks_around_an_id_are_no_part_of_it(given_id: str, identity: str) -> None:
    line = f'{{"id": {given_id}, "text": "a"}}'.encode()
    assert decode(line).id == read(parse(line)).id == identity
    assert bury_bytes(line.replace(b'"a"', b"5"), "no").id == identity


@pytest.mark.parametrize("given_id", ["null", '""', '" \\t"', "NaN"])
def test_an_id_that_says_nothing_is_none(given_id: str) -> None:
    assert decode(f'{{"id": {given_id}, "text": "a"}}'.encode()).id == read({"text": "a"}).id


@pytest.mark.parametrize(
    ("given_time", "time"),
    [
        ("Wed Oct 10 20:19:24 +0000 2018", "2018-10-10T20:19:24Z"),
        ("Wed, 10 Oct 2018 20:19:24 +0000", "2018-10-10T20:19:24Z"),
        (1539202764, "2018-10-10T20:19:24Z"),
        ("1539202764123", "2018-10-10T20:19:24.123000Z"),
    ],
)
def test_times_are_read_however_they_are_written_and_have_the_same_meaning(given_time: Any, time: str) -> None:
    members = {"text": "a", "created_at": given_time}
    assert decode(encode(members)) == read({"text": "a", "created_at": time})
    assert decode(encode({**members, "id": "1"})).created_at == time


@pytest.mark.parametrize("given_time", ["yesterday", 1e30, True, [2018], {"$date": "x"}, "2018-13-45", "31/01/2026"])
def test_a_time_that_cannot_be_read_is_kept_in_meta_and_buries_nothing(given_time: Any) -> None:
    line = encode({"id": "1", "text": "a", "created_at": given_time, "meta": {"n": 1}})
    for document in (decode(line), read(parse(line))):
        assert (document.created_at, document.meta) == (None, {"created_at": given_time, "n": 1})
        assert decode(encode(document)) == document


def test_a_result_can_be_sent_again_as_it_was_published() -> None:
    result = {
        "id": "1",
        "text": "a",
        "predictions": {},
        "published_at": "2026-01-31T12:00:00.000001Z",
        "stored_at": None,
    }
    assert decode(encode(result)).published_at == 1769860800000001


@pytest.mark.parametrize("time", ["yesterday", "2026-01-31", "31.01.2026 12:00"])
def test_a_published_at_that_a_program_of_ours_did_not_write_goes_to_meta(time: str) -> None:
    article = read({"text": "a", "published_at": time})
    assert (article.published_at, article.meta) == (None, {"published_at": time})
    assert read({"text": "a", "published_at": " "}) == read({"text": "a"})


@pytest.mark.parametrize("given_time", ["", " ", None])
def test_a_time_that_says_nothing_is_none(given_time: Any) -> None:
    assert decode(encode({"id": "1", "text": "a", "created_at": given_time})) == Document("1", "a")


def test_members_that_are_not_a_documents_go_to_meta() -> None:
    document = read({"text": "a", "likes": 3, "meta": {"lang": "sv"}, "source": None, "id": "1"}, source="files")
    assert document == Document("1", "a", "files", meta={"likes": 3, "lang": "sv"})
    assert decode(b'{"id":"1","text":"a","likes":3}').meta == {"likes": 3}


def test_a_document_without_an_id_gets_the_hash_of_all_its_members() -> None:
    one = read({"text": "a", "x": 1, "y": {"b": 2, "c": 3}})
    assert one.id == read({"y": {"c": 3, "b": 2}, "x": 1, "text": "a", "id": None}).id == content_id(one)
    assert len(one.id) == 32
    others = [{"text": "b"}, {"text": "a"}, {"text": "a", "x": 2}, {"text": "a", "source": "s"}]
    others += [{"text": "a", "created_at": "2026-01-31"}]
    assert len({one.id, *(read(other).id for other in others)}) == 6


def test_when_a_document_was_published_is_no_part_of_who_it_is() -> None:
    assert (
        read({"text": "a", "published_at": 1}).id == read({"text": "a", "published_at": 2}).id == read({"text": "a"}).id
    )
    assert decode(b'{"text": "a"}').id == read({"text": "a"}).id


def test_content_ids_stay_as_they_are_from_version_to_version() -> None:
    assert read({"text": "hej", "n": 1}, source="s").id == "e2066b1f9ad6db03f744743e94d66324"


def test_a_dead_letter_of_a_document_publishes_it_again() -> None:
    document = Document("a", "b", "s", "2026-01-31", {"x": 1}, 5)
    letter = bury(document, "raised", "no", model="m")
    assert decode(letter.data) == document
    assert (letter.id, letter.source, letter.published_at, letter.model) == ("a", "s", 5, "m")


def test_the_content_of_dead_letters_tells_id_and_text_apart() -> None:
    def content(identity: str, text: str) -> str:
        return bury(Document(identity, text), "raised", "no").content

    assert content("a", "b") == content("a", "b")
    assert len({content("a", "b"), content("ab", ""), content("b", "a"), content("", "ab")}) == 4


def test_bytes_that_are_no_document_are_buried_by_the_id_they_name_or_by_their_hash() -> None:
    named = bury_bytes(b'{"id": "a", "text": 5, "source": "s", "published_at": 7}', "no")
    assert (named.id, named.source, named.published_at, named.kind) == ("a", "s", 7, "malformed")
    assert bury_bytes(b'{"id": 12, "text": ""}', "no").id == "12"
    nameless = [
        b"",
        b"x",
        b"[]",
        b'{"id": ""}',
        b'{"id": true}',
        b'{"id": "\\u0000"}',
        b'{"id": [1]}',
        b'{"id": "' + b"x" * 300 + b'"}',
    ]
    for data in nameless:
        letter = bury_bytes(data, "no")
        assert letter.id == letter.content
        assert len(letter.id) == 32
    assert len({bury_bytes(data, "no").id for data in nameless}) == len(nameless)
    assert bury_bytes(b'{"id": "a", "source": 5, "published_at": "x"}', "no", source="s").id == "a"
