"""A real browser for tests."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

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
        browser = playwright.chromium.launch(executable_path=found, args=[*ARGUMENTS, *more], timeout=1000 * seconds)
        yield browser
        browser.close()
