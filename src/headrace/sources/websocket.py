"""A web socket as a source: any stream of JSON over RFC 6455."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Self

from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.sync.client import connect

from headrace.documents import DOCUMENT_BYTES
from headrace.fields import USUAL, Fields
from headrace.ports import Batch
from headrace.sources.http_client import (
    CONNECT_SECONDS,
    SILENT_SECONDS,
    USER_AGENT,
    address,
    is_no_host,
    kind_of,
    retry_after,
)
from headrace.sources.live import Live
from headrace.sources.stream import Broken, Kind, Message, shown

SOURCE = "ws"  #: the source of documents that name none
MESSAGE_BYTES = 64 << 20  #: the longest message
QUEUED = 4  #: messages that wait to be handed over
CLOSE_SECONDS = 1.0  #: for the server to say goodbye


class WebsocketSource:
    """The messages of a web socket, each with the JSON of one document or several.

    A web socket has no memory: after each break a gap is told.
    """

    endless = True
    pausable = False

    def __init__(self, address: str, *, limit: int = DOCUMENT_BYTES, fields: Fields = USUAL) -> None:
        self._address, self._limit, self._fields = address, limit, fields
        self._closed = threading.Event()

    @classmethod
    def from_url(cls, url: str, *, limit: int = DOCUMENT_BYTES, fields: Fields = USUAL) -> Self:
        """The stream of `wss://host/path`, `ws:wss://host/path`, or `ws://host/path?tls=no`; only the last one is without TLS. Raises
        Misconfigured if there is no host."""
        return cls(address(url, "ws", plain="ws", secure="wss"), limit=limit, fields=fields)

    @property
    def name(self) -> str:
        """`ws:` and the address, without secrets."""
        return f"ws:{shown(self._address)}"

    def read(self, after: str | None = None) -> Iterator[Batch]:
        live = Live(self.name, SOURCE, lambda _last: WebsocketConnection(self._address), self._limit, self._fields)
        yield from live.read(after, self._closed)

    def close(self) -> None:
        self._closed.set()


class WebsocketConnection:
    """Messages of a web socket. Raises Broken."""

    def __init__(self, address: str) -> None:
        self._opened = ExitStack()
        try:
            opening = connect(
                address,
                open_timeout=CONNECT_SECONDS,
                ping_interval=SILENT_SECONDS,
                ping_timeout=SILENT_SECONDS,
                close_timeout=CLOSE_SECONDS,
                max_size=MESSAGE_BYTES,
                max_queue=QUEUED,
                user_agent_header=USER_AGENT,
            )
            self._socket = self._opened.enter_context(opening)
        except InvalidStatus as error:
            answer = error.response
            reason = f"the server answers {answer.status_code} {answer.reason_phrase}"
            raise Broken(kind_of(answer.status_code), reason, retry_after(answer.headers)) from error
        except InvalidMessage as error:
            raise Broken(Kind.NETWORK, f"the connection was lost before the server answered: {error}") from error
        except (InvalidURI, ValueError, ImportError) as error:
            reason = f"the address, one to which it leads, or a proxy of the environment cannot be used: {error}"
            raise Broken(Kind.REFUSED, reason) from error
        except InvalidHandshake as error:
            raise Broken(Kind.REFUSED, f"the server speaks no web socket: {error}") from error
        except (OSError, WebSocketException) as error:
            kind = Kind.REFUSED if is_no_host(error) else Kind.NETWORK
            raise Broken(kind, f"the server can't be reached: {error or type(error).__name__}") from error

    def __iter__(self) -> Iterator[Message]:
        try:
            for message in self._socket:
                yield Message(message.encode() if isinstance(message, str) else message)
        except ConnectionClosedOK:
            return
        except ConnectionClosed as error:
            raise Broken(Kind.NETWORK, f"the connection was lost: {error}") from error

    def close(self) -> None:
        self._opened.close()
