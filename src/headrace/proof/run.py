"""The proof itself: publish in portions, kill at random moments, finish what is left, and judge what became of all."""

import random
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from headrace import supervisor
from headrace.config import Settings
from headrace.errors import Misconfigured, Unavailable
from headrace.proof import publisher, workload
from headrace.proof.ledger import Finding, Ledger, Reconciliation, reconcile
from headrace.proof.observer import Observer
from headrace.proof.processes import Child, Publisher, Workers
from headrace.retrying import patiently
from headrace.runtime import Stop
from headrace.testing.classifiers import checksum
from headrace.urls import Connectors
from headrace.worker import launch

MODEL = "proof"
CLASSIFIER = f"{MODEL}=python:headrace.testing.classifiers:Checksum"
PUBLISHERS, LEAST_WORKERS, DRAINS = 2, 2, 3
LOOK_SECONDS = 0.1
MOMENT_SECONDS, CHANCE_SECONDS, PREDICTOR_SECONDS = 5.0, 0.25, 5.0
MOST_PATIENCES, SLOWEST = 10, 50  # all in all: so many patiences, and a second for so many documents

T = TypeVar("T")


class Interrupted(Exception):
    """The stop was requested: there is no ledger."""


@dataclass(frozen=True)
class Task:
    """What is to be proved. `patience`: seconds without any progress after which it is given up."""

    documents: int
    kills: int
    seed: int
    patience: float = 60.0


@dataclass(frozen=True)
class Programs:
    """The modules that are run as workers and publishers, with their arguments: others in the tests, which break what is promised."""

    worker: Sequence[str] = (launch.MODULE,)
    publisher: Sequence[str] = (publisher.MODULE,)


class Proof:
    """A proof on a broker and a store that hold nothing else, named by the settings; it leaves them as they are in the end.

    What its processes say goes to the file `messages` in the folder.
    """

    def __init__(
        self,
        settings: Settings,
        task: Task,
        folder: Path,
        *,
        stop: Stop,
        progress: Callable[[int], None] = lambda _done: None,
        programs: Programs = Programs(),
    ) -> None:
        number = max(LEAST_WORKERS, settings.processes)
        registry = str(folder / "models")
        settings = replace(settings, log_format="text", log_level="info")  # the last line is shown to the user
        self._settings = replace(settings, models=CLASSIFIER, processes=number, registry=registry, results="")
        self._task, self._folder, self._stop, self._progress, self._programs = task, folder, stop, progress, programs
        self._messages = folder / "messages"
        self._chance = random.Random(task.seed)
        self._items = workload.make(task.documents, self._chance)
        self._began = self._moved_at = self._looked_at = time.monotonic()
        self._looking = 0.0
        self._moved = self._known = self._kills = 0
        self.gave_up = ""  # why, where it is no proof

    def run(self) -> tuple[Ledger, list[Finding]]:
        """The ledger, and what is wrong. Raises Interrupted, Unavailable where a server can't be reached, Misconfigured."""
        connectors = Connectors(self._settings.broker, self._settings.store)
        with ExitStack() as opened:
            store = opened.enter_context(closing(connectors.store()))
            with closing(connectors.broker()) as broker:
                broker.backlog()  # connects, so that what can't be reached is told at once
            self._observer = Observer(store, MODEL)
            self._publishers = [
                Publisher(self._publisher_of(file), file)
                for file in (self._folder / f"{number}.jsonl" for number in range(PUBLISHERS))
            ]
            for one in self._publishers:
                opened.callback(one.end)
            self._workers = Workers(lambda: self._worker(drain=False), self._settings.processes)
            opened.callback(self._workers.end)
            try:
                self._disturb()
                reconciliation = self._finish()
            except Misconfigured as error:
                raise Misconfigured(f"{error}: {self._last_message()}") from error
        return reconciliation.ledger(self._kills, time.monotonic() - self._began), reconciliation.findings

    def _disturb(self) -> None:
        """Publish a portion, kill; and so on."""
        victims = (["keeper", "predictor", "publisher"] * (self._task.kills // 3 + 1))[: self._task.kills]
        self._chance.shuffle(victims)
        hands = workload.distribute(self._items, PUBLISHERS, self._chance)
        for number, victim in enumerate([*victims, ""]):
            for one, hand in zip(self._publishers, hands, strict=True):
                first, last = (len(hand) * part // (len(victims) + 1) for part in (number, number + 1))
                one.publish([item.line for item in hand[first:last]])
            if victim:
                self._kill(victim)

    def _kill(self, victim: str) -> None:
        """Kill one in the middle of its work: once there is more than after the last kill, or that takes long; and a moment later."""
        if victim == "publisher":
            one = self._chance.choice(self._publishers)
            before = one.confirmed
            self._until(lambda: one.confirmed > before or one.is_idle, MOMENT_SECONDS, every=0.002)
            self._until(lambda: False, self._chance.choice((0.0, 0.0, CHANCE_SECONDS / 10)), every=0.002)
            killed = one.kill()
        else:
            stored = len(self._observer.seen)  # by workers; publishers bury
            self._until(lambda: len(self._observer.seen) > stored, MOMENT_SECONDS, every=0.02)
            self._until(lambda: False, self._chance.uniform(0, CHANCE_SECONDS), every=0.01)
            killed = victim == "predictor" and self._until(
                lambda: self._workers.kill_predictor(self._chance), PREDICTOR_SECONDS
            )
        self._kills += killed or self._workers.kill_keeper(self._chance)

    def _finish(self) -> Reconciliation:
        """Let the publishers and then the workers do the rest; what became of it."""
        self._settle(lambda: all(one.is_idle for one in self._publishers), "the publishers are not done")
        for one in self._publishers:
            one.end()
        by_id = {one.id: one for one in self._items}
        for _ in range(DRAINS):
            self._workers.replace(lambda: self._worker(drain=True))
            self._settle(lambda: not self._workers.tend(), "the queue is not empty")
            self._workers.end()  # where it was given up, nothing may change while all is read
            confirmed = set[str]().union(*(one.saved for one in self._publishers))
            observations = self._patiently(self._observer.observations, MOST_PATIENCES)
            reconciliation = reconcile(by_id, confirmed, observations, model=MODEL, label=checksum)
            if self.gave_up or not any(one.column == "lost" for one in reconciliation.findings):
                break  # else there may be a lease that the broker doesn't tell of
        return reconciliation

    def _settle(self, met: Callable[[], bool], otherwise: str) -> None:
        """Wait until it is so, as long as anything moves."""
        self._moved_at = time.monotonic()
        most = self._began + MOST_PATIENCES * self._task.patience + self._task.documents / SLOWEST
        while not self._until(met, 1.0):
            if time.monotonic() - self._moved_at > self._task.patience:
                self._patiently(self._look)  # a store that is slow was perhaps not asked for long
            now = time.monotonic()
            if now - self._moved_at > self._task.patience:
                reason = f"and nothing has moved for {self._task.patience:g} s"
            elif now > most:
                reason = f"after {now - self._began:.0f} s"
            else:
                continue
            self.gave_up = self.gave_up or f"{otherwise}, {reason}: {self._last_message()}"
            return

    def _until(self, met: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
        """Whether it came in time. Looks at the store meanwhile, and starts again whoever died."""
        deadline = time.monotonic() + seconds
        while not (come := met()) and time.monotonic() < deadline:
            if self._stop.wait(every):
                raise Interrupted
            self._workers.tend()
            for one in self._publishers:
                one.tend()
            # A store that is slow isn't asked all the time: it has to work.
            if time.monotonic() - self._looked_at > max(LOOK_SECONDS, 9 * self._looking):
                self._patiently(self._look)
        return come

    def _look(self) -> None:
        began = time.monotonic()
        self._known = self._observer.look()
        self._looked_at = time.monotonic()
        self._looking = self._looked_at - began
        moved = self._known + sum(one.confirmed + len(one.saved) for one in self._publishers) + self._observer.busy()
        if moved != self._moved:
            self._moved, self._moved_at = moved, self._looked_at
        self._progress(self._known)

    def _patiently(self, call: Callable[[], T], patiences: int = 1) -> T:
        """The call's value; Unavailable only where that lasts."""
        deadline = time.monotonic() + patiences * self._task.patience

        def pause(seconds: float, error: Unavailable) -> None:
            if time.monotonic() > deadline:
                raise error
            if self._stop.wait(seconds):
                raise Interrupted

        return patiently(lambda: self._beside(call, deadline), pause)

    def _beside(self, call: Callable[[], T], deadline: float) -> T:
        """The call's value, from another thread: a server that takes the question and never answers must not keep us."""
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
                raise Unavailable(f"the store has not answered in time (--patience {self._task.patience:g})")
        return answer.result()

    def _worker(self, *, drain: bool) -> Child:
        module, *arguments = self._programs.worker
        with self._messages.open("ab") as errors:
            return supervisor.start_child(module, arguments, launch.order(self._settings, drain=drain), errors=errors)

    def _publisher_of(self, file: Path) -> Callable[[], Child]:
        module, *arguments = self._programs.publisher
        order = publisher.order(self._settings, str(file))

        def spawn() -> Child:
            with self._messages.open("ab") as errors:
                return supervisor.start_child(module, arguments, order, output=subprocess.PIPE, errors=errors)

        return spawn

    def _last_message(self) -> str:
        told = self._messages.read_text(errors="replace").strip() if self._messages.exists() else ""
        return told.rpartition("\n")[2].removeprefix("headrace: ") or "they have said nothing"
