"""The URLs of servers, taken apart: `scheme://user:password@host:port,host2/path?option=value`."""

import re
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from headrace.errors import Misconfigured, did_you_mean

CERTIFICATES = ("cacertfile", "certfile", "keyfile")  #: the options that name files for an encrypted connection
_PASSING_CERTIFICATES = (9, 10)  #: OpenSSL's codes of certificates that are not valid yet, or not any more
_HOST = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\[\]:,]+)(:(?P<port>\d{1,5}))?")


@dataclass(frozen=True)
class ServerUrl:
    """The parts of a URL, percent-decoded. The methods that read an option raise Misconfigured if its value is wrong.

    `user` is None if the URL names no account; without a password, `password` is empty.
    """

    scheme: str
    user: str | None
    password: str
    hosts: tuple[tuple[str, int], ...]
    path: str
    _options: Mapping[str, str]

    @classmethod
    def read(cls, url: str, port: int, options: Collection[str], *, like: str, several: bool = True) -> "ServerUrl":
        """Take a URL apart. `port`: the default; `options`: the names that are known; `like`: an example without its scheme, for messages;
        `several`: whether the URL may name several hosts. Raises Misconfigured, without the password, if the URL is wrong."""
        parts = urlsplit(url)
        account, at, named = parts.netloc.rpartition("@")
        user, _, password = account.partition(":")
        example = f"{parts.scheme}://{like}{', several hosts with commas' if several else ''}"
        if "@" in parts.path + parts.query + parts.fragment:  # what stands before it may be a part of a password
            raise Misconfigured(
                f"a {parts.scheme}: URL has an @ after its host; percent-encode special characters of user and password, and write %40 for"
                f" an @ elsewhere, as in {example}"
            )
        hosts = tuple(_host(one, port, example) for one in (named.split(",") if several else [named]))
        if parts.fragment:
            raise Misconfigured(f"a {parts.scheme}: URL has no part after #; write %23 for a # in a name or password")
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        given = dict(pairs)
        if len(given) < len(pairs):
            raise Misconfigured(f"a {parts.scheme}: URL names an option twice; name each once")
        for name in given:
            if name not in options:
                meant = did_you_mean(name, options)
                raise Misconfigured(
                    f"{name!r} is not an option of {parts.scheme}://; {meant}known are {', '.join(options)}"
                )
        path = unquote(parts.path.removeprefix("/"))
        return cls(parts.scheme, unquote(user) if at else None, unquote(password), hosts, path, given)

    def __contains__(self, option: str) -> bool:
        """Whether the URL has this option."""
        return option in self._options

    def text(self, option: str, default: str) -> str:
        """The value of an option, or the default."""
        return self._options.get(option, default)

    def number(self, option: str, default: int, least: int, most: int) -> int:
        """The value of an option as a whole number from `least` to `most`."""
        value = self._options.get(option, str(default))
        if not (value.isascii() and value.isdecimal()) or not least <= int(value) <= most:
            raise Misconfigured(f"{self._of(option)} is a number from {least} to {most}, not {value!r}")
        return int(value)

    def choice(self, option: str, *values: str) -> str:
        """The value of an option that has to be one of these; the first is the default."""
        value = self._options.get(option, values[0])
        if value not in values:
            raise Misconfigured(f"{self._of(option)} is one of {', '.join(values)}, not {value!r}")
        return value

    def file(self, option: str, scheme: str) -> str | None:
        """The path of an existing file; None without the option. `scheme`: the only one that may have it, because it encrypts."""
        path = self._options.get(option)
        if path is None:
            return None
        if self.scheme != scheme:
            raise Misconfigured(f"{self._of(option)} is for {scheme}://, which encrypts; {self.scheme}:// doesn't")
        if not Path(path).is_file():
            raise Misconfigured(f"{self._of(option)} names {path!r}: there is no such file")
        return path

    def certificates(self, scheme: str) -> Mapping[str, str]:
        """The files that CERTIFICATES name, by their options. `scheme`: the only one that may have them. Raises Misconfigured if one can't
        be used."""
        found = {option: path for option in CERTIFICATES if (path := self.file(option, scheme))}
        if self.scheme == scheme:
            self.tls(found)
        return found

    def tls(self, files: Mapping[str, str]) -> ssl.SSLContext:
        """How to encrypt a connection with these `certificates`; without any, the system's authorities are trusted."""
        try:
            context = ssl.create_default_context(cafile=files.get("cacertfile"))
            if "certfile" in files:
                # An empty password, so that nobody is asked for one at the terminal.
                context.load_cert_chain(files["certfile"], files.get("keyfile"), password="")
        except (ssl.SSLError, OSError) as error:
            raise Misconfigured(
                f"the certificates that the {self.scheme}: URL names cannot be used: {error}"
            ) from error
        if "keyfile" in files and "certfile" not in files:
            raise Misconfigured(f"{self._of('keyfile')} belongs to a certfile, which the URL does not name")
        return context

    def _of(self, option: str) -> str:
        return f"the option {option} of {self.scheme}://"


def _host(named: str, default: int, example: str) -> tuple[str, int]:
    found = _HOST.fullmatch(named)
    if found is None or not 1 <= int(found["port"] or default) <= 65535:
        raise Misconfigured(f"{named!r} is not a host; write {example}")
    return found["host"].strip("[]"), int(found["port"] or default)


def host_and_port(host: str, port: int) -> str:
    """A host and its port as a URL writes them, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def never_trusted(error: BaseException) -> str:
    """What to do about a TLS connection that can't be made until a setting has changed; empty if it may be made later."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _PASSING_CERTIFICATES:
            return ""
        return "name the authority that signed the server's certificate (cacertfile=FILE), and the host as the certificate does"
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return "the server does not encrypt on this port; name another port, or the scheme without s"
    return ""
