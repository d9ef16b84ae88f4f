"""The server: the API and the console on one port, run by uvicorn. The caller starts and stops it."""

import asyncio
import contextlib
import errno
import functools
import math
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from headrace.errors import Misconfigured
from headrace.web.access.connections import Connections
from headrace.web.access.direct_connection import DirectConnection, KnownHead
from headrace.web.access.full_connection import FullConnection, FullServer
from headrace.web.access.guard import AccessGuard
from headrace.web.access.headers import WholeResponses
from headrace.web.access.login import Login
from headrace.web.access.paths import is_api, route_path
from headrace.web.access.proxies import BehindProxy
from headrace.web.access.socket_connection import SocketConnection
from headrace.web.api.app import direct_calls, plain_api
from headrace.web.direct import DirectCalls
from headrace.web.requests import PayloadMemory
from headrace.web.services import ServerSettings, Services
from headrace.web.state import AppState

DRAIN_SECONDS = 1  #: how long requests may go on after the stop
BACKLOG = 4096  #: connections that the kernel holds before they are accepted
ACCEPTED = (
    16  #: connections that are accepted in one turn of the event loop, which accepts one for each listening socket
)
SOCKET_BYTES = 1 << 20  #: the largest message of the console's WebSocket


def serve(
    services: Services, *, console: bool, stop: Callable[[], bool], on_ready: Callable[[str], None] | None = None
) -> None:
    """Serve until `stop()` is true, which is checked ten times a second; stopping then takes two seconds at most.

    `on_ready` is called with the address once connections are accepted. Signals are left to the caller. Raises Misconfigured if the
    server can't listen on the port, or if it would be open to a network without a token.
    """
    state = AppState.from_services(services)
    memory = PayloadMemory(services.settings.request_bytes)
    app = build_app(state, memory, console=console)
    direct: DirectCalls[KnownHead] = DirectCalls(
        direct_calls(state), services.settings, memory=memory, meter=state.meter
    )
    with contextlib.ExitStack() as opened:
        listeners = [opened.enter_context(contextlib.closing(one)) for one in copies(listen(services.settings))]
        connections = Connections(services.settings.limits)
        config = uvicorn.Config(
            app,
            http=_accept(connections, direct),  # type: ignore[arg-type]
            ws=functools.partial(SocketConnection, connections=connections),  # type: ignore[arg-type]
            proxy_headers=False,  # BehindProxy takes them
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            lifespan="on",
            ws_max_size=SOCKET_BYTES,
            timeout_keep_alive=math.ceil(services.settings.limits.idle_seconds),
            timeout_graceful_shutdown=DRAIN_SECONDS,
            backlog=BACKLOG,
        )
        server = _Server(
            config, state, connections, stop, lambda: on_ready(address(listeners[0])) if on_ready else None
        )
        server.run(listeners)


def _accept(connections: Connections, direct: DirectCalls[KnownHead]) -> Callable[..., asyncio.Protocol]:
    """What uvicorn calls for each connection that it has accepted."""
    full = FullServer(connections)
    accept = functools.partial(
        DirectConnection, connections=connections, direct=direct, responses=WholeResponses(), full=full
    )

    def connect(**asked: Any) -> asyncio.Protocol:
        return FullConnection(full) if full.is_full() else accept(**asked)

    return connect


def build_app(state: AppState, memory: PayloadMemory, *, console: bool) -> ASGIApp:
    """The API and, if wanted, the console beside it: two apps behind one access guard. Payloads are kept in `memory`."""
    settings = state.services.settings
    api = plain_api(state)
    if not console:
        return _outermost(AccessGuard(api, settings, memory=memory), settings)
    from headrace.web.console import plain_console

    pages = plain_console(state)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with pages.router.lifespan_context(pages), api.router.lifespan_context(api):
            yield

    starter = Starlette(lifespan=lifespan)

    async def split(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await starter(scope, receive, send)
        else:
            await (api if is_api(route_path(scope)) else pages)(scope, receive, send)

    return _outermost(AccessGuard(split, settings, Login(), memory), settings)


def _outermost(guard: AccessGuard, settings: ServerSettings) -> ASGIApp:
    return BehindProxy(guard, root_path=settings.root_path, proxies=settings.proxies)


def listen(settings: ServerSettings) -> socket.socket:
    """A socket that listens. Raises Misconfigured, saying what to do, if that is impossible."""
    where = f"port {settings.port} on {settings.host or 'every address'}"
    try:
        found = socket.getaddrinfo(
            settings.host or None, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror as error:
        raise Misconfigured(
            f"listening on {settings.host!r}: {error.strerror}; give an address of this machine"
        ) from None
    family, kind, protocol, _, target = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(target)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise Misconfigured(_why(error, where)) from None
    listener.setblocking(False)
    return listener


def copies(listener: socket.socket, number: int = ACCEPTED) -> list[socket.socket]:
    """A socket that listens, and copies of it, so many in all.

    libuv accepts one connection for each socket in a turn. A busy server takes long for a turn, and those who connect meanwhile would wait
    for hundreds of turns, or in vain: the kernel drops what is more than the backlog, which costs a client a second or three.
    """
    return [listener, *(listener.dup() for _ in range(number - 1))]


def address(listener: socket.socket) -> str:
    """The URL for a browser."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _why(error: OSError, where: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use, perhaps by another Headrace; choose another with --port (0 takes a free one)"
    if error.errno == errno.EACCES:
        return f"only root may use {where}; choose one above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{where}: this machine has no such address; choose another with --host"
    return f"listening on {where} failed: {error.strerror}"


class _Server(uvicorn.Server):
    """uvicorn, without its signal handlers."""

    def __init__(
        self,
        config: uvicorn.Config,
        state: AppState,
        connections: Connections,
        stop: Callable[[], bool],
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._connections = connections
        self._state = state
        self._stop = stop
        self._on_ready = on_ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        self._connections.check()
        return self._stop() or await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._state.watcher.close()  # requests that wait for results are answered at once
        await super().shutdown(sockets)
