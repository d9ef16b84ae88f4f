"""A stand-in for a host of Jetstream: versions 1 and 2 of its stream, its dictionary, and its archive."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from headrace.clock import microseconds, to_datetime
from headrace.zstd import load as load_zstd
from support.http_server import Request
from support.jetstream_archive import answer_block, plan
from support.socket_server import Socket

XRPC = "/xrpc/network.bsky.jetstream."
DID = "did:plc:anna"
KEY = "bsky-geheim-K3y"
AHEAD = 200_000_000  #: microseconds by which events are later than the server's start, so that none is too old when a test is slow
Event = dict[str, Any]


def commit(number: int, text: str | None = None, operation: str = "create", **members: Any) -> Event:
    """What happens to record `number` (a post, unless there is another `collection`) of an author (`did`)."""
    record = {"$type": "app.bsky.feed.post", "text": f"post {number}" if text is None else text, "langs": ["sv"]}
    record |= {"createdAt": "2026-11-29T12:00:00.123Z"}
    told = {
        "did": DID,
        "operation": operation,
        "collection": "app.bsky.feed.post",
        "rkey": f"3k{number}",
        "rev": f"rev{number}",
    }
    return {"kind": "commit", **told, **({} if operation == "delete" else {"record": record, "cid": "bafy"}), **members}


def account(did: str = DID, *, active: bool = False, status: str | None = "deleted") -> Event:
    """An account that changes its state."""
    return {
        "kind": "account",
        "did": did,
        "account": {"active": active, "did": did, "seq": 7, "time": "x", "status": status},
    }


def sync(did: str = DID) -> Event:
    """A repository that is replaced."""
    return {"kind": "sync", "did": did, "sync": {"did": did, "rev": "r", "blocks": {"$bytes": "AA"}}}


def stored(number: int, collection: str = "app.bsky.feed.post", did: str = DID) -> str:
    """The id of the document of record `number`."""
    return f"bluesky:{did}/{collection}/3k{number}"


class Jetstream:
    """A host on which `events` have happened, the first with the number `first`, of which it streams those from the number `floor` on.

    `stream` sends the messages that a client is to get, each with the number of its event; it is called once the web socket is open.
    With a `key`, the archive asks for it; if `numbered`, version 1 has numbers too. `before` may answer a request instead, and returns
    whether it did.
    """

    def __init__(
        self,
        events: Sequence[Event] = (),
        stream: Callable[[Socket, Sequence[tuple[int, str]]], None] | None = None,
        *,
        first: int = 1,
        floor: int = 0,
        dictionary: bytes = b"",
        key: str = "",
        sealed: int = 0,
        numbered: bool = False,
        before: Callable[[Request], bool] = lambda _request: False,
    ) -> None:
        self.began = microseconds() + AHEAD
        self.first, self.floor, self.key, self.sealed = first, floor, key, sealed
        self.events = list(events)
        self.asked: list[dict[str, list[str]]] = []  #: of each web socket: its options
        self.dictionary = dictionary
        self._stream, self._before, self._numbered = stream or send_all, before, numbered

    def __call__(self, request: Request) -> None:
        parts = urlsplit(request.path)
        query = parse_qs(parts.query)
        if self._before(request):
            return
        if parts.path == f"{XRPC}getZstdDictionary":
            request.begin(200 if self.dictionary else 404, "application/octet-stream")
            request.send(self.dictionary or b'{"error": "NotFound"}')
        elif parts.path in (f"{XRPC}subscribeEvents", "/subscribe"):
            self.asked.append(query)
            self._open(request, query, old=parts.path == "/subscribe")
        elif self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            refuse(request, 401, "AuthenticationRequired", "no such key")
        elif parts.path == f"{XRPC}planSnapshot":
            asked = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
            request.begin()
            request.send(json.dumps(plan(asked, self.sealed)))
        elif parts.path == f"{XRPC}getBlock":
            answer_block(request, int(query["blockIndex"][0]), self.rows()[: self.sealed])
        else:
            request.begin(404)

    def rows(self) -> list[tuple[int, int, Event]]:
        """All events, with their numbers and times."""
        return [(number, self.time(number), event) for number, event in enumerate(self.events, self.first)]

    def time(self, number: int) -> int:
        """When the event with this number happened; two that follow each other may have the same time."""
        return self.began + number // 2 * 1000

    def _open(self, request: Request, query: Mapping[str, Sequence[str]], *, old: bool) -> None:
        begin, info = self.first, ""
        if "cursor" in query:
            cursor = int(query["cursor"][0])
            if cursor < 10**15 and cursor < self.floor and not old:
                floor = f"cursor {cursor} below lookback floor {self.floor}; re-backfill from your last seq"
                refuse(request, 400, "CursorTooOld", f"subscribe: cursor too old: {floor}")
                return
            late = cursor >= 10**15
            begin = next((number for number, at, _ in self.rows() if at >= cursor), 0) if late else cursor
            info = f"starting at seq {self.floor}" if late and self.floor and begin <= self.floor else ""
        compressed = not old and "zstdDictionary" in query
        socket = Socket(request, subprotocol="" if old else "xrpc.v1.json")
        if info and not old:
            body = {"$type": "network.bsky.jetstream.subscribeEvents#info", "name": "OutdatedCursor", "message": info}
            self._send(socket, json.dumps({"$type": "message", "payload": body}), compressed)
        told = [
            (number, self._message(number, at, event, old=old))
            for number, at, event in self.rows()
            if number >= max(begin, self.floor) and not (old and event["kind"] == "sync") and _wanted(event, query)
        ]
        if compressed:
            zstd = load_zstd("the test server")
            packer = zstd.ZstdCompressor(zstd_dict=zstd.ZstdDict(self.dictionary))
            for _, message in told:
                socket.send(packer.compress(message.encode(), packer.FLUSH_FRAME))
            socket.hold()
        else:
            self._stream(socket, told)

    def _message(self, number: int, at: int, event: Event, *, old: bool) -> str:
        told = {name: value for name, value in event.items() if name not in ("kind", "seq", "time")}
        if not old:
            time = event.get("time", f"{to_datetime(at):%Y-%m-%dT%H:%M:%S.%fZ}")
            kind = f"network.bsky.jetstream.subscribeEvents#{event['kind']}"
            return json.dumps({"$type": "message", "payload": {"$type": kind, "seq": number, "time": time, **told}})
        old_event = {"did": told.pop("did"), "time_us": event.get("time", at), "kind": event["kind"]}
        old_event |= {"cursor": number} if self._numbered else {}
        return json.dumps({**old_event, **({"commit": told} if event["kind"] == "commit" else told)})

    def _send(self, socket: Socket, message: str, compressed: bool) -> None:
        if compressed:
            zstd = load_zstd("the test server")
            socket.send(zstd.compress(message.encode(), zstd_dict=zstd.ZstdDict(self.dictionary)))
        else:
            socket.send(message)


def send_all(socket: Socket, messages: Sequence[tuple[int, str]]) -> None:
    """Send all messages, and nothing more until the client goes."""
    for _, message in messages:
        if not socket.send(message):
            return
    socket.hold()


def refuse(request: Request, status: int, error: str, message: str) -> None:
    """Answer with an error as Jetstream gives it."""
    body = msgspec.json.encode({"error": error, "message": message})
    request.begin(status, Content_Length=str(len(body)))
    request.send(body)


def _wanted(event: Event, query: Mapping[str, Sequence[str]]) -> bool:
    """Whether a client has asked for this event, in either version's way."""
    collections = query.get("collections", query.get("wantedCollections", ()))
    authors = query.get("dids", query.get("wantedDids", ()))
    return (
        event["kind"] in query.get("kinds", (event["kind"],))
        and (not authors or event["did"] in authors)
        and (
            event["kind"] != "commit"
            or not collections
            or any(_matches(event["collection"], one) for one in collections)
        )
    )


def _matches(collection: str, wanted: str) -> bool:
    return collection == wanted or (wanted.endswith(".*") and collection.startswith(wanted[:-1]))
