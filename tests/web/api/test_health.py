"""Liveness, readiness, metrics, and the OpenAPI description."""

import math
from pathlib import Path

import pytest
from support.scraping import value
from support.web_world import FirstLetter, LostStore, unreachable, world

from headrace import metrics
from headrace.documents import microseconds
from headrace.errors import Unavailable
from headrace.ingest.ledger import Ledger, Saved, save
from headrace.meter import Meter
from headrace.ports import WorkerStatus
from headrace.stores.memory import MemoryStore
from headrace.web.services import ServerSettings


def test_a_process_that_answers_is_alive_whatever_else_is_down(tmp_path: Path) -> None:
    with world(tmp_path, store=LostStore(), connect=unreachable) as api:
        assert (api.get("/livez").status_code, api.get("/livez").json()) == (200, {"live": True})


def test_it_is_ready_when_store_broker_and_models_answer(tmp_path: Path) -> None:
    with world(tmp_path, predictor=FirstLetter()) as api:
        answer = api.get("/readyz")
        assert answer.status_code == 200
        assert answer.json() == {"ready": True, "checks": {"store": "ok", "broker": "ok", "models": "ok"}}


def test_probes_answer_head_requests(tmp_path: Path) -> None:
    with world(tmp_path, predictor=FirstLetter()) as api:
        assert [api.call("HEAD", path).status_code for path in ("/livez", "/readyz")] == [200, 200]
    with world(tmp_path, store=LostStore()) as api:
        assert [api.call("HEAD", path).status_code for path in ("/livez", "/readyz")] == [200, 503]


def test_readiness_says_what_does_not_answer(tmp_path: Path) -> None:
    with world(tmp_path, store=LostStore(), connect=unreachable, predictor=FirstLetter(starting=True)) as api:
        answer = api.get("/readyz")
        assert answer.status_code == 503
        checks = answer.json()["checks"]
        assert "store" in checks["store"]
        assert "broker" in checks["broker"]
        assert "starting" in checks["models"]


def test_a_store_that_is_down_is_503_and_says_why(tmp_path: Path) -> None:
    with world(tmp_path, store=LostStore()) as api:
        for path in ("/v1/results", "/v1/documents/a", "/v1/dead"):
            answer = api.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert "is it running?" in answer.json()["error"]["message"]


def test_metrics_count_requests_by_template_and_never_by_path(tmp_path: Path) -> None:
    with world(tmp_path, predictor=FirstLetter()) as api:
        api.post("/v1/documents", [{"id": "a", "text": "Hej"}, {"text": "b"}])
        api.post("/v1/predict", {"texts": ["a", "b", "c"]})
        for n in range(3):
            api.get(f"/v1/documents/unknown-{n}")
        api.get("/nothing/here")
        api.call("BREW", "/v1/results")
        text = api.get("/metrics").text
    requests = "headrace_http_requests_total"
    assert value(text, requests, method="POST", route="/v1/documents", status="202") == 1
    assert value(text, requests, method="GET", route="/v1/documents/{identity:path}", status="404") == 3
    assert value(text, requests, method="GET", route="other", status="404") == 1
    assert value(text, requests, method="other", route="/v1/results", status="405") == 1
    assert value(text, "headrace_http_request_seconds_count", route="/v1/documents/{identity:path}") == 3
    assert value(text, "headrace_http_documents_total") == 2
    assert value(text, "headrace_http_predictions_total", model="language", version="3f9c2a") == 3
    assert value(text, "headrace_backlog_bodies", state="ready") == 1
    assert "unknown-" not in text
    assert "nothing" not in text


def test_metrics_show_each_worker_until_it_stops(tmp_path: Path) -> None:
    with world(tmp_path) as api:
        begun = microseconds()
        api.store.beat(WorkerStatus("host:1", 1, 2, "working", ("language@3f9c2a",), {"stored": 7}))
        text = api.get("/metrics").text
        assert value(text, "headrace_worker_progress", worker="host:1", what="stored") == 7
        seen = value(text, "headrace_worker_seen_timestamp_seconds", worker="host:1", state="working")
        assert begun <= round(seen * 1e6) <= microseconds()
        api.store.beat(WorkerStatus("host:1", 1, 3, "stopped"))
        assert "host:1" not in api.get("/metrics").text


def test_metrics_show_the_sources_that_were_heard_of_last(tmp_path: Path) -> None:
    with world(tmp_path) as api:
        counts = {"read": 5, "published": 3, "missed": 2}
        save(api.store, "sse:x", Saved("7", 3, Ledger("sse:https://x/", "waiting", "503", lag=1.5, counts=counts)))
        text = api.get("/metrics").text
        assert value(text, "headrace_source_documents", source="sse:x", what="missed") == 2
        assert value(text, "headrace_source_documents", source="sse:x", what="erased") == 0
        assert value(text, "headrace_source_lag_seconds", source="sse:x") == 1.5
        assert value(text, "headrace_source_saved_timestamp_seconds", source="sse:x", state="waiting") > 0
        for number in range(metrics.LIMITS["source"]):
            save(api.store, f"files:{number}", Saved("7", 3, Ledger()))
        assert "sse:x" not in api.get("/metrics").text


def counted(documents: int) -> bytes:
    """A worker's snapshot."""
    meter = Meter()
    meter.add(metrics.STORED, documents, "news")
    meter.observe(metrics.STAGE_SECONDS, 0.2, "write", times=documents)
    return meter.snapshot()


def test_metrics_add_up_what_workers_counted_since_the_server_began(tmp_path: Path) -> None:
    def stored() -> float:
        text = api.get("/metrics").text
        number = value(text, "headrace_worker_documents_stored_total", source="news")
        assert value(text, "headrace_worker_stage_seconds_count", stage="write") == number
        return number

    store = MemoryStore()
    store.beat(WorkerStatus("host:1", 1, 1, "working", metrics=counted(100)))
    with world(tmp_path, store=store) as api:
        assert stored() == 0
        store.beat(WorkerStatus("host:1", 1, 2, "working", metrics=counted(103)))
        store.beat(WorkerStatus("host:2", 2, 2, "working", metrics=counted(4)))
        assert stored() == 3 + 4
        store.beat(WorkerStatus("host:1", 3, 3, "working", metrics=counted(5)))
        assert stored() == 3 + 4 + 5
        store.beat(WorkerStatus("host:1", 3, 4, "stopped", metrics=counted(6)))
        store.beat(WorkerStatus("host:3", 5, 5, "stopped", metrics=counted(7)))
        assert stored() == 3 + 4 + 6 + 7


def test_metrics_without_a_broker_or_a_store_are_served_without_what_these_know(tmp_path: Path) -> None:
    class Gone(MemoryStore):
        def workers(self, *, stopped: bool = False) -> list[WorkerStatus]:  # noqa: ARG002
            raise Unavailable("asking the store: nobody answers; is it running?")

    with world(tmp_path, connect=unreachable, store=Gone()) as api:
        answer = api.get("/metrics")
    assert answer.status_code == 200
    assert math.isnan(value(answer.text, "headrace_backlog_bodies", state="ready"))
    assert math.isnan(value(answer.text, "headrace_backlog_oldest_seconds"))
    assert value(answer.text, "headrace_http_documents_total") == 0


def test_metrics_are_served_only_where_the_setting_says_so(tmp_path: Path) -> None:
    with world(tmp_path, settings=ServerSettings(metrics=False)) as api:
        assert api.get("/metrics").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1", 404),
        ("GET", "/docs", 404),
        ("PUT", "/v1/results", 405),
        ("POST", "/livez", 405),
    ],
)
def test_an_unknown_call_is_answered_with_an_error_of_the_usual_shape(
    tmp_path: Path, method: str, path: str, status: int
) -> None:
    with world(tmp_path) as api:
        answer = api.call(method, path, headers={"content-type": "application/json"})
        assert answer.status_code == status
        assert "/openapi.json" in answer.json()["error"]["message"]


def test_the_description_has_every_call_and_every_shape_that_it_refers_to(tmp_path: Path) -> None:
    with world(tmp_path) as api:
        described = api.get("/openapi.json")
    assert set(described.json()["paths"]) == {
        "/v1/documents",
        "/v1/documents/{identity}",
        "/v1/results",
        "/v1/counts",
        "/v1/dead",
        "/v1/dead/{burial}/replay",
        "/v1/dead/{burial}",
        "/v1/predict",
        "/v1/models",
        "/v1/sources",
        "/livez",
        "/readyz",
        "/metrics",
    }
    shapes = described.json()["components"]["schemas"]
    spoken_of = {part.partition('"')[0] for part in described.text.split("#/components/schemas/")[1:]}
    assert spoken_of <= set(shapes)
    assert set(shapes["Result"]["required"]) == {"id", "text", "source", "created_at", "meta", "predictions"}
    assert "HTTPValidationError" not in spoken_of


def test_every_call_is_documented(tmp_path: Path) -> None:
    told = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
    with world(tmp_path, predictor=FirstLetter()) as api:
        paths = api.get("/openapi.json").json()["paths"]
    calls = [
        (method.upper(), path.partition("{")[0].rstrip("/")) for path, methods in paths.items() for method in methods
    ]
    assert [
        call
        for call in calls
        if call[1] not in told or (call[1].startswith("/v1") and f"`{call[0]} {call[1]}" not in told)
    ] == []


def test_the_description_says_who_may_call_and_what_every_error_means(tmp_path: Path) -> None:
    token = {"authorization": "Bearer word"}
    with world(tmp_path, settings=ServerSettings(token="word")) as api:
        described = api.get("/openapi.json", headers=token).json()
    assert described["security"] == [{"token": []}]
    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for path, calls in described["paths"].items():
        for call in calls.values():
            is_open = path in ("/livez", "/readyz", "/metrics")
            assert ("401" in call["responses"]) != is_open
            assert call.get("security", described["security"]) == ([] if is_open else described["security"])
            assert {"400", "403", "421", "431"} <= set(call["responses"])
            assert all(answer["description"] for answer in call["responses"].values())
    with world(tmp_path) as api:
        assert "security" not in api.get("/openapi.json").json()


def test_every_content_in_the_description_has_examples_that_are_taken(tmp_path: Path) -> None:
    with world(tmp_path, predictor=FirstLetter()) as api:
        for path, calls in api.get("/openapi.json").json()["paths"].items():
            for call in calls.values():
                if "requestBody" in call:
                    examples = call["requestBody"]["content"]["application/json"]["examples"]
                    assert len(examples) >= 2
                    assert {api.post(path, one["value"]).status_code // 100 for one in examples.values()} == {2}
