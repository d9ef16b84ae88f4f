"""The archive of the stand-in for a host of Jetstream: plans, and blocks in columns."""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cbor2

from headrace.zstd import load as load_zstd
from support.http_server import Request

SEALED = 4  #: events of a block
PAGE = 2  #: blocks of a page of the plan
KINDS: Mapping[str, int] = {"create": 1, "update": 2, "delete": 3, "account": 5, "sync": 6}
Row = tuple[int, int, Mapping[str, Any]]


def plan(asked: Mapping[str, Any], sealed: int) -> dict[str, Any]:
    """The plan for what comes after an event, of an archive that ends with event `sealed`. Every other page names a whole segment."""
    first = asked["afterSeq"] // SEALED
    last = min(first + PAGE, -(-sealed // SEALED)) - 1
    segments = [
        {"name": "seg_0000000000.jss", "index": 0, "mode": "blocks", "blocks": [{"first": first, "last": last}]}
    ]
    through = min(sealed, (last + 1) * SEALED)
    if first == 0 and sealed <= PAGE * SEALED:
        segments, through = [{"name": "seg_0000000000.jss", "index": 0, "mode": "segment"}], sealed
    return {
        "plannedThroughSeq": through,
        "sealedTipSeq": sealed,
        "segments": segments if last >= first else [],
        "stats": {},
    }


def answer_block(
    request: Request, number: int, rows: Sequence[Row], change: Callable[[bytes], bytes] = lambda block: block
) -> None:
    """Answer with a block, which may be changed."""
    chosen = rows[number * SEALED : (number + 1) * SEALED]
    if not chosen:
        request.begin(404)
        request.send('{"error": "BlockNotFound"}')
        return
    request.begin(kind="application/octet-stream")
    request.send(change(load_zstd("the test server").compress(block_of(chosen))))


def block_of(rows: Sequence[Row]) -> bytes:
    """A block of these events."""
    told = [event for _, _, event in rows]
    texts = [[str(event.get(name, "")).encode() for event in told] for name in ("collection", "did", "rkey", "rev")]
    payloads = [
        event["payload"] if "payload" in event else cbor2.dumps(event.get("record", event.get("account")))
        for event in told
    ]
    count = len(rows)
    columns = [
        struct.pack(f"<I{count}Q", count, *(number for number, _, _ in rows)),
        struct.pack(f"<{count}q", *(at for _, at, _ in rows)),
        bytes(8 * count),
        bytes(KINDS[event.get("operation", event["kind"])] for event in told),
        *(
            struct.pack(f"<{count}{code}", *map(len, column))
            for code, column in zip("BHBBI", [*texts, payloads], strict=True)
        ),
    ]
    return b"".join([*columns, *(b"".join(column) for column in [*texts, payloads])])
