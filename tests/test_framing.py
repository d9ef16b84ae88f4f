"""Framing: JSON values are found in any layout, and damage costs no more than the values that it touches."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.documents import unpack
from headrace.framing import Framing, values

texts = st.text(st.sampled_from('ab"\\{}[],: \n\tä'), max_size=10)
members = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
objects = st.dictionaries(texts, members, max_size=4)
indents = st.sampled_from([None, 0, 1, 4, "\t"])


def read(text: bytes) -> list[Any]:
    return [json.loads(value.data) for value in values(text)]


@given(st.lists(objects, max_size=6), indents, st.sampled_from(["", " ", "\n", "\n\n", ",\n", "\r\n", "\x1e"]))
def test_objects_are_found_however_they_follow_one_another(some: list[Any], indent: Any, between: str) -> None:
    assert read(between.join(json.dumps(one, indent=indent) for one in some).encode()) == some


@given(st.lists(st.lists(objects | texts | st.integers(), max_size=6), max_size=3), indents)
def test_the_members_of_lists_are_found(lists: list[Any], indent: Any) -> None:
    text = "\n".join(json.dumps(one, indent=indent, ensure_ascii=False) for one in lists)
    assert read(text.encode()) == [member for one in lists for member in one]


@given(st.lists(objects, min_size=1, max_size=6), indents, st.data())
def test_whatever_is_cut_out_of_a_list_the_values_before_it_are_found(
    some: list[Any], indent: Any, data: st.DataObject
) -> None:
    text = json.dumps(some, indent=indent).encode()
    start = data.draw(st.integers(0, len(text)))
    found = list(values(text[:start] + text[start + data.draw(st.integers(1, 20)) :]))
    end = sound = 0
    for value in values(text):
        end = text.index(value.data, end) + len(value.data)
        sound += end <= start
    assert [json.loads(value.data) for value in found[:sound]] == some[:sound]


@pytest.mark.parametrize("size", [1, 2, 5, 64, 1000])
def test_a_line_in_pieces_is_read_as_if_it_came_at_once(size: int) -> None:
    rows = [{"text": f'number {number} "\\ }}] ', "n": [{"x": number}]} for number in range(30)]
    line = json.dumps(rows).encode()
    pieces = [line[start : start + size] for start in range(0, len(line), size)]
    framing = Framing(100)
    assert [json.loads(value.data) for value in framing.feed(pieces[0], 1, pieces[1:])] == rows
    assert framing.idle


def test_a_long_string_in_pieces_may_be_cut_anywhere() -> None:
    line = json.dumps({"text": 'a "quoted" \\ } text ' * 20}).encode()
    for size in (1, 2, 3, 7):
        framing = Framing(100)
        pieces = [line[start : start + size] for start in range(0, len(line), size)]
        found = [*framing.feed(pieces[0], 1, pieces[1:]), *framing.feed(b'{"text": "b"}', 2), *framing.end()]
        assert [(value.line, bool(value.fault)) for value in found] == [(1, True), (2, False)]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'[{"text": "a"}, {"text": "b"}]', [b'{"text": "a"}', b'{"text": "b"}']),
        (b'{\n "text": "a"\n}\n{\n "text": "b"\n}\n', [b'{\n "text": "a"\n}', b'{\n "text": "b"\n}']),
        (b'{"text": "a"}{"text": "b"}', [b'{"text": "a"}', b'{"text": "b"}']),
        (b'{"text": "a"}\r{"text": "b"}', [b'{"text": "a"}', b'{"text": "b"}']),
        (b'{"text": "a"}, {"text": "b"},{"text": "c"}', [b'{"text": "a"}', b'{"text": "b"}', b'{"text": "c"}']),
        (b'{"text": "a"}\t  {"text": "b"}', [b'{"text": "a"}', b'{"text": "b"}']),
        (b'{"text": "a", "l": [{"n": 1}, {"n": 2}]}', [b'{"text": "a", "l": [{"n": 1}, {"n": 2}]}']),
        (b'{"text": "a", "l": [{"n": 1}, {"n": 2}}', [b'{"text": "a", "l": [{"n": 1}, {"n": 2}}']),
        (b'{\n "text": "a"\n}\n{\n "text": b\n "c"\n]\n', [b'{\n "text": "a"\n}', b'{\n "text": b\n "c"\n]']),
        (b'{"text": "to\n{"text": "a"}\n\n{"te', [b'{"text": "to', b'{"text": "a"}', b'{"te']),
        (b'{"text": "}{ ] {"}', [b'{"text": "}{ ] {"}']),
        (b"[]", [b"[]"]),
        (
            b'[\n {\n  "x": NaN,\n  "y": -Infinity,\n  "text": "a"\n }\n]',
            [b'{\n  "x": NaN,\n  "y": -Infinity,\n  "text": "a"\n }'],
        ),
        (
            b'[\n  {"text": "a\n  },\n  {"text": "b\n  },\n  {"text": "c"},\n  {"text": "d"}\n]',
            [b'{"text": "a\n  },', b'{"text": "b\n  },', b'{"text": "c"}', b'{"text": "d"}'],
        ),
        (b"some text\r\nof two lines", [b"some text\r", b"of two lines"]),
    ],
)
def test_a_body_is_unpacked_in_any_layout(body: bytes, found: list[bytes]) -> None:
    assert unpack(body) == found
