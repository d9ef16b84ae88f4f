"""Asking X's API."""

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from headrace.clock import microseconds, to_microseconds
from headrace.errors import Misconfigured
from headrace.masking import forms, hide
from headrace.sources import http_client
from headrace.sources.back_off import Broken, Kind
from headrace.sources.platform_url import PlatformUrl
from headrace.sources.x_api import problems
from headrace.sources.x_api.rules import Change, Rule

HOST = "https://api.x.com"
TOKEN = "HEADRACE_TWITTER_TOKEN"
LIKE = "twitter: for the filtered stream, or twitter:recorded.jsonl for a recording"
KEEP_ALIVE_SECONDS = (
    21.0  #: in which something comes, be it the blank line that X sends every 20 s; after that the stream is dead
)
TRANSFER_SECONDS = 300.0  #: for the answer to a long list of ids
YEARS = 9999  #: from which on a date is not believed: the last month has none after it
RULES = 100  #: that are changed by one request
_PATH = "/2/tweets/search/stream"


class Time:
    """The time by the clock of X, as its answers tell it; before the first of them, by that of this host."""

    def __init__(self) -> None:
        self._told, self._since = 0, 0.0

    def now(self) -> int:
        """In microseconds since the epoch; the clock of this host may be set meanwhile."""
        if not self._told:
            return microseconds()
        return self._told + int((time.monotonic() - self._since) * 1e6)

    def note(self, headers: Mapping[str, str]) -> None:
        """Take the time from an answer, if it tells it."""
        with suppress(ValueError, TypeError):
            at = parsedate_to_datetime(headers.get("Date", ""))
            if at.year >= YEARS:
                return
            self._told, self._since = to_microseconds(at.replace(tzinfo=at.tzinfo or UTC)), time.monotonic()


class Api:
    """X's API at an address, as the owner of a token uses it. All calls raise Broken, or Misconfigured. Use it as a context manager."""

    def __init__(self, address: str, token: str, *, keep_alive: float = KEEP_ALIVE_SECONDS) -> None:
        check_token(token)
        self._address, self._secrets, self._keep_alive = address, forms(token), keep_alive
        self._client = http_client.client({"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"})
        self.time = Time()
        self.rest = 0.0  #: seconds to wait before the next request of the kind that was the last

    @classmethod
    def at(cls, url: str, token: str) -> Self:
        """The API of `twitter:`, or of another host by `twitter://127.0.0.1:8080?tls=no`. Raises Misconfigured for any other URL."""
        return cls(address_of(PlatformUrl.read(url, (), LIKE)), token)

    def use(self, token: str) -> None:
        """Use this token from now on. Raises Misconfigured for what is not a token."""
        check_token(token)
        self._secrets |= forms(token)
        self._client.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def stream(self, parameters: Mapping[str, str]) -> httpx.Response:
        """The filtered stream, opened."""
        timeout = httpx.Timeout(http_client.CONNECT_SECONDS, read=self._keep_alive)
        with self._telling():
            request = self._client.build_request(
                "GET", f"{self._address}{_PATH}", params=dict(parameters), timeout=timeout
            )
            return self._checked(self._client.send(request, stream=True))

    def rules(self) -> Sequence[Rule]:
        """The rules of the filtered stream."""
        found: list[Rule] = []
        seen = {""}  # tokens of pages
        token = ""
        while True:
            answer = self.ask("GET", f"{_PATH}/rules", {"pagination_token": token} if token else {})
            found += [Rule.read(one) for one in _objects(answer.get("data"))]
            token = str(problems.as_mapping(answer.get("meta")).get("next_token") or "")
            if not token:
                return found
            if token in seen:
                raise Broken(Kind.SERVER, "X gives the same page of rules again and again")
            seen.add(token)

    def add_rules(self, rules: Sequence[Rule], *, dry_run: bool = False) -> Change:
        """Add rules; those that X refuses are told in the change."""
        adding = [{"value": one.value, **({"tag": one.tag} if one.tag else {})} for one in rules]
        return self._change("add", adding, dry_run)

    def delete_rules(self, ids: Sequence[str], *, dry_run: bool = False) -> Change:
        """Delete the rules with these ids; those that X refuses are told in the change."""
        return self._change("delete", ids, dry_run)

    def search(self, parameters: Mapping[str, str]) -> Mapping[str, Any]:
        """A page of a recent search."""
        return self.ask("GET", "/2/tweets/search/recent", parameters)

    def usage(self) -> Mapping[str, Any]:
        """How many posts were read this month."""
        answer = self.ask("GET", "/2/usage/tweets", {"usage.fields": "cap_reset_day,project_cap,project_usage"})
        return problems.as_mapping(answer.get("data"))

    def ask(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str] = {},
        body: object = None,
        allowed: Sequence[int] = (),
    ) -> Mapping[str, Any]:
        """The answer to a request. `allowed` are statuses of errors that are answers too."""
        with self._telling():
            response = self._client.request(method, f"{self._address}{path}", params=dict(parameters), json=body)
            return _members(self._checked(response, allowed))

    def upload(self, url: str, data: Iterable[bytes], size: int) -> None:
        """Send ids to an address that X has given."""
        headers = {"Content-Type": "text/plain", "Content-Length": str(size)}
        with self._telling(), self._client_of(url) as client:
            timeout = httpx.Timeout(http_client.CONNECT_SECONDS, read=TRANSFER_SECONDS, write=TRANSFER_SECONDS)
            self._checked(client.put(url, content=iter(data), headers=headers, timeout=timeout))

    def download(self, url: str) -> Iterator[str]:
        """The lines at an address that X has given."""
        with (
            self._telling(),
            self._client_of(url) as client,
            client.stream("GET", url, timeout=TRANSFER_SECONDS) as response,
        ):
            yield from self._checked(response).iter_lines()

    @contextmanager
    def _client_of(self, url: str) -> Iterator[httpx.Client]:
        """The client for an address that X has given: the token goes to X alone."""
        try:
            host = urlsplit(url)[:2]
        except ValueError as error:
            raise Broken(Kind.SERVER, f"X has given an address that cannot be used: {error}") from error
        if host == urlsplit(self._address)[:2]:
            yield self._client
        else:
            with http_client.client() as client:
                yield client

    def _change(self, what: str, some: Sequence[Any], dry_run: bool) -> Change:
        change = Change()
        for first in range(0, len(some), RULES):
            part = some[first : first + RULES]
            answer = self.ask(
                "POST",
                f"{_PATH}/rules",
                {"dry_run": "true"} if dry_run else {},
                {what: {"ids": part} if what == "delete" else part},
                allowed=(400,),
            )
            change.take(answer, asked=len(part), deleting=what == "delete")
        return change

    def _checked(self, response: httpx.Response, allowed: Sequence[int] = ()) -> httpx.Response:
        self.time.note(response.headers)
        self.rest = problems.rest(response.headers, self.time.now())
        if response.status_code not in allowed:
            try:
                problems.check(response, self.time.now())
            except Broken:
                response.close()
                raise
        return response

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn the client's errors into Broken, and hide the token, which a server may repeat."""
        try:
            with http_client.telling():
                yield
        except Broken as broken:
            broken.args = (hide(str(broken), self._secrets),)
            raise


def check_token(token: str) -> None:
    """Raises Misconfigured if this is not a token, and says where to get one."""
    if not token:
        raise Misconfigured(
            f"X needs a token: set {TOKEN}, or {TOKEN}_FILE to the path of a file that has it. You get one at"
            f' {problems.CONSOLE}: make an app there, and copy its "Bearer Token"'
        )
    if not re.fullmatch(r"[!-~]+", token):
        raise Misconfigured(f"the token in {TOKEN} has characters that no token has; copy it again")


def address_of(parts: PlatformUrl) -> str:
    """The address of the API that a URL means. Raises Misconfigured if it has a path."""
    if parts.path:
        raise Misconfigured(f"the filtered stream of X has no path {parts.path!r}; write {LIKE}")
    return parts.address or HOST


def _members(response: httpx.Response) -> Mapping[str, Any]:
    if response.status_code == 204 or not response.content:
        return {}
    try:
        found = json.loads(response.content)
    except (ValueError, RecursionError) as error:
        raise Broken(Kind.SERVER, f"the answer of X is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise Broken(Kind.SERVER, "the answer of X is not an object")
    return found


def _objects(value: object) -> Iterator[dict[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())
