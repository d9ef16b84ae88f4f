"""A stand-in for X's API: the filtered stream, its rules, the search, connections, usage and compliance jobs."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support import PATIENCE
from support.http_server import Request

AT = 1_796_000_000.0  #: when a server starts, by its clock
TOKEN = "AAAA-geheim%2BT0ken"
STREAM = "/2/tweets/search/stream"
PROBLEMS = "https://api.x.com/2/problems/"
DISCONNECT = {
    "errors": [
        {
            "title": "operational-disconnect",
            "disconnect_type": "UpstreamOperationalDisconnect",
            "detail": "This stream has been disconnected upstream for operational reasons.",
            "type": f"{PROBLEMS}operational-disconnect",
        }
    ]
}
TOO_MANY = {
    "title": "ConnectionException",
    "detail": "This stream is currently at the maximum allowed connection limit.",
    "connection_issue": "TooManyConnections",
    "type": f"{PROBLEMS}streaming-connection",
}
NO_CREDITS = {"title": "Payment Required", "detail": "credits depleted", "type": f"{PROBLEMS}credits-depleted"}
NOT_ENROLLED = {
    "title": "Client Forbidden",
    "detail": "The app must be attached to a project.",
    "reason": "client-not-enrolled",
    "type": f"{PROBLEMS}client-forbidden",
}
_EPOCH = 1_288_834_974_657  # of the numbers of posts, in milliseconds
_WEEK = 7 * 86400


def number(seconds: float, place: int = 0) -> int:
    """The number of a post that was written at this time."""
    return (int(seconds * 1000) - _EPOCH << 22) + place


def written_at(post: dict[str, Any]) -> float:
    """When a post was written, by its number."""
    return ((int(post["id"]) >> 22) + _EPOCH) / 1000


def post(identity: int, text: str, **members: Any) -> dict[str, Any]:
    """A post as the API gives it."""
    return {
        "id": str(identity),
        "text": text,
        "author_id": "7",
        "lang": "sv",
        "created_at": "2026-11-29T12:00:00.000Z",
        "edit_history_tweet_ids": [str(identity)],
        **members,
    }


def line(data: dict[str, Any], tag: str = "cats") -> str:
    """A post as it is streamed."""
    return json.dumps({"data": data, "matching_rules": [{"id": "1", "tag": tag}]}) + "\r\n"


def refusing(status: int, problem: object, **headers: str) -> Callable[[Request], bool]:
    """Answers with an error."""

    def answer(request: Request) -> bool:
        request.begin(status, **headers)
        request.send(json.dumps(problem))
        return True

    return answer


class X:
    """Answers as X does. `stream` is called with the request of a stream; `posts` are those that a search finds. `before` may answer any
    other request instead, and returns whether it did. `at` is the time by its clock, in
    seconds since the epoch, when it starts."""

    def __init__(
        self,
        stream: Callable[[Request], object] | None = None,
        posts: Sequence[dict[str, Any]] = (),
        *,
        rules: Sequence[dict[str, Any]] = ({"id": "1", "value": "cats", "tag": "cats"},),
        before: Callable[[Request], bool] = lambda _request: False,
        at: float = AT,
        page: int = 100,
        strict: bool = False,
    ) -> None:
        self.posts, self.rules, self.ahead = list(posts), list(rules), at - time.time()
        self.stream, self.before, self._page, self._strict = stream or hold, before, page, strict
        self.files = ""  # another host that compliance jobs are uploaded to and downloaded from
        self.streams: list[Request] = []
        self.searches: list[dict[str, str]] = []
        self.open = 1  # connections
        self.jobs: list[dict[str, Any]] = []
        self.uploaded: dict[str, bytes] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}  # of a compliance job, by the number of a post
        self.changes: list[tuple[dict[str, str], dict[str, Any]]] = []

    def now(self) -> float:
        """The time by the clock of X."""
        return time.time() + self.ahead

    def __call__(self, request: Request) -> None:
        request.date_time_string = lambda _at=None: formatdate(self.now(), usegmt=True)  # type: ignore[method-assign]
        path, query = urlsplit(request.path)[2:4]
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            refusing(401, {"title": "Unauthorized", "detail": "Unauthorized"})(request)
        elif self.before(request):
            pass
        elif path == STREAM:
            self.streams.append(request)
            self.stream(request)
        elif path == f"{STREAM}/rules":
            self._answer_rules(request, asked)
        elif path == "/2/tweets/search/recent":
            self.searches.append(asked)
            self._search(request, asked)
        elif path.startswith("/2/compliance/jobs"):
            self._comply(request, path)
        elif path.startswith("/2/connections"):
            self._connections(request)
        elif path == "/2/usage/tweets":
            _send(request, {"data": {"cap_reset_day": 10, "project_cap": "3000000", "project_usage": "43435"}})
        else:
            refusing(404, {"title": "Not Found"})(request)

    def _search(self, request: Request, asked: dict[str, str]) -> None:
        start, end = (_seconds(asked[name]) for name in ("start_time", "end_time"))
        late = self._strict and end > self.now() - 10
        if start < self.now() - _WEEK or start >= end or late or "sample:" in asked["query"]:
            told = {"errors": [{"message": "Invalid 'start_time' or query"}], "title": "Invalid Request"}
            refusing(400, told | {"type": f"{PROBLEMS}invalid-request", "detail": "a parameter was invalid."})(request)
            return
        found = [one for one in self.posts if start <= written_at(one) < end and asked["query"] in one["text"]]
        found.sort(key=lambda one: -int(one["id"]))
        first, most = int(asked.get("next_token", "0")), min(self._page, int(asked["max_results"]))
        more = {"next_token": str(first + most)} if first + most < len(found) else {}
        some = found[first : first + most]
        _send(request, {**({"data": some} if some else {}), "meta": {"result_count": len(some), **more}})

    def _answer_rules(self, request: Request, asked: dict[str, str]) -> None:
        if request.command == "GET":
            _send(request, {**({"data": self.rules} if self.rules else {}), "meta": {"sent": "now"}})
            return
        body = json.loads(body_of(request))
        self.changes.append((asked, body))
        dry, errors, added = asked.get("dry_run") == "true", [], []
        for rule in body.get("add", ()):
            same = [one for one in self.rules if one["value"] == rule["value"]]
            if same:
                errors.append({"value": rule["value"], "id": same[0]["id"], "title": "DuplicateRule"})
            elif "near:" in rule["value"]:
                details = ["unknown operator near: (at position 1)"]
                errors.append({"value": rule["value"], "title": "InvalidRule", "details": details})
            else:
                added.append({**rule, "id": str(100 + len(self.rules) + len(added))})
        gone = [one for one in self.rules if one["id"] in body.get("delete", {}).get("ids", ())]
        unknown = set(body.get("delete", {}).get("ids", ())) - {one["id"] for one in gone}
        errors += [{"id": one, "title": "Not Found", "detail": "Rule does not exist"} for one in sorted(unknown)]
        if not dry:
            self.rules = [one for one in self.rules if one not in gone] + added
        summary = {"deleted": len(gone), "not_deleted": len(unknown)} if "delete" in body else {"created": len(added)}
        told = {"data": added} if added else {}
        _send(request, {**told, "meta": {"summary": summary}, **({"errors": errors} if errors else {})})

    def _connections(self, request: Request) -> None:
        if request.command == "DELETE":
            closed, self.open = self.open, 0
            _send(request, {"data": {"successful_kills": closed, "failed_kills": 0}})
        else:
            told = {"endpoint_name": "filtered_stream", "connected_at": "2026-11-30T08:00:00Z", "client_ip": "10.0.0.1"}
            _send(request, {"data": [{"id": str(one), **told} for one in range(self.open)]})

    def _comply(self, request: Request, path: str) -> None:
        """A job is done at the second look at it."""
        part = path.split("/")[4:]
        host = (self.files or f"http://{request.headers['Host']}") + "/2/compliance/jobs"
        if not part and request.command == "POST":
            if any(one["status"] in ("created", "in_progress") for one in self.jobs):
                refusing(409, {"title": "Conflict", "detail": "A job of this type is already active"})(request)
                return
            name = str(len(self.jobs) + 1)
            urls = {f"{what}_url": f"{host}/{name}/{what}?token=secret" for what in ("upload", "download")}
            self.jobs.append({"id": name, "status": "created", **json.loads(body_of(request)), **urls})
            _send(request, {"data": self.jobs[-1]})
        elif not part:
            _send(request, {"data": self.jobs} if self.jobs else {"meta": {"result_count": 0}})
        else:
            self._answer_job(request, self.jobs[int(part[0]) - 1], part[1:])

    def _answer_job(self, request: Request, job: dict[str, Any], part: Sequence[str]) -> None:
        if request.command == "DELETE":
            job["status"] = "failed"
        elif part == ["upload"]:
            self.uploaded[job["id"]] = body_of(request)
            job["status"] = "in_progress"
        elif part == ["download"]:
            request.begin(kind="application/octet-stream")
            for one in self.uploaded[job["id"]].decode().split():
                for event in self.events.get(one, ()):
                    request.send(json.dumps({"id": one, **event}) + "\n")
            return
        elif job.get("looked") and job["status"] == "in_progress":
            job["status"] = "complete"
        job["looked"] = not part
        _send(request, {"data": job})


def hold(request: Request) -> None:
    """Open the stream, and keep it silent until the test is over."""
    request.begin()
    wait(request)


def wait(request: Request) -> None:
    """Keep a connection open and silent until the test is over."""
    request.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]


def body_of(request: Request) -> bytes:
    """The body of a request; it can be read once."""
    return request.rfile.read(int(request.headers["Content-Length"]))


def _send(request: Request, value: object) -> None:
    request.begin()
    request.send(json.dumps(value))


def _seconds(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()
