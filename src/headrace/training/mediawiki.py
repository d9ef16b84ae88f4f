"""A polite client of a MediaWiki's Action API: one request at a time, named, with pauses, and as patient as the server asks."""

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

MAXLAG = 5  # seconds by which the wiki's replicas may lag before it asks us to come back later
TRIES = 6
LONGEST_WAIT = 300.0
TIMEOUT = 30.0
RESPONSE_BYTES = 16 << 20
AT_ONCE = 20  # introductions a request, the API's limit
LISTED = 500  # titles a request, likewise


@dataclass(frozen=True)
class MediaWiki:
    """The wiki at `url` ("https://sv.wikipedia.org").

    `contact` (an address or page) tells the wiki's operators whom to ask; between two requests `delay` seconds pass. Every method raises
    Unavailable once the wiki has failed or put us off six times, and Misconfigured where asking again can't help.
    """

    url: str
    contact: str = ""
    delay: float = 0.5
    sleep: Callable[[float], None] = time.sleep

    def most_viewed(self, number: int) -> list[str]:
        """Titles of up to `number` articles that were read most of late, most read first; the API knows some hundreds."""
        titles: list[str] = []
        going: Mapping[str, Any] = {}
        while len(titles) < number:
            answer = self._ask({"list": "mostviewed", "pvimlimit": str(LISTED), **going})
            titles += [page["title"] for page in answer.get("query", {}).get("mostviewed", []) if page.get("ns") == 0]
            going = answer.get("continue", {})
            if not going:
                break
        return list(dict.fromkeys(titles))[:number]

    def introductions(self, titles: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Title and introduction, as plain text, of up to twenty articles; those that are gone or empty are passed over."""
        asked = {
            "prop": "extracts",
            "exintro": "1",
            "explaintext": "1",
            "exlimit": str(AT_ONCE),
            "redirects": "1",
            "titles": "|".join(titles),
        }
        going: Mapping[str, Any] = {}
        while True:
            answer = self._ask({**asked, **going})
            for page in answer.get("query", {}).get("pages", []):
                if page.get("extract"):
                    yield page["title"], page["extract"]
            going = answer.get("continue", {})
            if not going:
                return

    def _ask(self, query: Mapping[str, str]) -> Any:
        query = {"action": "query", "format": "json", "formatversion": "2", "maxlag": str(MAXLAG), **query}
        address = f"{self.url}/w/api.php?{urlencode(query)}"
        told = ""
        for attempt in range(TRIES):
            self.sleep(self.delay)
            wait, told, answer = self._try(address)
            if answer is not None:
                return answer
            self.sleep(min(2.0**attempt if wait is None else wait, LONGEST_WAIT))
        raise Unavailable(
            f"{self.url} doesn't answer: {told}; run the same command again later, it goes on where it stopped"
        )

    def _try(self, address: str) -> tuple[float | None, str, Any]:
        """The seconds to wait and why, or the answer."""
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
            return wait, "the answer is no JSON", None
        if not isinstance(answer, dict):
            raise Misconfigured(f"asking {self.url} for articles: the answer is no object; is it a wiki?")
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
    """What Retry-After says, in seconds or as a date; None for nothing or nonsense."""
    if after is None:
        return None
    if after.strip().isdigit():
        return float(after)
    try:
        return max(0.0, parsedate_to_datetime(after).timestamp() - time.time())
    except ValueError:
        return None
