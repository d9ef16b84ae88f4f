"""The keeper: receive → predictor → write (→ announce, reply) → ack, on one thread.

A worker is two processes: the keeper, which holds the connections and imports no model, and its predictor. A delivery is acked only after
its outcomes are written: a death at any line costs a repetition, which the store absorbs. Published results may be seen twice.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from headrace import metrics
from headrace.burial import bury, bury_bytes
from headrace.documents import DeadLetter, Outcome, decode, encode, unpack
from headrace.errors import Rejected, Unavailable
from headrace.log import logger
from headrace.ports import Broker, Delivery, StoreAdapter
from headrace.predictor.following import Following
from headrace.predictor.handle import Abandoned, Predictor
from headrace.predictor.settings import PredictorSettings
from headrace.retrying import patiently
from headrace.runtime import Stop
from headrace.worker.heartbeat import WAITING, Heartbeat
from headrace.worker.measuring import count_failures, count_received, count_written, progress
from headrace.worker.results import ResultPublisher

WAIT_SECONDS = 0.5
LEAST_BYTES, MOST_BYTES = 16 << 10, 1 << 20
EMPTY_RECEIVES, REFUSED_BYTES = 4, 1024
LOG = logger("headrace.worker")
T = TypeVar("T")


@dataclass
class Batch:
    """Deliveries that are worked on together, and their lines."""

    deliveries: Sequence[Delivery]
    lines: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = [line for delivery in self.deliveries for line in unpack(delivery.data)]


class Keeper:
    """The keeper of one worker. `run` returns when the stop is requested or, with `drain`, when nothing is ready or leased."""

    def __init__(
        self,
        broker: Broker,
        store: StoreAdapter,
        settings: PredictorSettings,
        *,
        announcer: ResultPublisher | None = None,
        heartbeat: Heartbeat | None = None,
        deadline: float,
        stop: Stop,
        drain: bool = False,
    ) -> None:
        self._broker, self._store, self._stop, self._drain = broker, store, stop, drain
        self._announcer = announcer or ResultPublisher(store)
        self._following = Following(settings)
        self._reporter = heartbeat or Heartbeat(store)
        self._meter = self._reporter.meter
        self._predictor = Predictor(
            self._following.settings,
            deadline=deadline,
            idle=self._idle,
            draining=lambda: stop.requested,
            timed=lambda model, seconds: self._meter.observe(metrics.PREDICT_SECONDS, seconds, model),
        )
        self._held: list[Batch] = []
        self._empty_receives = 0

    def run(self) -> None:
        """Work until told to stop. Raises Misconfigured where a model is broken: nothing is buried then, and what is leased goes back."""
        try:
            self._reporter.tell("starting")
            self._insist(self._predictor.start, "model")
            self._reporter.models = self._predictor.models
            self._work()
        except Abandoned:
            pass  # the leases go back when the broker is closed
        finally:
            self._predictor.close()
            self._reporter.tell("stopped")
            done = progress(self._meter)
            said = "stopped: {received:,} received, {stored:,} stored, {buried:,} buried"
            LOG.info(said.format_map(done), extra=done)

    def _work(self) -> None:
        batch: Batch | None = None
        while True:
            if batch is None:
                if self._finished():
                    return
                batch = self._receive(WAIT_SECONDS)
                if batch is None:
                    self._follow_aliases()
                    continue
                self._send(batch)
            following = None if self._stop.requested else self._receive(0.0)
            outcomes = self._collect(batch)
            self._follow_aliases()
            if following is not None:
                self._send(following)  # before the write, so that both processes are always busy
            self._settle(batch, outcomes)
            batch = following

    def _receive(self, wait: float) -> Batch | None:
        limit = min(MOST_BYTES, max(LEAST_BYTES, int(self._predictor.pace.bytes_per_second / 2)))
        self._reporter.tell("working" if self._held else "ready")
        began = time.monotonic()
        deliveries = self._insist(lambda: self._broker.receive(limit, wait), "broker")
        if deliveries:
            self._meter.observe(metrics.STAGE_SECONDS, time.monotonic() - began, "receive")
        self._empty_receives = 0 if deliveries else self._empty_receives + 1
        evicted = [one for one in deliveries if one.evicted]
        if evicted:
            self._settle(self._hold(evicted), [_evicted(one, line) for one in evicted for line in unpack(one.data)])
        sound = [one for one in deliveries if not one.evicted]
        return self._hold(sound) if sound else None

    def _hold(self, deliveries: Sequence[Delivery]) -> Batch:
        batch = Batch(deliveries)
        self._held.append(batch)
        count_received(self._meter, batch.lines)
        return batch

    def _collect(self, batch: Batch) -> list[Outcome]:
        def wait(seconds: float, error: Unavailable) -> None:  # of a remote model: what was sent is forgotten
            self._wait(seconds, "model", error)
            self._send(batch)

        began = time.monotonic()
        outcomes = patiently(self._predictor.collect, wait)
        self._meter.observe(metrics.STAGE_SECONDS, time.monotonic() - began, "predict")
        count_failures(self._meter, self._predictor)
        return outcomes

    def _send(self, batch: Batch) -> None:
        self._insist(lambda: self._predictor.send(batch.lines), "model")

    def _write(self, outcomes: Sequence[Outcome]) -> None:
        """Write all; one that the store rejects is found by halving, and buried."""
        try:
            self._insist(lambda: self._store.write(outcomes), "store", "write")
        except Rejected as error:
            if len(outcomes) == 1:
                self._write_refused(outcomes[0], str(error))
                return
            middle = len(outcomes) // 2
            self._write(outcomes[:middle])
            self._write(outcomes[middle:])
            return
        for outcome, reason in self._announce(outcomes):
            self._write_refused(outcome, f"the result can't be published: {reason}")
        count_written(self._meter, outcomes)

    def _write_refused(self, outcome: Outcome, reason: str) -> None:
        """Bury what the store rejects; the beginning of it, where the store rejects that too."""
        data = encode(outcome.document) if outcome.document is not None else outcome.dead[0].data
        try:
            named = outcome.document and bury(outcome.document, "refused", reason)
            self._write_letter(named or bury_bytes(data, reason, kind="refused"))
        except Rejected:
            self._write_letter(bury_bytes(data[:REFUSED_BYTES], reason[:REFUSED_BYTES], kind="refused"))

    def _write_letter(self, letter: DeadLetter) -> None:
        outcomes = [Outcome(None, dead=(letter,))]
        self._insist(lambda: self._store.write(outcomes), "store", "write")
        for _, reason in self._announce(outcomes):
            raise Rejected(reason)
        count_written(self._meter, outcomes)

    def _announce(self, outcomes: Sequence[Outcome]) -> list[tuple[Outcome, str]]:
        """Publish what the store has taken, where that is asked for; what can't be, and why."""
        stage = "publish" if self._announcer.publishes else ""
        return self._insist(lambda: self._announcer.announce(outcomes), "results", stage)

    def _settle(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        """Whatever became of a batch is written, told to whoever asked, and acked, in this order."""
        self._write(outcomes)
        asked = any(delivery.reply is not None for delivery in batch.deliveries)
        self._insist(lambda: self._announcer.reply(batch.deliveries, outcomes), "store", "reply" if asked else "")
        self._ack(batch)

    def _ack(self, batch: Batch) -> None:
        # A connection that was lost took its leases along; the broker ignores their receipts once it is back.
        self._insist(lambda: self._broker.ack(batch.deliveries), "broker", "ack")
        self._held.remove(batch)

    def _finished(self) -> bool:
        if self._stop.requested:
            return True
        if not self._drain:
            return False
        backlog = self._insist(self._broker.backlog, "broker")
        if backlog.ready is None or backlog.leased is None:  # others may have some that comes back
            return not backlog.ready and self._empty_receives >= EMPTY_RECEIVES
        return not backlog.ready and not backlog.leased

    def _insist(self, call: Callable[[], T], what: str, stage: str = "") -> T:
        """The call's value, however long that takes; Abandoned where the worker is to stop before. Timed as a `stage`, if it is one."""
        began = time.monotonic()
        value = patiently(call, lambda seconds, error: self._wait(seconds, what, error))
        if stage:
            self._meter.observe(metrics.STAGE_SECONDS, time.monotonic() - began, stage)
        return value

    def _wait(self, seconds: float, what: str, error: Unavailable) -> None:
        state = WAITING[what]
        self._meter.add(metrics.RETRIES, 1, what)
        self._meter.add(metrics.WAITED, seconds, what)
        LOG.warning(f"{state}, and trying again: {error}")
        self._reporter.tell(state)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._stop.wait(min(left, 1.0)):
                raise Abandoned(state)
            self._keep()

    def _idle(self) -> None:
        """About once a second while the predictor works."""
        if self._stop.overdue():
            raise Abandoned("a model took too long for the drain")
        self._reporter.tell("working")
        self._keep()

    def _keep(self) -> None:
        try:
            self._broker.keep([delivery for batch in self._held for delivery in batch.deliveries])
        except Unavailable as error:
            LOG.warning(f"leases could not be kept: {error}")

    def _follow_aliases(self) -> None:
        if self._following.follow(self._predictor):
            self._reporter.models = self._predictor.models


def _evicted(delivery: Delivery, line: bytes) -> Outcome:
    """What the broker's server has put out of the queue is buried, as a document where it is one."""
    reason = f"the broker's server put it out of the queue: {delivery.evicted}"
    try:
        letter = bury(decode(line), "evicted", reason)
    except Rejected:
        letter = bury_bytes(line, reason, kind="evicted")
    return Outcome(None, dead=(letter,))
