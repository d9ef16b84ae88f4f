"""Every setting, declared once: from headrace.toml, HEADRACE_* variables and flags, in rising order.

This is the only module that reads the environment.
"""

import difflib
import os
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from cyclopts import App, ArgumentCollection, Group, Parameter, Token
from cyclopts.config import Env

from headrace.documents import DOCUMENT_BYTES
from headrace.errors import Misconfigured

FILE = "headrace.toml"
PREFIX = "HEADRACE_"
SETTINGS = Group(
    "Settings", sort_key=10, help=f"From {FILE} in the current folder, {PREFIX}* variables and flags; the later wins."
)


def _help(text: str) -> Parameter:
    return Parameter(help=text, show_env_var=True)


def whole(_kind: type, tokens: Sequence[Token]) -> int:
    """A whole number. Cyclopts would round 1.5 to one."""
    return int(tokens[0].value)


def _number(text: str) -> Parameter:
    return Parameter(help=text, show_env_var=True, converter=whole)


@Parameter(name="*", group=SETTINGS)
@dataclass(frozen=True)
class Settings:
    """All settings, with their defaults."""

    broker: Annotated[str, _help("URL of the broker.")] = "sqlite:///queue.db"
    store: Annotated[str, _help("URL of the store.")] = "sqlite:///store.db"
    results: Annotated[
        str, _help("URL that workers publish results to, for others to consume; nowhere unless given.")
    ] = ""
    registry: Annotated[str, _help("Folder of the models.")] = "models"
    models: Annotated[
        str,
        _help(
            'What a worker predicts with, by commas: "language, sentiment if language=en, shadow language@challenger".'
        ),
    ] = "language"
    processes: Annotated[int, _number("How many workers `work`, `up` and `demo` start.")] = 1
    host: Annotated[str, _help("Address that the API and the console listen on.")] = "127.0.0.1"
    port: Annotated[int, _number("Port of the API and the console; 0 takes a free one.")] = 8000
    hosts: Annotated[str, _help("Further host names by which the API may be called, by commas.")] = ""
    token: Annotated[str, _help("Token that callers must show; needed where host is not loopback.")] = ""
    metrics: Annotated[bool, _help("Serve /metrics.")] = True
    metrics_port: Annotated[int, _number("Port on which `work` serves its own metrics; 0 serves none.")] = 0
    deadline: Annotated[float, _help("Seconds a model may take for one batch, or one document.")] = 10.0
    memory: Annotated[int, _number("Bytes of memory that a predictor may use.")] = 2 << 30
    document_bytes: Annotated[int, _number("Largest document, in bytes of JSON.")] = DOCUMENT_BYTES
    request_bytes: Annotated[int, _number("Largest request to the API, in bytes.")] = 32 << 20

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise Misconfigured(f"the setting port is {self.port}; a port is a number from 0 to 65535")
        if not 0 <= self.metrics_port <= 65535:
            raise Misconfigured(f"the setting metrics_port is {self.metrics_port}; a port is a number from 0 to 65535")
        if not 1 <= self.processes <= 1024:
            raise Misconfigured(f"the setting processes is {self.processes}; it is between 1 and 1024")
        if not 0.1 <= self.deadline <= 86400:
            raise Misconfigured(f"the setting deadline is {self.deadline}; it is between 0.1 and 86400 seconds")
        if self.memory < 256 << 20:
            raise Misconfigured(f"the setting memory is {self.memory}; a predictor needs at least {256 << 20} bytes")
        if not 1024 <= self.document_bytes <= 64 << 20:
            raise Misconfigured(
                f"the setting document_bytes is {self.document_bytes}; it is between 1024 and {64 << 20}"
            )
        if self.request_bytes < 1024:
            raise Misconfigured(f"the setting request_bytes is {self.request_bytes}; it is at least 1024")


def sources() -> "tuple[Env, SettingsFile]":
    """Where the command line finds what no flag gives. Raises Misconfigured for a setting that doesn't exist."""
    known = [field.name for field in fields(Settings)]
    file = SettingsFile(Path(FILE))
    _check(known, file.values, f"in {file.path}", "")
    variables = [name for name in os.environ if name.startswith(PREFIX)]
    _check([PREFIX + name.upper() for name in known], variables, "in the environment", "the variable ")
    return Env(PREFIX, command=False), file


class SettingsFile:
    """headrace.toml as a source of Cyclopts: gives what neither a flag nor a variable gave.

    Cyclopts' own reader passes over keys that are also names of commands, as `models` is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.values = _read(path) if os.path.lexists(path) else {}

    def __call__(self, _app: App, _commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        for name, value in self.values.items():
            wanted = "--" + name.replace("_", "-")
            for argument in arguments:
                if argument.name == wanted and not argument.tokens:
                    argument.append(Token(keyword=name, value=self._text(name, value), source=str(self.path)))

    def _text(self, name: str, value: object) -> str:
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return ", ".join(value)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str | int | float):
            return str(value)
        raise Misconfigured(f"{name} in {self.path} is {_kind(value)}; write a string, a number, or a list of strings")


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    return "a list of other things" if isinstance(value, list) else "a time"


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise Misconfigured(f"reading {path.resolve()}: {error}") from error


def _check(known: list[str], given: Iterable[str], where: str, kind: str) -> None:
    for name in given:
        normal = name.replace("-", "_")
        if normal not in known:
            near = difflib.get_close_matches(normal, known, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise Misconfigured(f"{kind}{name} {where} is no setting; {hint}known are {', '.join(known)}")
