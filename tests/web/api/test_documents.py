"""Documents over HTTP: POST, GET and DELETE, with good and bad input."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import until
from support.web_world import MODEL, World, world

from headrace.brokers.memory import MemoryBroker
from headrace.burial import bury
from headrace.documents import DeadLetter, Document, Outcome, Prediction
from headrace.ports import DeadQuery, Page
from headrace.stores.memory import MemoryStore
from headrace.web.services import ServerSettings

DOCUMENTS = "/v1/documents"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An API that is shared by the tests that store nothing."""
    with world(tmp_path_factory.mktemp("models")) as found:
        yield found


def stored(api: World, identity: str, text: str) -> None:
    api.store.write([Outcome(Document(identity, text, published_at=1), (Prediction(text[0], 0.9, MODEL),))])


def test_a_posted_document_is_queued_and_its_id_returned(api: World) -> None:
    answer = api.post(DOCUMENTS, {"id": "a", "text": "Hej", "lang": "?"})
    assert (answer.status_code, answer.json()) == (202, {"ids": ["a"]})
    (line,) = api.queued()
    queued = json.loads(line)
    assert queued.pop("published_at") > 1_700_000_000_000_000
    assert queued == {"id": "a", "text": "Hej", "source": "api", "meta": {"lang": "?"}}


def test_a_list_is_queued_in_order_and_packed_into_few_bodies(api: World) -> None:
    answer = api.post(DOCUMENTS, [{"id": str(n), "text": "x" * 50} for n in range(100)])
    assert answer.json() == {"ids": [str(n) for n in range(100)]}
    assert api.queue.backlog().ready == 1
    assert [json.loads(line)["id"] for line in api.queued()] == [str(n) for n in range(100)]


def test_a_document_without_an_id_gets_the_same_one_each_time(api: World) -> None:
    first = api.post(DOCUMENTS, {"text": "Hej"}).json()["ids"]
    assert first == api.post(DOCUMENTS, {"text": "Hej"}).json()["ids"]
    assert first != api.post(DOCUMENTS, {"text": "Hopp"}).json()["ids"]


def test_the_time_of_publishing_is_ours_whatever_the_caller_says(api: World) -> None:
    api.post(DOCUMENTS, {"id": "a", "text": "Hej", "published_at": 5})
    assert json.loads(api.queued()[0])["published_at"] > 5


def test_ids_and_times_are_taken_as_people_write_them(api: World) -> None:
    given = [
        {"text": "a", "id": 18.0, "created_at": "Wed Oct 10 20:19:24 +0000 2018"},
        {"text": "b", "id": " 19 ", "created_at": "yesterday"},
    ]
    answer = api.post(DOCUMENTS, given)
    assert (answer.status_code, answer.json()) == (202, {"ids": ["18", "19"]})
    first, second = (json.loads(line) for body in api.queued() for line in body.splitlines())
    assert first["created_at"] == "2018-10-10T20:19:24Z"
    assert second["meta"] == {"created_at": "yesterday"}


def test_a_waiting_request_gets_the_results_in_its_own_order(api: World) -> None:
    documents = [{"id": "b", "text": "Brr"}, {"id": "a", "text": "Ahoj", "source": "form", "meta": {"n": 1}}]
    answer = api.begin("POST", f"{DOCUMENTS}?wait=60", json=documents)
    assert api.work(wait=60) == 2
    assert answer().status_code == 200
    first, second = answer().json()["items"]
    assert first["id"] == "b"
    stored_at = second.pop("stored_at")
    published_at = second.pop("published_at")
    assert stored_at >= published_at
    assert stored_at.endswith("Z")
    assert second == {
        "id": "a",
        "text": "Ahoj",
        "source": "form",
        "created_at": None,
        "meta": {"n": 1},
        "predictions": {"language": {"label": "A", "score": 0.9, "model": MODEL}},
    }


def test_a_waiting_request_gets_the_dead_letter_of_a_document_that_failed(api: World) -> None:
    answer = api.begin("POST", f"{DOCUMENTS}?wait=60", json=[{"id": "p", "text": "poison"}, {"id": "a", "text": "Hej"}])
    api.work(wait=60)
    dead, result = answer().json()["items"]
    assert (dead["id"], dead["reason"], dead["kind"]) == ("p", "the model raised ValueError", "raised")
    assert result["predictions"]["language"]["label"] == "H"


def test_an_earlier_dead_letter_is_not_mistaken_for_what_becomes_of_the_document_now(api: World) -> None:
    old = Document("p", "Perhaps", published_at=1)
    api.store.write([Outcome(old, dead=(bury(old, "raised", "an old reason"),))])
    answer = api.begin("POST", f"{DOCUMENTS}?wait=60", json={"id": "p", "text": "Perhaps"})
    api.work(wait=60)
    assert answer().json()["items"][0]["predictions"]["language"]["label"] == "P"


def test_a_document_that_is_stored_already_is_answered_at_once(api: World) -> None:
    stored(api, "a", "Hej")
    answer = api.post(f"{DOCUMENTS}?wait=60", {"id": "a", "text": "Hej"})
    assert answer.json()["items"][0]["predictions"]["language"]["label"] == "H"


def test_a_request_that_waits_in_vain_gets_the_ids(api: World) -> None:
    answer = api.post(f"{DOCUMENTS}?wait=0.05", {"id": "a", "text": "Hej"})
    assert (answer.status_code, answer.json()) == (202, {"ids": ["a"]})


def test_a_wait_of_zero_seconds_does_not_wait(api: World) -> None:
    assert api.post(f"{DOCUMENTS}?wait=0", {"id": "a", "text": "Hej"}).status_code == 202


def test_a_wait_of_more_than_a_minute_is_accepted(api: World) -> None:
    answer = api.begin("POST", f"{DOCUMENTS}?wait=3600", json={"id": "a", "text": "Hej"})
    assert api.work(wait=60) == 1
    assert answer().status_code == 200


@pytest.mark.parametrize("wait", ["-1", "nan", "inf", "soon", ""])
def test_a_wait_that_is_not_a_number_of_seconds_is_refused(idle: World, wait: str) -> None:
    answer = idle.post(f"{DOCUMENTS}?wait={wait}", {"text": "Hej"})
    assert answer.status_code == 422
    assert "wait" in answer.json()["error"]["message"]
    assert idle.queued() == []


def test_one_bad_document_of_a_list_is_named_and_nothing_is_taken(api: World) -> None:
    answer = api.post(DOCUMENTS, [{"text": "good"}, {"text": "good too"}, {"text": ""}])
    assert (answer.status_code, answer.json()) == (422, {"error": {"message": "'text' is empty", "index": 2}})
    assert api.queued() == []


BAD = {
    "empty text": b'{"text": ""}',
    "no text": b'{"id": "a"}',
    "a number for a text": b'{"text": 1}',
    "null for a text": b'{"text": null}',
    "NUL": b'{"text": "a\\u0000b"}',
    "half a surrogate pair": b'{"text": "\\ud800"}',
    "invalid UTF-8": b'{"text": "\xff"}',
    "no JSON": b"text=Hej",
    "nothing": b"",
    "half a JSON": b'{"text": "Hej"',
    "two values": b'{"text": "a"} {"text": "b"}',
    "a string": b'"Hej"',
    "null": b"null",
    "not a number": b'{"text": "a", "meta": {"n": NaN}}',
    "infinity": b'{"text": "a", "meta": {"n": Infinity}}',
    "a number too large": b'{"text": "a", "meta": {"n": 1e999}}',
    "deeply nested": b'{"text": "a", "meta": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    "a meta nested 40 deep": b'{"text": "a", "meta": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}",
    "a meta that is a list": b'{"text": "a", "meta": [1]}',
    "an id of 257 bytes": b'{"text": "a", "id": "' + b"i" * 257 + b'"}',
    "an id that is true": b'{"text": "a", "id": true}',
    "a list in a list": b'[[{"text": "a"}]]',
    "an empty list": b"[]",
    "1,001 documents": b"[" + b",".join([b'{"text": "a"}'] * 1001) + b"]",
    "10 MB of text": b'{"text": "' + b"a" * 10_000_000 + b'"}',
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_refused_with_a_message_and_nothing_is_taken(idle: World, kind: str) -> None:
    answer = idle.post(DOCUMENTS, content=BAD[kind])
    assert answer.status_code == 422
    assert len(answer.json()["error"]["message"]) > 10
    assert idle.queued() == []


def test_the_same_id_with_two_texts_in_a_list_is_a_conflict(api: World) -> None:
    answer = api.post(DOCUMENTS, [{"id": "a", "text": "one"}, {"id": "b", "text": "x"}, {"id": "a", "text": "two"}])
    assert (answer.status_code, answer.json()["error"]["index"]) == (409, 2)
    assert api.queued() == []


def test_the_same_document_twice_in_a_list_is_published_once(api: World) -> None:
    answer = api.post(DOCUMENTS, [{"id": "a", "text": "one"}, {"id": "a", "text": "one"}])
    assert answer.json() == {"ids": ["a", "a"]}
    assert len(api.queued()) == 1


def test_an_id_that_is_stored_with_another_text_is_a_conflict(api: World) -> None:
    stored(api, "a", "Hej")
    answer = api.post(DOCUMENTS, [{"text": "new"}, {"id": "a", "text": "Hopp"}])
    assert (answer.status_code, answer.json()["error"]["index"]) == (409, 1)
    assert "stored with another text" in answer.json()["error"]["message"]
    assert api.queued() == []


def test_what_is_not_sent_as_json_is_refused(api: World) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""):
        answer = api.call("POST", DOCUMENTS, content=b'{"text": "Hej"}', headers={"content-type": kind})
        assert answer.status_code == 415
    assert api.queued() == []


def test_a_request_over_the_limit_is_refused_by_its_declared_length_or_while_reading(tmp_path: Path) -> None:
    async def chunks():  # type: ignore[no-untyped-def]
        for _ in range(64):
            yield b'{"text": "' + b"a" * 1024

    with world(tmp_path, settings=ServerSettings(request_bytes=4096)) as api:
        assert api.post(DOCUMENTS, content=b'{"text": "' + b"a" * 4096 + b'"}').status_code == 413
        assert api.post(DOCUMENTS, content=chunks()).status_code == 413
        assert api.post(DOCUMENTS, {"text": "Hej"}).status_code == 202


def test_a_gzipped_request_is_unpacked_up_to_the_limit_and_no_further(tmp_path: Path) -> None:
    packed = {"content-encoding": "gzip"}
    with world(tmp_path, settings=ServerSettings(request_bytes=1 << 20)) as api:
        good = gzip.compress(b'{"id": "a", "text": "Hej"}')
        assert api.post(DOCUMENTS, content=good, headers=packed).json() == {"ids": ["a"]}
        bomb = gzip.compress(b'{"text": "' + b"a" * 50_000_000 + b'"}')
        assert api.post(DOCUMENTS, content=bomb, headers=packed).status_code == 413
        for broken in (good[:-4], b"no gzip at all", good + b"more", b""):
            assert api.post(DOCUMENTS, content=broken, headers=packed).status_code == 400
        assert api.post(DOCUMENTS, content=good, headers={"content-encoding": "br"}).status_code == 415
        assert len(api.queued()) == 1


def test_the_limit_of_a_document_is_a_setting(tmp_path: Path) -> None:
    with world(tmp_path, settings=ServerSettings(document_bytes=100)) as api:
        answer = api.post(DOCUMENTS, [{"text": "a"}, {"text": "a" * 100}])
        assert (answer.status_code, answer.json()["error"]["index"]) == (422, 1)
        assert "document_bytes" in answer.json()["error"]["message"]


def test_a_document_too_large_for_the_broker_is_refused_with_its_index_and_nothing_is_published(tmp_path: Path) -> None:
    broker = MemoryBroker(most=200)
    with world(tmp_path, connect=broker.connect) as api:
        answer = api.post(DOCUMENTS, [{"text": "a"}, {"text": "a" * 200}])
        assert (answer.status_code, answer.json()["error"]["index"]) == (422, 1)
        answer = api.post(DOCUMENTS, {"text": "a" * 200})
        assert (answer.status_code, list(answer.json()["error"])) == (422, ["message"])
        assert broker.backlog().ready == 0


def test_a_document_is_queued_then_stored_then_erased(api: World) -> None:
    assert api.get(f"{DOCUMENTS}/a").status_code == 404
    api.post(DOCUMENTS, {"id": "a", "text": "Hej"})
    queued = api.get(f"{DOCUMENTS}/a")
    assert (queued.status_code, queued.json()) == (202, {"id": "a", "status": "queued"})
    api.work()
    result = api.get(f"{DOCUMENTS}/a")
    assert result.status_code == 200
    names = ["id", "text", "source", "created_at", "meta", "predictions", "published_at", "stored_at", "versions"]
    assert list(result.json()) == names
    assert api.call("DELETE", f"{DOCUMENTS}/a").status_code == 204
    assert api.get(f"{DOCUMENTS}/a").status_code == 404


def test_erasing_reaches_what_is_still_queued_and_unknown_ids(api: World) -> None:
    api.post(DOCUMENTS, {"id": "a", "text": "Hej"})
    assert api.call("DELETE", f"{DOCUMENTS}/a").status_code == 204
    assert api.call("DELETE", f"{DOCUMENTS}/never-seen").status_code == 204
    api.work()
    assert api.get(f"{DOCUMENTS}/a").status_code == 404


@pytest.mark.parametrize(
    ("identity", "path"),
    [
        ("https://example.org/a?b=c#d", "https:%2F%2Fexample.org%2Fa%3Fb=c%23d"),
        ("å 日本", "%C3%A5%20%E6%97%A5%E6%9C%AC"),
    ],
)
def test_an_id_may_hold_anything_that_a_path_can_carry(api: World, identity: str, path: str) -> None:
    stored(api, identity, "Hej")
    assert api.get(f"{DOCUMENTS}/{path}").json()["id"] == identity


@pytest.mark.parametrize("path", ["", "%00", "i" * 257, "%FF%FE"])
def test_an_id_that_no_document_can_have_is_unknown(idle: World, path: str) -> None:
    assert idle.get(f"{DOCUMENTS}/{path}").status_code == 404


def test_a_buried_document_is_answered_with_its_reason(api: World) -> None:
    api.post(DOCUMENTS, {"id": "p", "text": "poison"})
    api.work()
    dead = api.get(f"{DOCUMENTS}/p").json()
    assert list(dead) == ["id", "burial", "kind", "reason", "model", "source", "buried_at", "data"]
    assert (dead["reason"], dead["source"]) == ("the model raised ValueError", "api")
    assert dead["buried_at"].endswith("Z")
    assert json.loads(dead["data"])["text"] == "poison"


def test_a_document_of_which_one_model_failed_has_both_its_result_and_the_dead_letter(api: World) -> None:
    document = Document("a", "Hej", published_at=1)
    letter = bury(document, "raised", "no mood", model="mood@1a2b3c")
    api.store.write([Outcome(document, (Prediction("sv", 0.9, MODEL),), dead=(letter,))])
    told = api.get(f"{DOCUMENTS}/a").json()
    assert told["predictions"]["language"]["label"] == "sv"
    assert [(one["model"], one["reason"]) for one in told["dead"]] == [("mood@1a2b3c", "no mood")]


class Careful(MemoryStore):
    """A store that notes how many dead letters it has given at once."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[int] = []

    def find_dead(self, query: DeadQuery, *, limit: int = 50, page: str | None = None) -> Page[DeadLetter]:
        found = super().find_dead(query, limit=limit, page=page)
        self.given.append(len(found.items))
        return found


def test_any_number_of_conflicts_under_one_id_costs_a_few_dead_letters_a_call(tmp_path: Path) -> None:
    store = Careful()
    with world(tmp_path, store=store) as api:
        stored(api, "a", "Hej")
        edits = [Document("a", f"edit {number}", published_at=1) for number in range(1000)]
        api.store.write([Outcome(edit, (Prediction("sv", 0.9, MODEL),)) for edit in edits])
        told = api.get(f"{DOCUMENTS}/a").json()
        assert (told["text"], len(told["dead"]), told["more_dead"]) == ("Hej", 10, 990)
        assert json.loads(told["dead"][0]["data"])["text"] == "edit 999"
        assert store.given == [10]
        store.given.clear()
        assert api.post(DOCUMENTS, [{"id": "a", "text": "Hej"}, {"id": "a", "text": "Hopp"}]).status_code == 409
        assert api.post(DOCUMENTS, {"id": "a", "text": "Hopp"}).status_code == 409
        assert store.given == []
        answer = api.begin("POST", f"{DOCUMENTS}?wait=60", json={"id": "a", "text": "Hej"})
        assert "dead" not in answer().json()["items"][0]
        assert set(store.given) == {0}
        page = api.get("/v1/dead?id=a&limit=300").json()
        assert (len(page["items"]), {one["id"] for one in page["items"]}) == (300, {"a"})
        assert len(api.get(f"/v1/dead?id=a&limit=1000&page={page['next']}").json()["items"]) == 700
        assert api.get("/v1/dead?id=b").json()["items"] == []


def test_two_requests_that_wait_for_two_texts_under_one_id_get_each_their_own(api: World) -> None:
    first = api.begin("POST", f"{DOCUMENTS}?wait=60", json={"id": "a", "text": "one"})
    until(lambda: api.queue.backlog().ready == 1)  # what is sent at the same time is refused
    second = api.begin("POST", f"{DOCUMENTS}?wait=60", json={"id": "a", "text": "two"})
    until(lambda: api.queue.backlog().ready == 2)
    assert api.work() == 2
    texts = {answer().json()["items"][0].get("text", "conflict") for answer in (first, second)}
    assert texts & {"one", "two"}
    assert "conflict" in texts
