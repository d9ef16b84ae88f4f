"""The log: lines on standard error, as text for people or as JSON for machines.

A module logs through a stdlib logger of its own below `headrace`, from `logger`; a program that embeds Headrace sees these loggers like any
others. `configure` is for processes of ours alone. Passwords in URLs are masked in every record. What is never logged: the text of a
document, a token. What a command prints for its caller is not a part of the log.
"""

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

from headrace.errors import Misconfigured
from headrace.masking import hide, mask

NAME = "headrace"
TOLD = ("pika", "websockets.client")  #: libraries that log each error that they also raise, some of them five times
LEVELS: Mapping[str, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
#: What a record has of itself; what else it has was given as `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LogSettings(msgspec.Struct, frozen=True):
    """How a process logs: `format` is text or json; what is below `level` is left out."""

    format: str = "text"
    level: str = "info"


def logger(name: str) -> logging.Logger:
    """The logger of this name, such as `headrace.worker`. Whoever handles its records gets them masked."""
    found = logging.getLogger(name)
    found.addFilter(_masked)
    return found


def configure(settings: LogSettings, secrets: Iterable[str] = ()) -> None:
    """Log to standard error from now on; calling it again replaces the settings. Raises Misconfigured for an unknown format or level.

    `secrets` are hidden wherever they stand in what a record says, beside what is masked by its form; the names around it stay, so that a
    password that is such a name breaks nothing.

    Libraries log in the same form, but only warnings and errors, whatever the level: their details may hold documents. Libraries of
    TOLD log nothing: they raise what they would say, and it is told once.
    """
    if settings.format not in _FORMATTERS:
        raise Misconfigured(f"the setting log_format is {settings.format!r}; it must be {' or '.join(_FORMATTERS)}")
    if settings.level not in LEVELS:
        raise Misconfigured(f"the setting log_level is {settings.level!r}; it must be one of {', '.join(LEVELS)}")
    handler = _StandardError()
    handler.setFormatter(_FORMATTERS[settings.format](frozenset(secrets)))
    root, own = logging.getLogger(), logging.getLogger(NAME)
    for earlier in [one for one in root.handlers if isinstance(one, _StandardError)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(max(logging.WARNING, LEVELS[settings.level]))
    own.setLevel(LEVELS[settings.level])
    for name in TOLD:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(settings.format == "json")


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at the time: a progress bar, for one, puts itself in between."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


class _Text(logging.Formatter):
    """`headrace: message`; a library's records have its name instead. Control characters, which could harm a terminal, become dots."""

    def __init__(self, secrets: frozenset[str]) -> None:
        super().__init__()
        self._secrets = secrets

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return "".join(one if one.isprintable() or one in _BLANKS else "·" for one in record.message)

    def format(self, record: logging.LogRecord) -> str:
        name = NAME if _is_ours(record) else record.name
        return f"{name}: {hide(mask(super().format(record)), self._secrets)}"


class _Json(logging.Formatter):
    """One object a line: time (ISO 8601, UTC), level, logger, message, process, then the fields that the record was given as `extra`."""

    def __init__(self, secrets: frozenset[str]) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._shown(record.getMessage()),
            "process": record.process,
        }
        if record.exc_info:
            entry["exception"] = self._shown(self.formatException(record.exc_info))
        fields = {name: msgspec.to_builtins(value, enc_hook=str) for name, value in _fields(record)}
        return json.dumps(entry | {name: self._without_secrets(value) for name, value in fields.items()})

    def _shown(self, text: str) -> str:
        return hide(mask(text), self._secrets)

    def _without_secrets(self, value: Any) -> Any:
        if isinstance(value, str):
            return hide(value, self._secrets)
        if isinstance(value, Mapping):
            return {name: self._without_secrets(one) for name, one in value.items()}
        return [self._without_secrets(one) for one in value] if isinstance(value, list) else value


_FORMATTERS: Mapping[str, Callable[[frozenset[str]], logging.Formatter]] = {"text": _Text, "json": _Json}
_BLANKS = "\n\t"


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name == NAME or record.name.startswith(f"{NAME}.")


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    """What was given as `extra`, and only by us: a library may put anything there."""
    if _is_ours(record):
        for name, value in vars(record).items():
            if name not in _OWN:
                yield name, value


def _masked(record: logging.LogRecord) -> bool:
    record.msg, record.args = mask(record.getMessage()), None
    for name, value in _fields(record):
        if isinstance(value, str):
            setattr(record, name, mask(value))
    return True
