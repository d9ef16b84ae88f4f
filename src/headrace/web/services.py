"""What the web is given by whoever starts it, and nothing that it makes itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from headrace.documents import DOCUMENT_BYTES, Prediction
from headrace.models.registry import Registry
from headrace.ports import Broker, History, Presence, Store


class Keeping(Store, History, Presence, Protocol):
    """A store that knows its history and the workers too."""


class TextPredictor(Protocol):
    """Predicts at once, without the queue. Safe to use from several threads.

    Raises Unavailable while it starts or is overloaded, and Rejected for a text on which a model fails or takes too long.
    """

    def label(self, texts: Sequence[str], *, threshold: float | None = None) -> list[dict[str, Prediction]]:
        """For each text, in order, its predictions by the model's name; none for none."""
        ...

    def top(self, text: str, n: int = 5) -> dict[str, list[Prediction]]:
        """By the model's name, the best `n` labels of a text, best first, whatever the model's threshold."""
        ...

    def models(self) -> list[str]:
        """The versions that predict, such as "language@3f9c2a"."""
        ...


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """Who may come in, and with how much.

    `host` and `port` are where the server listens; `hosts` are further names by which it may be called (Host headers). Off loopback a
    `token` is required, unless `open` says that somebody else (a proxy) checks who comes. `metrics` serves `/metrics`, open to everybody
    as `/livez` and `/readyz` always are.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    hosts: tuple[str, ...] = ()
    token: str = ""
    open: bool = False
    document_bytes: int = DOCUMENT_BYTES
    request_bytes: int = 32 << 20
    metrics: bool = True


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the API and the console work on. `connect` gives a new connection to the broker; the web closes it."""

    store: Keeping
    connect: Callable[[], Broker]
    registry: Registry
    predictor: TextPredictor | None = None
    settings: ServerSettings = ServerSettings()
