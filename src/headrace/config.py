"""Every setting, declared once: its type, default, help and limits; and the tables of headrace.toml.

Nothing here knows of a command line: worker processes and programs import this module too. `commands.settings` makes flags of it.
This is the only module that reads the environment.
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from headrace import tokens
from headrace.documents import DOCUMENT_BYTES
from headrace.errors import Misconfigured
from headrace.log import LogSettings
from headrace.masking import forms, secrets_of
from headrace.secret_file import SecretFile
from headrace.tables import IngestTable as IngestTable
from headrace.tables import Webhook, check_names, ingest_tables, text_of, webhook_tables

FILE = "headrace.toml"
PREFIX = "HEADRACE_"
URLS = ("broker", "store", "results", "registry", "models")  # the settings that are URLs, or hold some
#: What Kubernetes, and Docker's links, set in every container for a Service called `headrace` or `headrace-…`.
_OF_A_SERVICE = re.compile(
    PREFIX + r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_OF_A_WEBHOOK = re.compile(PREFIX + r"WEBHOOK_\w*_SECRET(_FILE)?")
_PORT_OF_A_SERVICE = re.compile(PREFIX + r"(\w+_)?PORT"), re.compile(r"(tcp|udp|sctp)://\S*")


@dataclass(frozen=True)
class Limits:
    """The values that a number may have, both ends included, and their unit; no upper end if `most` is None."""

    least: float
    most: float | None = None
    unit: str = ""

    def check(self, name: str, value: float) -> None:
        """Raises Misconfigured for a value outside; NaN is outside."""
        if not (value >= self.least and (self.most is None or value <= self.most)):
            unit = f" {self.unit}" if self.unit else ""
            span = f"at least {self.least}" if self.most is None else f"between {self.least} and {self.most}"
            raise Misconfigured(f"the setting {name} is {value}; it must be {span}{unit}")


def _setting(default: Any, help: str, limits: Limits | None = None) -> Any:  # noqa: A002
    """A field of Settings. Cyclopts takes `help` of the metadata by itself."""
    return field(default=default, metadata={"help": help, "limits": limits})


@dataclass(frozen=True)
class Settings:
    """All settings, with their defaults. Raises Misconfigured for a value outside its limits."""

    broker: str = _setting("sqlite:///queue.db", "URL of the broker.")
    store: str = _setting("sqlite:///store.db", "URL of the store.")
    results: str = _setting("", "URL that workers publish results to, for others to consume; empty for nowhere.")
    results_format: Literal["json", "cloudevents"] = _setting("json", "How results are published.")
    registry: str = _setting("models", "Folder of the models.")
    models: str = _setting(
        "language, sentiment if language=en",
        "Models that a worker predicts with, separated by commas:"
        ' "language, sentiment if language=en, shadow language@challenger".',
    )
    fields: str = _setting("", "Where what others publish has the members of documents: text=/payload/body, id=n.")
    processes: int = _setting(1, "How many workers `work`, `up` and `demo` start.", Limits(1, 1024))
    host: str = _setting("127.0.0.1", "Address that the API, the console and the metrics of workers listen on.")
    port: int = _setting(8000, "Port of the API and the console; 0 takes a free one.", Limits(0, 65535))
    hosts: str = _setting(
        "", "Further host names of the server, separated by commas; with a port if it is not 80 or 443."
    )
    root_path: str = _setting("", "Path below which a proxy serves the API and the console, such as /headrace.")
    proxies: str = _setting(
        "127.0.0.1, ::1",
        "Addresses or networks of proxies whose X-Forwarded-… headers are believed, separated by commas.",
    )
    token: str = _setting("", "Token that callers must send; required unless host is loopback.")
    metrics: bool = _setting(True, "Serve /metrics.")
    metrics_port: int = _setting(0, "Port on which `work` serves its own metrics; 0 serves none.", Limits(0, 65535))
    log_format: Literal["text", "json"] = _setting(
        "text", "How log lines look: `text`, or `json` with one object a line."
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting("info", "Least level that is logged.")
    deadline: float = _setting(
        10.0, "Seconds that a model may take for one batch, or for one document alone.", Limits(0.1, 86400, "seconds")
    )
    memory: int = _setting(2 << 30, "Bytes of memory that a predictor may use.", Limits(256 << 20, unit="bytes"))
    document_bytes: int = _setting(
        DOCUMENT_BYTES, "Largest document, in bytes of JSON.", Limits(1024, 64 << 20, "bytes")
    )
    connections: int = _setting(4000, "Most connections to the server at once.", Limits(1))
    request_bytes: int = _setting(32 << 20, "Largest request to the API, in bytes.", Limits(1024, unit="bytes"))

    @property
    def log(self) -> LogSettings:
        """How the processes of these settings log."""
        return LogSettings(self.log_format, self.log_level)

    @property
    def secrets(self) -> frozenset[str]:
        """What is secret in these settings, wherever it stands, and in the environment."""
        return secrets_in(asdict(self)) | secrets_in_environment()

    def __post_init__(self) -> None:
        for one in fields(self):
            limits: Limits | None = one.metadata["limits"]
            if limits is not None:
                limits.check(one.name, getattr(self, one.name))


SETTINGS: Sequence[str] = tuple(one.name for one in fields(Settings))


@dataclass(frozen=True)
class SettingsFile:
    """What headrace.toml holds: the settings as text, by their names, and its tables; all empty if there is no such file."""

    path: Path
    values: Mapping[str, str]
    ingest: Sequence[IngestTable] = ()
    webhooks: Sequence[Webhook] = ()


def read_file(path: Path = Path(FILE)) -> SettingsFile:
    """Read headrace.toml. Raises Misconfigured if it cannot be read, or holds an unknown name or a value of the wrong type."""
    path = path.absolute()
    given = _parse(path) if os.path.lexists(path) else {}
    check_names(given, [*SETTINGS, "ingest", "webhook"], f"in {path}")
    tables, webhooks = ingest_tables(given.pop("ingest", []), path), webhook_tables(given.pop("webhook", []), path)
    values = {name.replace("-", "_"): text_of(name, value, path) for name, value in given.items()}
    return SettingsFile(path, values, tables, webhooks)


def secrets_in(values: Mapping[str, Any]) -> frozenset[str]:
    """What is secret in settings, given by their names: the token, and the accounts and parameters of all URLs."""
    found = frozenset[str]().union(*(secrets_of(str(value)) for name, value in values.items() if name in URLS))
    return found | forms(str(values.get("token") or ""))


def check_environment(webhooks: Sequence[Webhook] = ()) -> Sequence[str]:
    """The variables that Kubernetes sets for a Service called `headrace…`, which are passed over, sorted.

    Raises Misconfigured for any other variable that begins with HEADRACE_ and names no setting, token, or secret of one of the `webhooks`.
    """
    given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    passed_over = sorted(name for name, value in given.items() if _is_of_a_service(name, value))
    secrets = [name for one in webhooks if one.signature for name in _variables(one)]
    for name in given:
        if _OF_A_WEBHOOK.fullmatch(name) and name not in secrets:
            known = f"known are {', '.join(secrets)}" if secrets else "there is no such table"
            raise Misconfigured(
                f"{name} in the environment belongs to no [[webhook]] of {FILE} with a signature; {known}"
            )
    known_names = [*(PREFIX + name.upper() for name in SETTINGS), *sorted(tokens.VARIABLES), *secrets]
    check_names(given.keys() - set(passed_over), known_names, "in the environment")
    return passed_over


def webhooks() -> tuple[Webhook, ...]:
    """The webhooks of headrace.toml, with the secrets that the environment has for them.

    Raises Misconfigured if one is to be signed and has no secret, and as `read_file` does.
    """
    return tuple(_with_secret(one) if one.signature else one for one in read_file().webhooks)


def secrets_in_environment() -> frozenset[str]:
    """What is secret in the variables of the environment that are no settings."""
    secret = [value for name, value in os.environ.items() if _OF_A_WEBHOOK.fullmatch(name) and name.endswith("SECRET")]
    return tokens.secrets(os.environ).union(*map(forms, secret))


def token(name: str) -> str:
    """The token of a platform in the variable of this name, or in the file that `NAME_FILE` names; empty if there is none.

    Raises Misconfigured if both are set, or the file can't be read.
    """
    return tokens.token(name, os.environ)


def caches() -> Path | None:
    """The user's folder of caches: XDG_CACHE_HOME, else `~/.cache`; None if the user has no home."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(given):  # noqa: PTH117 (others are to be ignored, as the specification says)
        return Path(given)
    try:
        return Path.home() / ".cache"
    except RuntimeError:
        return None


def environment(**more: str) -> dict[str, str]:
    """The variables of this process and more, for a child."""
    return {**os.environ, **more}


def numba_cache() -> str:
    """NUMBA_CACHE_DIR, or an empty string."""
    return os.environ.get("NUMBA_CACHE_DIR", "")


def _variables(webhook: Webhook) -> tuple[str, str]:
    """The variables that may have the secret of a webhook, or the path of a file with it."""
    name = f"{PREFIX}WEBHOOK_{webhook.key}_SECRET"
    return name, f"{name}_FILE"


def _with_secret(webhook: Webhook) -> Webhook:
    variable, of_file = _variables(webhook)
    value, path = os.environ.get(variable, ""), os.environ.get(of_file, "")
    if bool(value) == bool(path):
        what = (
            "both are set; leave one out"
            if value
            else f"set one of them to the secret that {webhook.name!r} signs with"
        )
        raise Misconfigured(f"the secret of the webhook {webhook.name!r}: {variable}, or {of_file} with a path: {what}")
    if value:
        return replace(webhook, secret=os.fsencode(value))
    file = SecretFile(path, f"the secret of the webhook {webhook.name!r}", of_file)
    return replace(webhook, secret=file.secret(), secret_file=file)


def _is_of_a_service(name: str, value: str) -> bool:
    port, address = _PORT_OF_A_SERVICE
    return bool(_OF_A_SERVICE.fullmatch(name) or (port.fullmatch(name) and address.fullmatch(value)))


def several(value: str) -> tuple[str, ...]:
    """The parts of a setting that are separated by commas."""
    return tuple(filter(None, (part.strip() for part in value.split(","))))


def _parse(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise Misconfigured(f"reading {path.resolve()}: {error}") from error
