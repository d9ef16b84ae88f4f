"""The house rules that a program can check (CONTRIBUTING.md says what they are for)."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "headrace"
MODULES: Mapping[str, Path] = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

# From the bottom to the top: a module imports those of its own layer and of the layers below. `headrace` itself imports nothing.
LAYERS = (
    "headrace headrace.masking",
    "headrace.errors headrace.clock headrace.timestamps headrace.validation headrace.framing headrace.parsing headrace.members"
    " headrace.cloudevents headrace.documents headrace.fields headrace.file_options headrace.signatures headrace.zstd"
    " headrace.spans headrace.burial",
    "headrace.ports",
    "headrace.belonging headrace.sqlite_file headrace.server_url",
    "headrace.brokers headrace.stores headrace.sources headrace.testing",
    "headrace.config headrace.tables headrace.tokens headrace.secret_file headrace.urls headrace.beside headrace.log headrace.metrics"
    " headrace.adapters headrace.meter"
    " headrace.exposition headrace.browse headrace.runtime headrace.retrying headrace.supervisor headrace.durable headrace.host_names",
    "headrace.scoring",
    "headrace.models",
    "headrace.predictor",
    "headrace.ingest headrace.worker headrace.operations headrace.batch headrace.samples headrace.training headrace.proof",
    "headrace.commands headrace.web headrace.spark",
    "headrace.cli headrace.__main__",
)

# Which modules may use a library: a driver's home is its adapter's folder. A library that is not listed may be used anywhere.
_COMPILING = (
    r"headrace\.(training\..*|scoring\.pipeline|scoring\.linear\.(compile|vectorizers|classifiers|heads|blocks))"
)
HOMES: Mapping[str, str] = {
    "sklearn": _COMPILING,
    "scipy": _COMPILING,
    "skops": r"headrace\.(training\..*|scoring\.pipeline)",
    "matplotlib": r"headrace\.training\..*",
    "wordfreq": r"headrace\.training\..*",
    "torch": r"headrace\.training\.teacher",
    "transformers": r"headrace\.training\.teacher",
    "numba": r"headrace\.(scoring|training)\..*",
    "safetensors": r"headrace\.scoring\..*",
    "fastapi": r"headrace\.web\..*",
    "starlette": r"headrace\.web\..*",
    "uvicorn": r"headrace\.web\..*",
    "nicegui": r"headrace\.web\.console(\..*)?",
    "babel": r"headrace\.web\.console(\..*)?",
    "pyspark": r"headrace\.spark(\..*)?",
    "cyclopts": r"headrace\.(cli|commands\..*)",
    "rich": r"headrace\.commands\..*",
    "prometheus_client": r"",  # its parser reads what we write, in tests
    "sqlite3": r"headrace\.(sqlite_file|brokers\.sqlite|stores\.sqlite\..*)",
    "pika": r"headrace\.brokers\.rabbitmq\..*",
    "confluent_kafka": r"headrace\.brokers\.kafka\..*",
    "redis": r"headrace\.brokers\.redis",
    "nats": r"headrace\.brokers\.nats\..*",
    "greenstalk": r"headrace\.brokers\.beanstalkd",
    "httpx": r"headrace\.(models\.corenlp\.server|sources\.(http_client|http_responses|events|polling"
    r"|bluesky\..*|wikimedia\..*|mastodon\..*|hackernews\..*|x_api\..*))",
    "feedparser": r"headrace\.sources\.rss\..*",
    "websockets": r"headrace\.sources\.sockets",
    "cbor2": r"headrace\.sources\.bluesky\..*",
    "pymongo": r"headrace\.stores\.mongodb\..*",
    "bson": r"headrace\.stores\.mongodb\..*",
    "psycopg": r"headrace\.stores\.postgresql\..*",
    "fsspec": r"headrace\.sources\.record_file\.remote",
    "pyarrow": r"headrace\.sources\.record_file\.parquet",
    "vaderSentiment": r"headrace\.models\.vader",
    "sqlalchemy": r"headrace\.stores\.(sql|sqlite|postgresql)\..*",
}
# What the adapters of one kind share, beside the contract.
SHARED: Mapping[str, str] = {
    "brokers": r"headrace\.(sqlite_file|server_url|brokers\.(arrivals|headers|lock_file|queue_url))",
    "stores": r"headrace\.(sqlite_file|stores\.(hosts|merging|pages|presence|ticks|sql\..*))",
    "sources": r"headrace\.sources\.(lines|records|record_file(\..*)?|json_records|fitting|finding|tables|dialects|tweets"
    r"|columns|compression|transcoding|cursors|saved_cursors|stream|back_off|http_client|http_responses|messages|positions|live|events|platform_url"
    r"|polling|html_text|sockets|x_api(\..*)?)",
    "models": r"headrace\.(server_url|models\.registry)",
}
CONTRACT = (
    r"headrace\.(belonging|clock|documents|fields|file_options|framing|masking|errors|validation|zstd|ports(\..*)?)"
)
READ_ONLY = ("Mapping", "Sequence", "Set", "frozenset", "tuple", "Final")
MUTABLE_CALLS = ("list", "dict", "set", "bytearray", "defaultdict", "Counter", "deque", "OrderedDict")
FILE_LINES, FUNCTION_LINES, PORT_METHODS = 250, 40, 8
# Longer than that today, and not to grow; a line that is no longer needed has to go.
LONGER: Mapping[str, int] = {
    "headrace.scoring.hashed.folding:fold": 45,  # one loop over code points, compiled: a call would be inlined anyway
}
NO_NOUNS = re.compile(r"(utils?|helpers?|commons?|base|managers?|handlers?)")


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(), str(MODULES[module]))


@cache
def imports(module: str) -> frozenset[str]:
    """What a module imports when it runs, wherever in it: full names, and for headrace the modules meant."""
    found: set[str] = set()
    for node in _running(tree(module)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in MODULES else str(node.module))
    return frozenset(found)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _running(child)


def layer(module: str) -> int:
    """The layer of the longest name that is listed."""
    parts = module.split(".")
    for length in range(len(parts), 1, -1):
        for number, names in enumerate(LAYERS):
            if ".".join(parts[:length]) in names.split():
                return number
    return 0 if module == "headrace" else -1


def adapters() -> set[str]:
    """The modules that adapters.py names in strings."""
    return set(re.findall(r'"(headrace\.[\w.]+)(?::\w+)?"', MODULES["headrace.adapters"].read_text()))


def ours(module: str) -> set[str]:
    return {name for name in imports(module) if name in MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    assert layer(module) >= 0, f"{module} is in no layer; give it one above"
    if module != "headrace":
        up = {name for name in ours(module) if layer(name) > layer(module)}
        assert not up, f"{module} imports {up}, which lie above it"


def test_no_module_imports_itself_through_others() -> None:
    reached: dict[str, set[str]] = {name: ours(name) - {"headrace"} for name in MODULES if name != "headrace"}
    for name in reached:
        todo, seen = list(reached[name]), set[str]()
        while todo:
            following = todo.pop()
            assert following != name, f"{name} imports itself, through {sorted(seen)}"
            if following not in seen:
                seen.add(following)
                todo += reached[following]


def parts_of(adapter: str) -> set[str]:
    """The modules of an adapter: its file, or all files of its folder."""
    return {adapter} | {name for name in MODULES if name.startswith(f"{adapter}.")}


def test_nobody_imports_an_adapter() -> None:
    assert {"headrace.brokers.sqlite", "headrace.stores.sqlite", "headrace.sources.files"} <= adapters() <= set(MODULES)
    for adapter in adapters():
        inside = parts_of(adapter)
        for module in MODULES.keys() - inside:
            assert not ours(module) & inside, (
                f"{module} imports the adapter {adapter}; adapters.py names it in a string"
            )


def test_an_adapter_imports_the_contract_its_own_folder_and_what_its_kind_shares() -> None:
    for adapter in adapters():
        shared = SHARED[adapter.split(".")[1]]
        for module in parts_of(adapter):
            others = {
                name
                for name in ours(module) - parts_of(adapter) - {"headrace"}
                if not re.fullmatch(CONTRACT, name) and not re.fullmatch(shared, name)
            }
            assert not others, f"{module}, a part of the adapter {adapter}, imports {others}"


def test_an_adapter_of_several_files_is_a_folder_whose_face_hands_on_the_adapter_alone() -> None:
    for package in ("brokers", "stores", "sources"):
        files = {path.stem for path in (PACKAGE / package).glob("*.py")}
        for adapter in adapters():
            name = adapter.removeprefix(f"headrace.{package}.")
            family = {other for other in files if other.startswith(f"{name}_")}
            assert not family, f"{sorted(family)} are parts of {adapter}; give it a folder"
    for adapter in adapters():
        if MODULES[adapter].name == "__init__.py":
            exported = {
                node.name for node in ast.walk(tree(adapter)) if isinstance(node, ast.ClassDef | ast.FunctionDef)
            }
            assert not exported, f"{adapter} is a face; {exported} belong into files of the folder"


@pytest.mark.parametrize("package", ["models", "predictor", "worker"])
def test_the_faces_of_models_predictor_and_worker_are_empty(package: str) -> None:
    """A keeper loads no NumPy; a face that imported anything would make it."""
    assert not MODULES[f"headrace.{package}"].read_text()


def test_adapters_inherit_nothing_of_ours() -> None:
    for module in adapters():
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base) for base in node.bases}
                assert bases <= {"NamedTuple", "Protocol", "msgspec.Struct"}, f"{module}.{node.name} inherits {bases}"


@pytest.mark.parametrize("library", HOMES)
def test_a_library_stays_in_its_rooms(library: str) -> None:
    users = {name for name in MODULES if any(one.partition(".")[0] == library for one in imports(name))}
    strangers = {name for name in users if not re.fullmatch(HOMES[library], name)}
    assert not strangers, f"{strangers} import {library}"


def test_the_environment_is_read_in_config_and_nowhere_else() -> None:
    for module in MODULES:
        code = ast.unparse(tree(module))
        if module != "headrace.config":
            assert not re.search(
                r"\bos\.(environ|environb|getenv|putenv)\b|from os import .*\b(environ|getenv)", code
            ), module


@pytest.mark.parametrize("module", MODULES)
def test_no_module_has_globals_that_change(module: str) -> None:
    assert not any(isinstance(node, ast.Global) for node in ast.walk(tree(module)))
    for node in tree(module).body:
        if isinstance(node, ast.Assign) and _mutable(node.value):
            names = [ast.unparse(target) for target in node.targets]
            assert names == ["__all__"], f"{module}: {names} can change; annotate it as a Mapping or Sequence"
        if isinstance(node, ast.AnnAssign) and node.value is not None and _mutable(node.value):
            kind = ast.unparse(node.annotation).partition("[")[0]
            assert kind in READ_ONLY, f"{module}: {ast.unparse(node.target)} is a {kind}, which can change"


def _mutable(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).rpartition(".")[2] in MUTABLE_CALLS
    return isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


@pytest.mark.parametrize("module", MODULES)
def test_files_and_functions_are_short(module: str) -> None:
    length, most = len(MODULES[module].read_text().splitlines()), LONGER.get(module, FILE_LINES)
    assert length <= most, f"{MODULES[module]} has {length} lines"
    assert most == FILE_LINES or length > FILE_LINES, f"{module} is short now: take it out of LONGER"
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines, most = _body_lines(node), LONGER.get(f"{module}:{node.name}", FUNCTION_LINES)
            assert lines <= most, f"{MODULES[module]}: {node.name} has {lines} lines"
            assert most == FUNCTION_LINES or lines > FUNCTION_LINES, f"{node.name} is short now: take it out of LONGER"


@pytest.mark.parametrize("name", ["redis", "beanstalkd", "sqlite"])
def test_a_broker_can_be_one_file_of_fewer_than_220_lines(name: str) -> None:
    assert len(MODULES[f"headrace.brokers.{name}"].read_text().splitlines()) < 220


def test_the_broker_nats_is_a_folder_of_three_files() -> None:
    """Beside its face; docs/extending.md says so."""
    assert parts_of("headrace.brokers.nats") == {
        f"headrace.brokers.nats{part}" for part in ("", ".broker", ".connection", ".jetstream")
    }


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of what a function does: its signature, which declares the flags of a command, and its docstring don't count."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_ports_are_small() -> None:
    files = [name for name in MODULES if name.startswith("headrace.ports.")]
    ports = [node for name in files for node in tree(name).body if isinstance(node, ast.ClassDef)]
    assert {"Source", "Broker", "Store", "Classifier"} <= {node.name for node in ports}
    for port in ports:
        methods = [node.name for node in port.body if isinstance(node, ast.FunctionDef)]
        assert len(methods) <= PORT_METHODS, f"{port.name} has {len(methods)} methods"


@pytest.mark.parametrize("module", [name for name in MODULES if name != "headrace"])
def test_names_are_nouns_that_say_something(module: str) -> None:
    assert not any(NO_NOUNS.fullmatch(part) for part in module.split("."))


def test_properties_are_tried_on_the_same_examples_each_time_and_take_the_time_they_need() -> None:
    """A search that is new each day stops changes that have nothing to do with what it finds; a deadline stops them on slow machines."""
    ours = settings.get_profile("tests")
    assert (ours.derandomize, ours.deadline, ours.database) == (True, None, None)
    assert settings().deadline is None, "tests/conftest.py loads no profile"
    own = [
        path.name for path in (ROOT / "tests").rglob("test_*.py") if re.search(r"^@settings\(", path.read_text(), re.M)
    ]
    assert not own, f"{own} say themselves how Hypothesis searches; tests/conftest.py does"


@pytest.mark.parametrize("module", MODULES)
def test_public_things_have_docstrings(module: str) -> None:
    assert ast.get_docstring(tree(module)) or not MODULES[module].read_text(), f"{module} has no docstring"


def loaded_by(code: str) -> set[str]:
    """The modules that are loaded after this code has run in a process of its own."""
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(' '.join(sys.modules), file=sys.stderr)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return {name.partition(".")[0] for name in told.stderr.split()} if "headrace" in told.stderr else set()


def test_importing_headrace_loads_no_third_party_module() -> None:
    loaded = loaded_by("import headrace") - loaded_by("import typing, headrace.errors")
    before = {name.partition(".")[0] for name in sys.stdlib_module_names}
    assert not {name for name in loaded - before if not name.startswith("_")} - {"headrace"}


@pytest.mark.parametrize("module", ["headrace.worker.launch", "headrace.worker.keeper", "headrace.ingest.ingest"])
def test_the_keeper_and_ingest_load_no_numpy_no_model_and_no_command_line(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert "headrace" in loaded
    assert not loaded & {"numpy", "numba", "sklearn", "scipy", "safetensors", "nicegui", "fastapi", "cyclopts", "rich"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["work", "--help"], ["models", "--help"], ["--version"]], ids=" ".join
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    loaded = loaded_by(f"from headrace.cli import run; assert run({arguments}) == 0")
    assert "cyclopts" in loaded
    assert not loaded & {
        "numpy",
        "numba",
        "sklearn",
        "scipy",
        "sqlalchemy",
        "nicegui",
        "fastapi",
        "uvicorn",
        "safetensors",
    }
