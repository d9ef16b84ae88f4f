"""Blocks of Jetstream's archive: what happened on the network, in columns, compressed with zstd."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from headrace.errors import Misconfigured, Rejected
from headrace.sources.bluesky.events import GONE, Event
from headrace.sources.bluesky.wanted import Wanted
from headrace.zstd import load as load_zstd

BLOCK_BYTES = 1 << 28  #: the longest block, decompressed
ROWS = 1 << 18  #: of a block, at most
_OPERATIONS: Mapping[int, str] = {
    1: "create",
    2: "update",
    3: "delete",
    7: "create",
}  # by the kind of a row; 7 is what replaces a repository
_KINDS: Mapping[int, str] = {5: "account", 6: "sync"}


class Damaged(Exception):
    """A block cannot be read; the message says why."""


class Unreadable(NamedTuple):
    """A row that cannot be read: its number, its record, and why."""

    seq: int
    data: bytes
    reason: str


class Columns(NamedTuple):
    """The rows of a block. Those with variable lengths are the parts of one text."""

    seqs: Sequence[int]
    seen: Sequence[int]
    kinds: bytes
    collections: Sequence[bytes]
    dids: Sequence[bytes]
    rkeys: Sequence[bytes]
    revs: Sequence[bytes]
    payloads: Sequence[bytes]


class Blocks:
    """Reads blocks. Raises Misconfigured if the library is missing that reads the records in them."""

    def __init__(self, wanted: Wanted) -> None:
        try:
            import cbor2
        except ModuleNotFoundError as error:
            reason = f"the archive of bluesky: needs {error.name}: pip install 'headrace[bluesky]'"
            raise Misconfigured(reason) from error
        self._cbor, self._broken = cbor2.loads, cbor2.CBORDecodeError
        self._zstd = load_zstd("the archive of bluesky:")
        self._wanted = wanted

    def decompress(self, frame: bytes) -> bytes:
        """A block as it is stored. Raises Damaged."""
        member = self._zstd.ZstdDecompressor()
        try:
            data = bytes(member.decompress(frame, BLOCK_BYTES))
        except self._zstd.ZstdError as error:
            raise Damaged(str(error)) from None
        if not member.eof:
            raise Damaged(f"it has more than {BLOCK_BYTES:,} bytes, or is cut short")
        return data

    def events(self, block: bytes, after: int) -> Iterator[Event | Unreadable]:
        """What a block tells of the events that are wanted, after the one with the number `after`. Raises Damaged."""
        columns = columns_of(block)
        for row, kind in enumerate(columns.kinds):
            seq = columns.seqs[row]
            if seq <= after or (kind not in _OPERATIONS and kind not in _KINDS):
                continue
            try:
                did, collection = columns.dids[row].decode(), columns.collections[row].decode()
                if not self._wanted.has_author(did):
                    continue
                if kind in _KINDS:
                    yield Event(
                        _KINDS[kind],
                        seq,
                        columns.seen[row],
                        did,
                        gone=self._gone(columns.payloads[row]) if kind == 5 else False,
                    )
                elif self._wanted.has_collection(collection):
                    operation = _OPERATIONS[kind]
                    record = None if operation == "delete" else self._record(columns.payloads[row])
                    rkey, rev = columns.rkeys[row].decode(), columns.revs[row].decode()
                    yield Event("commit", seq, columns.seen[row], did, operation, collection, rkey, rev, record)
            except (Rejected, UnicodeDecodeError) as error:
                yield Unreadable(seq, columns.payloads[row], str(error))

    def _record(self, payload: bytes) -> Any:
        try:
            return self._cbor(payload)
        except (self._broken, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise Rejected(f"the record is not CBOR: {error}") from None

    def _gone(self, payload: bytes) -> bool:
        told = self._record(payload)
        return isinstance(told, dict) and told.get("active") is False and told.get("status") in GONE


def columns_of(block: bytes) -> Columns:
    """The columns of a block. Raises Damaged if its lengths do not fit."""
    rows = int.from_bytes(block[:4], "little")
    if len(block) < 4 or rows > ROWS:
        raise Damaged(f"it says that it has {rows:,} rows")
    place = 4

    def numbers(code: str) -> Sequence[int]:
        nonlocal place
        column = array(code)
        size = rows * column.itemsize
        if place + size > len(block):
            raise Damaged("it ends before its columns do")
        column.frombytes(block[place : place + size])
        place += size
        return column

    def texts(lengths: Sequence[int]) -> Sequence[bytes]:
        nonlocal place
        ends = [*accumulate(lengths, initial=place)]
        if ends[-1] > len(block):
            raise Damaged("it ends before its texts do")
        place = ends[-1]
        return [block[begin:end] for begin, end in pairwise(ends)]

    seqs, seen, _shown = numbers("Q"), numbers("q"), numbers("q")
    kinds = bytes(numbers("B"))
    collections, dids, rkeys, revs, payloads = (numbers(code) for code in ("B", "H", "B", "B", "I"))
    return Columns(seqs, seen, kinds, *(texts(lengths) for lengths in (collections, dids, rkeys, revs, payloads)))
