"""CoreNLP's sentiment as a classifier: `corenlp://host:9000`."""

import hashlib
import json
import re
import time
from collections.abc import Sequence
from typing import Self

from headrace.documents import Prediction
from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.models.corenlp import sentences
from headrace.models.corenlp.sentences import Sentence, stripped
from headrace.models.corenlp.server import PROPERTIES, SHIFT_REDUCE, Overdue, Server
from headrace.server_url import CERTIFICATES, ServerUrl

PORT = 9000
SECONDS = 8  # for one request: less than the setting `deadline`, 10 s by default
BATCH, FIRST_BATCH = 8, 4  # texts in one request: at most, and before anything is measured
SHARE_OF_TIME = 4  # a request should take a quarter of its time-out, so that one slow text in it does not time out
MOST_OVERDUE = 5  # texts in a row that are not finished in time: then it is the server
OPENING_SECONDS = 60.0  # for the first answer, before which the server loads its models
OPTIONS = ("timeout", "batch", "parser", "version", *CERTIFICATES)
#: Their distributions tell one version of CoreNLP from another. The first three are the golden texts.
PROBES = (
    "I love this, it is wonderful.",
    "The train leaves at nine.",
    "This is terrible, I hate it.",
    "Not bad at all! Although the ending, which nobody had asked for, was a little too long 😀 we'd see it again :-)",
)
GOLDEN = PROBES[:3]
_VERSION = re.compile(r"[A-Za-z0-9._-]{0,40}")


class CorenlpClassifier:
    """Asks a CoreNLP server for the sentiment of texts: `negative`, `neutral` or `positive`.

    `version` is a fingerprint of the properties and of the server's answers to fixed texts; with a `named` version it follows that name.
    `golden` has three texts, with the labels that the server gave them when this was opened. Raises Unavailable while the server cannot
    be reached, Misconfigured if it cannot do this.
    """

    def __init__(self, server: Server, *, batch: int = BATCH, named: str = "") -> None:
        self._server, self._batch = server, batch
        self._most_texts, self._seconds_a_text = min(batch, FIRST_BATCH), 0.0
        self._overdue = 0  # texts in a row
        self._doubted = False  # whether it may be another server since it was away
        self._named = named
        try:
            server.annotate(PROBES[0], patience=OPENING_SECONDS)
            self.version, self.golden = self._identify()
        except Overdue as error:
            raise Unavailable(f"{error}; it may be loading its models") from None
        except Rejected as error:
            raise Misconfigured(
                f"{error}; it must have the models for {PROPERTIES['annotators']}"
                f" ({SHIFT_REDUCE} for parser=shift-reduce)"
            ) from None

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`corenlp://user:password@host:9000?timeout=8`, or `corenlps://…` for TLS; docs/corenlp.md has the options."""
        address = ServerUrl.read(url, PORT, OPTIONS, like="host:9000", several=False)
        if address.path:
            raise Misconfigured(f"a {address.scheme}: URL has no path; write {address.scheme}://host:9000")
        seconds, batch = address.number("timeout", SECONDS, 1, 3600), address.number("batch", BATCH, 1, 1000)
        shift_reduce = address.choice("parser", "default", "shift-reduce") == "shift-reduce"
        named = address.text("version", "")
        if not _VERSION.fullmatch(named):
            raise Misconfigured(
                f"the option version of {address.scheme}:// is up to 40 letters, digits, dots and dashes, not {named!r}"
            )
        files = address.certificates("corenlps")
        tls = address.tls(files) if address.scheme == "corenlps" else None
        return cls(Server(address, seconds=seconds, tls=tls, shift_reduce=shift_reduce), batch=batch, named=named)

    @property
    def most_texts(self) -> int:
        """How many texts are asked about in one request: as many as take a quarter of the time-out, going by the last ones."""
        return self._most_texts

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction a text, in order. A text in which CoreNLP finds no sentence is neutral, with the score 1/3.

        Raises Rejected if a text takes too long or is refused; if that happens to golden texts, or to five texts in a row, Unavailable.
        Raises Misconfigured if the server answers otherwise than when this was opened.
        """
        try:
            if self._doubted:
                self._recognise()
            return self._predict(texts)
        except Unavailable:
            self._doubted = True
            raise
        except Rejected as error:
            if set(texts) <= set(GOLDEN):
                raise Unavailable(f"{error}; it has answered before, and is tried again") from error
            raise

    def close(self) -> None:
        """Calling it twice is harmless."""
        self._server.close()

    def _predict(self, texts: Sequence[str]) -> list[Prediction]:
        bare = list(map(stripped, texts))
        asked = [number for number, text in enumerate(bare) if text]
        predictions = [sentences.UNKNOWN] * len(bare)
        while asked:
            most = self._most_texts
            some, asked = asked[:most], asked[most:]
            found = self._ask([bare[number] for number in some])
            for number, of_one in zip(some, found, strict=True):
                predictions[number] = sentences.folded(of_one)
        return predictions

    def _ask(self, texts: list[str]) -> list[list[Sentence]]:
        """The sentences of each text; of one that can't be told from its neighbours, or has none, by a request of its own."""
        began = time.monotonic()
        try:
            found = self._server.annotate(sentences.joined(texts))
        except Overdue as error:
            raise self._too_long(len(texts), error) from error
        self._overdue = 0
        self._learn(len(texts), time.monotonic() - began)
        apart = sentences.by_text(found, texts)
        if len(texts) == 1:
            return [apart[0] or self._server.annotate(texts[0])]
        return [self._ask([text])[0] if some is None else some for text, some in zip(texts, apart, strict=True)]

    def _learn(self, texts: int, seconds: float) -> None:
        self._seconds_a_text += (seconds / texts - self._seconds_a_text) * (0.3 if self._seconds_a_text else 1.0)
        fitting = self._server.seconds / SHARE_OF_TIME / max(self._seconds_a_text, 1e-6)
        self._most_texts = max(1, min(self._batch, int(fitting)))

    def _too_long(self, texts: int, error: Overdue) -> Rejected | Unavailable:
        if texts > 1:  # it is asked again in parts
            self._most_texts = max(1, texts // 2)
            return error
        self._overdue += 1
        if self._overdue < MOST_OVERDUE:
            return error
        return Unavailable(f"{error}; that was {self._overdue} texts in a row, so it is taken for the server's fault")

    def _identify(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """The version and the golden texts, as the server answers now."""
        found = [self._ask([text])[0] for text in PROBES]
        shares = [[[round(one, 4) for one in each.sentiment_distribution or ()] for each in some] for some in found]
        if not all(some and all(some) for some in shares):
            raise Rejected(f"asking CoreNLP at {self._server}: it tells no sentiment")
        told = json.dumps([self._server.properties, shares])
        fingerprint = hashlib.sha256(told.encode()).hexdigest()[:8]
        version = f"{self._named}-{fingerprint}" if self._named else fingerprint
        return version, tuple((text, sentences.folded(some).label) for text, some in zip(GOLDEN, found, strict=False))

    def _recognise(self) -> None:
        """Raise Misconfigured if the server is not the one that it was."""
        try:
            version, _ = self._identify()
        except Rejected as error:
            raise Unavailable(f"{error}; it has answered before, and is tried again") from error
        if version != self.version:
            raise Misconfigured(
                f"CoreNLP at {self._server} answers otherwise than before it was away (its version was {self.version} and is {version}):"
                " restart the workers and servers, so that results name the new version"
            )
        self._doubted = False
