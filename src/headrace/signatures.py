"""Signatures of webhooks: how senders sign what they send, and whether a request is signed so."""

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from headrace.clock import to_microseconds
from headrace.errors import Misconfigured, did_you_mean
from headrace.timestamps import as_utc

SKEW_SECONDS = (
    300  #: by which a signed time may differ from the clock, in either direction: later repetitions are refused
)
ALGORITHMS = ("sha256", "sha512", "sha1")
ENCODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "hex": lambda digest: digest.hex().encode(),
    "base64": base64.b64encode,
}
BODY, TIMESTAMP = "{body}", "{timestamp}"


@dataclass(frozen=True)
class Signature:
    """How a sender signs: the HMAC of `signed`, in which `{body}` stands for the payload as it is sent and `{timestamp}` for the header
    `timestamp`; encoded, after `prefix`, in the header `header`. `ping`: the header, and its value, of a request that only tests the URL.
    `challenges`: whether the sender tests the URL by a word that it wants to have back.

    Raises Misconfigured for what can't be a signature.
    """

    name: str
    header: str
    prefix: str = ""
    timestamp: str = ""
    signed: str = BODY
    algorithm: str = "sha256"
    encoding: str = "hex"
    ping: tuple[str, str] = ("", "")
    challenges: bool = False

    def __post_init__(self) -> None:
        for name, value in (("header", self.header), ("timestamp", self.timestamp)):
            if value and not (value.isascii() and value.replace("-", "").replace("_", "").isalnum()):
                raise Misconfigured(f"{name} is {value!r}, which is not the name of a header")
        for name, value, known in (("algorithm", self.algorithm, ALGORITHMS), ("encoding", self.encoding, ENCODINGS)):
            if value not in known:
                raise Misconfigured(f"{name} is {value!r}; it must be one of {', '.join(known)}")
        if not self.header:
            raise Misconfigured(
                'header is missing; name the one that has the signature, such as header = "X-Signature"'
            )
        if self.signed.count(BODY) != 1 or (TIMESTAMP in self.signed) != bool(self.timestamp):
            raise Misconfigured(
                f"signed is {self.signed!r}; it must hold {BODY} once, and {TIMESTAMP} if timestamp names a header and only then"
            )

    @property
    def expectation(self) -> str:
        """What a request needs, for whoever sends one without it."""
        asked = f"the header {self.header}, with the HMAC-{self.algorithm.upper()} of what it sends"
        if not self.timestamp:
            return asked
        minutes = SKEW_SECONDS // 60
        return f"{asked}, and the header {self.timestamp}, with a time within {minutes} minutes of this server's clock"

    def is_current(self, timestamp: str, now: float) -> bool:
        """Whether the signed time, if there is one, is near `now`, in seconds since the epoch."""
        if not self.timestamp:
            return True
        read = as_utc(timestamp)
        if read is None or "T" not in read:
            return False
        return abs(to_microseconds(datetime.fromisoformat(read)) / 1e6 - now) <= SKEW_SECONDS

    def is_of(self, body: bytes, secret: bytes, *, given: str, timestamp: str = "") -> bool:
        """Whether `given`, from the header, is the signature of these bytes. It takes as long whichever characters are wrong."""
        digest = hmac.new(secret, digestmod=self.algorithm)
        before, _, after = self.signed.partition(BODY)
        for part in (_bytes(before.replace(TIMESTAMP, timestamp)), body, _bytes(after.replace(TIMESTAMP, timestamp))):
            digest.update(part)
        expected = self.prefix.encode() + ENCODINGS[self.encoding](digest.digest())
        shown = _bytes(given.strip())
        if self.encoding == "hex":
            expected, shown = expected.lower(), shown.lower()
        return hmac.compare_digest(shown, expected)


def _bytes(header: str) -> bytes:
    """A header as it was sent; it is read as Latin-1."""
    return header.encode("latin-1", "replace")


#: How these senders sign, as they document it.
SENDERS: Mapping[str, Signature] = {
    one.name: one
    for one in (
        Signature(
            "slack", "X-Slack-Signature", "v0=", "X-Slack-Request-Timestamp", f"v0:{TIMESTAMP}:{BODY}", challenges=True
        ),
        Signature("github", "X-Hub-Signature-256", "sha256=", ping=("X-GitHub-Event", "ping")),
        Signature("discourse", "X-Discourse-Event-Signature", "sha256=", ping=("X-Discourse-Event-Type", "ping")),
        Signature(
            "zendesk",
            "X-Zendesk-Webhook-Signature",
            timestamp="X-Zendesk-Webhook-Signature-Timestamp",
            signed=f"{TIMESTAMP}{BODY}",
            encoding="base64",
        ),
    )
}
OWN = "hmac"  #: the name of a signature that a table describes itself
OPTIONS = ("header", "algorithm", "encoding", "prefix", "timestamp", "signed")  #: of such a signature


def parse(name: str, options: Mapping[str, str]) -> Signature:
    """The signature of this name: that of a sender, which takes no options, or `hmac` with its options.

    Raises Misconfigured for any other name, and for options that do not fit.
    """
    if name == OWN:
        usual = f"{TIMESTAMP}.{BODY}" if options.get("timestamp") else BODY
        given = {"header": "", "prefix": "", "timestamp": "", "signed": usual, **options}
        algorithm, encoding = options.get("algorithm", ALGORITHMS[0]), options.get("encoding", "hex")
        return Signature(
            OWN, given["header"], given["prefix"], given["timestamp"], given["signed"], algorithm, encoding
        )
    if name not in SENDERS:
        known = [*SENDERS, OWN]
        raise Misconfigured(f"signature is {name!r}; {did_you_mean(name, known)}known are {', '.join(known)}")
    if options:
        raise Misconfigured(f'{next(iter(options))} is an option of signature = "{OWN}"; leave it out')
    return SENDERS[name]
