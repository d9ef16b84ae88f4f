"""The format of server-sent events, however its bytes are cut."""

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.framing import KEPT_BYTES
from headrace.sources.event_stream import ID_BYTES, messages
from headrace.sources.stream import Message


def read(*pieces: bytes, last: str = "", most: int = 1000) -> list[Message]:
    return list(messages(pieces, last, most=most))


def test_fields_are_read_as_the_standard_says() -> None:
    stream = b"\xef\xbb\xbfdata: a\n\n: a comment\nevent:update\nid: 7\ndata:b\ndata:  c\n\ndata\n\nretry: 10\nunknown: x\n\ndata: cut"
    assert read(stream) == [Message(b"a"), Message(b"b\n c", "7", "update"), Message(b"", "7")]


def test_an_id_stays_until_there_is_another_one_also_across_connections() -> None:
    stream = b"data: a\n\nid: 8\ndata: b\n\ndata: c\n\nid: 9\n\n"
    found = read(stream, last="7")
    assert [one.cursor for one in found] == ["7", "8", "8", "9"]
    assert [one.data for one in found] == [b"a", b"b", b"c", b""]


@pytest.mark.parametrize("line", [b"id:", b"id", b"id: ", b"id:\t "])
def test_an_empty_id_forgets_the_last_one(line: bytes) -> None:
    (first, second) = read(line + b"\ndata: a\n\ndata: b\n\n", last="7")
    assert first == Message(b"a", forgets=True)
    assert second == Message(b"b")


def test_an_id_that_cannot_be_sent_back_counts_as_none() -> None:
    for identity in (b"a\0b", b"\x01", b"x" * (ID_BYTES + 1), b"\x7f"):
        assert read(b"id: " + identity + b"\ndata: a\n\n", last="7", most=ID_BYTES * 2) == [Message(b"a", "7")]


def test_data_is_what_was_sent_also_if_it_is_not_utf_8() -> None:
    assert read(b"event: caf\xe9\ndata: caf\xe9\n\n") == [Message(b"caf\xe9", "", "caf\N{REPLACEMENT CHARACTER}")]


@pytest.mark.parametrize(
    "stream", [b"data: " + b"x" * 1001 + b"\n\n", b"data: " + b"x" * 600 + b"\ndata: " + b"y" * 600 + b"\n\n"]
)
def test_an_event_that_is_too_long_has_a_fault_and_the_next_one_is_read(stream: bytes) -> None:
    long, after = read(stream + b"id: 2\ndata: b\n\n")
    assert long.fault == "the event is longer than 1,000 bytes"
    assert long.data.startswith(b"xxx")
    assert after == Message(b"b", "2")


def test_lines_without_an_end_take_no_memory() -> None:
    def pieces(beginning: bytes) -> Iterator[bytes]:
        yield beginning
        for _ in range(200):
            yield b"x" * (1 << 20)
        yield b"\n\ndata: b\n\n"

    tracemalloc.start()
    try:
        for beginning in (b"data: ", b": ", b"id: ", b"event: ", b""):
            assert list(messages(pieces(beginning), most=8 << 20))[-1].data == b"b"
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


def test_what_is_kept_of_an_event_of_many_lines_is_bounded() -> None:
    (long,) = messages([b"data:" + b"x" * 100 + b"\n"] * 100_000 + [b"\n"], most=5 << 20)
    assert 0 < len(long.data) <= KEPT_BYTES


EVENTS = [b"data: a", b"data", b"id: 1", b"id:", b"event: e", b": c", b"", b"", b"\xef\xbb\xbf", b"data: \xc3\xa5"]


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from([b"\n", b"\r", b"\r\n"]))), st.data())
def test_it_does_not_matter_where_the_stream_is_cut_or_how_its_lines_end(
    lines: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    unified = b"".join(line + b"\n" for line, _ in lines)
    stream, before = b"", b""
    for line, end in lines:
        if not line and before == b"\r" and end == b"\n":
            end = b"\r"  # or it would belong to the line before
        stream, before = stream + line + end, end
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert read(*pieces) == read(unified)
