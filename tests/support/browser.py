"""A real browser for tests."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run")


@contextmanager
def chromium(seconds: float, *more: str) -> Iterator[Browser]:
    """The system's Chromium, or Playwright's own, given `seconds` to start, with `more` flags.

    Without either the test is skipped, and fails with CI=true.
    """
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or playwright.chromium.executable_path
        if not shutil.which(found):
            missing = "needs a browser: apt-get install chromium, or playwright install chromium"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
        expect.set_options(timeout=1000 * seconds)
        browser = playwright.chromium.launch(executable_path=found, args=[*ARGUMENTS, *more], timeout=1000 * seconds)
        yield browser
        browser.close()


def visit(browser: Browser, url: str, seconds: float, **more: Any) -> BrowserContext:
    """A visitor of a site who waits for so long for whatever is to come."""
    context = browser.new_context(base_url=url, **more)
    context.set_default_timeout(1000 * seconds)
    return context


@contextmanager
def careful_page(browser: Browser, url: str, seconds: float) -> Iterator[Page]:
    """A visitor who notices whatever goes wrong in the browser, and whatever is asked of another server."""
    context = visit(browser, url, seconds)
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    opened.on("request", lambda asked: None if _ours(asked.url, url) else wrong.append(f"asked for {asked.url}"))
    yield opened
    context.close()
    assert wrong == []


def _ours(address: str, url: str) -> bool:
    return address.startswith((url, url.replace("http", "ws", 1), "data:", "blob:"))
