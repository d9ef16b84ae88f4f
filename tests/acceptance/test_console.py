"""The console in a real browser, on a real `headrace up`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from driver import Headrace, until
from playwright.sync_api import Browser, Page, expect
from support.browser import careful_page, chromium, visit

PATIENCE = 180.0
EVIL = """<script>document.title = "taken over"</script><img src=x onerror='document.title = "taken over"'> ${1 + 1} `&lt;b&gt;`"""
DOCUMENTS = (
    {"id": "sv", "text": "Det går en å genom staden", "source": "posts"},
    {"id": "ar", "text": "السلام عليكم", "source": "posts"},
    {"id": "war", "text": "Waray-Waray ini", "source": "forms"},
    {"id": "<b>evil</b>", "text": EVIL, "source": "<i>evil</i>", "meta": {"</script>": "<u>"}},
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Headrace that labels languages, with some results."""
    headrace = started(tmp_path_factory.mktemp("console"))
    try:
        address = headrace.start("up").address()
        post(address, DOCUMENTS)
        until(lambda: len(items(address, "results")) == len(DOCUMENTS), PATIENCE, "not all is labelled")
        until(lambda: get(f"{address}/readyz").status_code == 200, PATIENCE, "no text can be labelled at once")
        yield address
    finally:
        headrace.sweep()


def started(folder: Path, **settings: object) -> Headrace:
    """A Headrace that labels languages, and gives its model as long as a machine may stand still."""
    return Headrace(folder, models="language=python:tongues:Tongues", deadline=PATIENCE, **settings)


def get(address: str) -> httpx.Response:
    return httpx.get(address, timeout=PATIENCE, trust_env=False)


def items(url: str, what: str) -> list[dict[str, Any]]:
    """What is listed under `/v1/results` or `/v1/dead`."""
    return list(get(f"{url}/v1/{what}").json()["items"])


def post(url: str, documents: object) -> None:
    answer = httpx.post(f"{url}/v1/documents", json=documents, timeout=PATIENCE, trust_env=False)
    assert answer.status_code == 202, answer.text


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium: the system's, or playwright's own."""
    with chromium(PATIENCE) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """A visitor who notices whatever goes wrong."""
    with careful_page(browser, url, PATIENCE) as opened:
        yield opened


def test_results_appear_with_both_names_of_their_language_and_new_ones_come_by_themselves(page: Page, url: str) -> None:
    page.goto("/")
    row = page.locator(".row", has_text="Det går en å")
    expect(row).to_contain_text("Swedish")
    expect(row).to_contain_text("Svenska")
    expect(page.locator(".row", has_text="Waray-Waray ini")).to_contain_text("Winaray")
    post(url, {"id": "late", "text": "I came later"})
    expect(page.locator(".row").first).to_contain_text("I came later")


def test_what_is_typed_is_labelled_at_once(page: Page) -> None:
    page.goto("/")
    box = page.get_by_label("A text to label")
    box.fill("Två små får")
    expect(page.locator(".prediction .big")).to_have_text("Swedish · Svenska")
    box.fill("السلام")
    expect(page.locator(".prediction .big")).to_have_text("Arabic · العربية")
    box.fill("poison")
    expect(page.locator(".prediction")).to_contain_text("<b>read</b>")
    box.fill("")
    expect(page.locator(".prediction")).to_contain_text("It is not stored")


def test_what_comes_from_outside_is_text_and_never_a_page(page: Page) -> None:
    page.goto("/?source=" + "<i>evil</i>")
    row = page.locator(".row")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(EVIL)
    row.click()
    expect(page.get_by_role("dialog")).to_contain_text("<b>evil</b>")
    expect(page.get_by_role("dialog").locator("pre")).to_contain_text("</script>")
    expect(page).to_have_title("Headrace")


def test_results_are_filtered_by_label_and_the_address_remembers_it(page: Page) -> None:
    page.goto("/")
    page.locator(".bars").get_by_role("button", name="Swedish").click()
    expect(page.locator(".row")).to_have_count(1)
    page.get_by_label("Label", exact=True).select_option(label="Waray")
    expect(page.locator(".row")).to_contain_text("Waray-Waray")
    expect(page).to_have_url(re.compile(r"label=war&model=language$"))
    page.reload()
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".row")).to_contain_text("Waray-Waray")


def test_all_is_reached_from_the_keyboard(page: Page) -> None:
    page.goto("/")
    expect(page.locator(".row").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.locator(".row").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator(".row").first).to_be_focused()


def test_a_pause_holds_the_list_still(page: Page, url: str) -> None:
    page.goto("/")
    expect(page.locator(".row").first).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    before = page.locator(".tiles dd").first.inner_text()
    post(url, {"id": "unseen", "text": "Nobody sees me yet"})
    expect(page.locator(".tiles dd").first).not_to_have_text(before)
    assert page.get_by_text("Nobody sees me yet").count() == 0
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".row").first).to_contain_text("Nobody sees me yet")


def test_a_dead_letter_is_read_replayed_and_dropped(page: Page, url: str) -> None:
    post(url, {"id": "p", "text": "poison"})
    until(lambda: items(url, "dead"), PATIENCE, "nothing is buried")
    (buried,) = items(url, "dead")
    assert buried["kind"] == "raised"
    page.goto("/")
    page.get_by_role("link", name="Dead letters").first.click()
    letters = page.locator(".dead-letter")
    first = letters.filter(has_text=re.compile(rf"#{buried['burial']}\b"))
    expect(first).to_contain_text("<b>read</b>")
    first.get_by_role("button", name="Replay").click()
    expect(page.get_by_role("status").or_(page.locator(".empty"))).to_contain_text("1 dead letter published again")
    expect(first).to_have_count(0)
    expect(letters).to_have_count(1)
    page.evaluate("window.setTimeout = () => 0")  # the second press has to come within four seconds: they don't pass
    letters.get_by_role("button", name="Drop").click()
    letters.get_by_role("button", name="Really drop?").click()
    expect(page.locator(".empty")).to_contain_text("1 dead letter dropped")
    assert items(url, "dead") == []


@pytest.mark.parametrize("path", ["/", "/dead", "/sources", "/models"])
def test_a_phone_shows_every_page_without_scrolling_sideways(browser: Browser, url: str, path: str) -> None:
    context = visit(browser, url, PATIENCE, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(path)
    title = {"/": "Results", "/dead": "Dead letters", "/sources": "Sources", "/models": "Models"}[path]
    expect(page.locator("#main")).to_contain_text(title)
    if path == "/models":
        page.get_by_text("Labels", exact=True).last.click()
        expect(page.get_by_role("columnheader", name="Precision").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()


def test_the_colours_are_the_visitors_choice_and_stay(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Colours").click()
    page.get_by_role("button", name="Colours").click()
    page.goto("/models")
    expect(page.get_by_role("button", name="Colours: dark")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_people_show_the_token_once(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    headrace = started(tmp_path_factory.mktemp("guarded"), token="a long random word")
    try:
        context = visit(browser, headrace.start("up").address(), PATIENCE)
        page = context.new_page()
        page.goto("/")
        page.get_by_label("Token").fill("a guess")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("Wrong token")).to_be_visible()
        page.get_by_label("Token").fill("a long random word")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".tiles")).to_contain_text("Backlog")
        page.reload()
        expect(page.locator(".tiles")).to_contain_text("Backlog")
        context.close()
    finally:
        headrace.sweep()


def test_a_stop_ends_it_though_browsers_watch(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    headrace = started(tmp_path_factory.mktemp("stopped"))
    try:
        running = headrace.start("up")
        context = visit(browser, running.address(), PATIENCE)
        page = context.new_page()
        page.goto("/")
        expect(page.locator(".tiles")).to_contain_text("Backlog")
        running.interrupt_group()
        assert running.status(PATIENCE) == 0
        running.leaves_nothing()
        context.close()
    finally:
        headrace.sweep()
