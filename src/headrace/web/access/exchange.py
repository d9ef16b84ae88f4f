"""A request that its connection answers itself, and its answer."""

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response

from headrace.web.admission import Place
from headrace.web.direct import BoundCall
from headrace.web.responses import Refused

if TYPE_CHECKING:
    from headrace.web.access.direct_connection import DirectConnection


class Exchange:
    """Takes the place of uvicorn's `RequestResponseCycle` in a connection: what is public here, uvicorn reads, sets or calls.

    It is answered once its payload is complete and `begin` was called.
    """

    __slots__ = (
        "_call", "_connection", "_may_begin", "_task", "body", "disconnected", "keep_alive", "more_body", "response_complete",
    )  # fmt: skip

    def __init__(self, connection: "DirectConnection", call: BoundCall, *, keep_alive: bool) -> None:
        self._connection, self._call = connection, call
        self._may_begin = False
        self._task: asyncio.Task[None] | None = None
        self.body: bytes | bytearray = bytearray()
        self.more_body = True
        self.keep_alive = keep_alive
        self.disconnected = self.response_complete = False

    @property
    def response_started(self) -> bool:
        """Whether something was written: all is written at once."""
        return self.response_complete

    @property
    def message_event(self) -> "Exchange":
        """What uvicorn sets when the payload has grown or ended, or the client has gone."""
        return self

    def begin(self) -> None:
        """Answer it as soon as it is complete: those before it have been answered."""
        self._may_begin = True
        self.set()

    def begin_whole(self, payload: bytes, place: Place | None) -> None:
        """Answer it at once: its payload has come; it has a place, or is refused."""
        self.body, self.more_body = payload, False
        self._answer(place)

    def set(self) -> None:
        """Go on, after what has happened."""
        if self._task is None:
            if self._may_begin and not (self.more_body or self.disconnected or self.response_complete):
                self._answer(self._call.enter())
        elif self.disconnected and self._call.abandoned:
            self._task.cancel()

    def _answer(self, place: Place | None) -> None:
        if place is None:
            self._finish(self._call.refuse())
            return
        connection = self._connection
        self._task = task = connection.loop.create_task(self._run(place))
        connection.tasks.add(task)

        def end(task: "asyncio.Task[None]") -> None:
            connection.tasks.discard(task)
            place.leave()  # also if it was cancelled before it began

        task.add_done_callback(end)

    async def _run(self, place: Place) -> None:
        try:
            response = await self._call.answer(bytes(self.body), place)
            if self._connection.flow.write_paused:
                await self._connection.flow.drain()
        except asyncio.CancelledError:
            if self.disconnected:
                raise
            response = Refused(503, "the server is stopping; send this again", again=True).response()
            self.keep_alive = False
        self._finish(response)

    def _finish(self, response: Response) -> None:
        self.response_complete = True
        if not self.disconnected:
            self._connection.write_answer(self, response)
