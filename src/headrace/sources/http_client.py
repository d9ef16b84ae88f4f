"""HTTP as sources use it: a client, and what its failures mean to a stream."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx

from headrace import __version__
from headrace.errors import Misconfigured
from headrace.sources.back_off import Broken, Kind
from headrace.sources.http_responses import ACCEPTED, REDIRECTS, BoundedClient, beginning

OK = 200
CONNECT_SECONDS, SILENT_SECONDS = 10.0, 20.0  #: for connecting; without a byte, after which a connection is dead
USER_AGENT = f"headrace/{__version__}"
SAID = 200  #: characters of a server's answer that are told
ERROR_BYTES, ERROR_SECONDS = 64 << 10, 5.0  # of an answer that is an error: to be told, more is not read


def client(headers: Mapping[str, str] = {}) -> httpx.Client:
    """A client that follows redirects, takes a server that is silent for SILENT_SECONDS for dead, and reads in bounded memory.

    Raises Misconfigured if the environment names a proxy or certificates that cannot be used.
    """
    timeout = httpx.Timeout(CONNECT_SECONDS, read=SILENT_SECONDS)
    sent = {"User-Agent": USER_AGENT, "Accept-Encoding": ACCEPTED, **headers}
    try:
        return BoundedClient(timeout=timeout, follow_redirects=True, max_redirects=REDIRECTS, headers=sent)
    except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
        raise Misconfigured(
            f"no connection can be made: {error}; correct HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE or"
            " SSL_CERT_DIR in the environment"
        ) from error


def address(url: str, scheme: str, *, plain: str, secure: str) -> str:
    """The address that a source's URL means: `SCHEME:https://host/path` as it stands, and `SCHEME://host/path` with TLS, or without it if
    its option `tls` is `no`. `plain` and `secure` are the schemes of addresses.

    Raises Misconfigured if there is no host.
    """
    rest = url.partition(":")[2]
    try:
        parts = urlsplit(rest if not rest.startswith("//") else f"{secure}:{rest}")
        found = bool(parts.hostname) and parts.scheme in (plain, secure) and (parts.port is None or parts.port > 0)
    except ValueError:
        found = False
    if not found:
        raise Misconfigured(
            f"{url!r} is not the address of a stream; write {scheme}:{secure}://host/path, or {scheme}://host/path?tls=no without TLS"
        )
    if not rest.startswith("//"):
        return urlunsplit(parts._replace(fragment=""))
    options = parse_qsl(parts.query, keep_blank_values=True)
    without_tls = ("tls", "no") in options
    query = urlencode([option for option in options if option[0] != "tls"])
    return urlunsplit(parts._replace(scheme=plain if without_tls else secure, query=query, fragment=""))


@contextmanager
def telling() -> Iterator[None]:
    """Turn the client's errors into Broken."""
    try:
        yield
    except httpx.ConnectError as error:
        raise Broken(Kind.REFUSED if is_no_host(error) else Kind.NETWORK, _said(error)) from error
    except httpx.ReadTimeout as error:
        raise Broken(Kind.NETWORK, f"nothing has come for {SILENT_SECONDS:.0f} s; the connection is dead") from error
    except (httpx.TransportError, httpx.StreamError, httpx.TooManyRedirects) as error:
        raise Broken(Kind.NETWORK, _said(error)) from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Broken(Kind.REFUSED, f"the address cannot be used: {error}") from error
    except httpx.DecodingError as error:
        raise Broken(Kind.SERVER, f"the server's data cannot be decoded: {error}") from error


def check(response: httpx.Response) -> None:
    """Raises Broken if the answer is an error, and closes it; what the server says is in the message."""
    status = response.status_code
    if status < 400:
        return
    text = " ".join(text_of(response).split())[:SAID]
    reason = f"the server answers {status} {response.reason_phrase}" + (f": {text}" if text else "")
    raise Broken(kind_of(status), reason, retry_after(response.headers))


def text_of(response: httpx.Response) -> str:
    """The beginning of an answer that is an error, as far as it comes soon. One that is streamed is closed."""
    data = b""
    with suppress(httpx.HTTPError, httpx.StreamError):
        try:
            data = response.content[:ERROR_BYTES]
        except httpx.ResponseNotRead:
            data = beginning(response, ERROR_BYTES, ERROR_SECONDS)
    return data.decode(errors="replace")


def kind_of(status: int) -> Kind:
    """What a status of 400 and above means to a stream."""
    if status == 429:
        return Kind.LIMITED
    return Kind.SERVER if status >= 500 or status in (408, 425) else Kind.REFUSED


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a server asks to wait, or None (RFC 9110, section 10.2.3)."""
    try:
        given = headers.get("Retry-After", "").strip()
    except LookupError:  # it is there twice
        return None
    if given.isdecimal():
        return float(given)
    try:
        at = parsedate_to_datetime(given)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def shut(response: httpx.Response) -> None:
    """End a response that another thread reads: that one gets an error."""
    connection = response.extensions.get("network_stream")
    opened = connection.get_extra_info("socket") if connection is not None else None
    if isinstance(opened, socket.socket):
        with suppress(OSError):
            opened.shutdown(socket.SHUT_RDWR)


def is_no_host(error: BaseException | None) -> bool:
    """Whether a connection failed because no host has the name."""
    while error is not None:
        if isinstance(error, socket.gaierror) and error.errno in (socket.EAI_NONAME, -5):
            return True
        error = error.__cause__ or error.__context__
    return False


def _said(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the server's certificate is not accepted: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return f"the server can't be reached: {error or type(error).__name__}"
