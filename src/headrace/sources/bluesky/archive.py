"""Jetstream's archive: which blocks have what is wanted, and the blocks themselves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx
import msgspec

from headrace.sources import http_client
from headrace.sources.back_off import Broken, Kind
from headrace.sources.bluesky.blocks import Blocks, Damaged
from headrace.sources.bluesky.events import KINDS
from headrace.sources.bluesky.wanted import Wanted

XRPC = "/xrpc/network.bsky.jetstream."
DENIED: Sequence[int] = (401, 403)  #: with which a server answers to a key that it does not know
KEY = "HEADRACE_BLUESKY_KEY"


class Block(NamedTuple):
    """A block of a segment; `data` is empty if it is `damaged`, which says why."""

    where: str
    data: bytes
    damaged: str = ""


class _Range(msgspec.Struct, frozen=True):
    first: int
    last: int


class _Segment(msgspec.Struct, frozen=True):
    name: str
    mode: str
    blocks: Sequence[_Range] = ()


class Page(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the plan: which segments have what is wanted up to the number `planned_through_seq`. The archive ends at
    `sealed_tip_seq`."""

    planned_through_seq: int
    sealed_tip_seq: int
    segments: Sequence[_Segment] = ()


@dataclass(frozen=True)
class Archive:
    """Asks for the archive of a host, with the key that the client sends. Raises Broken."""

    client: httpx.Client
    address: str
    wanted: Wanted
    blocks: Blocks

    def page(self, after: int) -> Page:
        """What there is after the event with this number."""
        asked: dict[str, Any] = {"kinds": KINDS, "collections": sorted(self.wanted.collections), "afterSeq": after}
        if self.wanted.authors:
            asked["dids"] = sorted(self.wanted.authors)
        with http_client.telling():
            response = self.client.post(f"{self.address}{XRPC}planSnapshot", json=asked)
        _check(response)
        try:
            page = msgspec.json.decode(response.content, type=Page)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Broken(Kind.SERVER, f"the plan of the archive can't be read: {error}") from None
        if page.planned_through_seq <= after < page.sealed_tip_seq:
            raise Broken(Kind.SERVER, f"the plan of the archive does not go on after event {after:,}, as it should")
        return page

    def each(self, page: Page) -> Iterator[Block]:
        """The blocks of a page, in order."""
        for segment in page.segments:
            if segment.mode == "blocks":
                for numbers in segment.blocks:
                    for number in range(numbers.first, numbers.last + 1):
                        if block := self._block(segment.name, number):
                            yield block
            else:
                number = 0
                while block := self._block(segment.name, number):
                    yield block
                    number += 1

    def _block(self, segment: str, number: int) -> Block | None:
        """A block, after a second attempt if it is damaged; None if the segment has none with this number."""
        where, reason = f"block {number} of {segment}", ""
        for _ in range(2):
            with http_client.telling():
                parameters: Mapping[str, str | int] = {"segment": segment, "blockIndex": number}
                response = self.client.get(f"{self.address}{XRPC}getBlock", params=parameters)
            if response.status_code == httpx.codes.NOT_FOUND and b"BlockNotFound" in response.content:
                return None
            _check(response)
            try:
                return Block(where, self.blocks.decompress(response.content))
            except Damaged as error:
                reason = str(error)
        return Block(where, b"", reason)


def _check(response: httpx.Response) -> None:
    """Raises Broken if the answer is an error."""
    try:
        http_client.check(response)
    except Broken as broken:
        if response.status_code in DENIED:
            hint = f"is the key in {KEY} one for the archive of this host? You get one at https://bsky.network/account"
            raise Broken(Kind.REFUSED, f"{broken}; {hint}", broken.retry_after) from broken
        raise
