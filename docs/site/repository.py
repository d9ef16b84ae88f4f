"""A hook of MkDocs: the site has a page for each file and folder of the repository that a page links to.

Pages link as a code host wants it: `../src/headrace/errors.py`, `README.md`, `docs/decisions/`. On the site such a link leads to a page
that this hook makes of the file: Markdown as it is, anything else as highlighted text, a folder as a list. A link to something that does
not exist stays as it is, and `strict` fails on it.
"""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent.parent
#: Markdown outside of docs/ that has a place in the navigation, and its name on the site.
PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
}
IMAGES = (".png", ".svg", ".jpg")
LANGUAGES = {".py": "python", ".sh": "bash", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".sql": "sql"}
MOST_BYTES = 200_000  # a larger file has no page
_FENCED = re.compile(r"^( *)(`{3,}).*?^\1\2$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(\]\()([^)\s#]+)")
_CODE_OF_A_TABLE = re.compile(r"(?<=[^\n])`[^`\n]*\\\|[^`\n]*`")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put every decision into the navigation, in the order of their numbers."""
    names = sorted(path.name for path in Path(config.docs_dir, "decisions").glob("*.md"))
    decisions = ["decisions/index.md", *(f"decisions/{name}" for name in names)]
    for section in config.nav or ():
        for entry in next(iter(section.values())):
            if isinstance(entry, dict) and "Decisions" in entry:
                entry["Decisions"] = decisions
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for whatever the pages link to, and for what those link to."""
    waiting = [ROOT / name for name in PAGES]
    for file in files.documentation_pages():
        waiting.extend(_targets(Path(str(file.abs_src_path))))
    while waiting:
        path = waiting.pop()
        if files.get_file_from_path(_place(path)) is None:
            files.append(_file(path, config))
            if path.is_dir():
                waiting.extend(_shown(path))
            elif path.suffix == ".md":
                waiting.extend(_targets(path))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Let links lead to the pages of the site."""
    uri = page.file.src_uri
    if uri == "index.md":
        page.meta["hide"] = ["navigation"]  # it stands alone in its part of the navigation
    origin = next((ROOT / name for name, place in PAGES.items() if place == uri), ROOT / "docs" / uri)
    if not origin.is_file():
        return markdown  # a page that was made here

    def replace(link: re.Match[str]) -> str:
        target = _target(origin, link[2])
        return link[0] if target is None else link[1] + _relative(_place(target), uri)

    parts = [text if fenced else _bars(_LINK.sub(replace, text)) for fenced, text in _split(markdown)]
    return "".join(parts)


def _bars(text: str) -> str:
    """A bar within code of a table as MkDocs wants it: bare. A code host wants it escaped."""
    return _CODE_OF_A_TABLE.sub(lambda code: code[0].replace("\\|", "|"), text)


def _split(markdown: str) -> Iterator[tuple[bool, str]]:
    """The text in parts, each with whether it is a fenced block of code."""
    start = 0
    for block in _FENCED.finditer(markdown):
        yield False, markdown[start : block.start()]
        yield True, block[0]
        start = block.end()
    yield False, markdown[start:]


def _targets(page: Path) -> Iterator[Path]:
    """The files and folders that a page of Markdown links to."""
    for fenced, text in _split(page.read_text()):
        if not fenced:
            yield from filter(None, (_target(page, link[2]) for link in _LINK.finditer(text)))


def _target(page: Path, link: str) -> Path | None:
    """What a link leads to; None if it leads out of the repository, or to nothing."""
    if re.match(r"[a-z]+:", link):
        return None
    path = Path(os.path.normpath(page.parent / link))
    return path if path.is_relative_to(ROOT) and path.exists() else None


def _place(path: Path) -> str:
    """Where a file or folder of the repository is on the site, as MkDocs names pages."""
    name = path.relative_to(ROOT).as_posix()
    if name in PAGES:
        return PAGES[name]
    of_docs = name.startswith("docs/") and (path.is_dir() or path.suffix in (".md", *IMAGES))
    inside = name.removeprefix("docs/") if of_docs else f"repository/{name}"
    if path.is_dir():
        return f"{inside}/index.md"
    return inside if of_docs or path.suffix in IMAGES else f"{inside}.md"


def _relative(place: str, page: str) -> str:
    return Path(os.path.relpath(place, Path(page).parent)).as_posix()


def _file(path: Path, config: MkDocsConfig) -> File:
    """The page of a file or folder."""
    place, name = _place(path), path.relative_to(ROOT).as_posix()
    if name in PAGES or path.suffix in IMAGES:
        return File.generated(config, place, abs_src_path=str(path))
    if path.is_dir():
        text = _listed(path, place)
    else:
        language = LANGUAGES.get(path.suffix, "bash" if path.read_text().startswith("#!") else "text")
        text = f'# `{name}`\n\n````{language} linenums="1"\n{path.read_text()}````\n'
    if place.startswith("repository/"):
        text = f"---\nsearch:\n  exclude: true\nhide: [navigation, toc, footer]\n---\n\n{text}"
        return File.generated(config, place, content=text, inclusion=InclusionLevel.NOT_IN_NAV)
    return File.generated(config, place, content=text)


def _listed(folder: Path, place: str) -> str:
    """A folder as a page: its files, each with its first sentence."""
    name = folder.relative_to(ROOT).as_posix()
    title = "Decisions" if name == "docs/decisions" else f"`{name}/`"
    lines = [f"- [{_title(path)}]({_relative(_place(path), place)}){_summary(path)}" for path in _shown(folder)]
    return f"# {title}\n\n" + "\n".join(lines) + "\n"


def _shown(folder: Path) -> list[Path]:
    """What a folder's page lists: text, and folders of it."""
    return [
        path
        for path in sorted(folder.iterdir())
        if path.name != "__pycache__" and not path.name.startswith(".") and (path.is_dir() or _is_text(path))
    ]


def _is_text(path: Path) -> bool:
    try:
        return path.stat().st_size <= MOST_BYTES and bool(path.read_text().strip())
    except UnicodeDecodeError:
        return False


def _title(path: Path) -> str:
    if path.suffix == ".md":
        return path.read_text().partition("\n")[0].removeprefix("# ")
    return f"`{path.name}/`" if path.is_dir() else f"`{path.name}`"


def _summary(path: Path) -> str:
    """What a module says first of itself."""
    module = path / "__init__.py" if path.is_dir() else path
    if module.suffix != ".py" or not module.is_file():
        return ""
    first = (ast.get_docstring(ast.parse(module.read_text())) or "").partition("\n")[0]
    return f": {first}" if first else ""
