"""Redis as a broker: a stream with one consumer group.

The group's pending entries are the leases, and `keep` refreshes them. An entry that its owner gives back, or has not refreshed for the
time of a lease, is added to the stream again under another id, so that the old receipt acknowledges nothing. An acked entry is deleted:
the stream holds what waits or is leased, and nothing else.
"""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Any, Self

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from headrace.brokers.headers import of_entry
from headrace.brokers.queue_url import QueueUrl, parse
from headrace.documents import Body
from headrace.errors import HeadraceError, Misconfigured, Unavailable
from headrace.ports import Backlog, Delivery
from headrace.server_url import never_trusted
from headrace.validation import check_sizes

MOST_BODY_BYTES = 128 << 20  #: more than any document that the settings allow, and less than Redis takes
ANSWER_SECONDS = 20.0  #: how long the server may take to answer
CONNECT_SECONDS = 5.0  #: for opening a connection
LOOK_SECONDS = 0.5  #: between two looks for leases that have run out
GROUP = "headrace"
AT_ONCE = 1000  #: bodies in one request to the server
PASSING = (exceptions.OutOfMemoryError, exceptions.ReadOnlyError, exceptions.MasterDownError)
#: The first words of passing errors that have no class of their own.
PASSING_WORDS = ("MISCONF", "NOREPLICAS", "BUSY", "NOGROUP", "UNBLOCKED")
#: What to do about errors that trying again cannot cure, by words of theirs.
HINTS: Mapping[str, str] = {
    "WRONGTYPE": "choose another queue",
    "DB index": "name a database that the server has, such as /0",
}
#: Settings of the server, their values by which something is lost, and what.
LOSES = (
    ("appendonly", "no", "loses what came since the last snapshot when the server ends; set appendonly to yes"),
    ("appendfsync", "everysec no", "loses the last second, or more, when the power fails; set appendfsync to always"),
    ("maxmemory-policy", "allkeys-lru allkeys-lfu allkeys-random", "may drop the queue to make room; set noeviction"),
)

# Lease new entries: up to a number of bytes, and at least one. The size of an entry is known only once it was read; the one that
# exceeds the limit is made unread again.
LEASE = """
local taken, size, last = {}, 0, nil
repeat
  local read = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', 1, 'STREAMS', KEYS[1], '>')
  if not read then break end
  local id, fields = read[1][2][1][1], read[1][2][1][2]
  size = size + #fields[2]
  if last and size > tonumber(ARGV[3]) then
    redis.call('XACK', KEYS[1], ARGV[1], id)
    redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], last)
    break
  end
  taken[#taken + 1], last = {id, fields}, id
until size >= tonumber(ARGV[3])
return taken"""

# Make leased entries ready again, those that the arguments of XPENDING select, and delete consumers that then hold nothing.
RETURN = """
for _, one in ipairs(redis.call('XPENDING', KEYS[1], unpack(ARGV))) do
  local entry = redis.call('XRANGE', KEYS[1], one[1], one[1])[1]
  if entry then redis.call('XADD', KEYS[1], '*', unpack(entry[2])) end
  redis.call('XACK', KEYS[1], ARGV[1], one[1])
  redis.call('XDEL', KEYS[1], one[1])
  if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, one[2]) == 0 then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], one[2])
  end
end"""


class RedisBroker:
    """A connection to a stream, opened by the first call that needs it, and again when it was lost. `patience`: seconds for an answer."""

    def __init__(self, address: QueueUrl, *, patience: float = ANSWER_SECONDS) -> None:
        if address.path and not address.path.isdecimal():
            raise Misconfigured(
                f"{address.path!r} is not the number of a database; write {address.scheme}://host:6379/0"
            )
        self._address, self._queue = address, address.queue
        self._client = redis.Redis(
            *address.hosts[0],
            db=int(address.path or 0),
            username=address.user or None,
            password=address.password or None,
            ssl=address.scheme == "rediss",
            **{f"ssl_{name}": path for name, path in address.certificates.items()},
            socket_timeout=patience,
            socket_connect_timeout=min(patience, CONNECT_SECONDS),
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            protocol=2,
        )
        self._me = f"headrace-{secrets.token_hex(8)}"
        self._leasing = self._closed = False
        self._look_at = 0.0

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`redis://user:password@host:6379/0?queue=headrace`; docs/configuration.md has the options."""
        return cls(parse(url, port=6379, letters="A-Za-z0-9_.:-", encrypted="rediss"))

    def body_bytes(self) -> int:
        return MOST_BODY_BYTES

    def publish(self, bodies: Sequence[Body]) -> None:
        """When it returns, the bodies are as durable as the server's `appendfsync` makes them."""
        with self._doing("publishing to"):
            check_sizes((len(body.data) for body in bodies), MOST_BODY_BYTES, f"publishing to {self._address}")
            for start in range(0, len(bodies), AT_ONCE):
                pipe, at = self._client.pipeline(transaction=False), int(time.time() * 1000)
                for body in bodies[start : start + AT_ONCE]:
                    pipe.xadd(self._queue, {"data": body.data, "key": body.key, "at": at})
                for answer in pipe.execute(
                    raise_on_error=False
                ):  # an error raised by redis-py would quote the document
                    if isinstance(answer, Exception):
                        raise answer

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        deadline = time.monotonic() + wait
        while True:
            with self._doing("receiving from"):
                self._leasing = True
                if time.monotonic() >= self._look_at:
                    self._look_at = time.monotonic() + LOOK_SECONDS
                    self._make_group()
                    self._run(RETURN, GROUP, "IDLE", int(self._address.lease * 1000), "-", "+", AT_ONCE)
                taken = self._run(LEASE, GROUP, self._me, limit)
                left = deadline - time.monotonic()
                if not taken and left > 0:  # a short while only, as Redis doesn't report leases that run out
                    block = max(1, int(1000 * min(left, LOOK_SECONDS)))
                    read: Any = self._client.xreadgroup(GROUP, self._me, {self._queue: ">"}, count=1, block=block)
                    taken = [(name, [*chain(*fields.items())]) for _, entries in read for name, fields in entries]
                if taken or left <= 0:
                    return [of_entry(fields, (self._me, name)) for name, fields in taken]

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        with self._doing("acknowledging to"):
            if names := self._mine(deliveries):
                pipe: Any = self._client.pipeline()
                pipe.xack(self._queue, GROUP, *names).xdel(self._queue, *names).execute()

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        with self._doing("keeping the leases of"):
            if names := self._mine(deliveries):
                self._client.xclaim(self._queue, GROUP, self._me, 0, names, justid=True)

    def backlog(self) -> Backlog:
        """What a dead connection held counts as leased until its leases run out. The oldest body is the first in the stream."""
        with self._doing("counting what waits in"):
            self._make_group()
            pipe: Any = self._client.pipeline()
            pipe.xlen(self._queue).xpending(self._queue, GROUP).xrange(self._queue, count=1)
            length, pending, first = pipe.execute()
            times = [int(fields.get(b"at") or name.partition(b"-")[0]) / 1000 for name, fields in first]
            oldest = max(0.0, time.time() - times[0]) if times else None
            leased = min(length, pending["pending"])  # others may have trimmed the stream
            return Backlog(length - leased, leased, oldest)

    def close(self) -> None:
        try:
            if self._leasing and not self._closed:
                with self._doing("giving back what came from"):
                    self._run(RETURN, GROUP, "-", "+", 1 << 30, self._me)
                    self._client.xgroup_delconsumer(self._queue, GROUP, self._me)
        except HeadraceError:
            return  # then the leases run out
        finally:
            self._closed = True
            self._client.close()

    def warnings(self) -> list[str]:
        with self._doing("asking for the settings of"), suppress(exceptions.NoPermissionError):
            config: Any = self._client.config_get("append*", "maxmemory-policy")
            return [f"{self._address}: {text}" for name, bad, text in LOSES if config.get(name, "-") in bad.split()]
        return []

    def remove(self) -> None:
        if not self._closed:
            with self._doing("removing"):
                self._client.delete(self._queue)
            self._leasing = False
            self.close()

    def _mine(self, deliveries: Sequence[Delivery]) -> list[Any]:
        return [name for owner, name in (delivery.receipt for delivery in deliveries) if owner == self._me]

    def _run(self, script: str, *arguments: str | int) -> Any:
        return self._client.register_script(script)([self._queue], arguments)

    def _make_group(self) -> None:
        with suppress(exceptions.ResponseError):  # it exists; on any other error the next request raises too
            self._client.xgroup_create(self._queue, GROUP, id="0", mkstream=True)

    @contextmanager
    def _doing(self, what: str) -> Iterator[None]:
        """Raises Redis's errors as Headrace's. `what` begins the message."""
        if self._closed:
            raise Unavailable(f"{what} {self._address}: this connection is closed")
        try:
            yield
        except (exceptions.AuthenticationError, exceptions.NoPermissionError) as error:
            raise Misconfigured(f"{what} {self._address}: {error}; check user, password and permissions") from error
        except (exceptions.RedisError, OSError) as error:
            if remedy := never_trusted(error.__cause__ or error.__context__ or error):
                raise Misconfigured(f"{what} {self._address}: {error}; {remedy}") from error
            passing = isinstance(error, PASSING) or any(word in str(error) for word in PASSING_WORDS)
            if passing or not isinstance(error, exceptions.ResponseError):
                raise Unavailable(f"{what} {self._address}: {error}") from error
            hint = next((hint for word, hint in HINTS.items() if word in str(error)), "Redis 6.2 or newer is needed")
            raise Misconfigured(f"{what} {self._address}: {error}; {hint}") from error
