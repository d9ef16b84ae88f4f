"""What the commands of `twitter` share: the account, and what is wrong with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from headrace import config
from headrace.errors import Misconfigured, Unavailable

if TYPE_CHECKING:
    from headrace.sources.x_api.api import Api

TOKEN = "HEADRACE_TWITTER_TOKEN"
Url = Annotated[str, Parameter(help="Where X's API is; twitter://127.0.0.1:8080?tls=no for another server.")]


@contextmanager
def account(url: str) -> "Iterator[Api]":
    """X's API, as the owner of the token uses it. Raises Misconfigured without one; within the block, what X refuses is Misconfigured, and
    Unavailable if it may pass."""
    try:
        from headrace.sources.back_off import Broken, Kind
        from headrace.sources.x_api.api import Api
    except ModuleNotFoundError as error:
        raise Misconfigured(f"headrace twitter needs {error.name}: pip install 'headrace[streams]'") from error
    if url.partition(":")[0] != "twitter":
        raise Misconfigured(f"{url!r} is not X's API; write twitter:, or twitter://127.0.0.1:8080?tls=no")
    try:
        with Api.at(url, config.token(TOKEN)) as api:
            yield api
    except Broken as broken:
        kind = Misconfigured if broken.kind is Kind.REFUSED else Unavailable
        again = f"; try again in {broken.retry_after:,.0f} s" if broken.retry_after else ""
        raise kind(f"asking X: {broken}{again}") from broken
