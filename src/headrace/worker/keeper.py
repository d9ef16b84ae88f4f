"""The keeper: receive → predictor → write (→ publish, reply) → ack, on one thread.

A worker is two processes: the keeper, which holds the connections and imports no model, and its predictor. A delivery is acknowledged
only after its outcomes are written, so a crash at any point repeats some work, which the store absorbs. Published results and replies go
out between write and ack, so their consumers may see one twice.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from headrace import metrics
from headrace.documents import Outcome, unpack
from headrace.errors import Missing, Unavailable
from headrace.log import logger
from headrace.ports import Broker, Delivery, StoreAdapter
from headrace.predictor.following import ALIAS_SECONDS, Following
from headrace.predictor.handle import Abandoned, Predictor
from headrace.predictor.settings import PredictorSettings
from headrace.retrying import patiently
from headrace.runtime import Stop
from headrace.tables import fields_of
from headrace.worker.content_type import names_key
from headrace.worker.heartbeat import WAITING, Heartbeat
from headrace.worker.inbox import Inbox
from headrace.worker.measuring import count_failures, count_received, progress
from headrace.worker.results import ResultPublisher
from headrace.worker.settling import Settler, evicted

RECEIVE_SECONDS = 0.5  # to wait for the first body when there is nothing to do
LEAST_BYTES, MOST_BYTES = 16 << 10, 1 << 20  # of a batch; in between it is what the predictor does in half a second
EMPTY_RECEIVES = 4  # in a row, after which a queue counts as drained if its broker can't tell how much it holds
KEEP_SECONDS = 1.0  # between two extensions of the leases while the keeper waits

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
    """The keeper of one worker.

    `run` returns when the stop is requested or, with `drain`, when nothing is ready or leased. `deadline` is how many seconds a model may
    take for a batch, or for one document alone. Without a `publisher` no results are published; replies are sent all the same.
    """

    def __init__(
        self,
        broker: Broker,
        store: StoreAdapter,
        settings: PredictorSettings,
        *,
        publisher: ResultPublisher | None = None,
        heartbeat: Heartbeat | None = None,
        deadline: float,
        stop: Stop,
        drain: bool = False,
        alias_seconds: float = ALIAS_SECONDS,
    ) -> None:
        self._broker, self._stop, self._drain = broker, stop, drain
        self._heartbeat = heartbeat or Heartbeat(store)
        self._meter = self._heartbeat.meter
        self._following = Following(settings, alias_seconds)
        self._predictor = Predictor(
            self._following.settings,
            deadline=deadline,
            idle=self._idle,
            draining=lambda: stop.requested,
            timed=lambda model, seconds: self._meter.observe(metrics.PREDICT_SECONDS, seconds, model),
        )
        self._settler = Settler(store, publisher or ResultPublisher(store), self._meter, self._insist)
        keyed = names_key(fields_of(settings.fields))
        self._inbox = Inbox(broker, document_bytes=settings.document_bytes, keyed=keyed)
        self._held: list[Batch] = []
        self._empty_receives = 0

    def run(self) -> None:
        """Work until told to stop. Raises Misconfigured if a model is broken: nothing is buried then, and the leases are given back."""
        try:
            self._heartbeat.beat("starting")
            self._insist(self._start, "model")
            self._heartbeat.models = self._predictor.models
            self._work()
        except Abandoned:
            pass  # the leases go back when the broker is closed
        finally:
            self._predictor.close()
            self._heartbeat.beat("stopped")
            done = progress(self._meter)
            said = "stopped: {received:,} received, {stored:,} stored, {buried:,} buried"
            LOG.info(said.format_map(done), extra=done)

    def _start(self) -> None:
        try:
            self._predictor.start()
        except Missing:
            self._following.look()  # the registry may have gone away since its aliases were read
            raise

    def _work(self) -> None:
        batch: Batch | None = None
        while True:
            if batch is None:
                if self._finished():
                    return
                batch = self._receive(RECEIVE_SECONDS)
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
        self._heartbeat.beat("working" if self._held else "ready")
        began = time.monotonic()
        deliveries = self._insist(lambda: self._inbox.receive(limit, wait), "broker")
        if deliveries:
            self._meter.observe(metrics.STAGE_SECONDS, time.monotonic() - began, "receive")
        refused, letters = self._inbox.refused()
        self._empty_receives = 0 if deliveries or refused else self._empty_receives + 1
        if refused:
            self._settle(self._hold(refused), letters)
        if put_out := [delivery for delivery in deliveries if delivery.evicted]:
            self._settle(self._hold(put_out), evicted(put_out))
        sound = [delivery for delivery in deliveries if not delivery.evicted]
        return self._hold(sound) if sound else None

    def _hold(self, deliveries: Sequence[Delivery]) -> Batch:
        batch = Batch(deliveries)
        self._held.append(batch)
        count_received(self._meter, batch.lines)
        return batch

    def _send(self, batch: Batch) -> None:
        self._insist(lambda: self._predictor.send(batch.lines), "model")

    def _collect(self, batch: Batch) -> list[Outcome]:
        def pause(seconds: float, error: Unavailable) -> None:
            self._wait(seconds, "model", error)
            self._send(batch)  # the predictor has forgotten it

        began = time.monotonic()
        outcomes = patiently(self._predictor.collect, pause)
        self._meter.observe(metrics.STAGE_SECONDS, time.monotonic() - began, "predict")
        count_failures(self._meter, self._predictor)
        self._heartbeat.left_out = self._predictor.left_out
        return outcomes

    def _settle(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        self._settler.settle(batch.deliveries, outcomes)
        self._ack(batch)

    def _ack(self, batch: Batch) -> None:
        # If the connection was lost meanwhile, its leases are lost too, and the broker ignores their receipts once it is back.
        self._insist(lambda: self._broker.ack(batch.deliveries), "broker", "ack")
        self._held.remove(batch)

    def _finished(self) -> bool:
        if self._stop.requested:
            return True
        if not self._drain:
            return False
        backlog = self._insist(self._broker.backlog, "broker")
        if backlog.ready is None or backlog.leased is None:  # another consumer may hold leases that come back
            return not backlog.ready and self._empty_receives >= EMPTY_RECEIVES
        return not backlog.ready and not backlog.leased

    def _insist(self, call: Callable[[], T], what: str, stage: str = "") -> T:
        """The call's value, however long `what` is unavailable. Raises Abandoned if the stop is requested first. Times a `stage`."""
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
        self._heartbeat.beat(state)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._stop.wait(min(left, KEEP_SECONDS)):
                raise Abandoned(state)
            self._keep()

    def _idle(self) -> None:
        """Called about once a second while the predictor works."""
        if self._stop.overdue():
            raise Abandoned("a model took too long for the drain")
        self._heartbeat.beat("working")
        self._keep()

    def _keep(self) -> None:
        held = (delivery for batch in self._held for delivery in batch.deliveries)
        try:
            self._broker.keep([*held, *self._inbox.waiting])
        except Unavailable as error:
            LOG.warning(f"leases could not be kept: {error}")

    def _follow_aliases(self) -> None:
        if self._following.follow(self._predictor):
            self._heartbeat.models = self._predictor.models
