"""What headrace.toml and the setting `fields` say beyond single values: `[[ingest]]` and `[[webhook]]` tables, and fields."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from headrace import file_options, signatures
from headrace.errors import Misconfigured, did_you_mean
from headrace.fields import NAMES, USUAL, Field, Fields
from headrace.file_options import UNSAID, FileOptions
from headrace.members import quoted, split, unquoted
from headrace.secret_file import SecretFile
from headrace.signatures import OPTIONS, Signature

LISTS = ("text", "meta")  #: members of a document of which several fields may be named
#: The keys of a `[[webhook]]`.
OF_WEBHOOKS: Sequence[str] = ("name", "records", "signature", *NAMES, *OPTIONS)
BUDGET = 10**12  #: posts a month, at most
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class IngestTable:
    """One `[[ingest]]` of headrace.toml: a source for `headrace ingest` without operands. `options` are those of a path;
    `budget` is how many posts may be read in a month."""

    url: str
    fields: Fields = USUAL
    options: FileOptions = UNSAID
    budget: int | None = None


@dataclass(frozen=True)
class Webhook:
    """One `[[webhook]]` of headrace.toml: what is sent to `/in/NAME`.

    `records` is where in a payload the records are; None for the payload itself. Without a `signature` the API's token is the way in. The
    `secret` is not in the file: it is empty until the environment was asked for it. It may change if the environment names a `secret_file`.
    """

    name: str
    fields: Fields = USUAL
    records: Field | None = None
    signature: Signature | None = None
    secret: bytes = field(default=b"", repr=False)
    secret_file: SecretFile | None = field(default=None, repr=False, compare=False)

    @property
    def secret_now(self) -> bytes:
        """The secret that is to be signed with now."""
        return self.secret_file.secret() if self.secret_file else self.secret

    @property
    def key(self) -> str:
        """The name, as variables of the environment have it."""
        return self.name.upper().replace("-", "_")


def check_names(given: Iterable[str], known: Sequence[str], where: str) -> None:
    """Raises Misconfigured for a name that is not known, with the closest one."""
    for name in given:
        if (normal := name.replace("-", "_")) not in known:
            meant = did_you_mean(normal, known)
            raise Misconfigured(f"{name} {where} is not a setting; {meant}known are {', '.join(known)}")


def text_of(name: str, value: object, path: Path) -> str:
    """A value of the file as text; a list of strings is separated by commas. Raises Misconfigured for a table and the like."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    kind = "a table" if isinstance(value, dict) else "a list of other values" if isinstance(value, list) else "a time"
    raise Misconfigured(f"{name} in {path} is {kind}; write a string, a number, or a list of strings")


def ingest_tables(given: object, path: Path) -> tuple[IngestTable, ...]:
    """The `[[ingest]]` tables of a file. Raises Misconfigured, with the place, for one that is wrong."""
    tables = []
    for table, where in _each("ingest", given, path):
        check_names(table, ["url", "budget", *file_options.OPTIONS, *NAMES], where)
        url = table.get("url")
        if not isinstance(url, str) or not url:
            raise Misconfigured(f'there is no url {where}; write one, such as url = "files:posts.jsonl"')
        named = _texts(table, path, but="url")
        said = {name: named.pop(name, "") for name in file_options.OPTIONS}
        with _told(where):
            budget = budget_of(named.pop("budget")) if "budget" in named else None
            tables.append(IngestTable(url, Fields.parse(**named), FileOptions.parse(said), budget))
    return tuple(tables)


def budget_of(written: str) -> int:
    """A budget, which is a number of posts. Raises Misconfigured for anything else."""
    if not written.isdecimal() or not 0 < int(written) <= BUDGET:
        raise Misconfigured(f"the budget is {written}; it must be a number of posts a month, between 1 and {BUDGET:,}")
    return int(written)


def webhook_tables(given: object, path: Path) -> tuple[Webhook, ...]:
    """The `[[webhook]]` tables of a file. Raises Misconfigured, with the place, for one that is wrong, and for names that are too alike."""
    webhooks: list[Webhook] = []
    for table, where in _each("webhook", given, path):
        check_names(table, OF_WEBHOOKS, where)
        name = table.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise Misconfigured(
                f'the name {where} is {name!r}; it must be 1 to 64 letters, digits, - or _, such as name = "forum"'
            )
        with _told(where):
            webhooks.append(_webhook(name, _texts(table, path, but="name")))
        alike = [one.name for one in webhooks if one.key == webhooks[-1].key]
        if len(alike) > 1:
            raise Misconfigured(
                f"the webhooks {alike[0]!r} and {alike[1]!r} of {path} would share a secret; rename one"
            )
    return tuple(webhooks)


def _webhook(name: str, named: dict[str, str]) -> Webhook:
    options = {option: named.pop(option) for option in OPTIONS if option in named}
    signed, records = named.pop("signature", ""), named.pop("records", "")
    if options and not signed:
        raise Misconfigured(f'{next(iter(options))} is an option of signature = "hmac", which is missing')
    signature = signatures.parse(signed, options) if signed else None
    return Webhook(name, Fields.parse(**named), Field(records) if records else None, signature)


def _each(kind: str, given: object, path: Path) -> Iterator[tuple[dict[str, object], str]]:
    """The tables of a kind, each with its place."""
    if not isinstance(given, list) or not all(isinstance(table, dict) for table in given):
        raise Misconfigured(
            f"{kind} in {path} is not a list of tables; write [[{kind}]] above each, in double brackets"
        )
    for number, table in enumerate(given, 1):
        yield table, f"in [[{kind}]] number {number} of {path}"


def _texts(table: dict[str, object], path: Path, *, but: str) -> dict[str, str]:
    """The values of a table as text, by their names, without one of them."""
    return {
        name.replace("-", "_"): text_of(name, _quoted(name, value), path)
        for name, value in table.items()
        if name != but
    }


def _quoted(name: str, value: object) -> object:
    """The value of a key; of a list of fields, each as it is written among others."""
    if name not in LISTS or not isinstance(value, list):
        return value
    return [quoted(part) if isinstance(part, str) else part for part in value]


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Tells the place of what is wrong."""
    try:
        yield
    except Misconfigured as error:
        raise Misconfigured(f"{where}: {error}".removeprefix("in ")) from None


def fields_of(written: str) -> Fields:
    """The fields of the setting `fields`: pairs such as `text=/payload/body, id=/payload/id`, of which `text` and `meta` may come several
    times; the usual fields if it is empty. A field that holds a comma is in double quotes. Raises Misconfigured, saying what is wrong."""
    named: dict[str, list[str]] = {}
    for pair in filter(None, split(written)):
        name, _, field = (part.strip() for part in pair.partition("="))
        name = name.replace("-", "_")
        if name not in NAMES or not field:
            hint = did_you_mean(name, NAMES)
            raise Misconfigured(
                f"the setting fields has {pair!r}; {hint}write pairs such as text=/payload/body, of {', '.join(NAMES)}"
            )
        named.setdefault(name, []).append(field if name in LISTS else unquoted(field))
    if twice := next((name for name, some in named.items() if len(some) > 1 and name not in LISTS), ""):
        raise Misconfigured(f"the setting fields names two members for {twice}; leave one out")
    return Fields.parse(**{name: ",".join(some) for name, some in named.items()})
