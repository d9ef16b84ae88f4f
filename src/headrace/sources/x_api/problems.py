"""What X says when it does not do what is asked, and what to do about it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from headrace.sources import http_client
from headrace.sources.back_off import Broken, Kind
from headrace.sources.http_client import SAID

CONSOLE = "https://console.x.com"
CLOSE = "headrace twitter connections --close"
_DIGITS = 15  # of a time in seconds, at most
LONGEST_REST = 3600.0  #: seconds to wait for more requests to be allowed, at most
#: The ends of the types of problems that end a stream, though the connection may stay open.
ENDING = ("operational-disconnect", "client-disconnected", "streaming-connection", "usage-capped", "credits-depleted")
_LIMITED = ("usage-capped", "credits-depleted")


class Refused(Broken):
    """X refuses a request, and will go on to do so until somebody changes something. `status` is that of HTTP."""

    def __init__(self, status: int, reason: str, *, by_budget: bool = False) -> None:
        super().__init__(Kind.REFUSED, reason)
        self.status, self.by_budget = status, by_budget  # the latter: the account has used up what it may


@dataclass(frozen=True)
class Problem:
    """What X says of an error: the last part of its type, and in words."""

    type: str = ""
    title: str = ""
    detail: str = ""
    issue: str = ""  # of a connection
    reason: str = ""  # why an app may not do this

    @classmethod
    def read(cls, value: object) -> Self:
        """The problem in an answer, or in a message of a stream: the first of several; an empty one if there is none."""
        if isinstance(value, dict) and "title" not in value and "detail" not in value:
            several = value.get("errors")
            value = several[0] if isinstance(several, list) and several else None
        if not isinstance(value, dict):
            return cls()
        names = ("type", "title", "detail", "connection_issue", "reason")
        kind, title, detail, issue, reason = (str(value.get(name) or "")[:SAID] for name in names)
        return cls(kind.rpartition("/")[2], title, detail or str(value.get("message") or "")[:SAID], issue, reason)

    @property
    def words(self) -> str:
        """What X says, on one line."""
        return " ".join(": ".join(filter(None, (self.title, self.detail or self.reason))).split()).rstrip(".")

    @property
    def is_used_up(self) -> bool:
        """Whether the account has no credit left, or has reached a limit of its own."""
        told = f"{self.type} {self.title} {self.detail}".lower()
        return self.type in _LIMITED or any(word in told for word in ("credits", "spending limit", "spend cap"))


def check(response: httpx.Response, now: int) -> None:
    """Raises Broken for an answer that is an error, with what to do. `now` is the time of X, in microseconds since the epoch."""
    status = response.status_code
    if status < 400:
        return
    text = http_client.text_of(response)
    try:
        problem = Problem.read(json.loads(text))
    except (ValueError, RecursionError):
        problem = Problem()
    said = f"X answers {status} {response.reason_phrase}".rstrip()
    told = problem.words or " ".join(text.split())[:SAID]
    said += f": {told}" if told else ""
    if status == 402 or problem.is_used_up:
        raise _used_up(status, said)
    kind = http_client.kind_of(status)
    if kind is not Kind.REFUSED:
        more = (
            f"; another connection is open: end it, or close it by {CLOSE}"
            if problem.issue == "TooManyConnections"
            else ""
        )
        raise Broken(kind, said + more, _seconds(response.headers, now, problem))
    raise Refused(status, f"{said}{_advice(status, problem)}")


def of_stream(message: object) -> Broken | None:
    """Why a stream has ended, if this message of it says so."""
    if not isinstance(message, dict) or "data" in message:
        return None
    problem = Problem.read(message)
    if problem.type not in ENDING and "disconnect" not in problem.title.lower():
        return None
    said = f"X has ended the stream: {problem.words}"
    if problem.is_used_up:
        return _used_up(402, said)
    if problem.issue == "TooManyConnections":
        return Broken(Kind.LIMITED, f"{said}; another connection is open: end it, or close it by {CLOSE}")
    return Broken(Kind.ENDED, said)


def rest(headers: Mapping[str, str], now: int) -> float:
    """Seconds until more requests are allowed; 0 if some are left."""
    reset = headers.get("x-rate-limit-reset", "").strip()
    if headers.get("x-rate-limit-remaining", "").strip() != "0" or not reset.isdecimal() or len(reset) > _DIGITS:
        return 0.0
    return min(max(int(reset) - now / 1e6, 1.0), LONGEST_REST)


def _seconds(headers: Mapping[str, str], now: int, problem: Problem) -> float | None:
    """Seconds that X asks to wait; None if it doesn't say."""
    told = http_client.retry_after(headers)
    return told if told is not None or problem.issue else rest(headers, now) or None


def _used_up(status: int, said: str) -> Refused:
    what = "the account has no credit left, or has reached its spending limit or its monthly cap; see"
    return Refused(status, f"{said}; {what} {CONSOLE}", by_budget=True)


def _advice(status: int, problem: Problem) -> str:
    if status == 401:
        return "; is the token in HEADRACE_TWITTER_TOKEN the Bearer Token of an app?"
    if status == 403:
        enrolled = "enrol" if "enrolled" in problem.reason or "enrolled" in problem.detail else "check"
        return f"; {enrolled} the app, its project and its access at {CONSOLE}"
    if status == 409 and "rule" in f"{problem.issue} {problem.detail}".lower():
        return "; the stream has no rules: add one by headrace twitter rules add VALUE"
    return ""


def as_mapping(value: Any) -> Mapping[str, Any]:
    """A member that should be an object; empty if it is not one."""
    return value if isinstance(value, dict) else {}
