"""The messages between a predictor process and its parent: frames over a pipe, each a length and a MessagePack message."""

import os
import select
import struct
import time
from collections.abc import Callable
from typing import Any

import msgspec

from headrace.documents import Outcome, Prediction
from headrace.predictor.settings import PredictorSettings

_LENGTH = struct.Struct("<Q")
_CHUNK = 1 << 20
IDLE_SECONDS = 1.0  # between two calls of `idle` while waiting
MEMORY_STATUS = 77  # the exit status of a predictor that ran out of memory


class Start(msgspec.Struct, frozen=True):
    """The first frame that a predictor gets: the process id of its parent, and what to serve; not the models at the places `left_out`.

    `compiled` asks it to compile scorers, or to load them, before it says that it is ready.
    """

    parent: int
    settings: PredictorSettings
    left_out: list[int] = []
    compiled: bool = False


class Lines(msgspec.Struct, frozen=True, tag=True):
    """Decode and predict these lines. `skip` has the places of models to leave out."""

    lines: list[bytes]
    skip: list[int] = []


class Texts(msgspec.Struct, frozen=True, tag=True):
    """Predict these texts, which become no documents. If `top` is not 0, it is how many labels to give each, whatever the threshold.
    If there are `labels`, the models that have them are restricted to them."""

    texts: list[str]
    threshold: float | None = None
    top: int = 0
    labels: tuple[str, ...] = ()


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The models are open and have predicted their golden texts; `models` has their versions, `missing` the places of shadows not open."""

    models: list[str]
    missing: list[int] = []


class Working(msgspec.Struct, frozen=True, tag=True):
    """The model at this place is called, perhaps again. If the process dies next, it died in that model."""

    place: int


class Labelled(msgspec.Struct, frozen=True, tag=True):
    """One outcome a line, how often shadows failed, and the seconds that it took: in all, and of each model by its place."""

    outcomes: list[Outcome]
    shadow_failures: int = 0
    seconds: float = 0.0
    model_seconds: dict[int, float] = {}


class Answered(msgspec.Struct, frozen=True, tag=True):
    """For each text its predictions by the model's name, the best first; one each, unless `top` asked for more."""

    predictions: list[dict[str, list[Prediction]]]


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Why there is no answer: the class of an error (`Misconfigured`, `Unavailable`, `Rejected`) and its message."""

    error: str
    message: str


Message = Lines | Texts | Ready | Working | Labelled | Answered | Failed
_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], Message] = msgspec.msgpack.Decoder(Message).decode
_decode_start = msgspec.msgpack.Decoder(Start).decode


class Closed(Exception):
    """The other end of the pipe was closed."""


class Late(Exception):
    """The deadline has passed."""


class Pipe:
    """Frames over two descriptors, read and written without blocking for longer than IDLE_SECONDS.

    `idle` is called about that often while waiting; what it raises ends the wait, and is raised. `death` is a descriptor that can be read
    once the process at the other end is dead: others may hold that end open, as a child that it forked does.
    """

    def __init__(self, reading: int, writing: int, idle: Callable[[], None], death: int | None = None) -> None:
        self._reading, self._writing, self._idle, self._death = reading, writing, idle, death
        self._buffer = bytearray()
        for descriptor in (reading, writing):
            os.set_blocking(descriptor, False)

    def send(self, message: Message | Start, deadline: float) -> None:
        """Write a frame. Raises Late at the deadline (monotonic seconds), Closed if the other end is."""
        data = _encode(message)
        left = memoryview(_LENGTH.pack(len(data)) + data)
        while left:
            if not self._wait(self._writing, select.POLLOUT, deadline):
                raise Closed
            try:
                left = left[os.write(self._writing, left[:_CHUNK]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise Closed from None

    def receive(self, deadline: float) -> Message:
        """The next message. Raises Late at the deadline (monotonic seconds), unless it is there already; Closed if the other end is."""
        while (data := self._frame()) is None:
            if not self._wait(self._reading, select.POLLIN, deadline):
                raise Closed
            try:
                chunk = os.read(self._reading, _CHUNK)
            except BlockingIOError:
                continue
            if not chunk:
                raise Closed
            self._buffer += chunk
        try:
            return _decode(data)
        except msgspec.DecodeError:  # something else was written to the pipe
            raise Closed from None

    def _frame(self) -> bytes | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
        if len(self._buffer) < end:
            return None
        data = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        return data

    def _wait(self, descriptor: int, event: int, deadline: float) -> bool:
        """Wait for an event; false if the process is dead and there is none."""
        poll = select.poll()
        poll.register(descriptor, event)
        if self._death is not None:
            poll.register(self._death, select.POLLIN)
        while True:
            left = deadline - time.monotonic()
            if ready := poll.poll(max(0.0, min(left, IDLE_SECONDS)) * 1000):
                return any(one == descriptor for one, _ in ready)
            if left <= 0:
                raise Late
            self._idle()


def read_blocking(reading: int, decode: Callable[[bytes], Any] = _decode) -> Any:
    """The next message of a pipe, however long that takes; None at its end."""
    head = _read_exactly(reading, _LENGTH.size)
    data = _read_exactly(reading, _LENGTH.unpack(head)[0]) if head else None
    return decode(data) if data is not None else None


def read_start(reading: int) -> Start | None:
    """The first message of a pipe; None if it ends before one."""
    start: Start | None = read_blocking(reading, _decode_start)
    return start


def write_blocking(writing: int, message: Message) -> None:
    """Write a whole frame."""
    data = _encode(message)
    left = memoryview(_LENGTH.pack(len(data)) + data)
    while left:
        left = left[os.write(writing, left) :]


def _read_exactly(reading: int, number: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < number:
        chunk = os.read(reading, min(_CHUNK, number - len(parts)))
        if not chunk:
            return None
        parts += chunk
    return bytes(parts)
