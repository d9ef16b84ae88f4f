"""An HTTP server of the tests' own, whose answers a test decides, down to the bytes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """A request, and the connection to answer it on. `number` counts the requests to this server from 1."""

    protocol_version = "HTTP/1.1"
    number = 0

    def do_GET(self) -> None:
        server: Any = self.server
        self.number = server.counted(self)
        server.answer(self)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def begin(self, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        """Send the status and the headers of an answer that ends with the connection."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.close_connection = True

    def send(self, data: str | bytes) -> bool:
        """Send a piece; false if the client has gone."""
        try:
            self.wfile.write(data.encode() if isinstance(data, str) else data)
            self.wfile.flush()
        except OSError:
            return False
        return True

    def log_message(self, *_arguments: Any) -> None:
        pass


class Served(ThreadingHTTPServer):
    """The server: its port, and the requests that came."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.answer = answer
        self.requests: list[Request] = []
        self.ended = threading.Event()
        self._lock = threading.Lock()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def counted(self, request: Request) -> int:
        """Note a request; its number."""
        with self._lock:
            self.requests.append(request)
            return len(self.requests)

    def handle_error(self, *_arguments: Any) -> None:
        pass  # a client that goes away is what these tests are about


@contextmanager
def serving(answer: Answer) -> Iterator[Served]:
    """A server that answers with `answer`, each request in a thread of its own; `ended` is set when the block ends."""
    served = Served(answer)
    thread = threading.Thread(target=served.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield served
    finally:
        served.ended.set()
        served.shutdown()
        thread.join()
        served.server_close()
