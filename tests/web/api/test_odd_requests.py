"""Whatever is sent, the API answers with a success or an error of its own, and never with status 500."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.web_world import FirstLetter, World, world

TEXTS = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
MEMBERS = st.sampled_from(["id", "text", "texts", "threshold", "source", "created_at", "meta", "published_at", "more"])
DOCUMENTS = st.dictionaries(MEMBERS, JSON | TEXTS, max_size=6)
PATHS = st.sampled_from(["/v1/documents", "/v1/predict"])


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("models"), predictor=FirstLetter()) as found:
        yield found


@given(path=PATHS, value=JSON | DOCUMENTS | st.lists(DOCUMENTS, max_size=4))
def test_any_json_is_taken_or_refused_with_a_reason(api: World, path: str, value: object) -> None:
    answer = api.post(path, value)
    assert answer.status_code in (200, 202, 409, 422)
    assert answer.status_code < 400 or answer.json()["error"]["message"]


@given(path=PATHS, body=st.binary(max_size=60))
def test_any_bytes_are_taken_or_refused_with_a_reason(api: World, path: str, body: bytes) -> None:
    answer = api.post(path, content=body)
    assert answer.status_code in (200, 202, 409, 422)


@given(name=TEXTS, number=st.integers() | TEXTS)
def test_any_name_and_number_is_answered(api: World, name: str, number: object) -> None:
    asked = {"label": name, "source": name, "model": name, "limit": str(number), "page": str(number)}
    assert api.get("/v1/results", params=asked).status_code in (200, 422)
    assert api.get("/v1/dead", params=asked).status_code in (200, 422)
    assert api.get("/v1/documents/" + quote(name, safe="")).status_code in (200, 202, 404)


PUBLISHED = {
    "/v1/documents": "POST",
    "/v1/documents/a": "DELETE, GET, HEAD",
    "/v1/dead/1": "DELETE",
    "/v1/dead/1/replay": "POST",
}
READ = {
    "/v1/results": "GET, HEAD",
    "/v1/sources": "GET, HEAD",
    "/v1/models": "GET, HEAD",
    "/livez": "GET, HEAD",
    "/readyz": "GET, HEAD",
}


@pytest.mark.parametrize(("path", "allowed"), [*PUBLISHED.items(), *READ.items()])
def test_a_method_that_a_path_does_not_have_is_answered_with_those_that_it_has(
    api: World, path: str, allowed: str
) -> None:
    for method in {"PUT", "PATCH", "OPTIONS", "TRACE", "POST", "DELETE"} - set(allowed.split(", ")):
        for headers in ({}, {"content-type": "text/plain"}, {"content-type": "application/json"}):
            answer = api.call(method, path, headers=headers)
            assert (answer.status_code, answer.headers["allow"]) == (405, allowed), method


def test_a_call_without_content_needs_no_type_and_one_with_content_is_json(api: World) -> None:
    assert api.call("POST", "/v1/dead/1/replay").status_code == 404
    assert api.call("POST", "/v1/documents").status_code == 415
    assert api.call("POST", "/v1/predict", content=b'{"text": "a"}').status_code == 415
    assert api.call("PUT", "/v1/nothing").status_code == 404
