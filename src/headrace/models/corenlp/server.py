"""The CoreNLP server over HTTP: one request, and what its failures mean."""

import json
import ssl
from collections.abc import Mapping

import httpx
import msgspec

from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable
from headrace.models.corenlp.sentences import Sentence, read
from headrace.server_url import ServerUrl, host_and_port, never_trusted

CONNECT_SECONDS = 5.0  # for opening a connection
MARGIN_SECONDS = 1.0  # that we wait longer than the server works, so that it can say that it was too long
REASON_LETTERS = 200  # of the server's own words are kept
SHIFT_REDUCE = "edu/stanford/nlp/models/srparser/englishSR.ser.gz"
#: Always these, in this order: the server keeps one pipeline, of the last properties that it was asked with.
PROPERTIES: Mapping[str, str] = {
    "annotators": "tokenize,ssplit,pos,parse,sentiment",
    "outputFormat": "json",
    "ssplit.newlineIsSentenceBreak": "two",
    "pos.maxlen": "80",
    "parse.maxlen": "80",  # tokens: the time that the parser takes grows with the third power
    "parse.binaryTrees": "true",
    "parse.buildgraphs": "false",  # dependencies, which nobody reads, take most of the time
}
NOT_NOW = (408, 429, 502, 503, 504)
NO_ACCESS = (401, 403)


class Overdue(Rejected):
    """The server did not finish in time."""


class Server:
    """A CoreNLP server. `seconds`: how long it may work on one request. `properties` are what it is asked with, beside that."""

    def __init__(self, address: ServerUrl, *, seconds: int, tls: ssl.SSLContext | None, shift_reduce: bool) -> None:
        host, port = address.hosts[0]
        self._place = f"{address.scheme}://{host_and_port(host, port)}"
        self.seconds = float(seconds)
        self.properties = {**PROPERTIES, **({"parse.model": SHIFT_REDUCE} if shift_reduce else {})}
        self._query = {"properties": json.dumps({**self.properties, "timeout": str(seconds * 1000)})}
        try:
            self._client = httpx.Client(
                base_url=f"{'https' if tls else 'http'}://{host_and_port(host, port)}",
                auth=None if address.user is None else (address.user, address.password),
                verify=tls or False,
                trust_env=False,
                # The server closes idle connections, and a request on one that it has just closed would fail.
                limits=httpx.Limits(max_keepalive_connections=0),
            )
        except httpx.InvalidURL as error:
            raise Misconfigured(f"{self} is not the address of a server: {error}; write corenlp://host:9000") from error

    def __str__(self) -> str:
        return self._place

    def annotate(self, text: str, *, patience: float | None = None) -> list[Sentence]:
        """The sentences of a text. `patience`: seconds to wait for the answer, if it is to be longer than usual.

        Raises Overdue if it takes too long, Rejected if the server refuses the text or gives an answer that can't be read, Unavailable if
        it can't be reached or is not ready, and Misconfigured if it never will be.
        """
        doing = f"asking CoreNLP at {self}"
        waiting = httpx.Timeout(patience or self.seconds + MARGIN_SECONDS, connect=min(CONNECT_SECONDS, self.seconds))
        try:
            response = self._client.post(
                "/",
                params=self._query,
                content=text.encode(errors="replace"),
                # With any other type, or none, the server takes % and + for escapes.
                headers={"Content-Type": "text/plain; charset=utf-8"},
                timeout=waiting,
            )
        except httpx.ReadTimeout as error:
            raise Overdue(f"{doing}: no answer in {waiting.read:g} s (option timeout)") from error
        except httpx.HTTPError as error:
            raise _unreached(doing, error) from error
        if response.status_code != 200:
            raise self._refused(doing, response)
        try:
            return read(response.content).sentences
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Rejected(f"{doing}: its answer can't be read: {error}") from error

    def close(self) -> None:
        """Calling it twice is harmless."""
        self._client.close()

    def _refused(self, doing: str, response: httpx.Response) -> HeadraceError:
        status, reason = response.status_code, " ".join(response.text.split())[:REASON_LETTERS]
        told = f"{doing}: it answers {status}: {reason}" if reason else f"{doing}: it answers {status}"
        if status == 500 and "timed out" in reason:
            return Overdue(f"{doing}: it did not finish in {self.seconds:g} s (option timeout): {reason}")
        if status in (400, 413, 500):
            return Rejected(told)
        if status in NOT_NOW:
            return Unavailable(f"{told}; it is tried again")
        if status in NO_ACCESS:
            return Misconfigured(f"{doing}: it answers {status}; check user and password")
        return Misconfigured(f"{told}; check that the URL is that of a CoreNLP server")


def _unreached(doing: str, error: httpx.HTTPError) -> HeadraceError:
    cause: BaseException | None = error
    while cause is not None:
        if told := never_trusted(cause):
            return Misconfigured(f"{doing}: {cause}; {told}")
        cause = cause.__cause__ or cause.__context__
    return Unavailable(f"{doing}: {error or type(error).__name__}; start the server, or correct the URL")
