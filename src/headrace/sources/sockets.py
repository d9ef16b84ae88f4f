"""A web socket (RFC 6455) as a connection of a stream."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

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
from websockets.typing import Subprotocol

from headrace.sources.back_off import Broken, Kind
from headrace.sources.http_client import (
    CONNECT_SECONDS,
    SILENT_SECONDS,
    USER_AGENT,
    is_no_host,
    kind_of,
    retry_after,
)
from headrace.sources.stream import Message

MESSAGE_BYTES = 64 << 20  #: the longest message
QUEUED = 4  #: messages that wait to be handed over
CLOSE_SECONDS = 1.0  #: for the server to say goodbye
_TOO_BIG = 1009  # the code with which a connection is closed because of a message that is too long


class Answered(Broken):
    """The server has answered with an error, and not with a web socket. `status` and `body` are those of its answer."""

    def __init__(self, status: int, reason: str, seconds: float | None, body: bytes) -> None:
        super().__init__(kind_of(status), reason, seconds)
        self.status, self.body = status, body


class TooLong(Broken):
    """The server has sent a message of more than MESSAGE_BYTES, with which the connection ends."""


class SocketConnection:
    """Messages of a web socket. Raises Broken.

    `subprotocols` are offered to the server; unless `compressed`, no compression is.
    """

    def __init__(self, address: str, *, subprotocols: Sequence[str] = (), compressed: bool = True) -> None:
        self._opened = ExitStack()
        try:
            opening = connect(
                address,
                subprotocols=[Subprotocol(one) for one in subprotocols] or None,
                compression="deflate" if compressed else None,
                open_timeout=CONNECT_SECONDS,
                ping_interval=SILENT_SECONDS / 2,
                ping_timeout=SILENT_SECONDS / 2,
                close_timeout=CLOSE_SECONDS,
                max_size=MESSAGE_BYTES,
                max_queue=QUEUED,
                user_agent_header=USER_AGENT,
            )
            self._socket = self._opened.enter_context(opening)
        except InvalidStatus as error:
            answer = error.response
            reason = f"the server answers {answer.status_code} {answer.reason_phrase}"
            body = bytes(answer.body or b"")
            raise Answered(answer.status_code, reason, retry_after(answer.headers), body) from error
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
        while True:
            try:
                data = self._socket.recv(decode=False)
            except ConnectionClosedOK:
                return
            except ConnectionClosed as error:
                if error.rcvd is None and error.sent is not None and error.sent.code == _TOO_BIG:
                    reason = f"the server sent a message of more than {MESSAGE_BYTES:,} bytes"
                    raise TooLong(Kind.ENDED, reason) from error
                raise Broken(Kind.NETWORK, f"the connection was lost: {error}") from error
            yield Message(data)

    def close(self) -> None:
        """End the connection, also from another thread. Calling it twice is harmless."""
        self._opened.close()
