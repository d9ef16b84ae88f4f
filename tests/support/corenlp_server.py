"""A server that speaks the protocol of CoreNLP's, and misbehaves if a text asks for it.

It has CoreNLP's oddities: it reads a body without the type text/plain as a form, cuts blanks off its ends, counts in UTF-16 units, and
takes what stands between `<` and `>` for one token.
"""

import base64
import json
import re
import ssl
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote_plus, urlsplit

TIMED_OUT = "CoreNLP request timed out. Your document may be too long."
CLASSES: Mapping[str, int] = {"hate": 0, "terrible": 0, "bad": 1, "good": 3, "love": 4, "wonderful": 4}
_TOKEN = re.compile(r"<[^>]*>|\n\s*\n|[.!?]+|[^\s<.!?]+|<")


class CorenlpServer:
    """A server on loopback. `status` is what it answers to everything, if it is not 200; `drift` is added to its certainty.

    `asked` has the bodies of all requests, `queries` the properties that came with them.
    """

    def __init__(self, *, account: str = "", tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.account, self.status, self.drift = account, 200, 0.0
        self.asked: list[str] = []
        self.queries: list[str] = []
        self.held = threading.Event()  # lets what is SLOW go on
        server = self

        class Handler(_Handler):
            corenlp = server

        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._scheme = "corenlps" if tls else "corenlp"
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port on loopback."""
        return self._http.server_port

    @property
    def url(self) -> str:
        """As the setting `models` names it."""
        return f"{self._scheme}://{f'{self.account}@' if self.account else ''}localhost:{self.port}"

    def texts(self) -> list[str]:
        """The texts that were asked about since the last call, in order, one string for each request."""
        asked, self.asked = self.asked, []
        return asked

    def close(self) -> None:
        """Calling it twice is harmless."""
        self.held.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


class _Handler(BaseHTTPRequestHandler):
    corenlp: CorenlpServer

    def do_POST(self) -> None:
        server, body = self.corenlp, self.rfile.read(int(self.headers["Content-Length"])).decode()
        (query,) = parse_qs(urlsplit(self.path).query)["properties"]
        assert json.loads(query)["annotators"].endswith("parse,sentiment")
        account = "Basic " + base64.b64encode(server.account.encode()).decode()
        if server.account and self.headers["Authorization"] != account:
            self.answer(401, '{"message": "Unauthorized API request"}')
            return
        if not self.headers["Content-Type"].startswith("text/plain"):
            body = unquote_plus(body)
        body = body.strip("".join(map(chr, range(33))))
        server.asked.append(body)
        server.queries.append(query)
        if server.status != 200:
            self.answer(server.status, "no")
            return
        for word, fault in FAULTS.items():
            if word in body:
                fault(self, body)
                return
        self.answer(200, json.dumps({"sentences": sentences(body, server.drift)}))

    def answer(self, status: int, text: str, length: int | None = None) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass

    def overdue(self, _body: str) -> None:
        self.answer(500, TIMED_OUT)

    def crash(self, _body: str) -> None:
        self.answer(500, "java.util.concurrent.ExecutionException: java.lang.StackOverflowError")

    def too_long(self, _body: str) -> None:
        self.answer(
            400, "Request is too long to be handled by server: 120000 characters. Max length is 100000 characters."
        )

    def slow(self, _body: str) -> None:
        self.corenlp.held.wait()
        self.close_connection = True

    def garbage(self, _body: str) -> None:
        self.answer(200, '{"sentences": [{"tok')

    def cut(self, _body: str) -> None:
        self.answer(200, '{"sent', length=1000)
        self.close_connection = True

    def absent(self, _body: str) -> None:
        self.answer(200, '{"sentences": []}')

    def four(self, body: str) -> None:
        found = sentences(body, 0.0)
        found[0]["sentimentDistribution"] = [0.25] * 4
        self.answer(200, json.dumps({"sentences": found}))

    def odd(self, body: str) -> None:
        found = sentences(body, 0.0)
        found[-1]["tokens"] = [{"characterOffsetBegin": len(body) + 7, "characterOffsetEnd": len(body) + 9}]
        self.answer(200, json.dumps({"sentences": found}))

    def plain(self, body: str) -> None:
        """Without a sentiment where the text says so."""
        found = sentences(body, 0.0)
        for one in found:
            if one["words"][0] == "PLAIN":
                del one["sentimentDistribution"]
        self.answer(200, json.dumps({"sentences": found}))


FAULTS: Mapping[str, Any] = {
    "OVERDUE": _Handler.overdue,
    "CRASH": _Handler.crash,
    "LENGTH": _Handler.too_long,
    "SLOW": _Handler.slow,
    "GARBAGE": _Handler.garbage,
    "CUT": _Handler.cut,
    "ABSENT": _Handler.absent,
    "FOUR": _Handler.four,
    "ODD": _Handler.odd,
    "PLAIN": _Handler.plain,
}


def sentences(text: str, drift: float) -> list[dict[str, Any]]:
    """The sentences of a text, as CoreNLP's JSON has them. A token of a bell alone is none: of such a text, nothing is left."""
    found: list[list[re.Match[str]]] = [[]]
    for token in _TOKEN.finditer(text):
        if token[0].isspace():
            found.append([])
        elif token[0] != "\a":
            found[-1].append(token)
            if token[0][0] in ".!?":
                found.append([])
    return [_sentence(text, tokens, drift) for tokens in found if tokens]


def _sentence(text: str, tokens: list[re.Match[str]], drift: float) -> dict[str, Any]:
    classes = [CLASSES[word[0].lower().strip(",")] for word in tokens if word[0].lower().strip(",") in CLASSES] or [2]
    shares = [0.05 + drift] * 5
    shares[classes[0]] += 0.75 - 5 * drift
    return {
        "words": [token[0] for token in tokens],
        "tokens": [
            {"characterOffsetBegin": units(text[: token.start()]), "characterOffsetEnd": units(text[: token.end()])}
            for token in tokens
        ],
        "sentiment": "Neutral",
        "sentimentDistribution": shares,
    }


def units(text: str) -> int:
    """The length of a text in UTF-16."""
    return len(text.encode("utf-16-le")) // 2
