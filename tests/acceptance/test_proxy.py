"""The console and the API below a path of a real nginx: as docs/deploy.md has it, and as people write it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from driver import PATIENCE, Headrace
from playwright.sync_api import Browser, expect
from support.browser import chromium
from support.nginx import certificate, free_ports, nginx

NAME = "labels.example.org"
TOKEN = "a long random word"
DOCS = Path(__file__).parents[2] / "docs" / "deploy.md"
# The path is removed by the slash at the end, or left there; the Host header is the one that nginx writes by itself.
PLAIN = "server {{ listen {port}; location /headrace/ {{ proxy_pass http://127.0.0.1:{server}{end}; }} }}"


class Site(NamedTuple):
    """Where browsers find the console."""

    scheme: str
    port: int

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{NAME}:{self.port}"

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Call the API below the path, under the site's name."""
        headers = {"host": f"{NAME}:{self.port}", "authorization": f"Bearer {TOKEN}", **more.pop("headers", {})}
        with httpx.Client(verify=False, trust_env=False, timeout=PATIENCE) as client:
            return client.request(
                method, f"{self.scheme}://127.0.0.1:{self.port}/headrace{path}", headers=headers, **more
            )


def documented(port: int, server: int, folder: Path) -> str:
    """The configuration in the docs, with this machine's ports and certificate."""
    (snippet,) = re.findall(r"```nginx\n(.*?)```", DOCS.read_text(), re.S)
    made, key = certificate(folder, NAME)
    for wanted, given in (
        ("listen 443 ssl", f"listen {port} ssl"),
        ("http://127.0.0.1:8000/", f"http://127.0.0.1:{server}/"),
        (f"/etc/ssl/{NAME}.pem", str(made)),
        (f"/etc/ssl/private/{NAME}.key", str(key)),
    ):
        assert snippet.count(wanted) == 1
        snippet = snippet.replace(wanted, given)
    return str(snippet)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    """nginx before two servers: one that is told the path by nginx, and one that has it as a setting."""
    folder = tmp_path_factory.mktemp("nginx")
    secure, stripped, left = free_ports(3)
    settings = {"models": "language=python:tongues:Tongues", "deadline": PATIENCE, "token": TOKEN}
    told = Headrace(tmp_path_factory.mktemp("told"), hosts=NAME, **settings)
    hosts = f"{NAME}:{stripped}, {NAME}:{left}"
    given = Headrace(tmp_path_factory.mktemp("given"), hosts=hosts, root_path="/headrace", **settings)
    try:
        running = [told.start("up"), given.start("up")]
        first, second = (int(one.address().rpartition(":")[2]) for one in running)
        servers = [
            documented(secure, first, folder),
            PLAIN.format(port=stripped, server=second, end="/"),
            PLAIN.format(port=left, server=second, end=""),
        ]
        with nginx(folder, "\n".join(servers), secure, stripped, left):
            yield {"documented": Site("https", secure), "removed": Site("http", stripped), "left": Site("http", left)}
    finally:
        told.sweep()
        given.sweep()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=1000 * PATIENCE)
    with chromium(PATIENCE, f"--host-resolver-rules=MAP {NAME} 127.0.0.1") as opened:
        yield opened


@pytest.mark.parametrize("how", ["documented", "removed", "left"])
def test_people_sign_in_visit_every_page_and_see_a_document_labelled(
    browser: Browser, sites: dict[str, Site], how: str
) -> None:
    visit = _visit(browser, sites[how], f"Det går en å {how}")
    if visit.wrong and visit.broken:  # a stylesheet that the browser's own network lost makes a script fail
        visit = _visit(browser, sites[how], f"Det går en bäck {how}")
    assert visit.wrong == [], f"requests that broke off: {visit.broken}"
    assert visit.sockets
    assert all(url.startswith(_below(sites[how])) for url in visit.sockets)


class Visit(NamedTuple):
    """What a browser met on its way: errors and requests outside the path, requests that broke off on the network, WebSockets."""

    wrong: list[str]
    broken: list[str]
    sockets: list[str]


def _below(site: Site) -> tuple[str, ...]:
    path = f"{site.origin}/headrace/"
    return (path, path.replace("http", "ws", 1), "data:", "blob:")


def _visit(browser: Browser, site: Site, text: str) -> Visit:
    """Sign in, look at every page, and publish a Swedish text, which is to appear."""
    context = browser.new_context(base_url=site.origin, ignore_https_errors=True)
    context.set_default_timeout(1000 * PATIENCE)
    page, visit = context.new_page(), Visit([], [], [])
    page.on("websocket", lambda opened: visit.sockets.append(opened.url))
    page.on("pageerror", lambda error: visit.wrong.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(_below(site)) else visit.wrong.append(asked.url))
    # A page that is left gives up its requests (net::ERR_ABORTED).
    page.on(
        "requestfailed",
        lambda asked: None if "ABORTED" in str(asked.failure) else visit.broken.append(f"{asked.url}: {asked.failure}"),
    )
    page.goto("/headrace/dead")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".tiles")).to_contain_text("Backlog")
    (cookie,) = context.cookies()
    assert (cookie["path"], cookie["secure"], cookie["httpOnly"]) == ("/headrace", site.scheme == "https", True)
    pages = (
        ("Dead letters", "No dead letters"),
        ("Sources", "headrace ingest"),
        ("Models", "registry"),
        ("Live", "Results"),
    )
    for name, shown in pages:
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
        expect(page.locator("#main")).to_contain_text(shown)
    page.locator(".tiles a").click()
    expect(page).to_have_url(re.compile("/headrace/dead$"))
    page.get_by_role("link", name="Headrace").click()
    sent = site.call("POST", "/v1/documents", json={"id": text, "text": text})
    assert sent.status_code == 202
    row = page.locator(".row", has_text=text)
    expect(row).to_contain_text("Swedish")
    page.get_by_label("A text to label").fill("Två små får")
    expect(page.locator(".prediction .big")).to_contain_text("Swedish")
    page.goto("/headrace/nothing")
    page.get_by_role("link", name="models").click()
    expect(page.locator("#main")).to_contain_text("Models")
    context.close()
    return visit


@pytest.mark.parametrize("how", ["documented", "removed", "left"])
def test_programs_use_the_api_below_the_path(sites: dict[str, Site], how: str) -> None:
    site = sites[how]
    assert site.call("GET", "/livez").json() == {"live": True}
    assert site.call("GET", "/openapi.json").json()["servers"] == [{"url": "/headrace"}]
    assert site.call("HEAD", "/v1/results").status_code == 200
    assert site.call("GET", "/v1/nothing").status_code == 404
    moved = site.call("GET", "/v1/results/")
    assert moved.status_code == 404 or moved.headers["location"] == "/headrace/v1/results"
    assert site.call("GET", "/enter").headers["location"] == "/headrace/"
    assert site.call("GET", "/v1/results", headers={"authorization": ""}).status_code == 401
    foreign = site.call("POST", "/v1/documents", json={"text": "Hej"}, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert "add evil.example to the setting hosts" in foreign.json()["error"]["message"]
