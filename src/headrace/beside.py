"""URLs of a second queue and a second store beside those that are in use."""

from collections.abc import Mapping
from pathlib import PurePath

from headrace.adapters import BROKERS, STORES, Entry
from headrace.errors import Misconfigured
from headrace.masking import mask_url
from headrace.urls import entry_of


def apart(broker: str, store: str, name: str) -> tuple[str, str]:
    """The URLs of a second queue and a second store on the same servers; `name` (letters, digits, underscores) begins their names.

    Raises Misconfigured for a URL that no adapter serves, and for one that exists only once, such as memory.
    """
    return _apart("broker", broker, f"{name}_queue", BROKERS), _apart("store", store, f"{name}_store", STORES)


def _apart(what: str, url: str, name: str, table: Mapping[str, Entry]) -> str:
    entry = entry_of(what, url, table)
    if not entry.names:
        raise Misconfigured(f"no second {what} can be made beside {mask_url(url)}; name one that other processes reach")
    named = entry.names.split()
    address, _, query = url.partition("?")
    if "/" in named:
        scheme, _, rest = address.partition("://")
        host, _, path = rest.partition("/")
        folder, slash, last = path.rpartition("/")
        address = f"{scheme}://{host}/{folder}{slash}{name}{PurePath(last).suffix if host == '' else ''}"
    dropped = {*named, *entry.private.split()}
    options = [option for option in query.split("&") if option and option.partition("=")[0] not in dropped]
    options += [f"{option}={name}" for option in named if option != "/"]
    return f"{address}?{'&'.join(options)}" if options else address
