"""CloudEvents: documents out of events, in both modes."""

import base64
from pathlib import Path
from typing import Any

import pytest

from headrace import cloudevents
from headrace.documents import Document, encode
from headrace.errors import Misconfigured, Rejected
from headrace.fields import USUAL, Field, Fields
from headrace.sources.files import FileSource
from headrace.sources.messages import documents_in

EVENT = {
    "specversion": "1.0",
    "id": "7",
    "source": "/shop",
    "type": "com.example.review",
    "time": "2026-01-31T12:00:00Z",
}
ATTRIBUTES = {"id": "7", "source": "/shop", "type": "com.example.review", "time": "2026-01-31T12:00:00Z"}


def read(event: dict[str, Any], **named: str) -> Document:
    return Fields.parse(**named).decode(encode(event))


def test_the_data_is_the_record_and_the_event_gives_id_and_time() -> None:
    event = {**EVENT, "subject": "1", "tenant": "a", "absent": None, "data": {"text": "so nice", "id": 5, "lang": "en"}}
    document = read(event)
    assert document == Document(
        "/shop|7",
        "so nice",
        created_at="2026-01-31T12:00:00Z",
        meta={"id": 5, "lang": "en", "cloudevent": {**ATTRIBUTES, "subject": "1", "tenant": "a"}},
    )
    assert USUAL.read(event, source="http").source == "http"


def test_fields_are_members_of_the_data_and_stand_before_what_the_event_gives() -> None:
    event = {**EVENT, "data": {"review": {"body": "so nice"}, "number": 5, "when": "2020-02-02", "lang": "en"}}
    document = read(event, text="/review/body", id="number", created_at="when", meta="lang")
    assert document == Document("5", "so nice", created_at="2020-02-02", meta={"lang": "en"})
    assert read(event, text="/review/body").id == "/shop|7"


def test_a_field_that_is_in_the_event_itself_reads_it_as_any_object() -> None:
    document = read({**EVENT, "data": {"body": "so nice"}}, text="/data/body", meta="type")
    assert document == Document("7", "so nice", "/shop", meta={"type": "com.example.review"})


@pytest.mark.parametrize(
    "data",
    [
        {"data": "Grüße"},
        {"data": "Grüße", "datacontenttype": "application/json"},
        {"data": "Grüße", "datacontenttype": "text/plain"},
        {"data_base64": base64.b64encode('"Grüße"'.encode()).decode()},
        {"data_base64": base64.b64encode('{"text": "Grüße"}'.encode()).decode(), "datacontenttype": "application/x+json"},
        {"data_base64": base64.b64encode("Grüße".encode("latin-1")).decode(), "datacontenttype": "text/plain; charset=latin-1"},
    ],
)  # fmt: skip
def test_data_may_be_a_text_and_may_be_in_base64(data: dict[str, str]) -> None:
    document = read({**EVENT, **data})
    assert (document.text, document.id) == ("Grüße", "/shop|7")


def test_a_long_source_and_id_are_hashed_and_two_events_never_share_an_id() -> None:
    long = {**EVENT, "source": "/" + "s" * 300, "data": "a"}
    assert len(read(long).id) == 32
    assert read(long).id != read({**long, "id": "8"}).id
    assert read({**EVENT, "data": "a"}).id != read({**EVENT, "source": "/shop7", "data": "a"}).id


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({**EVENT, "data": [1]}, "the data of the CloudEvent must be an object or a string, not a list"),
        ({**EVENT, "data": {"body": "a"}}, "the data of the CloudEvent has no member 'text'; it has 'body'; if the text is in"),
        ({**EVENT, "data": "<a/>", "datacontenttype": "application/xml"}, "is application/xml; JSON and text are read"),
        ({**EVENT, "data_base64": "AA==", "datacontenttype": "image/png"}, "is image/png; JSON and text are read"),
        ({**EVENT, "data_base64": "%"}, "is not Base64"),
        ({**EVENT, "data_base64": 5}, "'data_base64' of the CloudEvent must be a string"),
        ({**EVENT, "data": "a", "datacontenttype": 5}, "'datacontenttype' of the CloudEvent must be a string"),
        ({**EVENT, "data_base64": "/w==", "datacontenttype": "text/plain"}, "not in utf-8"),
        (EVENT, "it is a CloudEvent without data"),
        ({**EVENT, "type": "", "data": "a"}, "as a CloudEvent it lacks 'type'"),
        ({**EVENT, "specversion": "0.3", "data": "a"}, "CloudEvents of version 1.0 are read, and this one is of version 0.3"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_event_is_told(event: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        read(event)
    assert reason in str(caught.value)


def test_a_document_with_such_members_is_no_event() -> None:
    document = {"id": "1", "text": "a", "source": "s", "type": "t", "specversion": "1.0", "data": {"text": "b"}}
    assert (read(document).text, read(document).id) == ("a", "1")
    assert read({"text": 'says "specversion"', "id": "1"}).text == 'says "specversion"'
    ours = Document("x", "hi", meta={"specversion": "1.0"}, published_at=5)
    assert Fields.parse(text="body").decode(encode(ours)) == ours


def test_a_label_is_in_the_data_or_in_the_event_itself() -> None:
    event = {**EVENT, "label": "b", "data": {"text": "a", "mood": "glad"}}
    assert USUAL.labelled(event, Field("mood")) == "glad"
    assert USUAL.labelled(event, Field("label")) == "b"
    assert USUAL.labelled({**EVENT, "data": "a", "label": "b"}, Field("label")) == "b"
    assert USUAL.text_of(event) == "a"


def test_events_in_a_message_of_a_stream_are_opened() -> None:
    batch = [{**EVENT, "data": {"post": "a"}}, {**EVENT, "id": "8", "data": 5}, {"post": "no event"}]
    found = documents_in(encode(batch), "message 1", fields=Fields.parse(text="post"), source="sse", limit=1000)
    assert [one.text if isinstance(one, Document) else one.where for one in found] == [
        "a",
        "message 1, record 2",
        "no event",
    ]


def test_a_file_of_events_is_read_and_checked_by_the_members_of_their_data(tmp_path: Path) -> None:
    events = [{**EVENT, "id": str(number), "data": {"post": f"post {number}"}} for number in range(3)]
    path = tmp_path / "events.jsonl"
    path.write_bytes(
        b"".join(encode(one) + b"\n" for one in [*events, {**EVENT, "data": "just a text"}, {**EVENT, "data": 5}])
    )
    items = [item for batch in FileSource(path, fields=Fields.parse(text="post")).read() for item in batch.items]
    assert [one.text for one in items if isinstance(one, Document)] == ["post 0", "post 1", "post 2", "just a text"]
    assert len(items) == 5
    path.write_bytes(encode(events[0]))
    with pytest.raises(Misconfigured, match=r"line 1 has no member 'body'; it has 'post'"):
        list(FileSource(path, fields=Fields.parse(text="body")).read())


@pytest.mark.parametrize("prefix", ["ce_", "ce-", "CE-", "cloudEvents:", "cloudEvents_"])
def test_headers_of_every_binding_are_attributes(prefix: str) -> None:
    headers = [(prefix + name, value) for name, value in EVENT.items()]
    assert cloudevents.in_headers([*headers, ("other", "x")]) == EVENT
    assert cloudevents.in_headers(headers[1:]) == {}


def test_what_http_and_nats_encode_is_decoded() -> None:
    headers = [(f"ce-{name}", value) for name, value in {**EVENT, "subject": "Gr%C3%BC%C3%9Fe 5%25"}.items()]
    assert cloudevents.in_headers(headers)["subject"] == "Grüße 5%"


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b'{"text": "hi"}', "application/json; charset=utf-8"),
        (b'{"text":\n "hi"}', "application/vnd.x+json"),
        (b'"hi"', ""),
        (b"hi", ""),
        (b"hi", "text/plain"),
    ],
)
def test_the_data_of_binary_mode_is_what_its_media_type_says(data: bytes, media_type: str) -> None:
    document = USUAL.read(cloudevents.structured(EVENT, data, media_type))
    assert (document.text, document.id) == ("hi", "/shop|7")


@pytest.mark.parametrize(
    ("data", "media_type"), [(b"hi", "application/json"), (b"\0", "application/avro"), (b"\xff", "text/plain")]
)
def test_data_of_binary_mode_that_cannot_be_read_is_rejected(data: bytes, media_type: str) -> None:
    with pytest.raises(Rejected, match=r"not JSON|is application/avro; JSON and text are read|not in utf-8"):
        cloudevents.structured(EVENT, data, media_type)
