"""Frames over pipes: whole, in time, and never blocking for long."""

import os
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import PATIENCE, setup

from headrace.predictor import frames
from headrace.predictor.frames import Closed, Late, Pipe


class Ends:
    """A pipe to us and one from us, with what another process would hold."""

    def __init__(self) -> None:
        self.reading, self.theirs_writing = os.pipe()
        self.theirs_reading, self.writing = os.pipe()
        self.idles = 0
        self.pipe = Pipe(self.reading, self.writing, self.idle)

    def idle(self) -> None:
        self.idles += 1

    def shut(self, *descriptors: int) -> None:
        for descriptor in descriptors or (self.reading, self.writing, self.theirs_reading, self.theirs_writing):
            try:
                os.close(descriptor)
            except OSError:
                continue


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.shut()


def soon() -> float:
    return time.monotonic() + PATIENCE


@given(st.lists(st.binary(max_size=5000), max_size=20), st.lists(st.integers(0, 5), max_size=3))
def test_a_message_comes_as_it_was_sent(lines: list[bytes], skip: list[int]) -> None:
    ends = Ends()
    message = frames.Lines(lines, skip)
    ends.pipe.send(message, soon())
    assert frames.read_blocking(ends.theirs_reading) == message
    frames.write_blocking(ends.theirs_writing, message)
    assert ends.pipe.receive(soon()) == message
    ends.shut()


def test_messages_larger_than_the_pipe_pass_in_both_directions(ends: Ends) -> None:
    large = frames.Lines([os.urandom(3 << 20)])

    def echo() -> None:
        frames.write_blocking(ends.theirs_writing, frames.read_blocking(ends.theirs_reading))

    thread = threading.Thread(target=echo)
    thread.start()
    ends.pipe.send(large, soon())
    assert ends.pipe.receive(soon()) == large
    thread.join()


def test_messages_that_come_together_are_told_apart(ends: Ends) -> None:
    for place in range(100):
        frames.write_blocking(ends.theirs_writing, frames.Working(place))
    assert [ends.pipe.receive(soon()) for _ in range(100)] == [frames.Working(place) for place in range(100)]


def test_the_start_is_read_as_it_was_sent_with_its_models(ends: Ends) -> None:
    start = frames.Start(1, setup("language, shadow mood = python:m:C if language=en|de"))
    ends.pipe.send(start, soon())
    assert frames.read_start(ends.theirs_reading) == start


def test_what_comes_too_late_is_not_waited_for(ends: Ends) -> None:
    with pytest.raises(Late):
        ends.pipe.receive(time.monotonic() + 0.01)
    with pytest.raises(Late):
        ends.pipe.receive(time.monotonic() - 1)


def test_what_is_there_already_is_read_even_when_the_time_is_over(ends: Ends) -> None:
    frames.write_blocking(ends.theirs_writing, frames.Working(3))
    assert ends.pipe.receive(time.monotonic() - 1) == frames.Working(3)


def test_a_reader_that_takes_nothing_makes_sending_late(ends: Ends) -> None:
    with pytest.raises(Late):
        ends.pipe.send(frames.Lines([b"x" * (1 << 20)]), time.monotonic() + 0.05)


def test_an_end_that_is_closed_is_told(ends: Ends) -> None:
    ends.shut(ends.theirs_reading, ends.theirs_writing)
    with pytest.raises(Closed):
        ends.pipe.receive(soon())
    with pytest.raises(Closed):
        ends.pipe.send(frames.Lines([b"x"]), soon())


def test_half_a_message_before_the_end_is_no_message(ends: Ends) -> None:
    os.write(ends.theirs_writing, b"\x10\0\0\0\0\0\0\0half")
    ends.shut(ends.theirs_writing)
    with pytest.raises(Closed):
        ends.pipe.receive(soon())


def test_half_a_message_before_the_end_is_no_request(ends: Ends) -> None:
    os.write(ends.writing, b"\x10\0\0\0\0\0\0\0half")
    ends.shut(ends.writing)
    assert frames.read_blocking(ends.theirs_reading) is None


def test_the_end_of_the_input_is_no_request(ends: Ends) -> None:
    ends.shut(ends.writing)
    assert frames.read_blocking(ends.theirs_reading) is None
    assert frames.read_start(ends.theirs_reading) is None


def test_whoever_waits_is_idle_about_once_a_second_and_may_give_up(ends: Ends) -> None:
    class Enough(Exception):
        pass

    def give_up() -> None:
        raise Enough

    pipe = Pipe(ends.reading, ends.writing, give_up)
    with pytest.raises(Enough):
        pipe.receive(soon())
