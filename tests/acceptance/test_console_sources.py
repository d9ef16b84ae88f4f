"""The console's page of sources in a real browser, on a real `headrace up`."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from driver import Headrace
from playwright.sync_api import Browser, Page, expect
from support.browser import careful_page, chromium

from headrace.clock import microseconds
from headrace.ingest.ledger import Ledger, Missed, Saved, save
from headrace.stores.sqlite import SqliteStore

PATIENCE = 180.0
EVIL = """<script>document.title = "taken over"</script><img src=x onerror='document.title = "taken over"'> {{ 1 + 1 }} `&lt;b&gt;`"""
LONG = "sse:https://host/" + "x" * 5000
ARABIC = "rss:https://موقع.example/\u202eالسلام عليكم"


@pytest.fixture(scope="module")
def headrace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headrace]:
    """A Headrace that has read nothing yet."""
    made = Headrace(tmp_path_factory.mktemp("sources"), models="language=python:tongues:Tongues", deadline=PATIENCE)
    yield made
    made.sweep()


@pytest.fixture(scope="module")
def url(headrace: Headrace) -> str:
    return headrace.start("up").address()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium: the system's, or playwright's own."""
    with chromium(PATIENCE) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, url: str, headrace: Headrace) -> Iterator[Page]:
    """A visitor who notices whatever goes wrong, and who finds no source yet."""
    with closing(sqlite3.connect(headrace.store)) as database, database:
        database.execute("DELETE FROM cursors")
    with careful_page(browser, url, PATIENCE) as opened:
        opened.goto("/")
        opened.get_by_role("link", name="Sources").click()
        yield opened


def put(headrace: Headrace, name: str, state: str = "reading", *, cursor: str = "7", **more: Any) -> None:
    """Save a source's ledger, as `ingest` does. Of the last hour it has two documents a minute."""
    ledger = Ledger(name, state, **more)
    for ago in range(60):
        ledger.minutes.insert(0, (microseconds() // 60_000_000 - ago, {"read": 3, "published": 2}))
    with closing(SqliteStore(str(headrace.store))) as store:
        save(store, name, Saved(cursor, 0, ledger))


def card(page: Page, name: str) -> Any:
    return page.locator(".source").filter(has=page.get_by_role("heading", name=name, exact=True))


def test_sources_appear_by_themselves_and_without_any_it_says_how_to_read_one(page: Page, headrace: Headrace) -> None:
    expect(page.locator(".empty")).to_contain_text("headrace ingest posts.jsonl")
    (headrace.folder / "posts.jsonl").write_text('{"text": "a"}\n{"text": "b"}\nno json\n')
    headrace.run("ingest", "posts.jsonl")
    mine = card(page, f"files:{(headrace.folder / 'posts.jsonl').resolve()}")
    expect(mine).to_contain_text("Ended")
    expect(mine.locator("dd")).to_have_text(["3", "2", "1"])
    expect(mine.get_by_role("img", name="2 documents published in the last hour")).to_be_visible()
    expect(mine.locator("dt")).to_have_text(["Read", "Published", "Malformed"])


def test_a_source_that_waits_says_why_and_its_details_are_whole(page: Page, headrace: Headrace) -> None:
    gaps = [Missed(1_000_000, "the window has passed"), Missed(microseconds(), "cut off", 1234)]
    put(headrace, "sse:waits", "waiting", cursor="c" * 500, told="503; trying again in 42 s", gaps=gaps, lag=1.5)
    mine = card(page, "sse:waits")
    for text in ("Waiting", "503; trying again in 42 s", "2 gaps", "1,234 missed", "cut off", "Lag 1.5 s", "ccc…"):
        expect(mine).to_contain_text(text)
    button = mine.get_by_role("button", name="Details of sse:waits")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    for text in ("c" * 500, "an unknown number missed", "the window has passed"):
        expect(dialog).to_contain_text(text)
    expect(dialog.get_by_role("row")).to_have_count(61)
    put(headrace, "sse:waits", "failed", told="401: the token has expired")
    expect(dialog).to_contain_text("401: the token has expired")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    expect(page.locator(".source").first).to_contain_text("Failed")


def test_what_comes_from_outside_is_text_and_breaks_no_page(page: Page, headrace: Headrace) -> None:
    put(headrace, EVIL, "waiting", told=EVIL, gaps=[Missed(1, EVIL)], cursor=EVIL)
    put(headrace, LONG, cursor="c" * 50_000)
    put(headrace, ARABIC)
    mine = card(page, EVIL)
    expect(mine.locator(".why")).to_contain_text(EVIL)
    mine.get_by_role("button").click()
    expect(page.get_by_role("dialog").locator("pre")).to_have_text(EVIL)
    page.keyboard.press("Escape")
    expect(card(page, ARABIC)).to_be_visible()
    expect(page).to_have_title("Sources · Headrace")
    page.set_viewport_size({"width": 360, "height": 740})
    long = page.locator(".source", has_text="sse:https://host/xxx")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    long.get_by_role("button").click()
    expect(page.get_by_role("dialog").locator("pre")).to_contain_text("c" * 10_000)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_many_sources_are_found_by_name_and_the_address_remembers_it(page: Page, headrace: Headrace) -> None:
    with closing(SqliteStore(str(headrace.store))) as store:
        for number in range(120):
            save(store, f"files:{number:03}", Saved("7", 0, Ledger(state="stopped")))
    expect(page.locator(".source")).to_have_count(100)
    expect(page.get_by_text("sources are shown")).to_contain_text("headrace sources")
    page.get_by_label("Name, URL or state").fill("files:119")
    expect(page.locator(".source")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/sources\?find=files%3A119$"))
    page.reload()
    expect(page.locator(".source h2")).to_have_text("files:119")
    expect(page.get_by_label("Name, URL or state")).to_have_value("files:119")
