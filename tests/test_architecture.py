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
    "headrace headrace.errors headrace.storable headrace.documents",
    "headrace.ports",
    "headrace.embedded",
    "headrace.brokers headrace.stores headrace.sources headrace.testing",
    "headrace.config headrace.urls headrace.runtime headrace.served headrace.frames headrace.presence headrace.metrics"
    " headrace.scoring headrace.cards headrace.aliases headrace.model headrace.versions headrace.registry headrace.opened"
    " headrace.labelling headrace.process headrace.predictor headrace.following",
    "headrace.ingest headrace.announcing headrace.worker headrace.workers headrace.labeller headrace.dead headrace.scorefile"
    " headrace.samples headrace.rescore headrace.verify headrace.training headrace.proof",
    "headrace.commands headrace.web headrace.spark",
    "headrace.cli headrace.__main__",
)

# Which modules may use a library; whoever isn't named here may use it anywhere, as the base install has it.
HOMES: Mapping[str, str] = {
    "sklearn": r"headrace\.(training\..*|scoring\.(compile|pipeline|vectorizers|classifiers|heads|blocks))",
    "scipy": r"headrace\.(training\..*|scoring\.(compile|pipeline|vectorizers|classifiers|heads|blocks))",
    "skops": r"headrace\.(training\..*|scoring\.pipeline)",
    "matplotlib": r"headrace\.training\..*",
    "wordfreq": r"headrace\.training\..*",
    "fastapi": r"headrace\.web\..*",
    "starlette": r"headrace\.web\..*",
    "uvicorn": r"headrace\.web\..*",
    "nicegui": r"headrace\.web\.console(\..*)?",
    "babel": r"headrace\.web\.console(\..*)?",
    "pyspark": r"headrace\.spark(\..*)?",
    "cyclopts": r"headrace\.(cli|config|commands\..*)",
    "rich": r"headrace\.commands\..*",
    "sqlite3": r"headrace\.(embedded|brokers\.sqlite|stores\.sqlite|stores\.sqlite_rows)",
    "redis": r"headrace\.brokers\.redis",
    "nats": r"headrace\.brokers\.nats(_link)?",
    "greenstalk": r"headrace\.brokers\.beanstalkd",
    "sqlalchemy": r"headrace\.stores\..*",
    "numba": r"headrace\.(scoring|training)\..*",
}
READ_ONLY = ("Mapping", "Sequence", "Set", "frozenset", "tuple", "Final")
MUTABLE_CALLS = ("list", "dict", "set", "bytearray", "defaultdict", "Counter", "deque", "OrderedDict")
FILE_LINES, FUNCTION_LINES, PORT_METHODS = 250, 40, 8
# Longer than that today, and not to grow; a line that is no longer needed has to go.
LONGER: Mapping[str, int] = {
    "headrace.documents": 280,  # what may be stored, and why not, in one place
    "headrace.testing.stores": 345,  # one suite, one list of sentences
    "headrace.scoring.folding:fold": 45,  # one loop over code points, compiled: a call would be inlined anyway
    "headrace.scoring.ngrams:ngrams": 48,  # the same
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
    """The modules that urls.py names in strings."""
    return set(re.findall(r'"(headrace\.[\w.]+):\w+"', MODULES["headrace.urls"].read_text()))


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


def test_nobody_imports_an_adapter_but_its_own_siblings_are_not_adapters() -> None:
    assert {"headrace.brokers.sqlite", "headrace.stores.sqlite", "headrace.sources.files"} <= adapters() <= set(MODULES)
    for module in MODULES:
        assert not ours(module) & adapters(), f"{module} imports an adapter; urls.py names it in a string"


def test_an_adapter_imports_documents_errors_ports_its_driver_and_what_siblings_share() -> None:
    shared = {"headrace.documents", "headrace.errors", "headrace.ports", "headrace.storable", "headrace.embedded"}
    for module in adapters():
        package = module.rpartition(".")[0]
        others = {name for name in ours(module) if name != package and not name.startswith(f"{package}.")} - shared
        assert not others, f"the adapter {module} imports {others}"


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


@pytest.mark.parametrize("name", ["redis", "nats", "beanstalkd"])
def test_a_new_broker_is_one_file_of_fewer_than_200_lines(name: str) -> None:
    assert len(MODULES[f"headrace.brokers.{name}"].read_text().splitlines()) < 200


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of what a function does: its signature, which declares the flags of a command, and its docstring don't count."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_ports_are_small() -> None:
    ports = [node for node in tree("headrace.ports").body if isinstance(node, ast.ClassDef)]
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


@pytest.mark.parametrize("module", ["headrace.workers", "headrace.worker", "headrace.ingest"])
def test_the_keeper_and_ingest_load_neither_numpy_nor_a_model(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert "headrace" in loaded
    assert not loaded & {"numpy", "numba", "sklearn", "scipy", "safetensors", "nicegui", "fastapi"}


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
