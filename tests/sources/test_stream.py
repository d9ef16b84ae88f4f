"""Following a stream: breaks, back-off, silence, refusals, and being stopped at any time."""

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import pytest
from support import PATIENCE

from headrace.errors import Misconfigured
from headrace.sources.back_off import CONNECTIONS, JITTER, PAUSES, TOLD, Broken, Kind, Pause
from headrace.sources.stream import HELD_BYTES, Connection, Message, Part, follow, shown

QUICK = dict.fromkeys(Kind, Pause(0.0, 0.0))


class Script:
    """A connection that gives what a test wants, in order: messages, or errors to raise; then it waits until it is closed."""

    def __init__(self, *steps: Any, ends: bool = True) -> None:
        self.steps, self.ends = steps, ends
        self.closed = threading.Event()
        self.given = 0

    def __iter__(self) -> Iterator[Message]:
        for step in self.steps:
            if isinstance(step, Exception):
                raise step
            yield step
            self.given += 1
        if not self.ends:
            self.closed.wait(PATIENCE)

    def close(self) -> None:
        self.closed.set()


def scripted(*connections: Any) -> tuple[Callable[[str], Connection], list[str]]:
    """Connects to one after the other, or raises what stands in its place; and the cursors that were asked for."""
    asked: list[str] = []
    left = list(connections)

    def connect(cursor: str) -> Connection:
        asked.append(cursor)
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one  # type: ignore[no-any-return]

    return connect, asked


def messages(parts: Sequence[Part]) -> list[bytes]:
    return [message.data for part in parts for message in part.messages]


def gathered(connect: Callable[[str], Connection], most: int, **options: Any) -> list[Part]:
    """The parts up to the one with which there are so many messages."""
    closed, found = threading.Event(), list[Part]()
    for part in follow(connect, options.pop("cursor", ""), closed, pauses=options.pop("pauses", QUICK), **options):
        found.append(part)
        if len(messages(found)) >= most:
            closed.set()
    return found


def test_after_a_break_it_goes_on_after_the_last_message() -> None:
    first = Script(Message(b"a", "1"), Message(b"b", "2"), Broken(Kind.NETWORK, "reset"))
    connect, asked = scripted(first, Broken(Kind.SERVER, "503"), Script(Message(b"c", "3")), Script(Message(b"d")))
    parts = gathered(connect, 4, cursor="0")
    assert messages(parts) == [b"a", b"b", b"c", b"d"]
    assert asked == ["0", "2", "2", "3"]
    assert [part.connected for part in parts if part.connected] == [True] * 3
    assert first.closed.is_set()


def test_what_came_before_a_break_is_handed_over() -> None:
    connect, _ = scripted(
        Script(*(Message(b"%d" % n) for n in range(1200)), Broken(Kind.NETWORK, "cut")), Script(Message(b"z"))
    )
    assert len(messages(gathered(connect, 1201))) == 1201


def test_pauses_grow_by_kind_and_begin_anew_with_a_message() -> None:
    waited: list[float] = []

    class Closed(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0)
            return self.is_set()

    busy, down = Broken(Kind.LIMITED, "429"), Broken(Kind.NETWORK, "reset")
    connect, _ = scripted(busy, busy, down, busy, Script(Message(b"a"), busy), Script(Message(b"b")))
    closed = Closed()
    for part in follow(connect, "", closed, pauses=PAUSES):
        if b"b" in messages([part]):
            closed.set()
    wanted = [5, 10, 0.25, 20, 5]
    assert len(waited) == len(wanted)
    for seconds, least in zip(waited, wanted, strict=True):
        assert least <= seconds <= least * (1 + JITTER)


def test_a_server_that_says_when_to_come_back_is_heard_and_a_long_pause_is_told() -> None:
    waited: list[float] = []

    class Closed(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0)
            return self.is_set()

    closed = Closed()
    connect, _ = scripted(Broken(Kind.LIMITED, "429 Too Many Requests", 77.0), Script(Message(b"a")))
    parts = []
    for part in follow(connect, "", closed):
        parts.append(part)
        if part.messages:
            closed.set()
    assert 77 <= waited[0] <= 77 * (1 + JITTER)
    assert parts[0].waiting.startswith("429 Too Many Requests; trying again in ")


def test_a_refusal_at_the_first_connection_is_an_error_and_later_a_state() -> None:
    connect, _ = scripted(Broken(Kind.REFUSED, "401 Unauthorized"))
    with pytest.raises(Misconfigured, match="401"):
        gathered(connect, 1)
    slow = {**QUICK, Kind.REFUSED: Pause(5.0, 5.0)}
    connect, _ = scripted(Script(Message(b"a")), Broken(Kind.REFUSED, "402: out of credits"))
    closed, told = threading.Event(), ""
    for part in follow(connect, "", closed, pauses=slow):
        told = part.waiting or told
        if told:
            closed.set()
    assert told.startswith("402: out of credits; trying again in")


def test_an_open_and_silent_stream_is_found_out() -> None:
    connect, _ = scripted(Script(Message(b"a"), ends=False))
    parts = islice(follow(connect, "", threading.Event(), silent=0.05), 3)
    assert [part.waiting for part in parts] == ["", "", "the connection is open, but nothing has come for 0 s"]


def test_the_passing_of_time_is_told_to_whoever_waits_for_it() -> None:
    connect, _ = scripted(Script(Message(b"a"), ends=False), Script())
    closed = threading.Event()
    parts = follow(connect, "", closed, ticks=True)
    assert [part for part in islice(parts, 4) if part.messages or part.connected] == [
        Part(connected=True),
        Part([Message(b"a")]),
    ]
    assert next(parts) == Part()
    closed.set()
    assert list(parts) == []


def test_what_is_wrong_in_the_program_itself_is_not_taken_for_a_break() -> None:
    connect, _ = scripted(Script(ZeroDivisionError("a mistake")))
    with pytest.raises(ZeroDivisionError):
        gathered(connect, 1)


@pytest.mark.parametrize("ends", [True, False])
def test_it_can_be_closed_while_it_waits(ends: bool) -> None:
    closed, script = threading.Event(), Script(Message(b"a"), ends=ends)
    connect, _ = scripted(script, Broken(Kind.NETWORK, "away"))
    parts = follow(connect, "", closed, pauses=dict.fromkeys(Kind, Pause(PATIENCE, PATIENCE)))
    while not next(parts).messages:
        pass
    threading.Timer(0.05, closed.set).start()
    assert messages(list(parts)) == []
    assert script.closed.is_set()


def test_a_closed_stream_does_not_even_connect() -> None:
    connect, asked = scripted()
    closed = threading.Event()
    closed.set()
    assert list(follow(connect, "", closed)) == []
    assert asked == []


def test_no_more_is_read_ahead_than_may_be_held() -> None:
    script = Script(*(Message(b"x" * (HELD_BYTES // 4)) for _ in range(20)))
    connect, _ = scripted(script, Script(ends=False))
    closed = threading.Event()
    parts = follow(connect, "", closed, pauses=QUICK)
    taken = 0
    while taken < 20:
        taken += len(next(parts).messages)
        assert script.given <= taken + 5
    closed.set()
    assert list(parts) == []


def test_no_pause_is_longer_than_a_day_whatever_a_server_asks_for() -> None:
    waited: list[float] = []

    class Closed(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0)
            return super().wait(0)

    closed = Closed()
    connect, _ = scripted(Broken(Kind.LIMITED, "429", 1e300), Script(Message(b"a")))
    for part in follow(connect, "", closed):
        if part.messages:
            closed.set()
    assert waited[0] <= 86_400 * (1 + JITTER)


def test_streams_that_differ_in_what_is_hidden_have_different_names() -> None:
    assert shown("https://host/?auth=alice") != shown("https://host/?auth=bob")
    assert "alice" not in shown("https://host/?auth=alice")
    assert shown("https://host/?lang=sv") == "https://host/?lang=sv"


def test_a_server_that_ends_each_connection_after_a_message_is_not_stormed() -> None:
    waited: list[float] = []

    class Closed(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0)
            return self.is_set()

    closed = Closed()
    connect, _ = scripted(*(Script(Message(b"%d" % number)) for number in range(30)))
    for part in follow(connect, "", closed):
        if b"29" in messages([part]):
            closed.set()
    assert waited[: CONNECTIONS - 1] == [0.0] * (CONNECTIONS - 1)
    assert all(1 <= seconds <= 1 + JITTER for seconds in waited[CONNECTIONS - 1 : 29])


def test_a_server_that_does_not_answer_is_told() -> None:
    ended = threading.Event()

    def connect(_cursor: str) -> Connection:
        ended.wait(PATIENCE)
        raise Broken(Kind.NETWORK, "away")

    (part,) = islice(follow(connect, "", threading.Event(), silent=0.05), 1)
    assert part.waiting == "the server has not answered for 0 s"
    ended.set()


def test_what_a_server_says_steers_no_terminal_and_can_be_stored() -> None:
    assert str(Broken(Kind.SERVER, "a\0b\n\x1b[31mc \u202ed")) == "a\ufffdb \ufffd[31mc \ufffdd"
    assert len(str(Broken(Kind.SERVER, "a b " * 1_000_000))) <= TOLD
