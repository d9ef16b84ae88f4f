"""Results and dead letters over HTTP: pages, filters, replay."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from support.web_world import MODEL, World, world

from headrace.burial import bury, bury_bytes
from headrace.documents import Document, Outcome, Prediction, Result
from headrace.ports import Page, ResultQuery
from headrace.stores.memory import MemoryStore


@pytest.fixture
def api(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An API that is shared by the tests that store nothing."""
    with world(tmp_path_factory.mktemp("models")) as found:
        yield found


def fill(api: World) -> None:
    for n in range(10):
        document = Document(str(n), f"text {n}", source="form" if n % 2 else "tweets", published_at=1)
        api.store.write([Outcome(document, (Prediction("sv" if n < 5 else "fi", 0.9, MODEL),))])


def bury_one(api: World, identity: str, *, model: str = "", source: str = "api") -> None:
    document = Document(identity, f"text {identity}", source=source, published_at=1)
    api.store.write([Outcome(document, dead=(bury(document, "raised", f"reason {identity}", model=model),))])


def test_results_are_listed_newest_first(api: World) -> None:
    fill(api)
    told = api.get("/v1/results").json()
    assert [one["id"] for one in told["items"]] == list("9876543210")
    assert told["next"] is None
    assert told["items"][0]["predictions"] == {"language": {"label": "fi", "score": 0.9, "model": MODEL}}


def test_an_empty_store_has_an_empty_list(api: World) -> None:
    assert api.get("/v1/results").json() == {"items": [], "next": None}
    assert api.get("/v1/dead").json() == {"items": [], "next": None}


def test_a_version_is_no_name_of_a_model(idle: World) -> None:
    answer = idle.get("/v1/results?model=language@3f9c2a")
    assert answer.status_code == 422
    assert "without a version: language" in answer.json()["error"]["message"]


def test_pages_follow_one_another_without_a_gap_or_a_repetition(api: World) -> None:
    fill(api)
    seen, page = [], None
    while True:
        told = api.get("/v1/results", params={"limit": 3, **({"page": page} if page else {})}).json()
        seen += [one["id"] for one in told["items"]]
        page = told["next"]
        if page is None:
            break
    assert seen == list("9876543210")


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("label=sv", "43210"),
        ("source=form", "97531"),
        ("label=sv&source=form&model=language", "31"),
        ("model=mood", ""),
    ],
)
def test_results_are_filtered(api: World, query: str, ids: str) -> None:
    fill(api)
    assert [one["id"] for one in api.get(f"/v1/results?{query}").json()["items"]] == list(ids)


def test_results_are_found_by_version_score_text_and_time(api: World) -> None:
    fill(api)
    api.store.write([Outcome(Document("x", "100 % Sure"), (Prediction("sv", 0.25, "language@bbbbbb"),))])
    times = {one["id"]: one["stored_at"] for one in api.get("/v1/results").json()["items"]}

    def found(**parameters: str) -> list[str]:
        return [one["id"] for one in api.get("/v1/results", params=parameters).json()["items"]]

    assert found(version="language@bbbbbb") == ["x"]
    assert found(max_score="0.25", label="sv") == ["x"]
    assert found(min_score="0.5", source="form", label="sv") == ["3", "1"]
    assert found(text="00 %") == ["x"]
    assert found(text="sure") == []
    assert found(since=times["8"]) == ["x", "9", "8"]
    assert found(since=times["3"], until=times["6"], label="fi") == ["5"]
    assert found(since="", until="", version="") == list("x9876543210")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00+00:00"),
        ("2026-01-31T12:00:00.5", "2026-01-31T12:00:00.500000+00:00"),
        ("2026-01-31 12:00", "2026-01-31T12:00:00+00:00"),
        ("2026-01-31", "2026-01-31T00:00:00+00:00"),
        ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00+00:00"),
    ],
)
def test_times_are_utc_unless_they_say_otherwise_though_a_plus_came_as_a_space(
    tmp_path: Path, given: str, meant: str
) -> None:
    asked: list[ResultQuery] = []

    class Asked(MemoryStore):
        def find(self, query: ResultQuery, *, limit: int = 50, page: str | None = None) -> Page[Result]:
            asked.append(query)
            return super().find(query, limit=limit, page=page)

    with world(tmp_path, store=Asked()) as api:
        assert api.get(f"/v1/results?since={given}").status_code == 200
    assert [query.since for query in asked] == [datetime.fromisoformat(meant)]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("since=yesterday", "'since' is 'yesterday'; give an ISO 8601 time"),
        ("until=1700000000", "'until' is '1700000000'"),
        ("since=2026-13-01", "'since' is '2026-13-01'"),
        ("min_score=high", "min_score"),
        ("max_score=nan", "max_score"),
        ("version=language", "'version' is a whole version"),
        ("text=%00", "NUL"),
        ("text=" + "x" * 1001, "1000"),
    ],
)
def test_a_filter_that_means_nothing_is_refused_with_a_word(idle: World, query: str, told: str) -> None:
    answer = idle.get(f"/v1/results?{query}")
    assert answer.status_code == 422
    assert told in answer.json()["error"]["message"]


def test_answers_are_counted_by_hour_and_label(api: World) -> None:
    fill(api)
    told = api.get("/v1/counts?model=language").json()
    (item,) = [one for one in api.get("/v1/results").json()["items"] if one["id"] == "0"]
    assert {one["label"] for one in told["counts"]} == {"fi", "sv"}
    assert sum(one["count"] for one in told["counts"]) == 10
    assert told["counts"][0]["hour"] == item["stored_at"][:14] + "00:00Z"
    assert api.get("/v1/counts?model=mood").json() == {"counts": []}
    assert api.get(f"/v1/counts?model=language&until={told['counts'][0]['hour']}").json() == {"counts": []}


@pytest.mark.parametrize("query", ["", "model=language@1", "model=language&since=x", "model=%00"])
def test_counts_without_a_model_or_with_a_time_that_is_none_are_refused(idle: World, query: str) -> None:
    assert idle.get(f"/v1/counts?{query}").status_code == 422


def test_a_document_tells_all_its_predictions_shadows_included(api: World) -> None:
    answer, later = Prediction("sv", 0.75, "language@aaaaaa"), Prediction("da", 0.5, "language@bbbbbb")
    api.store.write([Outcome(Document("a", "Hej"), (answer,), (later,))])
    told = api.get("/v1/documents/a").json()
    assert told["versions"] == [
        {"model": "language", "version": "language@aaaaaa", "label": "sv", "score": 0.75, "answer": True},
        {"model": "language", "version": "language@bbbbbb", "label": "da", "score": 0.5, "answer": False},
    ]
    assert told["predictions"] == {"language": {"label": "sv", "score": 0.75, "model": "language@aaaaaa"}}


@pytest.mark.parametrize("path", ["/v1/results", "/v1/dead"])
@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=all",
        "limit=1.5",
        "page=last",
        "page=-1",
        "page=",
        "page=" + "9" * 5000,
        "source=%00",
    ],
)
def test_a_limit_page_or_name_that_cannot_be_is_refused(idle: World, path: str, query: str) -> None:
    answer = idle.get(f"{path}?{query}")
    assert answer.status_code == 422
    assert answer.json()["error"]["message"]


def test_dead_letters_are_listed_filtered_and_paged(api: World) -> None:
    bury_one(api, "a")
    bury_one(api, "b", model="mood@1a2b3c")
    bury_one(api, "c", source="form")
    first = api.get("/v1/dead?limit=2").json()
    assert [one["id"] for one in first["items"]] == ["c", "b"]
    assert [one["id"] for one in api.get(f"/v1/dead?page={first['next']}").json()["items"]] == ["a"]
    assert [one["id"] for one in api.get("/v1/dead?source=form").json()["items"]] == ["c"]
    assert [one["reason"] for one in api.get("/v1/dead?model=mood@1a2b3c").json()["items"]] == ["reason b"]


def test_bytes_that_are_no_text_are_shown_as_far_as_they_are(api: World) -> None:
    api.store.write([Outcome(None, dead=(bury_bytes(b"\xff{", "no UTF-8"),))])
    assert api.get("/v1/dead").json()["items"][0]["data"] == "\ufffd{"


def test_a_replayed_dead_letter_is_published_again_and_then_gone(api: World) -> None:
    bury_one(api, "a")
    bury_one(api, "b")
    burial = api.get("/v1/dead").json()["items"][1]["burial"]
    answer = api.post(f"/v1/dead/{burial}/replay")
    assert (answer.status_code, answer.json()) == (202, {"ids": ["a"]})
    assert [json.loads(line)["text"] for line in api.queued()] == ["text a"]
    assert [one["id"] for one in api.get("/v1/dead").json()["items"]] == ["b"]
    assert api.post(f"/v1/dead/{burial}/replay").status_code == 404


def test_a_dropped_dead_letter_is_gone_and_may_be_dropped_again(api: World) -> None:
    bury_one(api, "a")
    burial = api.get("/v1/dead").json()["items"][0]["burial"]
    assert [api.call("DELETE", f"/v1/dead/{burial}").status_code for _ in range(2)] == [204, 204]
    assert api.get("/v1/dead").json()["items"] == []


@pytest.mark.parametrize("burial", ["0", "-1", "first", "9" * 30])
def test_a_number_that_no_burial_has_is_refused(idle: World, burial: str) -> None:
    assert idle.call("DELETE", f"/v1/dead/{burial}").status_code == 422
    assert idle.post(f"/v1/dead/{burial}/replay").status_code == 422


def test_a_query_that_comes_again_finds_what_is_stored_by_then(api: World) -> None:
    path = "/v1/results?label=sv&limit=2"
    assert api.get(path).json() == {"items": [], "next": None}
    fill(api)
    told = api.get(path)
    assert [one["id"] for one in told.json()["items"]] == ["4", "3"]
    assert told.headers["content-type"] == "application/json"
    assert api.call("HEAD", path).headers["content-length"] == told.headers["content-length"]
    assert api.post(path).status_code == 405
    assert api.get(path + "&limit=0").status_code == 422


def test_queries_that_come_again_are_counted_under_their_route(api: World) -> None:
    for _ in range(3):
        assert api.get("/v1/counts?model=language").json() == {"counts": []}
    assert 'headrace_http_requests_total{method="GET",route="/v1/counts",status="200"} 3' in api.get("/metrics").text


def test_a_bad_query_is_refused_each_time(idle: World) -> None:
    for _ in range(2):
        assert idle.get("/v1/results?label=%00").status_code == 422
        assert idle.get("/v1/results?page=abc").status_code == 422
