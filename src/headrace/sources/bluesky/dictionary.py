"""The dictionary with which a host compresses its messages."""

from typing import Any

import httpx

from headrace.errors import Misconfigured
from headrace.sources import http_client
from headrace.sources.back_off import Broken
from headrace.sources.sockets import MESSAGE_BYTES
from headrace.zstd import load as load_zstd

PATH = "/xrpc/network.bsky.jetstream.getZstdDictionary"
_MAGIC = b"\x28\xb5\x2f\xfd"  # with which compressed data begins, and no JSON


class Dictionary:
    """Asks a host for its dictionary, and decompresses with it. If there is none, messages are not compressed."""

    def __init__(self, client: httpx.Client, address: str) -> None:
        self._client, self._address = client, address
        self._zstd: Any = None
        self._found: Any = None
        self._wanted = True

    @property
    def number(self) -> int:
        """The number of the dictionary that the host has; 0 for none."""
        if self._wanted and self._found is None:
            self._ask()
        return 0 if self._found is None else int(self._found.dict_id)

    def renew(self) -> None:
        """Ask for another dictionary, because the host does not know this one; do without if it is the same again."""
        before, self._found = self.number, None
        self._wanted = self.number not in (0, before)
        if not self._wanted:
            self._found = None

    def decompress(self, data: bytes) -> bytes | None:
        """A message as it was before it was compressed, if it is; None if it can't be decompressed."""
        if self._zstd is None or not data.startswith(_MAGIC):
            return data
        member = self._zstd.ZstdDecompressor(self._found)
        try:
            made = bytes(member.decompress(data, MESSAGE_BYTES))
        except self._zstd.ZstdError:
            return None
        return made if member.eof else None

    def _ask(self) -> None:
        try:
            self._zstd = load_zstd("compressed messages of bluesky:")
            with http_client.telling():
                response = self._client.get(f"{self._address}{PATH}")
            http_client.check(response)
            self._found = self._zstd.ZstdDict(response.content)
        except (Misconfigured, Broken, ValueError):
            # a dictionary saves bytes and nothing else: without it messages come as they are
            self._found = None
