"""Stand-ins for EventStreams and for the API of a wiki."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from support import PATIENCE
from support.http_server import Request

AT = 1_790_000_000  #: the time of the first event, in seconds since the epoch


def change(number: int, wiki: str = "enwiki", **members: Any) -> dict[str, Any]:
    """An event of an edited page, as EventStreams tells it."""
    language = wiki.removesuffix("wiki")
    host = f"{language}.wikipedia.org"
    return {
        "$schema": "/mediawiki/recentchange/1.0.0",
        "meta": {"uri": f"https://{host}/wiki/Page_{number}", "domain": host, "dt": when(AT + number)},
        "id": 5000 + number,
        "type": "edit",
        "namespace": 0,
        "title": f"Page {number}",
        "comment": f"comment {number}",
        "timestamp": AT + number,
        "user": "Anna",
        "bot": False,
        "notify_url": f"https://{host}/w/index.php?diff={number}&oldid=1",
        "revision": {"old": 1, "new": number},
        "server_url": f"https://{host}",
        "server_name": host,
        "server_script_path": "/w",
        "wiki": wiki,
        **members,
    }


def canary(at: int = AT) -> dict[str, Any]:
    """An event that only shows that the stream is alive: an example, of which nothing but the time of the platform is true."""
    return change(1, timestamp=1_580_323_800, meta={"domain": "canary", "dt": when(at)})


def when(at: int) -> str:
    """A time in seconds since the epoch, as events tell it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def position(number: int) -> str:
    """Where to go on after an event with this number: Kafka's positions in two data centres."""
    topics = ("eqiad", "codfw")
    return json.dumps(
        [{"topic": f"{one}.mediawiki.recentchange", "partition": 0, "timestamp": number} for one in topics]
    )


def after(request: Request) -> int:
    """The number of the event after which a request goes on; 0 if it begins now."""
    last = request.headers.get("Last-Event-ID")
    return int(json.loads(last)[0]["timestamp"]) if last else 0


def send(request: Request, events: Sequence[dict[str, Any] | str]) -> None:
    """Send these events, after which the client knows, as the stream does."""
    first = after(request)
    request.begin(kind="text/event-stream; charset=utf-8")
    request.send(":ok\n\n")
    for number, event in enumerate(events[first:], first + 1):
        data = event if isinstance(event, str) else json.dumps(event)
        if not request.send(f"event: message\nid: {position(number)}\ndata: {data}\n\n"):
            return


def hold(request: Request) -> None:
    """Keep the connection open and silent until the test is over."""
    request.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]


def asked_titles(request: Request) -> list[str]:
    """The titles of the pages of which a request asks for the extracts."""
    return asked(request)["titles"].split("|")


def asked(request: Request) -> dict[str, str]:
    """The form of a request; it can be read once."""
    body = request.rfile.read(int(request.headers["Content-Length"])).decode()
    return {name: values[0] for name, values in parse_qs(body).items()}


def extract(title: str) -> str:
    """The extract that the stand-in has of a page."""
    return f"{title} is a page." if re.search(r"[1-8]$", title) else ""


def send_extracts(request: Request) -> None:
    """Answer with the extracts of the pages; one whose number ends with 9 is missing, and one with 0 is empty."""
    pages = [
        {"ns": 0, "title": title, "missing": True}
        if title.endswith("9")
        else {"title": title, "extract": extract(title)}
        for title in asked_titles(request)
    ]
    request.begin()
    request.send(json.dumps({"batchcomplete": True, "query": {"pages": pages}}))
