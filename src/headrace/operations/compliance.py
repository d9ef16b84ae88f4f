"""Erasing what is gone at X: stored posts that were deleted there, or whose authors have withdrawn them, by batch compliance jobs.

Only ids are sent. Nothing is kept between two calls: each asks about all posts that are stored, so what a call that was interrupted has not
erased is found by the next one.
"""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from headrace import browse
from headrace.batch.records import batches
from headrace.errors import Misconfigured, Unavailable
from headrace.log import logger
from headrace.ports import DeadQuery, ResultQuery, StoreAdapter
from headrace.sources.x_api.api import Api
from headrace.sources.x_api.problems import Refused, as_mapping

NAME = "headrace"  #: of our jobs, by which they are known again
IDS = 5_000_000  #: of one job, at most: X takes 128 MB
FIRST_SECONDS, LONGEST_SECONDS = 1.0, 60.0  #: between two looks at whether a job is done
_SOURCE = "twitter"
_JOBS = "/2/compliance/jobs"
_CHUNK = 1 << 20  # bytes that are sent at once
LOG = logger("headrace.operations")


@dataclass
class Outcome:
    """How many posts X was asked about; how many of them are gone there, and were erased here; how many were edited there, whose texts
    here are older."""

    checked: int = 0
    erased: int = 0
    edited: int = 0


@dataclass
class Compliance:
    """Runs jobs. `wait` waits for so many seconds. Calls raise Broken, HeadraceError."""

    api: Api
    store: StoreAdapter
    wait: Callable[[float], object]
    ids: int = IDS
    outcome: Outcome = field(default_factory=Outcome)

    def run(self) -> Outcome:
        """Ask about all posts that are stored, and erase those that are gone; what came of it."""
        for job in self._active():
            self._take_over(job)
        with tempfile.TemporaryFile() as spooled:
            number = 0
            for number, post in enumerate(self._posts(), 1):
                spooled.write(b"%d\n" % post)
                if number % self.ids == 0:
                    self._check(spooled)
            if number % self.ids:
                self._check(spooled)
            self.outcome.checked += number
        return self.outcome

    def _posts(self) -> Iterator[int]:
        """The numbers of the posts that are stored, or buried."""
        for result in browse.results(self.store, ResultQuery(source=_SOURCE)):
            yield from _number(result.id)
        for letter in browse.letters(self.store, DeadQuery(source=_SOURCE)):
            yield from _number(letter.id)

    def _active(self) -> Iterable[Mapping[str, Any]]:
        """The jobs that are not done yet. X allows one at a time."""
        listed = self.api.ask("GET", _JOBS, {"type": "tweets"}).get("data")
        jobs = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        return [one for one in jobs if one.get("status") in ("created", "in_progress")]

    def _take_over(self, job: Mapping[str, Any]) -> None:
        """Go on with a job that an earlier call has left, or give it up if nothing was sent yet."""
        number = _text(job, "id")
        if job.get("name") != NAME:
            raise Misconfigured(
                f"X works on the compliance job {number}, which is not Headrace's, and allows one at a time; wait until it is done"
            )
        if job.get("status") == "created":
            self.api.ask("DELETE", f"{_JOBS}/{number}")
            return
        LOG.info(f"going on with the compliance job {number}, which an earlier call has begun")
        self._finish(job)

    def _check(self, spooled: IO[bytes]) -> None:
        """Ask about the posts whose numbers are in a file, which is empty afterwards."""
        try:
            made = self.api.ask("POST", _JOBS, body={"type": "tweets", "name": NAME})
        except Refused as refused:
            if refused.status == 409:
                raise Unavailable(f"{refused}; another compliance job has begun: wait until it is done") from None
            raise
        job = as_mapping(made.get("data"))
        size = spooled.tell()
        spooled.seek(0)
        self.api.upload(_text(job, "upload_url"), iter(lambda: spooled.read(_CHUNK), b""), size)
        self._finish(job)
        spooled.seek(0)
        spooled.truncate()

    def _finish(self, job: Mapping[str, Any]) -> None:
        """Wait until a job is done, and erase what it says is gone."""
        number, seconds = _text(job, "id"), FIRST_SECONDS
        while (status := _text(job, "status")) != "complete":
            if status in ("failed", "expired"):
                raise Unavailable(f"X has given up the compliance job {number} ({status}); call it again")
            self.wait(seconds)
            seconds = min(LONGEST_SECONDS, seconds * 2)
            job = as_mapping(self.api.ask("GET", f"{_JOBS}/{number}").get("data"))
        told = filter(None, map(self._gone, self.api.download(_text(job, "download_url"))))
        for some in batches(told, browse.IDS):
            self.store.erase(some)
            self.outcome.erased += len(some)

    def _gone(self, line: str) -> str:
        """The id of the document that is to be erased, by a line of what X has found; empty if there is none."""
        if not line.strip():
            return ""
        try:
            event = as_mapping(json.loads(line))
        except (ValueError, RecursionError):
            raise Unavailable("the result of a compliance job was cut off or is not JSON; call it again") from None
        action, reason, number = event.get("action"), event.get("reason"), str(event.get("id") or "")
        if not number.isdecimal():
            return ""
        if action == "rehydrate":
            self.outcome.edited += 1
        return f"{_SOURCE}:{number}" if action == "delete" and reason != "scrub_geo" else ""


def _number(identity: str) -> Iterator[int]:
    """The number of a post by the id of its document; none if it is that of something else."""
    number = identity.removeprefix(f"{_SOURCE}:")
    if number != identity and number.isdecimal() and number.isascii():
        yield int(number)


def _text(job: Mapping[str, Any], name: str) -> str:
    """What X says of a job. Raises Unavailable if it doesn't."""
    value = job.get(name)
    if not isinstance(value, str) or not value:
        raise Unavailable(f"X did not say the {name} of a compliance job; call it again")
    return value
