"""Opening what a URL names: loading its adapter, which headrace.adapters names, and handing it the URL.

An adapter is loaded when a URL first asks for it. What opens a URL is `from_url(url)` of the class, or of the module if no class is named.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from headrace import adapters, config
from headrace.adapters import Entry
from headrace.errors import HeadraceError, Misconfigured, did_you_mean
from headrace.fields import USUAL, Fields
from headrace.file_options import UNSAID, FileOptions
from headrace.masking import hide, mask_url, secrets_of
from headrace.masking import mask as mask

if TYPE_CHECKING:  # `headrace --help` loads this module, and no port
    from headrace.ports import BrokerAdapter, Classifier, Sink, SourceAdapter, StoreAdapter
    from headrace.sources.files import FileSource


_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:")


class Connectors:
    """How to connect to one broker, one store and, if results are published, one sink for them.

    A URL of something in memory gives the same at each call, and so does an adapter that is given instead of a URL. Raises Misconfigured
    for a URL that no adapter serves, and if results would go nowhere, or come back as documents.
    """

    def __init__(self, broker: "str | BrokerAdapter", store: "str | StoreAdapter", results: "str | Sink" = "") -> None:
        if results and results == broker:
            raise Misconfigured("results would come back as documents; give --results another place than --broker")
        self.broker: Callable[[], BrokerAdapter] = _connector("broker", broker, adapters.BROKERS)
        self.store: Callable[[], StoreAdapter] = _connector("store", store, adapters.STORES)
        self.results: Callable[[], Sink] | None = _connector("results", results, adapters.SINKS) if results else None
        if not results and not keeps(store):
            raise Misconfigured(
                "the store none: keeps nothing; use it for headrace work, with --results to publish to, and another store for all else"
            )


def open_source(
    url: str, *, limit: int, fields: Fields = USUAL, options: FileOptions = UNSAID, budget: int | None = None
) -> "SourceAdapter":
    """The source at a URL, or of a file by its path; `-` is standard input. `limit`: the largest document, in bytes.

    `options` are those of a file that is given by its path; `fields` are where the members of documents stand in its records.
    `budget` is how many posts may be read in a month of a platform that charges for them. A path that looks like a URL is a path if there
    is such a file. Raises Misconfigured if no adapter serves the URL, or it cannot be read.
    """
    scheme, colon, _ = url.partition(":")
    if budget is not None and not (colon and scheme in adapters.SOURCES and adapters.SOURCES[scheme].budgeted):
        raise Misconfigured(f"{mask_url(url)} costs nothing: a budget is for twitter: alone; leave it out")
    if scheme not in adapters.SOURCES or not colon:
        if _SCHEME.match(url) and not os.path.lexists(url):
            entry_of("source", url, adapters.SOURCES, plain="files")  # raises, and suggests a scheme
        return open_file(url, limit=limit, fields=fields, options=options)
    entry = entry_of("source", url, adapters.SOURCES)
    if entry.path:
        return open_file(url, limit=limit, fields=fields, options=options)
    if options != UNSAID:
        raise Misconfigured(f"a format is for the path of a file; {mask_url(url)} is a URL, with options of its own")
    adapter = _load(entry.target, f"the source {mask_url(url)}", entry.extra)
    if not entry.mapped and not fields.usual:
        raise Misconfigured(
            f"the records of {scheme}: have fields of their own; leave out which to take for {mask_url(url)}"
        )
    with _hiding(url):
        taken: dict[str, Any] = {"fields": fields} if entry.mapped else {}
        if entry.token:
            taken["token"] = partial(config.token, entry.token)
        if entry.budgeted:
            taken["budget"] = budget
        return cast("SourceAdapter", adapter.from_url(url, limit=limit, **taken))


def open_file(
    path: str, *, limit: int, fields: Fields = USUAL, others: Sequence[str] = (), options: FileOptions = UNSAID
) -> "FileSource":
    """The source of a file, or of standard input (`-`); a table needs `others` as columns too.

    Raises Misconfigured for an unknown format or encoding.
    """
    adapter = _load(adapters.SOURCES["files"].target, f"the file {path}", "")
    return cast("FileSource", adapter(path, limit=limit, fields=fields, others=others, options=options))


def open_classifier(url: str) -> "Classifier":
    """The classifier that a URL names. Raises Misconfigured if no adapter serves the URL, or it names nothing that can be opened."""
    return cast("Classifier", _open("classifier", url, adapters.CLASSIFIERS))


def open_registry(url: str) -> Any:
    """The registry at a URL, or in a folder with this path. Raises Misconfigured if no adapter serves the URL.

    `models.registry.Registry.from_url` is the same call with its type.
    """
    return _open("registry", url, adapters.REGISTRIES, plain="file")


def is_memory(url: str) -> bool:
    """Whether the URL names something that lives in one process."""
    return url.partition(":")[0] == "memory"


def keeps(store: "str | StoreAdapter") -> bool:
    """Whether the store keeps what is written to it; only one that is given by the URL `none:` does not."""
    return not isinstance(store, str) or store.partition(":")[0] != "none"


def _open(what: str, url: str, table: Mapping[str, Entry], *, plain: str = "") -> Any:
    """What the adapter opens at a URL; `plain` is the scheme of what has none, such as a path."""
    entry = table[plain] if plain and not _SCHEME.match(url) else entry_of(what, url, table, plain)
    adapter = _load(entry.target, f"the {what} {mask_url(url)}", entry.extra)
    with _hiding(url):
        return adapter.from_url(url)


def _connector(what: str, url: object, table: Mapping[str, Entry]) -> Callable[[], Any]:
    if not isinstance(url, str):
        return lambda: url
    entry = entry_of(what, url, table)
    adapter = _load(entry.target, f"the {what} {mask_url(url)}", entry.extra)
    if not is_memory(url):
        return lambda: _connected(adapter, url)
    shared = adapter.from_url(url)
    return lambda: shared.connect()


def _connected(adapter: Any, url: str) -> Any:
    with _hiding(url):
        return adapter.from_url(url)


@contextmanager
def _hiding(url: str) -> Iterator[None]:
    """Hide the secrets of a URL in the error that says what is wrong with it: it may quote any part."""
    try:
        yield
    except HeadraceError as error:
        error.args = (hide(str(error), secrets_of(url)),)
        raise


def entry_of(what: str, url: str, table: Mapping[str, Entry], plain: str = "") -> Entry:
    """The adapter of a URL. Raises Misconfigured, naming the schemes of the table, if none serves it, or it is not a URL."""
    scheme, colon, _ = url.partition(":")
    entry = table.get(scheme) if colon else None
    if entry is None:
        meant = did_you_mean(scheme, table, "{}:")
        verb = "are" if what == "results" else "is"
        known = [*(f"{name}:" for name in sorted(table)), *(["a plain path"] if plain else [])]
        raise Misconfigured(f"no {what} {verb} known for {mask_url(url)!r}; {meant}known are {', '.join(known)}")
    try:
        urlsplit(url)
    except ValueError as error:
        raise Misconfigured(
            f"the {what} {mask_url(url)!r} is not a URL: {error}; a host in brackets is an IPv6 address, as in [::1]:5432"
        ) from None
    return entry


def _load(target: str, what: str, extra: str) -> Any:
    module, _, name = target.partition(":")
    try:
        loaded = import_module(module)
        return getattr(loaded, name) if name else loaded
    except ModuleNotFoundError as error:
        if extra:
            raise Misconfigured(f"{what} needs {error.name}: pip install 'headrace[{extra}]'") from error
        raise Misconfigured(f"{what} cannot be loaded: {error}") from error
    except (AttributeError, ValueError) as error:
        raise Misconfigured(f"{what} cannot be loaded: {error}") from error
