"""What many ask for at the same time is asked once."""

import asyncio
import threading
from itertools import count

import anyio
import pytest
from support import PATIENCE, until

from headrace.errors import Unavailable
from headrace.web.pool import Pool
from headrace.web.sharing import SharedCalls


class Numbered:
    """A call that is numbered when it begins, and returns its number once it is let go."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self._numbers = count()
        self._gates = [threading.Event() for _ in range(9)]

    def __call__(self) -> int:
        number = next(self._numbers)
        self.begun.append(number)
        assert self._gates[number].wait(PATIENCE)
        return number

    def let_go(self, *numbers: int) -> None:
        for number in numbers:
            self._gates[number].set()

    async def begins(self, number: int) -> None:
        await asyncio.to_thread(until, lambda: number in self.begun, f"call {number}")


def test_requests_that_come_during_a_call_share_the_next() -> None:
    async def ask() -> list[int]:
        calls, call = SharedCalls[int](Pool("the store", threads=9), turn=PATIENCE), Numbered()
        asked = [asyncio.create_task(calls.value("key", call))]
        await call.begins(0)
        asked += [asyncio.create_task(calls.value("key", call)) for _ in range(50)]
        call.let_go(0, 1)
        return await asyncio.gather(*asked)

    assert anyio.run(ask) == [0] + 50 * [1]


def test_another_key_waits_for_nobody() -> None:
    async def ask() -> int:
        calls, call = SharedCalls[int](Pool("the store", threads=9), turn=PATIENCE), Numbered()
        first = asyncio.create_task(calls.value("slow", call))
        await call.begins(0)
        value = await calls.value("quick", lambda: 7)
        call.let_go(0)
        await first
        return value

    assert anyio.run(ask) == 7


def test_a_call_begins_beside_one_that_does_not_end() -> None:
    async def ask() -> list[int]:
        calls, call = SharedCalls[int](Pool("the store", threads=9), turn=0.01), Numbered()
        first = asyncio.create_task(calls.value("key", call))
        await call.begins(0)
        call.let_go(1)
        second = await calls.value("key", call)
        call.let_go(0)
        return [second, await first]

    assert anyio.run(ask) == [1, 0]


def test_a_request_that_goes_away_takes_nothing_from_the_others() -> None:
    async def ask() -> tuple[int, list[int]]:
        calls, call = SharedCalls[int](Pool("the store", threads=9), turn=PATIENCE), Numbered()
        gone, stays = (asyncio.create_task(calls.value("key", call)) for _ in range(2))
        await call.begins(0)
        gone.cancel()
        call.let_go(0)
        return await stays, call.begun

    assert anyio.run(ask) == (0, [0])


def test_an_error_reaches_all_who_share_and_none_who_come_later() -> None:
    async def ask() -> tuple[list[object], int]:
        calls = SharedCalls[int](Pool("the store", threads=9))

        def fail() -> int:
            raise Unavailable("the store is gone")

        told = await asyncio.gather(*(calls.value("key", fail) for _ in range(3)), return_exceptions=True)
        return [str(one) for one in told], await calls.value("key", lambda: 7)

    assert anyio.run(ask) == (["the store is gone"] * 3, 7)


def test_a_call_that_gets_no_thread_is_refused_and_the_next_one_works() -> None:
    async def ask() -> int:
        calls, call = SharedCalls[int](Pool("the store", threads=1, patience=0.01)), Numbered()
        first = asyncio.create_task(calls.value("slow", call))
        await call.begins(0)
        with pytest.raises(Unavailable, match="too many requests wait for the store"):
            await calls.value("key", lambda: 7)
        call.let_go(0)
        await first
        return await calls.value("key", lambda: 7)

    assert anyio.run(ask) == 7
