"""The server's side of a web socket, down to the bytes, on a request of the tests' own HTTP server."""

from contextlib import suppress

from websockets.exceptions import InvalidHandshake
from websockets.server import ServerProtocol

from support.http_server import Request


class Socket:
    """A web socket that a client has asked for. Compression is not offered."""

    def __init__(self, request: Request, *, subprotocol: str = "") -> None:
        self._request = request
        self._protocol = ServerProtocol()
        head = [
            f"{request.command} {request.path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in request.headers.items()),
        ]
        self._protocol.receive_data("\r\n".join([*head, "", ""]).encode())
        (asked,) = self._protocol.events_received()
        answer = self._protocol.accept(asked)  # type: ignore[arg-type]
        if answer.status_code != 101:
            raise InvalidHandshake(str(answer))
        if subprotocol:
            answer.headers["Sec-WebSocket-Protocol"] = subprotocol
        self._protocol.send_response(answer)
        request.close_connection = True
        self.flush()

    def send(self, message: str | bytes) -> bool:
        """Send a message; false if the client has gone."""
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)
        return self.flush()

    def cut(self, message: str) -> None:
        """Send the first half of a message, and end the connection without a word."""
        self._protocol.send_text(message.encode())
        data = b"".join(self._protocol.data_to_send())
        self._request.send(data[: len(data) // 2])

    def flush(self) -> bool:
        """Send what is due; false if the client has gone."""
        return self._request.send(b"".join(self._protocol.data_to_send()))

    def hold(self) -> None:
        """Send nothing, and answer pings, until the client goes."""
        with suppress(OSError):
            while data := self._request.connection.recv(1 << 16):
                self._protocol.receive_data(data)
                self._protocol.events_received()
                self.flush()
                if self._protocol.close_rcvd is not None:
                    return
