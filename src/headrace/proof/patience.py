"""Calls to servers that may be away for a while, or never answer."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from headrace.errors import Unavailable
from headrace.retrying import patiently
from headrace.runtime import Stop

T = TypeVar("T")


class Interrupted(Exception):
    """The stop was requested."""


class Patience:
    """Makes calls, each within so many seconds."""

    def __init__(self, seconds: float, stop: Stop) -> None:
        self._seconds, self._stop = seconds, stop

    def call(self, call: Callable[[], T], times: int = 1) -> T:
        """The call's value. Raises Unavailable if the server stays unavailable `times` as long, Interrupted if the stop is requested."""
        deadline = time.monotonic() + times * self._seconds

        def pause(seconds: float, error: Unavailable) -> None:
            if time.monotonic() > deadline:
                raise error
            if self._stop.wait(seconds):
                raise Interrupted

        return patiently(lambda: self._in_thread(call, deadline), pause)

    def _in_thread(self, call: Callable[[], T], deadline: float) -> T:
        """The call's value, made in another thread: a server that never answers must not keep the proof from ending."""
        answer: Future[T] = Future()

        def work() -> None:
            try:
                answer.set_result(call())
            except BaseException as error:
                answer.set_exception(error)

        threading.Thread(target=work, name="observer", daemon=True).start()
        while not wait([answer], 0.2).done:
            if self._stop.requested:
                raise Interrupted
            if time.monotonic() > deadline:
                raise Unavailable(f"the server has not answered in time (--patience {self._seconds:g})")
        return answer.result()
