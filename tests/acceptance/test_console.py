"""The console in a real browser, on a real `headrace up`."""

import os
import shutil
from collections.abc import Iterator

import httpx
import pytest
from driver import Headrace
from playwright.sync_api import Browser, Page, expect, sync_playwright

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run")
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
    headrace = Headrace(tmp_path_factory.mktemp("console"), models="language=python:tongues:Tongues")
    try:
        address = headrace.start("up").address()
        posted = httpx.post(f"{address}/v1/documents?wait=60", json=DOCUMENTS, timeout=90, trust_env=False)
        assert posted.status_code == 200, posted.text
        yield address
    finally:
        headrace.sweep()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium: the system's, or playwright's own."""
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or playwright.chromium.executable_path
        if not shutil.which(found):
            told = "needs a browser: apt-get install chromium, or playwright install chromium"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(told)
        opened = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """A visitor who notices whatever goes wrong in the browser, and whatever is asked of another server."""
    context = browser.new_context(base_url=url)
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    opened.on("request", lambda asked: None if _ours(asked.url, url) else wrong.append(f"asked for {asked.url}"))
    yield opened
    context.close()
    assert wrong == []


def test_results_appear_with_both_names_of_their_language_and_new_ones_come_by_themselves(page: Page, url: str) -> None:
    page.goto("/")
    row = page.locator(".row", has_text="Det går en å")
    expect(row).to_contain_text("Swedish")
    expect(row).to_contain_text("Svenska")
    expect(page.locator(".row", has_text="Waray-Waray ini")).to_contain_text("Winaray")
    httpx.post(f"{url}/v1/documents", json={"id": "late", "text": "I came later"}, trust_env=False)
    expect(page.locator(".row").first).to_contain_text("I came later", timeout=15_000)


def test_what_is_typed_is_labelled_at_once(page: Page) -> None:
    page.goto("/")
    box = page.get_by_label("A text to label")
    box.fill("Två små får")
    expect(page.locator(".verdict .big")).to_have_text("Swedish · Svenska", timeout=15_000)
    box.fill("السلام")
    expect(page.locator(".verdict .big")).to_have_text("Arabic · العربية")
    box.fill("poison")
    expect(page.locator(".verdict")).to_contain_text("<b>read</b>")
    box.fill("")
    expect(page.locator(".verdict")).to_contain_text("It is not stored")


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
    assert page.url.endswith("label=war&model=language")
    page.reload()
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".row")).to_contain_text("Waray-Waray")


def test_all_is_reached_from_the_keyboard(page: Page) -> None:
    page.goto("/")
    expect(page.locator(".row").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
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
    httpx.post(f"{url}/v1/documents", json={"id": "unseen", "text": "Nobody sees me yet"}, trust_env=False)
    expect(page.locator(".tiles dd").first).not_to_have_text(before, timeout=15_000)
    assert page.get_by_text("Nobody sees me yet").count() == 0
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".row").first).to_contain_text("Nobody sees me yet")


def test_a_dead_letter_is_read_replayed_and_dropped(page: Page, url: str) -> None:
    told = httpx.post(f"{url}/v1/documents?wait=60", json={"id": "p", "text": "poison"}, timeout=90, trust_env=False)
    assert told.json()["items"][0]["kind"] == "raised"
    page.goto("/")
    page.get_by_role("link", name="Dead letters").first.click()
    grave = page.locator(".grave")
    expect(grave).to_contain_text("<b>read</b>")
    first = grave.inner_text()
    grave.get_by_role("button", name="Replay").click()
    expect(page.get_by_role("status").or_(page.locator(".empty"))).to_contain_text("1 dead letter published again")
    expect(grave).not_to_have_text(first, timeout=30_000)
    expect(grave).to_have_count(1, timeout=30_000)
    grave.get_by_role("button", name="Drop").click()
    grave.get_by_role("button", name="Really drop?").click()
    expect(page.locator(".empty")).to_contain_text("1 dead letter dropped")
    assert httpx.get(f"{url}/v1/dead", trust_env=False).json()["items"] == []


@pytest.mark.parametrize("path", ["/", "/dead", "/models"])
def test_a_phone_shows_every_page_without_scrolling_sideways(browser: Browser, url: str, path: str) -> None:
    context = browser.new_context(base_url=url, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(path)
    expect(page.locator("#main")).to_contain_text(
        "Results" if path == "/" else "Dead letters" if path == "/dead" else "Models"
    )
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
    folder = tmp_path_factory.mktemp("guarded")
    headrace = Headrace(folder, models="language=python:tongues:Tongues", token="a long random word")
    try:
        page = browser.new_page()
        page.goto(headrace.start("up").address())
        page.get_by_label("Token").fill("a guess")
        page.get_by_role("button", name="Come in").click()
        expect(page.get_by_text("That is not the token")).to_be_visible()
        page.get_by_label("Token").fill("a long random word")
        page.get_by_role("button", name="Come in").click()
        expect(page.locator(".tiles")).to_contain_text("Backlog", timeout=15_000)
        page.reload()
        expect(page.locator(".tiles")).to_contain_text("Backlog", timeout=15_000)
        page.close()
    finally:
        headrace.sweep()


def test_a_stop_ends_it_within_seconds_though_browsers_watch(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    headrace = Headrace(tmp_path_factory.mktemp("stopped"), models="language=python:tongues:Tongues")
    try:
        running = headrace.start("up")
        page = browser.new_page()
        page.goto(running.address())
        expect(page.locator(".tiles")).to_be_visible()
        running.interrupt_group()
        assert running.status(20) == 0
        running.leaves_nothing()
        page.close()
    finally:
        headrace.sweep()


def _ours(address: str, url: str) -> bool:
    return address.startswith((url, url.replace("http", "ws", 1), "data:", "blob:"))
