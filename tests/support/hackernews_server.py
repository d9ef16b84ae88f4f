"""A server of the API of Hacker News, with items that a test decides."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from support.http_server import Request, Served, serving


class News:
    """What the server knows: items by their ids, and which have changed. `before` may answer a request itself, and is true then."""

    def __init__(
        self,
        items: Mapping[int, Any],
        *,
        changed: Sequence[int] = (),
        before: Callable[[Request], bool] = lambda _: False,
    ) -> None:
        self.items, self.changed, self._before = dict(items), list(changed), before
        self.newest = max(items)
        self.asked: list[str] = []

    def answer(self, request: Request) -> None:
        """Answer a request."""
        if self._before(request):
            return
        path = request.path
        self.asked.append(path)
        if path == "/v0/maxitem.json":
            give(request, self.newest)
        elif path == "/v0/updates.json":
            give(request, {"items": self.changed, "profiles": ["ann"]})
        else:
            give(request, self.items.get(int(path.removeprefix("/v0/item/").removesuffix(".json"))))


def story(number: int, title: str = "", **members: Any) -> dict[str, Any]:
    """A story, or with a `type` something else."""
    title = title or f"text {number}"
    return {"id": number, "type": "story", "by": "ann", "time": 1767607200 + number, "title": title, **members}


def give(request: Request, value: object) -> None:
    """Answer with JSON, on a connection that stays open."""
    data = json.dumps(value).encode()
    request.send_response(200)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(data)))
    request.end_headers()
    request.send(data)


@contextmanager
def hackernews(news: News, *, every: str = "0.01", options: str = "") -> Iterator[tuple[str, Served]]:
    """The URL of a source that reads this, from the first item on."""
    with serving(news.answer) as served:
        yield f"hackernews://127.0.0.1:{served.port}?tls=no&from=1{options}#every={every}", served
