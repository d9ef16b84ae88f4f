"""Records of a file, scored in order."""

from dataclasses import dataclass
from typing import Any

import msgspec

from headrace.batch.records import batches, score
from headrace.models.model_set import ModelSet
from headrace.models.registry import Registry
from headrace.models.spec import parse

LIMIT = 1000
FINE = {"label": "fine", "score": 0.5, "model": "fake@bbbbbb"}


@dataclass
class Line:
    """A record that was read, or not."""

    members: object = None
    data: bytes = b""
    fault: str = ""
    where: str = "a.csv, line 7"


def scored(*records: Line) -> tuple[list[dict[str, Any]], int]:
    models = ModelSet.open(parse("fake = python:headrace.testing.classifiers:Faulty"), Registry("none"))
    found = score(records, models, limit=LIMIT)
    lines = [msgspec.json.decode(line) for line in found.lines.splitlines()]
    assert len(lines) == found.records
    return lines, found.wrong


def test_the_text_of_a_cloudevent_is_in_its_data_and_the_event_comes_out() -> None:
    event = {"specversion": "1.0", "id": "7", "source": "/shop", "type": "review", "data": {"text": "a"}}
    lines, wrong = scored(Line(dict(event)), Line({**event, "data": 5}))
    assert (lines[0], wrong) == ({**event, "predictions": {"fake": FINE}}, 1)
    assert "must be an object or a string" in lines[1]["error"]


def test_every_record_comes_out_as_its_own_object_in_order() -> None:
    lines, wrong = scored(Line({"text": "a", "more": [1]}), Line({"id": 7, "text": "b"}))
    assert wrong == 0
    assert lines == [
        {"text": "a", "more": [1], "predictions": {"fake": FINE}},
        {"id": 7, "text": "b", "predictions": {"fake": FINE}},
    ]


def test_only_the_texts_on_which_a_model_fails_get_an_error() -> None:
    texts = ["a", "RAISE 1", "b", "c", "RAISE 2"]
    lines, wrong = scored(*(Line({"text": text}) for text in texts))
    assert wrong == 2
    assert [sorted(line.keys() - {"text"}) for line in lines] == [
        ["predictions"] if not text.startswith("RAISE") else ["error"] for text in texts
    ]
    assert lines[1]["error"] == "model fake@bbbbbb fails on this: ValueError: this text is too much"


def test_a_record_that_is_not_a_document_gets_an_error_and_keeps_what_it_was() -> None:
    lines, wrong = scored(
        Line(data=b"{\xff", fault="the line is not UTF-8"),
        Line({"id": "1"}),
        Line([1]),
        Line({"text": "x" * 2 * LIMIT}),
        Line({"text": "a"}),
    )
    assert wrong == 4
    assert lines[0] == {"data": "{\ufffd", "error": "a.csv, line 7: the line is not UTF-8"}
    assert lines[1]["id"] == "1"
    assert "has no member 'text'" in lines[1]["error"]
    assert "not a list" in lines[2]["error"]
    assert "the limit is 1,000" in lines[3]["error"]
    assert lines[4]["predictions"] == {"fake": FINE}


def test_members_that_are_called_like_what_is_added_are_replaced() -> None:
    lines, _ = scored(Line({"predictions": 1, "text": "a", "error": "old"}), Line({"error": 1, "predictions": 2}))
    assert lines[0] == {"predictions": {"fake": FINE}, "text": "a", "error": "old"}
    assert lines[1]["predictions"] == 2
    assert "no member 'text'" in lines[1]["error"]


def test_no_records_are_no_lines() -> None:
    assert scored() == ([], 0)


def test_batches_have_the_size_that_was_asked_for_but_for_the_last() -> None:
    assert list(batches(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batches([], 2)) == []
