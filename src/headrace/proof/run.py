"""The proof itself: publish in portions, kill processes at random moments, finish what is left, and account for every document."""

import random
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from headrace import supervisor
from headrace.clock import microseconds
from headrace.config import Settings
from headrace.errors import Misconfigured
from headrace.proof import publisher, worker, workload
from headrace.proof.findings import Expected, Finding
from headrace.proof.gates import Gates
from headrace.proof.kills import Killer, plan
from headrace.proof.ledger import Ledger, Reconciliation, reconcile
from headrace.proof.observer import Observer
from headrace.proof.patience import Interrupted, Patience
from headrace.proof.processes import Publisher, Workers
from headrace.runtime import Stop
from headrace.supervisor import Child
from headrace.testing.classifiers import Checksum, checksum, is_signed
from headrace.urls import Connectors

MODEL = "proof"
CLASSIFIER = f"{MODEL}=python:headrace.testing.classifiers:Checksum"
PUBLISHERS, LEAST_WORKERS = 2, 2  # processes
LOOK_SECONDS = 0.1  # between two looks at the store, at least
MOST_PATIENCES, SLOWEST = 10, 50  # the whole may take this many patiences, and a second for this many documents


@dataclass(frozen=True)
class Task:
    """What is to be proved.

    `patience`: seconds without any progress after which the proof gives up. `drains`: how often workers drain the queue, at most, as long
    as documents are missing: a lease may come back that the broker doesn't count.
    """

    documents: int
    kills: int
    seed: int
    patience: float = 60.0
    drains: int = 3


@dataclass(frozen=True)
class Programs:
    """The modules that are run as workers and publishers, with their arguments. Tests give others, which break a promise."""

    worker: Sequence[str] = (worker.MODULE,)
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
        self._patience = Patience(task.patience, stop)
        self._files = [folder / f"{number}.jsonl" for number in range(PUBLISHERS)]
        self._gates = Gates(folder / "gates")
        self._rng = random.Random(task.seed)
        self._items = workload.make(task.documents, self._rng)
        self._began_at = microseconds()
        self._began = self._moved_at = self._looked_at = time.monotonic()
        self._look_seconds = 0.0  # that the last look took
        self._moved = self._kills = 0
        self.gave_up = ""  # why, if it could not be finished

    def run(self) -> tuple[Ledger, list[Finding]]:
        """The ledger, and what is wrong. Raises Interrupted, Unavailable if a server can't be reached, Misconfigured."""
        connectors = Connectors(self._settings.broker, self._settings.store)
        with ExitStack() as opened:
            store = opened.enter_context(closing(connectors.store()))
            self._backlog()  # connects, so that a broker that can't be reached fails at once
            self._observer = Observer(store, MODEL)
            self._publishers = [Publisher(self._spawn_publisher(file), file) for file in self._files]
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
        killer = Killer(
            self._workers,
            self._publishers,
            self._gates,
            self._observer,
            self._rng,
            until=self._until,
            cursors=lambda: self._patience.call(self._cursors),
            backlog=lambda: self._patience.call(self._backlog),
        )
        moments = plan(self._task.kills, self._rng)
        portions = workload.distribute(self._items, PUBLISHERS, len(moments) + 1, self._rng)
        for moment, portion in zip([*moments, None], portions, strict=True):
            if moment:
                killer.prepare(moment)
            for one, share in zip(self._publishers, portion, strict=True):
                one.publish([item.line for item in share])
            if moment:
                self._kills += killer.kill(moment)

    def _cursors(self) -> list[str | None]:
        return self._observer.cursors([publisher.cursor_name(file) for file in self._files])

    def _backlog(self) -> int:
        with closing(Connectors(self._settings.broker, self._settings.store).broker()) as broker:
            backlog = broker.backlog()
        return (backlog.ready or 0) + (backlog.leased or 0)

    def _finish(self) -> Reconciliation:
        """Let the publishers and then the workers finish, and compare what was published with what the store holds."""
        self._wait_for(self._is_published, "the publishers are not done")
        for one in self._publishers:
            one.end()
        by_id = {item.id: item for item in self._items}
        for _ in range(self._task.drains):
            self._workers.replace(lambda: self._worker(drain=True))
            self._wait_for(lambda: not self._workers.restart_dead(), "the queue is not empty")
            self._workers.end()  # if the proof gave up, nothing may change while the store is read
            # Once the publishers say that they are done, what they have left out is lost.
            saved = set[str]().union(*(one.saved for one in self._publishers))
            confirmed = by_id.keys() if self._is_published() else saved & by_id.keys()
            observations = self._patience.call(self._observer.observations, MOST_PATIENCES)
            reconciliation = reconcile(by_id, confirmed, observations, self._expected())
            if self.gave_up or not any(finding.column == "lost" for finding in reconciliation.findings):
                break
        return reconciliation

    def _is_published(self) -> bool:
        return all(one.is_idle for one in self._publishers)

    def _expected(self) -> Expected:
        return Expected(f"{MODEL}@{Checksum.version}", checksum, is_signed, self._began_at, microseconds())

    def _wait_for(self, met: Callable[[], bool], otherwise: str) -> None:
        """Wait until the condition is met, as long as there is progress; if there is none, give up with the words `otherwise`."""
        self._moved_at = time.monotonic()
        latest = self._began + MOST_PATIENCES * self._task.patience + self._task.documents / SLOWEST
        while not self._until(met, 1.0):
            if time.monotonic() - self._moved_at > self._task.patience:
                self._patience.call(self._look)  # a slow store may not have been looked at for long
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
                self._patience.call(self._look)
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

    def _worker(self, *, drain: bool) -> Child:
        module, *arguments = self._programs.worker
        with self._messages.open("ab") as errors:
            return supervisor.start_child(
                module, arguments, worker.order(self._settings, self._gates.folder, drain=drain), errors=errors
            )

    def _spawn_publisher(self, file: Path) -> Callable[[], Child]:
        module, *arguments = self._programs.publisher
        order = publisher.order(self._settings, file, self._gates.folder)

        def spawn() -> Child:
            with self._messages.open("ab") as errors:
                return supervisor.start_child(module, arguments, order, output=subprocess.PIPE, errors=errors)

        return spawn

    def _last_message(self) -> str:
        messages = self._messages.read_text(errors="replace").strip() if self._messages.exists() else ""
        return messages.rpartition("\n")[2].removeprefix("headrace: ") or "they have logged nothing"
