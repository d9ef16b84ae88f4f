"""Who knows the token: programs send it with each request; browsers get a cookie for it."""

import hashlib
import hmac

from starlette.datastructures import Headers

DAYS = 30  #: how long the cookie is valid


class Session:
    """The token, and the cookie that stands for it.

    The cookie's name is made from the token, because cookies do not tell ports apart: two servers of one host don't overwrite each
    other's. Over HTTPS it has another name, because a browser lets no page without encryption overwrite it.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._value = self._derive(b"console")
        name = "headrace-" + self._derive(b"cookie")[:12]
        self._names = (name.encode(), b"__Secure-" + name.encode())

    def is_token(self, given: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(given.encode(errors="replace"), self._token)

    def is_known(self, headers: Headers) -> bool:
        """Whether a request comes with the token or with the cookie. Cookies of other servers are passed over, whatever they look like."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(_bytes(given.strip()), self._token):
            return True
        return any(self._is_cookie(part) for line in headers.getlist("cookie") for part in _bytes(line).split(b";"))

    def set_cookie(self, path: str, *, encrypted: bool) -> str:
        """The header Set-Cookie for whoever has entered the token: for the pages below `path`, and not for scripts."""
        name = self._names[encrypted].decode()
        secure = "; Secure" if encrypted else ""
        return f"{name}={self._value}; HttpOnly; SameSite=Lax; Path={path}; Max-Age={DAYS * 86400}{secure}"

    def _is_cookie(self, part: bytes) -> bool:
        name, _, value = part.partition(b"=")
        return name.strip() in self._names and hmac.compare_digest(value.strip().strip(b'"'), self._value.encode())

    def _derive(self, purpose: bytes) -> str:
        return hmac.digest(self._token, purpose, hashlib.sha256).hex()


def _bytes(header: str) -> bytes:
    """A header as it was sent; Starlette reads headers as Latin-1."""
    return header.encode("latin-1")
