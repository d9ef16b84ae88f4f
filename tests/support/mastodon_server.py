"""A stand-in for a Mastodon server: what it is, its timelines, and its stream."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support import PATIENCE
from support.http_server import Request

TOKEN = "kQx7-geheim_T0ken"
FIRST = 115_000_000_000_000_000  #: the id of post 0


def post(number: int, **members: Any) -> dict[str, Any]:
    """A post as the API gives it."""
    return {
        "id": str(FIRST + number),
        "created_at": "2026-11-29T12:00:00.123Z",
        "edited_at": None,
        "in_reply_to_id": None,
        "spoiler_text": "",
        "visibility": "public",
        "language": "sv",
        "uri": f"https://example.org/users/anna/statuses/{number}",
        "url": f"https://example.org/@anna/{number}",
        "content": f"<p>post {number}</p>",
        "account": {"id": "7", "acct": "anna@example.org", "url": "https://example.org/@anna"},
        "tags": [],
        "media_attachments": [],
        **members,
    }


def event(name: str, data: object) -> str:
    """An event as it is streamed."""
    return f"event: {name}\ndata: {data if isinstance(data, str) else json.dumps(data)}\n\n"


class Mastodon:
    """Answers as a server that has `posts`, and streams with `stream`, which is called once the stream is open. `pages` may answer a
    request for a page instead, and returns whether it did."""

    def __init__(
        self,
        posts: Sequence[dict[str, Any]] = (),
        stream: Callable[[Request], None] | None = None,
        *,
        configuration: Mapping[str, Any] | None = None,
        pages: Callable[[Request], bool] = lambda _request: False,
    ) -> None:
        self.posts = list(posts)
        self._stream, self._pages, self._configuration = stream or hold, pages, configuration
        self.streams: list[Request] = []
        self.paged: list[dict[str, str]] = []  #: what was asked of timelines

    def __call__(self, request: Request) -> None:
        path, query = urlsplit(request.path).path, urlsplit(request.path).query
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        if path == "/api/v2/instance":
            request.begin(200 if self._configuration is not None else 404)
            request.send(json.dumps({"configuration": self._configuration or {}}))
        elif request.headers.get("Authorization") != f"Bearer {TOKEN}":
            request.begin(401)
            request.send('{"error": "The access token is invalid"}')
        elif path.startswith("/api/v1/streaming/"):
            self.streams.append(request)
            request.begin(kind="text/event-stream")
            request.send(":)\n")
            self._stream(request)
        else:
            self.paged.append(asked)
            if not self._pages(request):
                request.begin()
                request.send(json.dumps(self.page(asked)))

    def page(self, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        """The posts of a page, the newest first."""
        after = int(asked.get("min_id", "0"))
        later = sorted((one for one in self.posts if int(one["id"]) > after), key=lambda one: int(one["id"]))
        chosen = later[: int(asked["limit"])] if "min_id" in asked else later[-int(asked["limit"]) :]
        return chosen[::-1]


def hold(request: Request) -> None:
    """Keep the connection open and silent until the test is over."""
    request.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]
