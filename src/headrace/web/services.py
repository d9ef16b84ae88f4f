"""What the web is given by its caller."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from headrace.documents import DOCUMENT_BYTES, Prediction
from headrace.errors import HeadraceError
from headrace.models.registry import Registry
from headrace.ports import Broker, Cursors, History, Presence, Store, Watching
from headrace.tables import Webhook
from headrace.web.access.limits import ConnectionLimits


class WebStore(Store, History, Presence, Cursors, Watching, Protocol):
    """A store that also knows the history of documents, the workers and the sources, and that can be watched."""


class TextPredictor(Protocol):
    """Predicts at once, without the queue. Safe to use from several threads.

    Its methods raise Unavailable while it starts, and Rejected for a text on which a model fails or takes too long.
    """

    def ask(
        self,
        texts: Sequence[str],
        *,
        threshold: float | None = None,
        labels: Sequence[str] = (),
        answer: Callable[[list[dict[str, Prediction]] | HeadraceError], None],
        abandoned: Callable[[], bool] = ...,
    ) -> None:
        """Return at once, and have `answer` called once, on any thread, with what `label` returns or raises.

        `labels`, if there are any, restricts the models that have them; a label that no model has is Rejected.
        It need not be called if `abandoned()` is true before the prediction begins. Raises Unavailable while it starts.
        """
        ...

    def label(self, texts: Sequence[str], *, threshold: float | None = None) -> list[dict[str, Prediction]]:
        """For each text, in order, its predictions by model name. No texts give an empty list."""
        ...

    def top(self, text: str, n: int = 5) -> dict[str, list[Prediction]]:
        """The best `n` labels of a text by model name, best first; thresholds are ignored."""
        ...

    def alive(self) -> bool:
        """Whether it serves, or will again: false once it has ended without being closed."""
        ...

    def models(self) -> list[str]:
        """The versions that predict, such as "language@3f9c2a"."""
        ...


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """Where the server listens, who may use it, and how much a request may hold.

    `hosts` are further names by which the server may be called, with their ports if they are not the usual ones. `root_path` is the path
    below which a proxy serves it, and `proxies` are addresses whose X-Forwarded-… headers are believed. Off loopback a `token` is
    required, unless `open` says that something else, such as a proxy, checks the callers. `metrics` serves `/metrics`, which needs no
    token, as `/livez` and `/readyz` never do. While more than `backlog_limit` bodies are ready in the broker, nothing is published; 0 is no
    limit. `webhooks` are what other programs may send to; the secrets of those that are signed are
    there.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    hosts: tuple[str, ...] = ()
    root_path: str = ""
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    token: str = ""
    open: bool = False
    document_bytes: int = DOCUMENT_BYTES
    request_bytes: int = 32 << 20
    metrics: bool = True
    backlog_limit: int = 0
    webhooks: tuple[Webhook, ...] = ()
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the API and the console work with. `connect` opens a connection to the broker, which the web closes."""

    store: WebStore
    connect: Callable[[], Broker]
    registry: Registry
    predictor: TextPredictor | None = None
    settings: ServerSettings = ServerSettings()
