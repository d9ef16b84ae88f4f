"""A worker's own port for Prometheus (`work --metrics-port`): no framework, one thread, and nothing of it waits for the keeper."""

import contextlib
import io
import socket
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any

from headrace import exposition
from headrace.errors import system_error
from headrace.host_names import HostNames
from headrace.meter import Meter
from headrace.ports import WorkerStatus
from headrace.worker.totals import WorkerTotals, show_states

PATH = "/metrics"
CLIENT_SECONDS = 10.0  #: how long a client may pause while it sends its request and reads the answer
CLIENTS = 32  #: connections at once, a thread each; one more ends the oldest
HEAD_BYTES = 16 << 10  #: of a request that are read


class Exporter:
    """Serves the sums of what some workers have counted at `/metrics`, until it is closed.

    `statuses` gives the workers' last statuses, and is called at each scrape. Raises Misconfigured if the port can't be listened on; port
    0 takes a free one. It is called by its address or by one of the names `hosts`, and by no other name (DNS rebinding).
    """

    def __init__(
        self, host: str, port: int, statuses: Callable[[], list[WorkerStatus]], *, hosts: Sequence[str] = ()
    ) -> None:
        self._statuses = statuses
        self._totals = WorkerTotals()
        self._lock = threading.Lock()
        self._server = _listen(host, port, self.scrape, HostNames(host, hosts))
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """The URL to scrape."""
        host, port = self._server.server_address[:2]
        return f"http://[{host!s}]:{port}{PATH}" if ":" in str(host) else f"http://{host!s}:{port}{PATH}"

    def scrape(self) -> bytes:
        """All metrics of the workers in Prometheus' text format."""
        with self._lock:
            statuses = self._statuses()
            self._totals.take(statuses)
            states = Meter()
            show_states(states, statuses)
            return exposition.write(states, self._totals.meter)

    def close(self) -> None:
        """Stop listening. A scrape that is being answered may be cut off. Calling it twice is harmless."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingTCPServer):
    """Not http.server's own: that asks DNS for the name of its address first."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(
        self, family: socket.AddressFamily, address: Any, scrape: Callable[[], bytes], names: HostNames
    ) -> None:
        self.address_family = family
        self.scrape = scrape
        self.names = names
        self._clients: dict[socket.socket, None] = {}  # the oldest first
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            if len(self._clients) >= CLIENTS:
                oldest = next(iter(self._clients))
                del self._clients[oldest]
                with contextlib.suppress(OSError):  # its thread is closing it
                    oldest.shutdown(socket.SHUT_RDWR)
            self._clients[request] = None
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._clients.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    timeout = CLIENT_SECONDS
    server_version = "headrace"
    sys_version = ""

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BufferedReader(_Beginning(self.rfile, HEAD_BYTES))

    def do_GET(self) -> None:
        self._answer(with_content=True)

    def do_HEAD(self) -> None:
        self._answer(with_content=False)

    def _answer(self, *, with_content: bool) -> None:
        if self.path.partition("?")[0] != PATH:
            self.send_error(404, f"there is only {PATH} here")
            return
        assert isinstance(self.server, _Server)
        called = self.headers.get_all("Host", [])
        if len(called) != 1 or not self.server.names.know(called[0]):
            self.send_error(421, "unknown host", self.server.names.refusal(", ".join(called)))
            return
        content = self.server.scrape()
        self.send_response(200)
        self.send_header("Content-Type", exposition.CONTENT_TYPE)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_content:
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Scrapes are not logged."""


class _Beginning(io.RawIOBase):
    """The beginning of a file: after `most` bytes it ends."""

    def __init__(self, file: io.BufferedIOBase, most: int) -> None:
        self._file, self._left = file, most

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        read = self._file.read1(min(len(into), self._left))
        into[: len(read)] = read
        self._left -= len(read)
        return len(read)

    def close(self) -> None:
        self._file.close()
        super().close()


def _listen(host: str, port: int, scrape: Callable[[], bytes], names: HostNames) -> _Server:
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return _Server(found[0][0], found[0][4], scrape, names)
    except OSError as error:
        doing = f"serving the metrics of workers on port {port} of {host or 'every address'}"
        raise system_error(doing, error, "choose another --metrics-port or --host") from None
