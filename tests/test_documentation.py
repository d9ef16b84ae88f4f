"""The documentation is complete, its links resolve, and what it tells one to type works."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cyclopts import App
from support.web_world import world

from headrace import adapters, cli, errors, metrics, signatures, tables
from headrace.config import FILE, PREFIX, Settings, read_file
from headrace.tables import Webhook
from headrace.tokens import VARIABLES
from headrace.web.services import ServerSettings

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "src" / "headrace" / "models" / "builtin"
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not {".venv", "node_modules", ".pytest_cache"} & set(path.relative_to(ROOT).parts)
)
COMMANDS = list(cli.COMMANDS)
SETTINGS = [field.name for field in fields(Settings)]
ERRORS = [name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)]
INSTALLS = re.compile(r"\b(pip|venv|pytest|apt-get|curl|docker|kubectl|systemctl)\b")
FOR_EVER = re.compile(r"^headrace (up|serve|demo)\b", re.MULTILINE)


class Block(NamedTuple):
    """A block of code of a page, and where it stands."""

    page: str
    line: int
    language: str
    code: str


def text_of(name: str) -> str:
    return (ROOT / name).read_text()


def id_of(value: object) -> str:
    return f"{value.page}:{value.line}" if isinstance(value, Block) else str(value)


def blocks(language: str) -> Iterator[Block]:
    """All fenced blocks of a language, with the indentation of a list taken off."""
    for path in PAGES:
        page = path.read_text()
        for found in re.finditer(r"^( *)```(\w*)\n(.*?)^\1```$", page, re.DOTALL | re.MULTILINE):
            if found[2] == language:
                code = re.sub(rf"^{found[1]}", "", found[3], flags=re.MULTILINE)
                yield Block(str(path.relative_to(ROOT)), page.count("\n", 0, found.start()) + 1, language, code)


def section(command: str) -> str:
    """What docs/commands.md says of a command."""
    found = re.search(
        rf"^### headrace {command}( [^\n]*)?\n(.*?)(?=^##|\Z)", text_of("docs/commands.md"), re.DOTALL | re.MULTILINE
    )
    assert found, f"docs/commands.md has no section for headrace {command}"
    return found[2]


def flags_of(command: str) -> set[str]:
    """The flags that a command has beyond the settings."""
    app: Any = cli.build(["-"])
    for word in command.split():
        app = app[word]
    names = {name for one in app.assemble_argument_collection() for name in one.names if name.startswith("--")}
    settings = {f"--{name.replace('_', '-')}" for name in SETTINGS}
    return {name for name in names - settings if not name.startswith("--no-")}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_each_of_its_flags_is_documented(command: str) -> None:
    told = section(command)
    missing = {name for name in flags_of(command) if name not in told and name != f"--{command.split()[-1]}"}
    assert not missing, f"docs/commands.md says nothing of {missing} of headrace {command}"


def test_no_command_is_documented_that_does_not_exist() -> None:
    told = re.findall(r"^### headrace ([a-z ]*[a-z])", text_of("docs/commands.md"), re.MULTILINE)
    assert set(told) == set(COMMANDS)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_documented_with_its_variable_flag_and_default(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \|.*$", text_of("docs/configuration.md"), re.MULTILINE)
    assert f"`{PREFIX}{name.upper()}`" in row
    assert f"`--{name.replace('_', '-')}`" in row
    default = getattr(Settings(), name)
    told = str(default).lower() if isinstance(default, bool) else str(default)
    assert not told or f"`{told}`" in row
    assert FILE in text_of("docs/configuration.md")


def test_no_setting_is_documented_that_does_not_exist() -> None:
    told = re.findall(rf"`{PREFIX}(\w+)`", "\n".join(path.read_text() for path in PAGES))
    settings = {name.lower() for name in told if not re.fullmatch(r"WEBHOOK_\w+_SECRET(_FILE)?", name)}
    settings -= {name.removeprefix(PREFIX).lower() for name in VARIABLES}
    assert settings <= set(SETTINGS)


def test_every_key_of_a_webhook_is_documented_and_no_other() -> None:
    told = re.search(r"^## Webhooks\n(.*?)(?=^## )", text_of("docs/configuration.md"), re.DOTALL | re.MULTILINE)
    assert told
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", told[1], re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"\w+", row)} == set(tables.OF_WEBHOOKS)
    assert all(f"`{name}`" in told[1] for name in (*signatures.SENDERS, *signatures.ALGORITHMS, *signatures.ENCODINGS))


@pytest.mark.parametrize("block", [one for one in blocks("toml") if "[[" in one.code], ids=id_of)
def test_the_tables_that_pages_show_can_be_read(block: Block, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(block.code)
    found = read_file(tmp_path / FILE)
    assert len([*found.ingest, *found.webhooks]) == block.code.count("[[")


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_every_variable_of_a_token_is_documented(name: str) -> None:
    assert f"`{name}`" in text_of("docs/configuration.md")


@pytest.mark.parametrize(
    ("heading", "scheme"),
    [
        (heading, scheme)
        for heading, table in (
            ("Sources", adapters.SOURCES),
            ("Brokers", adapters.BROKERS),
            ("Stores", adapters.STORES),
            ("Results", adapters.SINKS),
            ("Registries", adapters.REGISTRIES),
            ("Models", adapters.CLASSIFIERS),
        )
        for scheme in table
    ],
    ids=id_of,
)
def test_every_scheme_is_documented(heading: str, scheme: str) -> None:
    told = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text_of("docs/configuration.md"), re.DOTALL | re.MULTILINE)
    assert told
    assert f"`{scheme}:" in told[1], f"docs/configuration.md shows no {scheme}: under {heading}"


def test_every_metric_is_documented_with_its_labels_and_no_other() -> None:
    rows = re.findall(r"^\| `(headrace_\w+)` \|([^|]*)\| ([^|]*) \|$", text_of("docs/operations.md"), re.MULTILINE)
    assert [name for name, _, _ in rows] == [metric.name for metric in metrics.ALL]
    for (name, labels, meaning), metric in zip(rows, metrics.ALL, strict=True):
        assert tuple(re.findall(r"`(\w+)`", labels.partition(":")[0])) == metric.labels, name
        assert meaning.startswith("histogram: ") == (metric.kind == "histogram"), name
    others = {name for page in PAGES for name in re.findall(r"`(headrace_\w+?)(?:_bucket)?\b[`{]", page.read_text())}
    assert others <= {metric.name for metric in metrics.ALL}


def test_the_bounds_of_labels_are_documented() -> None:
    shown = metrics.LIMITS
    told = (
        f"first {shown['source']} sources, {shown['model']} models, {shown['version']} versions of each model and "
        f"{shown['label']} labels of each model"
    )
    assert told in " ".join(text_of("docs/operations.md").split())


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_documented(name: str) -> None:
    assert f"`{name}`" in text_of("docs/commands.md")


def test_every_call_of_the_api_is_documented_with_its_parameters(tmp_path: Path) -> None:
    page = text_of("docs/api.md")
    with world(tmp_path, settings=ServerSettings(webhooks=(Webhook("hook"),))) as api:
        calls = api.get("/openapi.json").json()["paths"]
    assert len(calls) >= 10
    for path, methods in calls.items():
        shown = re.sub(r"\{\w+\}", lambda name: "BURIAL" if "burial" in name[0] else "ID", path).replace(
            "/in/hook", "/in/NAME"
        )
        for method, described in methods.items():
            call = f"{method.upper()} {shown}"
            assert f"`{call}`" in page or (method == "get" and f"`{shown}`" in page), f"docs/api.md shows no {call}"
            named = {one["name"] for one in described.get("parameters", ()) if one["in"] == "query"}
            missing = {name for name in named if not re.search(rf"`\??{name}\b", page)}
            assert not missing, f"docs/api.md says nothing of {missing} of {call}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_within_the_project_resolve(path: Path) -> None:
    page = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", page):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name).resolve() if name else path
        assert found.exists(), f"{path.name} links to {target}, which isn't there"
        assert found.is_relative_to(ROOT), f"{path.name} links to {target}, outside of the project"
        if anchor and found.suffix == ".md":
            assert anchor in _anchors(found), f"{path.name} links to {target}; there is no such heading"


def test_every_file_that_the_architecture_names_exists() -> None:
    package = ROOT / "src" / "headrace"
    known = {path.relative_to(folder).as_posix() for folder in (package, ROOT) for path in folder.glob("*")}
    known |= {path.relative_to(package).as_posix() for path in package.rglob("*")} | {
        path.name for path in package.rglob("*")
    }
    known |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*")}
    named = set(re.findall(r"`([a-z_/]+(?:/|\.py))`", text_of("ARCHITECTURE.md")))
    assert len(named) > 30
    assert not {name for name in named if name.rstrip("/") not in known}


def test_a_link_that_shows_a_file_name_leads_to_that_file() -> None:
    for path in PAGES:
        for shown, target in re.findall(r"\[`?([\w./]+(?:\.py|/))`?\]\(([^)\s]+)\)", path.read_text()):
            place = (path.parent / target).resolve().as_posix()
            assert place.endswith(f"/{shown}".rstrip("/")), f"{path.name}: [{shown}]({target})"


def test_every_test_that_a_page_names_exists() -> None:
    known = "\n".join(
        re.findall(r"def (test_\w+)", "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py")))
    )
    named = {
        (path.name, name) for path in PAGES for name in re.findall(r"`(test_\w{12,})(?:…)?`(?!\.py)", path.read_text())
    }
    assert len(named) > 10
    assert not {(page, name) for page, name in named if name not in known}


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("block", [*blocks("sh")], ids=id_of)
def test_shell_blocks_are_valid_and_call_headrace_as_it_is(block: Block) -> None:
    checked = subprocess.run(["bash", "-n"], input=block.code, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    for arguments in _calls(block.code):
        _bind(arguments)


def test_the_commands_of_the_readmes_table_are_called_as_they_are() -> None:
    rows = re.findall(r"^\|.*\|$", text_of("README.md"), re.MULTILINE)
    calls = [call for row in rows for call in re.findall(r"`(headrace [^`]+)`", row)]
    assert len(calls) >= 8
    for call in calls:
        for arguments in _calls(call):
            _bind(arguments)


def _calls(code: str) -> Iterator[list[str]]:
    """The arguments of every call of headrace in shell code."""
    code = re.sub(r"<<'?(\w+)'?.*?^\1$", "", code.replace("\\\n", " "), flags=re.DOTALL | re.MULTILINE)
    for line in code.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words = [*lexer, ";"]
        while any(Path(word).name == "headrace" for word in words):
            start = next(place for place, word in enumerate(words) if Path(word).name == "headrace") + 1
            length = next(place for place, word in enumerate(words[start:]) if set(word) <= set("|&;<>"))
            yield words[start : start + length]
            words = words[start + length :]


def _bind(arguments: list[str]) -> None:
    app: App = cli.build(["-"])
    if "--help" not in arguments and "--version" not in arguments:
        app.parse_args(arguments, exit_on_error=False, print_error=False)


@pytest.mark.parametrize("block", [*blocks("json")], ids=id_of)
def test_json_blocks_are_json(block: Block) -> None:
    json.loads(block.code.replace("…", "..."))


@cache
def _environment() -> Mapping[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**inherited, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "HEADRACE_PORT": "0"}


def run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, env=dict(_environment()), capture_output=True, text=True, check=False, timeout=3600
    )
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"


def needs_the_default_model() -> None:
    """The language model that comes with the package; a clone without it can't show what the pages tell."""
    if not any(SHIPPED.rglob("card.json")):
        missing = "the package brings no language model (src/headrace/models is empty)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)


def runnable(block: Block) -> str:
    """A shell block as it can be run here: without what installs, and what runs for ever drained."""
    if INSTALLS.search(block.code) or FOR_EVER.search(block.code):
        return ""
    return re.sub(r"^headrace work(?!.*--drain)", "headrace work --drain", block.code, flags=re.MULTILINE)


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_the_commands_of_a_page_run_from_its_top_to_its_end(page: str, tmp_path: Path) -> None:
    needs_the_default_model()
    (tmp_path / "labelled").mkdir()
    rows = [{"text": f"{word} {number}", "label": word} for number in range(20) for word in ("glad", "sad")]
    (tmp_path / "labelled" / "moods.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code = "\n".join(runnable(block) for block in blocks("sh") if block.page == page)
    assert code.count("headrace ") >= 6
    run(["bash", "-euo", "pipefail", "-c", code], tmp_path)


@pytest.mark.parametrize("block", [one for one in blocks("python") if "extending" not in one.page], ids=id_of)
def test_python_blocks_run(block: Block, tmp_path: Path) -> None:
    if block.page == "CONTRIBUTING.md":
        compile(block.code, block.page, "exec")
        return
    if "headrace.load" in block.code:
        needs_the_default_model()
    run([sys.executable, "-W", "error", "-c", block.code], tmp_path)


@pytest.fixture
def extension(tmp_path: Path) -> Path:
    """A folder with the files that docs/extending.md shows, each under the name that its first line gives."""
    for block in blocks("python"):
        if block.page == "docs/extending.md":
            named = re.match(r'"""(\w+\.py)', block.code)
            assert named, f"the first line of the block at line {block.line} names no file"
            (tmp_path / named[1]).write_text(block.code)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "000001.eml").write_text("Message-ID: <1@example.org>\n\nHELLO\n")
    (tmp_path / "inbox" / "000002.eml").write_text("Subject: no text\n\n")
    return tmp_path


def test_every_adapter_that_docs_extending_shows_passes_its_suite(extension: Path) -> None:
    suites = sorted(path.name for path in extension.glob("test_*.py"))
    assert suites == ["test_mail.py", "test_mine.py", "test_remote.py", "test_spool.py"]
    run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *suites], extension)


def test_the_programs_and_the_class_that_docs_extending_shows_work(extension: Path) -> None:
    (extension / "spool").mkdir()
    for program in sorted(extension.glob("program_*.py")):
        (extension / "store.db").unlink(missing_ok=True)
        run([sys.executable, program.name], extension)
    check = (
        "from tone import Shouting; assert [one.label for one in Shouting().predict(['HO', 'ho'])] == ['loud', 'calm']"
    )
    run([sys.executable, "-c", check], extension)


@pytest.fixture
def copied(extension: Path) -> Path:
    """A Headrace of its own in this folder, without its models, to which adapters can be added."""
    here = ROOT / "src" / "headrace"
    shutil.copytree(here, extension / "headrace", ignore=shutil.ignore_patterns("builtin", "__pycache__"))
    return extension


def add_line(package: Path, table: str, line: str) -> None:
    """Add a line of docs/extending.md to a table of adapters.py."""
    assert line in text_of("docs/extending.md")
    urls = package / "adapters.py"
    code, found = re.subn(rf"^({table}: .* = \{{\n)", rf"\1    {line}\n", urls.read_text(), flags=re.MULTILINE)
    assert found == 1
    urls.write_text(code)


def test_a_source_costs_its_adapter_and_one_line(copied: Path) -> None:
    shutil.copy(copied / "mail.py", copied / "headrace" / "sources" / "mail.py")
    add_line(copied / "headrace", "SOURCES", '"mail": Entry("headrace.sources.mail:MailSource"),')
    code = (
        "import json, sys; told = json.load(sys.stdin); assert (told['published'], told['malformed']) == (1, 1), told"
    )
    ingest = "{ python -m headrace ingest mail:inbox --json || test $? = 1; }"  # 1: a message is malformed
    run(["bash", "-euo", "pipefail", "-c", f'{ingest} | python -c "{code}"'], copied)


def test_a_kind_of_model_costs_its_adapter_and_one_line(copied: Path) -> None:
    shutil.copy(copied / "remote.py", copied / "headrace" / "models" / "remote.py")
    add_line(copied / "headrace", "CLASSIFIERS", '"http": Entry("headrace.models.remote:RemoteClassifier"),')
    code = """
import sys, threading
from http.server import ThreadingHTTPServer
from headrace import cli
from test_remote import Service
with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
    threading.Thread(target=server.serve_forever).start()
    status = cli.run(["predict", "HELLO", "--model", f"tone=http://127.0.0.1:{server.server_port}/tone", "--json"])
    server.shutdown()
sys.exit(status)
"""
    run([sys.executable, "-c", code], copied)
