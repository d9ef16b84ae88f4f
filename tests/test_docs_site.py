"""The site that `mkdocs build` makes of docs/: complete, strict, and with nothing from other hosts."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import expect
from support import PATIENCE
from support.browser import chromium

ROOT = Path(__file__).parent.parent
COPIED = ("docs", "mkdocs.yml", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE")
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


def build(folder: Path, project: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Build the site into a folder; skips where MkDocs is not installed, and fails there with CI=true."""
    if find_spec("material") is None:
        missing = "needs MkDocs: pip install '.[docs]'"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, timeout=PATIENCE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = build(folder)
    assert built.returncode == 0, built.stderr
    return folder


def pages(site: Path) -> Iterator[Path]:
    """The pages that were written as such, without those that show files of the repository."""
    found = [path for path in site.rglob("*.html") if "repository" not in path.relative_to(site).parts]
    assert len(found) > 20
    return iter(found)


class Tags(HTMLParser):
    """What a page loads, where it links to, and the text of its paragraphs."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.paragraphs: list[str] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in LOADED and given.get("rel") != "canonical":
            self.loaded.append(given.get(LOADED[tag]) or "")
        if tag == "a":
            self.links.append(given.get("href") or "")
        if tag == "p":
            self._inside = True
            self.paragraphs.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "p"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.paragraphs[-1] += data


@pytest.mark.parametrize("broken", ["no-such-page.md", "../src/no_such_module.py", "commands.md#no-such-heading"])
def test_a_link_that_leads_nowhere_fails_the_build(broken: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, project / name)
    for name in (".ci", "benchmarks", "deploy", "src", "tests"):
        (project / name).symlink_to(ROOT / name)
    tutorial = project / "docs" / "tutorial.md"
    tutorial.write_text(f"{tutorial.read_text()}\n[broken]({broken})\n")
    built = build(tmp_path / "site", project)
    assert built.returncode != 0
    assert broken in built.stderr


def test_every_page_can_be_searched(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text())
    found = {entry["location"].partition("#")[0] for entry in index["docs"]}
    assert found == {str(path.relative_to(site)) for path in pages(site)} - {"404.html"}
    assert (
        (site / "search" / "search_index.js").read_text().startswith("var __index = ")
    )  # read where there is no server


def test_every_link_of_every_page_leads_to_a_file_of_the_site(site: Path) -> None:
    for path in site.rglob("*.html"):
        inside = [unquote(urlsplit(link).path) for link in Tags(path.read_text()).links if not urlsplit(link).scheme]
        missing = {link for link in inside if link and not (path.parent / link).is_file()}
        assert path.name == "404.html" or not missing, f"{path.relative_to(site)} links to {missing}"


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    for path in site.rglob("*.html"):
        elsewhere = [url for url in Tags(path.read_text()).loaded if re.match(r"([a-z]+:)?//", url)]
        assert not elsewhere, f"{path.relative_to(site)} loads {elsewhere}"
    for path in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*['\"]?([a-z]+:)?//", path.read_text()), path


def test_what_pages_say_in_lists_and_tables_becomes_lists_and_tables(site: Path) -> None:
    for path in pages(site):
        for paragraph in Tags(path.read_text()).paragraphs:
            plain = re.search(r"^(- |\d+\. |\|).*", paragraph, re.MULTILINE)
            assert not plain, (
                f"{path.name} shows as plain text: {plain[0]} (a list or table needs an empty line before it)"
            )


def test_a_site_opened_as_files_is_searched_without_a_network(site: Path) -> None:
    asked: list[str] = []
    wrong: list[str] = []
    expect.set_options(timeout=1000 * PATIENCE)
    with chromium(PATIENCE) as browser:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto((site / "index.html").as_uri())
        page.get_by_role("textbox", name="Search").press_sequentially("tombstone")
        page.locator(".md-search-result__link[href*='guarantees.html'][href$='#erasing']").click()
        expect(page.get_by_role("heading", name="Erasing")).to_be_visible()
    assert not wrong
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
