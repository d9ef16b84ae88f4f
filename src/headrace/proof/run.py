"""The proof itself: publish in portions, kill processes at random moments, finish what is left, and account for every document."""

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
from headrace.proof.processes import Publisher, Workers
from headrace.retrying import patiently
from headrace.runtime import Stop
from headrace.supervisor import Child
from headrace.testing.classifiers import checksum
from headrace.urls import Connectors
from headrace.worker import launch

MODEL = "proof"
CLASSIFIER = f"{MODEL}=python:headrace.testing.classifiers:Checksum"
PUBLISHERS, LEAST_WORKERS = 2, 2  # processes
DRAINS = 3  # at most, as long as documents are missing: a lease may come back that the broker doesn't count
LOOK_SECONDS = 0.1  # between two looks at the store, at least
PROGRESS_SECONDS = 5.0  # to wait for progress before a kill
DELAY_SECONDS = 0.25  # after that progress until the kill, at most; drawn at random
PREDICTOR_SECONDS = 5.0  # to wait for a predictor to kill
MOST_PATIENCES, SLOWEST = 10, 50  # the whole may take this many patiences, and a second for this many documents

T = TypeVar("T")


class Interrupted(Exception):
    """The stop was requested: there is no ledger."""


@dataclass(frozen=True)
class Task:
    """What is to be proved. `patience`: seconds without any progress after which the proof gives up."""

    documents: int
    kills: int
    seed: int
    patience: float = 60.0


@dataclass(frozen=True)
class Programs:
    """The modules that are run as workers and publishers, with their arguments. Tests give others, which break a promise."""

    worker: Sequence[str] = (launch.MODULE,)
    publisher: Sequence[str] = (publisher.MODULE,)


class Proof:
    """A proof on the broker and the store of the settings, which must hold nothing else; what it stores stays there.

    `progress` is called with how many documents the store has. What the processes log goes to the file `messages` in the folder.
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
        self._rng = random.Random(task.seed)
        self._items = workload.make(task.documents, self._rng)
        self._began = self._moved_at = self._looked_at = time.monotonic()
        self._look_seconds = 0.0  # that the last look took
        self._moved = self._kills = 0
        self.gave_up = ""  # why, if it could not be finished

    def run(self) -> tuple[Ledger, list[Finding]]:
        """The ledger, and what is wrong. Raises Interrupted, Unavailable if a server can't be reached, Misconfigured."""
        connectors = Connectors(self._settings.broker, self._settings.store)
        with ExitStack() as opened:
            store = opened.enter_context(closing(connectors.store()))
            with closing(connectors.broker()) as broker:
                broker.backlog()  # connects, so that a broker that can't be reached fails at once
            self._observer = Observer(store, MODEL)
            files = [self._folder / f"{number}.jsonl" for number in range(PUBLISHERS)]
            self._publishers = [Publisher(self._spawn_publisher(file), file) for file in files]
            for one in self._publishers:
                opened.callback(one.end)
            self._workers = Workers(lambda: self._worker(drain=False), self._settings.processes)
            opened.callback(self._workers.end)
            try:
                self._publish_and_kill()
                reconciliation = self._finish()
            except Misconfigured as error:
                raise Misconfigured(f"{error}: {self._last_message()}") from error
        return reconciliation.ledger(self._kills, time.monotonic() - self._began), reconciliation.findings

    def _publish_and_kill(self) -> None:
        """Publish a portion, kill a process, and so on; after the last kill comes a last portion."""
        victims = (["keeper", "predictor", "publisher"] * (self._task.kills // 3 + 1))[: self._task.kills]
        self._rng.shuffle(victims)
        shares = workload.distribute(self._items, PUBLISHERS, self._rng)
        for number, victim in enumerate([*victims, ""]):
            for one, share in zip(self._publishers, shares, strict=True):
                first, last = (len(share) * part // (len(victims) + 1) for part in (number, number + 1))
                one.publish([item.line for item in share[first:last]])
            if victim:
                self._kill(victim)

    def _kill(self, victim: str) -> None:
        """Kill a process in the middle of its work: once there is progress, or after PROGRESS_SECONDS without any, and a moment later."""
        if victim == "publisher":
            one = self._rng.choice(self._publishers)
            before = one.confirmed
            self._until(lambda: one.confirmed > before or one.is_idle, PROGRESS_SECONDS, every=0.002)
            self._until(lambda: False, self._rng.choice((0.0, 0.0, DELAY_SECONDS / 10)), every=0.002)
            killed = one.kill()
        else:
            stored = len(self._observer.seen)  # results, which only workers write: publishers bury
            self._until(lambda: len(self._observer.seen) > stored, PROGRESS_SECONDS, every=0.02)
            self._until(lambda: False, self._rng.uniform(0, DELAY_SECONDS), every=0.01)
            killed = victim == "predictor" and self._until(
                lambda: self._workers.kill_predictor(self._rng), PREDICTOR_SECONDS
            )
        self._kills += killed or self._workers.kill_keeper(self._rng)

    def _finish(self) -> Reconciliation:
        """Let the publishers and then the workers finish, and compare what was published with what the store holds."""
        self._wait_for(lambda: all(one.is_idle for one in self._publishers), "the publishers are not done")
        for one in self._publishers:
            one.end()
        by_id = {item.id: item for item in self._items}
        for _ in range(DRAINS):
            self._workers.replace(lambda: self._worker(drain=True))
            self._wait_for(lambda: not self._workers.restart_dead(), "the queue is not empty")
            self._workers.end()  # if the proof gave up, nothing may change while the store is read
            confirmed = set[str]().union(*(one.saved for one in self._publishers))
            observations = self._patiently(self._observer.observations, MOST_PATIENCES)
            reconciliation = reconcile(by_id, confirmed, observations, model=MODEL, label=checksum)
            if self.gave_up or not any(finding.column == "lost" for finding in reconciliation.findings):
                break
        return reconciliation

    def _wait_for(self, met: Callable[[], bool], otherwise: str) -> None:
        """Wait until the condition is met, as long as there is progress; if there is none, give up with the words `otherwise`."""
        self._moved_at = time.monotonic()
        latest = self._began + MOST_PATIENCES * self._task.patience + self._task.documents / SLOWEST
        while not self._until(met, 1.0):
            if time.monotonic() - self._moved_at > self._task.patience:
                self._patiently(self._look)  # a slow store may not have been looked at for long
            now = time.monotonic()
            if now - self._moved_at > self._task.patience:
                reason = f"and nothing has moved for {self._task.patience:g} s"
            elif now > latest:
                reason = f"after {now - self._began:.0f} s"
            else:
                continue
            self.gave_up = self.gave_up or f"{otherwise}, {reason}: {self._last_message()}"
            return

    def _until(self, met: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
        """Wait up to so many seconds for the condition; whether it was met. Meanwhile look at the store and restart dead processes."""
        deadline = time.monotonic() + seconds
        while not (is_met := met()) and time.monotonic() < deadline:
            if self._stop.wait(every):
                raise Interrupted
            self._workers.restart_dead()
            for one in self._publishers:
                one.restart_dead()
            # A slow store is looked at a tenth of the time at most: it has work to do.
            if time.monotonic() - self._looked_at > max(LOOK_SECONDS, 9 * self._look_seconds):
                self._patiently(self._look)
        return is_met

    def _look(self) -> None:
        began = time.monotonic()
        known = self._observer.look()
        self._looked_at = time.monotonic()
        self._look_seconds = self._looked_at - began
        moved = known + sum(one.confirmed + len(one.saved) for one in self._publishers) + self._observer.activity()
        if moved != self._moved:
            self._moved, self._moved_at = moved, self._looked_at
        self._progress(known)

    def _patiently(self, call: Callable[[], T], patiences: int = 1) -> T:
        """The call's value. Raises Unavailable only if the store stays unavailable that long."""
        deadline = time.monotonic() + patiences * self._task.patience

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
                raise Unavailable(f"the store has not answered in time (--patience {self._task.patience:g})")
        return answer.result()

    def _worker(self, *, drain: bool) -> Child:
        module, *arguments = self._programs.worker
        with self._messages.open("ab") as errors:
            return supervisor.start_child(module, arguments, launch.order(self._settings, drain=drain), errors=errors)

    def _spawn_publisher(self, file: Path) -> Callable[[], Child]:
        module, *arguments = self._programs.publisher
        order = publisher.order(self._settings, str(file))

        def spawn() -> Child:
            with self._messages.open("ab") as errors:
                return supervisor.start_child(module, arguments, order, output=subprocess.PIPE, errors=errors)

        return spawn

    def _last_message(self) -> str:
        messages = self._messages.read_text(errors="replace").strip() if self._messages.exists() else ""
        return messages.rpartition("\n")[2].removeprefix("headrace: ") or "they have logged nothing"
