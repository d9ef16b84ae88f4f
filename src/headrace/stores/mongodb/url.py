"""The address of a MongoDB store: what its URL says, and what in it can never work."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from pymongo import MongoClient, errors, uri_parser

from headrace.errors import Misconfigured
from headrace.stores.hosts import is_host

PREFIX = "headrace"
# Defaults that the URL overrides. Milliseconds.
PATIENCE: Mapping[str, Any] = {
    "appname": "headrace",
    "serverSelectionTimeoutMS": 10_000,
    "connectTimeoutMS": 10_000,
    "socketTimeoutMS": 60_000,
}
_ADDRESS = "the address of a MongoDB store cannot be read"
_ENCODE = "percent-encode special characters of user and password"


def parse(url: str) -> dict[str, str]:
    """The keyword arguments of the store that a URL describes."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Misconfigured(f"{_ADDRESS}: check its hosts, and {_ENCODE}") from None
    parameters = parts.query.split("&")
    prefix = [unquote(part.removeprefix("prefix=")) for part in parameters if part.startswith("prefix=")]
    rest = "&".join(part for part in parameters if not part.startswith("prefix="))
    address = f"{parts.scheme}://{parts.netloc}{parts.path or '/'}{'?' if rest else ''}{rest}"
    return {"address": address, "prefix": prefix[-1] if prefix else PREFIX}


def parsed_of(address: str, prefix: str) -> Mapping[str, Any]:
    """What the driver reads in the address. Raises Misconfigured for what can never work, without a part of the password."""
    if not prefix.isidentifier():
        raise Misconfigured(f"prefix={prefix!r} of a MongoDB store: write letters, digits and underscores")
    try:
        parsed = uri_parser.parse_uri(address)
    except errors.PyMongoError as error:
        raise Misconfigured(f"{_ADDRESS}: {error}") from None
    except (ValueError, TypeError, OSError):  # their messages may contain the password
        raise Misconfigured(f"{_ADDRESS}: {_what_is_wrong(address)}") from None
    for host, _ in parsed["nodelist"]:
        if not host.startswith("/") and not is_host(host):
            raise Misconfigured(f"{_ADDRESS}: {host!r} is not the name of a host; write a host's name or address")
    return parsed


def opened(address: str, parsed: Mapping[str, Any]) -> "MongoClient[dict[str, Any]]":
    """The driver's client, which connects when it is first used."""
    options = {name: value for name, value in PATIENCE.items() if name not in parsed["options"]}
    try:
        return MongoClient(address, **options)
    except errors.PyMongoError as error:
        raise Misconfigured(f"{_ADDRESS}: {error}") from None
    except (ValueError, TypeError, OSError):
        raise Misconfigured(f"{_ADDRESS}: {_what_is_wrong(address)}") from None


def _what_is_wrong(address: str) -> str:
    query = address.partition("?")[2]
    for part in query.split("&") if query and "@" not in query else ():  # otherwise these may be pieces of a password
        try:
            uri_parser.split_options(part)
        except OSError:
            return f"the file that its option {part.partition('=')[0]!r} names cannot be read"
        except (ValueError, TypeError, errors.PyMongoError):
            return f"its option {part.partition('=')[0]!r} has a value that it cannot have"
    return f"check hosts, ports and options, and {_ENCODE}"
