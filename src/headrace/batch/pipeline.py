"""Work on one item after another by several threads: results come in the order of the items, and few of them are in memory."""

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

AHEAD = 2  # items that are read for each thread, beside the one that it works on
LEAVE_SECONDS = 1.0  # that the reading thread has to end; it may wait for input that never comes

T = TypeVar("T")
R = TypeVar("R")


def in_order(items: Iterable[T], work: Callable[[T], R], threads: int) -> Generator[R]:
    """What `work` makes of each item, in their order, each as soon as it is there. Raises what reading or working raises, in its place.

    With several threads one more reads the items; with one, all is done by the caller's. Close it, and no further item is begun.
    """
    if threads <= 1:
        for item in items:
            yield work(item)
        return
    made: queue.SimpleQueue[Future[R] | None] = queue.SimpleQueue()
    room = threading.Semaphore((1 + AHEAD) * threads)
    closed = threading.Event()
    with ThreadPoolExecutor(threads, thread_name_prefix="batch") as pool:

        def read() -> None:
            try:
                for item in items:
                    room.acquire()
                    if closed.is_set():
                        return
                    made.put(pool.submit(work, item))
                made.put(None)
            except BaseException as error:
                failed: Future[R] = Future()
                failed.set_exception(error)
                made.put(failed)

        reader = threading.Thread(target=read, name="reader", daemon=True)
        reader.start()
        try:
            while (one := made.get()) is not None:
                yield one.result()
                room.release()
        finally:
            closed.set()
            room.release()
            pool.shutdown(wait=False, cancel_futures=True)
            reader.join(LEAVE_SECONDS)
