"""A polite client of a MediaWiki's Action API: one request at a time, with pauses and a User-Agent, waiting as long as the server asks."""

import gzip
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from headrace import __version__
from headrace.errors import Misconfigured, Unavailable

#: If the wiki's replicas lag by more seconds, it refuses the request and asks us to try again later.
MAXLAG = 5
#: Attempts of a request.
TRIES = 6
#: The longest wait between attempts, in seconds, whatever the server asks.
LONGEST_WAIT = 300.0
#: Seconds after which a silent connection is given up.
TIMEOUT = 30.0
#: Bytes that are read of a response.
RESPONSE_BYTES = 16 << 20
#: The API's limits: introductions of a request, and titles of a request.
AT_ONCE = 20
LISTED = 500


@dataclass(frozen=True)
class MediaWiki:
    """The wiki at `url` ("https://sv.wikipedia.org").

    `contact` (an address or a page) tells the wiki's operators whom to ask. `delay` is the pause before each request, in seconds. Every
    method raises Unavailable after TRIES attempts that failed or were refused for now, and Misconfigured if trying again can't help.
    """

    url: str
    contact: str = ""
    delay: float = 0.5
    sleep: Callable[[float], None] = time.sleep

    def most_viewed(self, number: int) -> list[str]:
        """The titles of up to `number` articles that were read most recently, the most read first; the API knows a few hundred."""
        titles: list[str] = []
        continuation: Mapping[str, Any] = {}
        while len(titles) < number:
            answer = self._ask({"list": "mostviewed", "pvimlimit": str(LISTED), **continuation})
            titles += [page["title"] for page in answer.get("query", {}).get("mostviewed", []) if page.get("ns") == 0]
            continuation = answer.get("continue", {})
            if not continuation:
                break
        return list(dict.fromkeys(titles))[:number]

    def introductions(self, titles: Sequence[str]) -> Iterator[tuple[str, str]]:
        """The titles and introductions, as plain text, of up to AT_ONCE articles; missing and empty ones are skipped."""
        asked = {
            "prop": "extracts",
            "exintro": "1",
            "explaintext": "1",
            "exlimit": str(AT_ONCE),
            "redirects": "1",
            "titles": "|".join(titles),
        }
        continuation: Mapping[str, Any] = {}
        while True:
            answer = self._ask({**asked, **continuation})
            for page in answer.get("query", {}).get("pages", []):
                if page.get("extract"):
                    yield page["title"], page["extract"]
            continuation = answer.get("continue", {})
            if not continuation:
                return

    def _ask(self, query: Mapping[str, str]) -> Any:
        query = {"action": "query", "format": "json", "formatversion": "2", "maxlag": str(MAXLAG), **query}
        address = f"{self.url}/w/api.php?{urlencode(query)}"
        reason = ""
        for attempt in range(TRIES):
            self.sleep(self.delay)
            wait, reason, answer = self._try(address)
            if answer is not None:
                return answer
            self.sleep(min(2.0**attempt if wait is None else wait, LONGEST_WAIT))
        raise Unavailable(
            f"{self.url} doesn't answer: {reason}; run the same command again later; it continues where it stopped"
        )

    def _try(self, address: str) -> tuple[float | None, str, Any]:
        """One attempt: the seconds that the server asks to wait, if it does, why the attempt failed, and the answer (None if it failed)."""
        agent = f"headrace/{__version__} (language training data; {self.contact or 'no contact given'})"
        request = urllib.request.Request(address, headers={"User-Agent": agent, "Accept-Encoding": "gzip"})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                wait = _seconds(response.headers.get("Retry-After"))
                body = _body(response)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 429 or error.code >= 500:
                    return _seconds(error.headers.get("Retry-After")), f"HTTP {error.code} {error.reason}", None
            raise Misconfigured(
                f"asking {self.url} for articles: HTTP {error.code} {error.reason}; is it a wiki?"
            ) from None
        except (urllib.error.URLError, http.client.HTTPException, OSError, EOFError) as error:
            return None, str(getattr(error, "reason", error)), None
        return self._read(body, wait)

    def _read(self, body: bytes, wait: float | None) -> tuple[float | None, str, Any]:
        try:
            answer = json.loads(body)
        except ValueError:
            return wait, "the answer is not JSON", None
        if not isinstance(answer, dict):
            raise Misconfigured(f"asking {self.url} for articles: the answer is not an object; is it a wiki?")
        error = answer.get("error")
        if error is None:
            return wait, "", answer
        if error.get("code") in ("maxlag", "ratelimited", "readonly"):
            return wait, error.get("info", error["code"]), None
        raise Misconfigured(f"asking {self.url} for articles: {error.get('info', error)}")


def _body(response: http.client.HTTPResponse) -> bytes:
    data = response.read(RESPONSE_BYTES)
    return gzip.decompress(data) if response.headers.get("Content-Encoding") == "gzip" else data


def _seconds(after: str | None) -> float | None:
    """The seconds that a Retry-After header asks for, given as a number or as a date; None if it is missing or invalid."""
    if after is None:
        return None
    if after.strip().isdigit():
        return float(after)
    try:
        return max(0.0, parsedate_to_datetime(after).timestamp() - time.time())
    except ValueError:
        return None
