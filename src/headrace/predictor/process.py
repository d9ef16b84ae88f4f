"""The predictor process as its parent sees it: started, asked, watched and replaced, with the cause of each death."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import msgspec

from headrace import config
from headrace.errors import HeadraceError, Misconfigured, Missing, Rejected, Unavailable
from headrace.models.spec import ModelSpec
from headrace.predictor import death, descendants, frames
from headrace.predictor.frames import Closed, Late, Pipe
from headrace.predictor.settings import PredictorSettings
from headrace.predictor.shadows import Shadows
from headrace.retrying import delays
from headrace.runtime import describe, spawning

START_SECONDS = 120.0  # for opening the models
LAST_SECONDS = 5.0  # for a process that has closed its pipe to end
CRASHES_AT_START = 3  # after which the models are taken for broken
#: Signals that are sent to end a process, or a group of them: they prove nothing about a document.
ASKED_TO_END = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE})
_ERRORS: Mapping[str, type[HeadraceError]] = {
    error.__name__: error for error in (Misconfigured, Missing, Unavailable, Rejected)
}


class Abandoned(Exception):
    """The work was given up because the worker has to stop."""


class Gone(Exception):
    """The process died, or was killed at the deadline, while the model at `place` worked (-1: no model).

    `kind` says how in one word (killed, overdue, memory), `reason` in a sentence. `proof` says whether that is evidence against the
    documents at hand: the process was fresh, and was not asked to end.
    """

    def __init__(self, place: int, kind: str, reason: str, *, proof: bool) -> None:
        super().__init__(reason)
        self.place, self.kind, self.reason, self.proof = place, kind, reason, proof


class Process:
    """The predictor process. Used by one thread, which must outlive it: the kernel ends the process with the thread that started it.

    `idle` is called about once a second while waiting, and may raise Abandoned to give up. While `draining` returns true, a death raises
    Abandoned. `fresh` says that the process has answered nothing yet; `deaths` counts those that were not ended by `end`.
    """

    def __init__(
        self, settings: PredictorSettings, *, deadline: float, idle: Callable[[], None], draining: Callable[[], bool]
    ) -> None:
        self._settings = settings
        self._deadline = deadline
        self._idle = idle
        self._draining = draining
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: Pipe | None = None
        self._death: int | None = None  # can be read once the process is dead
        self._mark = ""
        self._was_late = False  # it may have been so for want of a compiled scorer, and what compiled one ended with it
        # which were open before, here or in the process that this one replaces
        self._opened: tuple[ModelSpec, ...] = settings.models if settings.kept else ()
        self.fresh = False
        self.models: list[str] = []
        self.shadows = Shadows(settings.models)
        self.deaths = 0

    def serve(self, models: tuple[ModelSpec, ...]) -> None:
        """Replace the process by one that serves these models. If it raises, the next `start` serves the models from before."""
        before, shadows = self._settings, self.shadows
        self.end()
        self.shadows = Shadows(models)
        self._settings = msgspec.structs.replace(before, models=models)
        try:
            self.start()
        except (Misconfigured, Unavailable):
            self._settings, self.shadows = before, shadows
            raise

    def start(self) -> None:
        """Start the process unless it runs, and wait until its models are open.

        Raises Misconfigured if one cannot be opened, Unavailable if a remote one cannot be reached, the system has no process for it now,
        or a model that was open before cannot be found now.
        """
        crashes, waits = 0, delays()
        while self._pipe is None:
            try:
                self._start()
            except Missing as error:
                if self._opened != self._settings.models:
                    raise
                raise Unavailable(f"{error} (it was open before)") from None
            except Gone as gone:
                if self.shadows.died(gone.place, "overdue", gone.reason):  # opening it costs everybody the time
                    continue
                crashes += gone.proof and gone.reason != describe(-signal.SIGKILL)
                if crashes >= CRASHES_AT_START:
                    models = ", ".join(spec.reference or spec.name for spec in self._settings.models)
                    raise Misconfigured(
                        f"the models ({models}) cannot be opened: the predictor died {crashes} times while"
                        f" loading them and predicting their golden texts: {gone.reason}; look at its messages above"
                    ) from None
                self.pause(next(waits))

    def is_running(self) -> bool:
        """Whether the process is there to be asked: false before it was started, and once it is dead."""
        if self._pipe is None:
            return False
        return self._death is None or not death.has_come(self._death)

    def send(self, message: frames.Message, deadline: float) -> None:
        """Send to the process, which has to run. If it is gone, only `receive` raises."""
        assert self._pipe is not None, "start first"
        with contextlib.suppress(Closed, Late):
            self._pipe.send(message, deadline)

    def receive(self, deadline: float, seconds: float) -> frames.Message:
        """The answer to what was sent. Raises Gone, or what the process raised.

        Each call of a model that answers puts the deadline off, to `seconds` after that call; nobody waits so for a shadow.
        """
        assert self._pipe is not None, "start first"
        place, fresh, self.fresh = -1, self.fresh, False
        try:
            while isinstance(message := self._pipe.receive(deadline), frames.Working):
                place = message.place
                if place not in self.shadows.places:
                    deadline = max(deadline, time.monotonic() + seconds)
        except Late:
            self._was_late = True
            self.end()
            self._abandon_if_draining()
            reason = f"a model took longer than {self._deadline:g} s (setting deadline)"
            raise Gone(place, "overdue", reason, proof=fresh) from None
        except Closed:
            raise self._post_mortem(place, fresh) from None
        return _raise_failure(message)

    def end(self) -> None:
        """Kill the process, if there is one, and whatever its models have started."""
        child, self._child, self._pipe = self._child, None, None
        if child is None:
            return
        dead = child.returncode is not None
        if not dead:
            os.kill(child.pid, signal.SIGKILL)  # not child.kill, which waits for one that is dead
        if self._death is not None:
            os.close(self._death)
            self._death = None
        for end in (child.stdin, child.stdout):
            if end is not None:
                end.close()
        if (
            not dead
        ):  # it must not be waited for before; to find what it has started takes some of the descriptors just closed
            descendants.kill(child.pid, self._mark)
            child.wait()

    def _start(self) -> None:
        command = [sys.executable, "-m", "headrace.predictor.child"]
        self._mark = descendants.new_mark()
        variables = config.environment(**{descendants.VARIABLE: self._mark})
        with spawning("starting a predictor"):
            child = self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                env=variables,
            )
            try:
                self._death = death.descriptor(child.pid)
            except OSError:
                self.end()
                raise
        assert child.stdin is not None
        assert child.stdout is not None
        pipe = Pipe(child.stdout.fileno(), child.stdin.fileno(), self._idle, self._death)
        deadline, place = time.monotonic() + START_SECONDS, -1
        try:
            with contextlib.suppress(Closed):  # `receive` finds out how it ended
                begin = frames.Start(os.getpid(), self._settings, self.shadows.left_out, compiled=self._was_late)
                pipe.send(begin, deadline)
            while isinstance(message := _raise_failure(pipe.receive(deadline)), frames.Working):
                place = message.place
        except Late:
            self.end()
            raise Gone(place, "overdue", f"no answer in {START_SECONDS:g} s", proof=True) from None
        except Closed:
            raise self._post_mortem(place, fresh=True) from None
        except BaseException:
            self.end()
            raise
        assert isinstance(message, frames.Ready)
        self.models = message.models
        self.shadows.opened(message.missing)
        self._pipe, self.fresh, self._opened = pipe, True, self._settings.models

    def _post_mortem(self, place: int, fresh: bool) -> Gone:
        child = self._child
        assert child is not None
        lives_on = not death.awaited(child, self._death, LAST_SECONDS)
        self.end()
        status = child.wait()
        self.deaths += 1
        self._abandon_if_draining()
        if status == frames.MEMORY_STATUS:
            reason = f"a model ran out of memory; it may use {self._settings.memory >> 20} MiB (setting memory)"
            return Gone(place, "memory", reason, proof=fresh)
        asked = -status in ASKED_TO_END
        reason = "it closed the pipe to its keeper" if lives_on else describe(status)
        return Gone(place, "killed", reason, proof=fresh and not asked)

    def _abandon_if_draining(self) -> None:
        if self._draining():
            raise Abandoned("the predictor ended while the worker was draining")

    def pause(self, seconds: float) -> None:
        """Wait this long, and call `idle` meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._idle()
            time.sleep(min(left, 0.2))


def _raise_failure(message: frames.Message) -> frames.Message:
    if isinstance(message, frames.Failed):
        raise _ERRORS.get(message.error, HeadraceError)(message.message)
    return message
