"""Which class serves a URL: tables of scheme → "module:Class", and the extra that brings its driver."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from headrace.errors import Misconfigured
from headrace.ports import Broker, Classifier, FullStore


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an adapter is, and the extra that installs its driver (empty: the base install has it)."""

    target: str
    extra: str = ""


BROKERS: Mapping[str, Entry] = {
    "memory": Entry("headrace.brokers.memory:MemoryBroker"),
    "sqlite": Entry("headrace.brokers.sqlite:SqliteBroker"),
}
STORES: Mapping[str, Entry] = {
    "memory": Entry("headrace.stores.memory:MemoryStore"),
    "sqlite": Entry("headrace.stores.sqlite:SqliteStore"),
}


def broker_connector(url: str) -> Callable[[], Broker]:
    """A function that opens a connection to the broker; a broker in memory is the same one at each call."""
    return cast("Callable[[], Broker]", _connector("broker", url, BROKERS))


def store_connector(url: str) -> Callable[[], FullStore]:
    """A function that opens a connection to the store; a store in memory is the same one at each call."""
    return cast("Callable[[], FullStore]", _connector("store", url, STORES))


def own_classifier(target: str) -> Classifier:
    """A classifier of the user's own, from `module:Class`. Raises Misconfigured where there is none."""
    made = _load(target, f"the classifier python:{target}", "")
    if not callable(made):
        raise Misconfigured(f"python:{target} is no class; write python:module:Class, a class with predict(texts)")
    return cast("Classifier", made())


def is_memory(url: str) -> bool:
    """Whether the URL names something that lives in one process."""
    return url.partition(":")[0] == "memory"


def mask(text: str) -> str:
    """The text with the passwords of all URLs in it hidden."""
    return re.sub(r"(://[^/@\s:]*):[^/\s]*@", r"\1:***@", text)


def _connector(what: str, url: str, table: Mapping[str, Entry]) -> Callable[[], Any]:
    scheme, colon, _ = url.partition(":")
    entry = table.get(scheme) if colon else None
    if entry is None:
        near = difflib.get_close_matches(scheme, table, n=1)
        meant = f"did you mean {near[0]}:? " if near else ""
        raise Misconfigured(
            f"no {what} is known for {mask(url)!r}; {meant}known are {', '.join(f'{name}:' for name in sorted(table))}"
        )
    adapter = _load(entry.target, f"the {what} {mask(url)}", entry.extra)
    if not is_memory(url):
        return lambda: adapter.from_url(url)
    shared = adapter.from_url(url)
    return lambda: shared.connect()


def _load(target: str, what: str, extra: str) -> Any:
    module, _, name = target.partition(":")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if extra:
            raise Misconfigured(f"{what} needs {error.name}: pip install 'headrace[{extra}]'") from error
        raise Misconfigured(f"{what} cannot be loaded: {error}") from error
    except (AttributeError, ValueError) as error:
        raise Misconfigured(f"{what} cannot be loaded: {error}") from error
