"""What a connection may cost the server before it is known who calls."""

from collections.abc import Sequence
from dataclasses import dataclass

from headrace.web.responses import Refused


@dataclass(frozen=True, kw_only=True)
class ConnectionLimits:
    """Bytes and seconds that a client is given.

    `connections` is the most that are open at once: one more closes the one that has waited longest for a request. A head (request line
    and headers) has at most `head_bytes`, of which the request target has `target_bytes`, at most `headers` lines, and `head_seconds` to
    arrive. A payload that brings fewer than `least_rate` bytes a second is given up after `stall_seconds`, and so is an answer that is
    read more slowly. What chunked encoding adds to a payload is limited by `framing_bytes`. After an error the rest of what a client
    sends is thrown away for `linger_seconds`, so that it can read the error.
    """

    connections: int = 4000
    head_bytes: int = 32 << 10
    target_bytes: int = 8 << 10
    headers: int = 100
    head_seconds: float = 10.0
    stall_seconds: float = 20.0
    least_rate: int = 1 << 10
    framing_bytes: int = 64 << 10
    linger_seconds: float = 2.0
    idle_seconds: float = 30.0

    def exceeded(
        self, target: bytes | None, headers: Sequence[tuple[bytes, bytes]], *, before: int, piece: int
    ) -> Refused | None:
        """The error for a head beyond the limits, so far as it has arrived; for trailers if there is no target.

        `before` is how many of its bytes came before the last `piece` of so many bytes.
        """
        if target is not None and len(target) > self.target_bytes:
            return Refused(414, f"the request's address is longer than {self.target_bytes:,} bytes")
        if len(headers) > self.headers:
            return Refused(431, f"the request has more than {self.headers} headers; send fewer")
        if before + piece > self.head_bytes:  # or else it cannot be longer
            size = sum(len(name) + len(value) + 4 for name, value in headers)
            if size > self.head_bytes or (target is not None and before > self.head_bytes):
                return Refused(431, f"the headers are longer than {self.head_bytes:,} bytes; send fewer")
        return None
