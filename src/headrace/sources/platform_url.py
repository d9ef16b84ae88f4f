"""The URL of a platform's stream: `scheme:PATH?options` at the platform's own host, and `scheme://host/PATH?options` at another one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from headrace.errors import Misconfigured, did_you_mean
from headrace.masking import mask_url

_SWITCH: Mapping[str, bool] = {"yes": True, "no": False}


@dataclass(frozen=True)
class PlatformUrl:
    """What such a URL says. `address` is `https://host:port`, or with http if `tls` is `no`, and empty if the URL names no host; `path`
    has no slashes around it."""

    scheme: str
    address: str
    path: str
    options: Mapping[str, str]

    @classmethod
    def read(cls, url: str, known: Sequence[str], like: str) -> Self:
        """Take a URL apart that may have the options `known`, and `tls`. Raises Misconfigured, and says what to write, such as `like`."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise Misconfigured(f"{mask_url(url)!r} is not a URL: {error}; write {like}") from None
        if parts.username is not None or parts.password is not None:
            raise Misconfigured(f"{mask_url(url)!r} has an account in it, which is not needed; write {like}")
        if url.partition(":")[2].startswith("//") and not re.fullmatch(r"[\w.:-]+", host, re.ASCII):
            raise Misconfigured(f"{mask_url(url)!r} names no host; write {like}")
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        for name, _ in pairs:
            if name not in (*known, "tls"):
                meant = did_you_mean(name, known)
                raise Misconfigured(
                    f"{name} is not an option of {parts.scheme}:; {meant}known are {', '.join((*known, 'tls'))}"
                )
        options = dict(pairs)
        if len(options) < len(pairs) or parts.fragment:
            raise Misconfigured(f"{mask_url(url)!r} says an option twice, or has a part after #; write {like}")
        read = cls(parts.scheme, "", unquote(parts.path).strip("/"), options)
        transport = "https" if read.switch("tls", default=True) else "http"
        authority = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
        return cls(read.scheme, f"{transport}://{authority}" if host else "", read.path, options)

    def switch(self, name: str, *, default: bool) -> bool:
        """An option that is `yes` or `no`. Raises Misconfigured for anything else."""
        value = self.options.get(name)
        if value is not None and value not in _SWITCH:
            raise Misconfigured(f"the option {name} of {self.scheme}: is {value!r}; write {name}=yes or {name}=no")
        return default if value is None else _SWITCH[value]

    def several(self, name: str, default: Sequence[str]) -> tuple[str, ...]:
        """The parts of an option that are separated by commas."""
        value = self.options.get(name)
        return tuple(default) if value is None else parts_of(value)


def parts_of(value: str) -> tuple[str, ...]:
    """What stands between commas, without blanks around it, sorted, and each once."""
    return tuple(sorted({part.strip() for part in value.split(",")} - {""}))
