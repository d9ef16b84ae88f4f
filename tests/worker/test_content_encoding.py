"""Compressed bodies: all encodings, all spellings, what is damaged, and bombs."""

import gzip
import sys
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import Rejected
from headrace.worker.content_encoding import decode

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b'{"id": "1", "text": "hej"}\n' * 50
LIMIT = 1 << 20


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKED = {
    "gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    " DEFLATE ": raw_deflate(TEXT),
    "zstd": zstd.compress(TEXT, options={zstd.CompressionParameter.checksum_flag: 1}),
}


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        *PACKED.items(),
        ("GZIP", PACKED["gzip"]),
        ("x-gzip", PACKED["gzip"]),
        ("gzip, identity", PACKED["gzip"]),
        ("gzip, gzip", gzip.compress(gzip.compress(TEXT))),
        ("zstd,gzip", gzip.compress(zstd.compress(TEXT))),
        ("gzip", gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:]) + bytes(512)),
        ("zstd", zstd.compress(TEXT[:100]) + zstd.compress(TEXT[100:])),
        ("", TEXT),
        ("identity", TEXT),
        ("UTF-8", TEXT),  # as Celery's messages have it
    ],
    ids=lambda value: value if isinstance(value, str) else "data",  # gzip data differs from process to process
)
def test_a_body_is_unpacked_however_its_encoding_is_spelled(encoding: str, data: bytes) -> None:
    assert decode(data, encoding, LIMIT) == TEXT


@given(st.binary(max_size=2000))
def test_every_body_comes_out_as_it_was(data: bytes) -> None:
    for encoding, pack in (("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)):
        assert decode(pack(data), encoding, 2000) == data
    assert decode(zstd.compress(data), "zstd", 2000) == data


@pytest.mark.parametrize("encoding", ["br", "snappy", "gzip, br", "utf-16", "gzip;q=1"])
def test_an_unknown_encoding_is_named(encoding: str) -> None:
    with pytest.raises(
        Rejected, match=r"the content encoding '(br|snappy|utf-16|gzip;q=1)' is not known; .*gzip.*zstd"
    ):
        decode(PACKED["gzip"], encoding, LIMIT)


@pytest.mark.parametrize("encoding", PACKED)
def test_damaged_data_is_told_from_data_that_is_cut_short(encoding: str) -> None:
    data = PACKED[encoding]
    for damaged in (data[:-6], b"", TEXT, data[:20] + b"!!!!!!" + data[26:], data + b"more"):
        with pytest.raises(Rejected, match="the compressed body is damaged"):
            decode(damaged, encoding, LIMIT)


@pytest.mark.parametrize("encoding", PACKED)
def test_a_bomb_is_unpacked_no_further_than_the_limit(encoding: str) -> None:
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, " DEFLATE ": raw_deflate, "zstd": zstd.compress}[encoding]
    assert decode(pack(bytes(LIMIT)), encoding, LIMIT) == bytes(LIMIT)
    bomb = pack(bytes(64 * LIMIT))
    tracemalloc.start()
    try:
        with pytest.raises(Rejected, match="more than 1,048,576 bytes when it is unpacked"):
            decode(bomb, encoding, LIMIT)
        assert tracemalloc.get_traced_memory()[1] < 8 * LIMIT
    finally:
        tracemalloc.stop()


def test_a_body_in_many_wrappings_is_refused() -> None:
    with pytest.raises(Rejected, match="has 5 content encodings"):
        decode(TEXT, "gzip,gzip,gzip,gzip,gzip", LIMIT)


def test_a_zstd_window_that_would_fill_the_memory_is_refused() -> None:
    wide = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.enable_long_distance_matching: 1}
    packer = zstd.ZstdCompressor(options=wide)
    data = packer.compress(TEXT) + packer.flush()
    with pytest.raises(Rejected, match="damaged"):
        decode(data, "zstd", LIMIT)
