"""The console's login, in front of a server with the API and the console on one port."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support import PATIENCE

TOKEN = "a long random word"


class Visitor:
    """Calls a server; every call comes without cookies."""

    def __init__(self, url: str) -> None:
        self._url = url

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        with httpx.Client(base_url=self._url, trust_env=False, timeout=PATIENCE) as client:
            return client.request(method, path, **more)

    def page(self, path: str, **headers: str) -> httpx.Response:
        return self.call("GET", path, headers={"accept": "text/html", **headers})

    def enter(self, token: str, **headers: str) -> httpx.Response:
        return self.call("POST", "/enter", data={"token": token}, headers=headers)


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """A visitor of a server in a process of its own: a process can have only one console, and these tests may run twice in one process."""
    folder = tmp_path_factory.mktemp("served")
    places = ["--broker", "sqlite:///queue.db", "--store", "sqlite:///store.db", "--registry", str(folder / "models")]
    command = [sys.executable, "-m", "headrace", "serve", "--port", "0", "--token", TOKEN, *places]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        told = server.stdout.readline()
        try:
            assert told.startswith("Headrace is at http://"), "it ended; the reason is printed above"
            yield Visitor(told.split()[3])
        finally:
            server.send_signal(signal.SIGINT)
            server.stdout.read()
            assert server.wait(PATIENCE) == 0


@pytest.mark.parametrize("path", ["/", "/dead", "/models", "/_nicegui/x"])
def test_people_without_the_token_get_a_form_without_scripts(visitor: Visitor, path: str) -> None:
    answer = visitor.page(path)
    assert answer.status_code == 401
    assert "<form" in answer.text
    assert "<script" not in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_the_right_token_gives_a_cookie_that_scripts_cannot_read(visitor: Visitor) -> None:
    answer = visitor.enter(TOKEN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert TOKEN not in cookie
    shown = cookie.partition(";")[0]
    assert visitor.page("/", cookie=shown).status_code == 200
    assert visitor.call("GET", "/v1/results", headers={"cookie": shown}).status_code == 200


def test_a_wrong_token_gives_no_cookie(visitor: Visitor) -> None:
    for wrong in ("", "wrong", TOKEN + "x", "å"):
        answer = visitor.enter(wrong)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_a_form_of_another_site_cannot_log_in(visitor: Visitor) -> None:
    assert visitor.enter(TOKEN, origin="https://evil.example").status_code == 403


def test_a_form_that_is_too_large_is_refused(visitor: Visitor) -> None:
    assert visitor.enter("x" * 10_000).status_code == 413


def test_the_api_answers_with_an_error_instead_of_the_form(visitor: Visitor) -> None:
    for path in ("/v1/results", "/v1/nothing"):
        answer = visitor.page(path)
        assert answer.status_code == 401
        assert "HEADRACE_TOKEN" in answer.json()["error"]["message"]


def test_each_path_belongs_to_the_api_or_to_the_console(visitor: Visitor) -> None:
    known = {"authorization": f"Bearer {TOKEN}"}
    assert visitor.page("/", **known).headers["content-type"].startswith("text/html")
    for path in ("/v1/nothing", "/v1", "/openapi.json/x"):
        answer = visitor.page(path, **known)
        assert answer.status_code == 404
        assert answer.json()["error"]["message"]
    assert visitor.call("GET", "/livez").json() == {"live": True}
    assert visitor.page("/v1x", **known).headers["content-type"].startswith("text/html")


def test_the_page_for_unknown_addresses_links_to_all_pages(visitor: Visitor) -> None:
    answer = visitor.page("/nothing/here", authorization=f"Bearer {TOKEN}")
    assert answer.status_code == 404
    for path in ("/", "/dead", "/models"):
        assert f'href="{path}"' in answer.text
    assert "HTTPException" not in answer.text
