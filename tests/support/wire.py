"""A wire that can be cut and stalled: a proxy on loopback between a test and a server."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self


class Wire:
    """Forwards connections to a server. `cut` ends all connections; after `stall`, bytes are accepted and not passed on."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []  # those that `cut` ends
        self._all: list[
            socket.socket
        ] = []  # closed at the end only, so that no descriptor is reused while a thread still uses it
        self._changing = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self._ends: list[threading.Thread] = []
        self._spawn(self._accept)

    @property
    def port(self) -> int:
        """The port on loopback to connect to instead of the server."""
        port: int = self._listener.getsockname()[1]
        return port

    def cut(self) -> None:
        """End every connection, as if a cable were pulled out and put back. New connections are forwarded."""
        with self._changing:
            sockets, self._sockets = self._sockets, []
        for one in sockets:
            _end(one)

    def stall(self) -> None:
        """From now on nothing arrives, and neither side is told."""
        self._flowing.clear()

    def flow(self) -> None:
        """End the stall: what was held back arrives."""
        self._flowing.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        _end(self._listener)
        self._ends[0].join()  # no connection comes any more
        self.flow()
        self.cut()
        for thread in self._ends:
            thread.join()
        self._listener.close()
        for one in self._all:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._server)
            except OSError:
                near.close()
                continue
            with self._changing:
                self._sockets += [near, far]
                self._all += [near, far]
            self._spawn(self._pass_on, near, far)
            self._spawn(self._pass_on, far, near)

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(1 << 16):
                self._flowing.wait()
                other.sendall(data)
        except OSError:
            pass
        finally:
            _end(one)
            _end(other)

    def _spawn(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._ends.append(thread)
        thread.start()


def _end(one: socket.socket) -> None:
    with suppress(OSError):  # it has ended already
        one.shutdown(socket.SHUT_RDWR)
