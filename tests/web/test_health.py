"""Alive, ready, metrics; and that the description of the API is true."""

from pathlib import Path

import pytest
from support.web_world import FirstLetter, LostStore, unreachable, world

from headrace.ports import WorkerStatus
from headrace.web.services import ServerSettings


def test_a_process_that_answers_is_alive_whatever_else_is_down(tmp_path: Path) -> None:
    with world(tmp_path, store=LostStore(), connect=unreachable) as api:
        assert (api.get("/livez").status_code, api.get("/livez").json()) == (200, {"live": True})


def test_it_is_ready_when_store_broker_and_models_answer(tmp_path: Path) -> None:
    with world(tmp_path, predictor=FirstLetter()) as api:
        answer = api.get("/readyz")
        assert answer.status_code == 200
        assert answer.json() == {"ready": True, "checks": {"store": "ok", "broker": "ok", "models": "ok"}}


def test_probes_may_be_asked_for_their_head_alone(tmp_path: Path) -> None:
    with world(tmp_path, predictor=FirstLetter()) as api:
        assert [api.call("HEAD", path).status_code for path in ("/livez", "/readyz")] == [200, 200]
    with world(tmp_path, store=LostStore()) as api:
        assert [api.call("HEAD", path).status_code for path in ("/livez", "/readyz")] == [200, 503]


def test_it_says_what_is_not_ready(tmp_path: Path) -> None:
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
        lines = api.get("/metrics").text.splitlines()
    assert 'headrace_http_requests_total{method="POST",route="/v1/documents",status="202"} 1.0' in lines
    unknown = 'headrace_http_requests_total{method="GET",route="/v1/documents/{identity:path}",status="404"} 3.0'
    assert unknown in lines
    assert 'headrace_http_requests_total{method="GET",route="other",status="404"} 1.0' in lines
    assert any(line.startswith('headrace_http_requests_total{method="other"') for line in lines)
    assert "headrace_http_documents_total 2.0" in lines
    assert 'headrace_http_predictions_total{model="language@3f9c2a"} 3.0' in lines
    assert 'headrace_backlog_bodies{state="ready"} 1.0' in lines
    assert not any("unknown-" in line or "nothing" in line for line in lines)


def test_metrics_tell_what_each_worker_has_done(tmp_path: Path) -> None:
    with world(tmp_path) as api:
        api.store.beat(WorkerStatus("host:1", 1, 2_000_000, "working", ("language@3f9c2a",), {"stored": 7}))
        lines = api.get("/metrics").text.splitlines()
        assert 'headrace_worker_progress{what="stored",worker="host:1"} 7.0' in lines
        assert 'headrace_worker_seen_timestamp_seconds{state="working",worker="host:1"} 2.0' in lines
        api.store.beat(WorkerStatus("host:1", 1, 3_000_000, "stopped"))
        assert "host:1" not in api.get("/metrics").text


def test_metrics_of_a_broker_that_is_down_are_served_without_its_backlog(tmp_path: Path) -> None:
    with world(tmp_path, connect=unreachable) as api:
        assert 'headrace_backlog_bodies{state="ready"} NaN' in api.get("/metrics").text


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
def test_what_is_no_call_is_told_in_the_shape_of_every_error(
    tmp_path: Path, method: str, path: str, status: int
) -> None:
    with world(tmp_path) as api:
        answer = api.call(method, path, headers={"content-type": "application/json"})
        assert answer.status_code == status
        assert "/openapi.json" in answer.json()["error"]["message"]


def test_the_description_names_every_call_and_every_shape_it_speaks_of(tmp_path: Path) -> None:
    with world(tmp_path) as api:
        described = api.get("/openapi.json")
    assert set(described.json()["paths"]) == {
        "/v1/documents",
        "/v1/documents/{identity}",
        "/v1/results",
        "/v1/dead",
        "/v1/dead/{burial}/replay",
        "/v1/dead/{burial}",
        "/v1/predict",
        "/v1/models",
        "/livez",
        "/readyz",
        "/metrics",
    }
    shapes = described.json()["components"]["schemas"]
    spoken_of = {part.partition('"')[0] for part in described.text.split("#/components/schemas/")[1:]}
    assert spoken_of <= set(shapes)
    assert set(shapes["Result"]["required"]) == {"id", "text", "source", "created_at", "meta", "predictions"}
    assert "HTTPValidationError" not in spoken_of


def test_every_call_and_every_metric_is_documented(tmp_path: Path) -> None:
    told = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    with world(tmp_path, predictor=FirstLetter()) as api:
        paths = api.get("/openapi.json").json()["paths"]
        lines = api.get("/metrics").text.splitlines()
    calls = [
        (method.upper(), path.partition("{")[0].rstrip("/")) for path, methods in paths.items() for method in methods
    ]
    assert [
        call
        for call in calls
        if call[1] not in told or (call[1].startswith("/v1") and f"`{call[0]} {call[1]}" not in told)
    ] == []
    metrics = {
        line.split()[2] for line in lines if line.startswith("# TYPE") and not line.split()[2].endswith("_created")
    }
    assert [metric for metric in metrics if metric not in told] == []
