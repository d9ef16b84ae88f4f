"""Compressed files as they come: padded, of several members, followed by something else, or damaged."""

import bz2
import gzip
import io
import lzma
import random
from collections.abc import Callable, Mapping

import pytest

from headrace import zstd as library
from headrace.sources.compression import Damaged, Unpacked

zstd = library.load("this test")
DATA = b"".join(b"%d %s\n" % (number, random.Random(number).randbytes(20).hex().encode()) for number in range(2000))


COMPRESSIONS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
}
each = pytest.mark.parametrize("compression", COMPRESSIONS)


def unpacked(packed: bytes, step: int = 1 << 16, compression: str = "gzip") -> tuple[bytes, str, bool]:
    """The data of a file that is read in steps, the damage, and whether something was ignored."""
    stream = io.BytesIO(packed)
    reading = Unpacked(lambda size: stream.read(min(size, step)), packed=compression)
    made = b""
    try:
        while chunk := reading(4096):
            made += chunk
    except Damaged as error:
        return made, str(error), reading.ignored
    return made, "", reading.ignored


@each
@pytest.mark.parametrize("step", [1, 3, 1 << 16])
@pytest.mark.parametrize("padding", [b"", b"\0" * 4, b"\0" * 5000])
def test_members_and_padding_are_read(compression: str, step: int, padding: bytes) -> None:
    compress, tail = COMPRESSIONS[compression], DATA[-50:]
    packed = compress(DATA) + padding + compress(b"") + compress(tail) + padding
    assert unpacked(packed, step, compression) == (DATA + tail, "", False)


@each
@pytest.mark.parametrize("garbage", [b"x", b"\x1f", b"BZh9", b"\x1fgarbage", b"\0\0garbage", DATA])
def test_what_follows_the_data_is_ignored_and_told(compression: str, garbage: bytes) -> None:
    assert unpacked(COMPRESSIONS[compression](DATA) + garbage, compression=compression) == (DATA, "", True)


@pytest.mark.parametrize("place", [500, 20_000, -300, -6])
def test_what_comes_before_damage_is_read(place: int) -> None:
    packed = bytearray(gzip.compress(DATA))
    packed[place] ^= 0xFF
    made, damage, _ = unpacked(bytes(packed))
    assert damage
    sound = int(len(DATA) * 0.9 * (place % len(packed)) / len(packed)) - 2000
    assert made[: max(0, sound)] == DATA[: max(0, sound)]


@each
def test_of_damaged_data_all_but_the_last_part_is_read(compression: str) -> None:
    data = b"".join(
        b"%d %s\n" % (number, random.Random(number).randbytes(20).hex().encode()) for number in range(50_000)
    )
    packed = bytearray(COMPRESSIONS[compression](data))
    packed[-20_000:-10_000] = bytes(10_000)
    made, damage, _ = unpacked(bytes(packed), compression=compression)
    assert damage
    block = {"bzip2": 900_000, "zstd": 128 << 10}.get(compression, 64 << 10)
    sound = len(data) * (len(packed) - 20_000) // len(packed) - block - 50_000
    assert sound > 0
    assert made[:sound] == data[:sound]


@pytest.mark.parametrize("cut", [1, 8, 9, 5000])
def test_what_comes_before_a_cut_is_read(cut: int) -> None:
    made, damage, _ = unpacked(gzip.compress(DATA)[:-cut])
    assert "ends before its end" in damage
    assert DATA.startswith(made)
    assert len(made) > len(DATA) / 2


@each
@pytest.mark.parametrize("cut", [1, 4, 5000])
def test_a_cut_is_told_whatever_the_compression(compression: str, cut: int) -> None:
    made, damage, _ = unpacked(COMPRESSIONS[compression](DATA)[:-cut], compression=compression)
    assert "ends before its end" in damage
    assert DATA.startswith(made)


@each
def test_an_empty_file_is_empty_and_what_is_not_compressed_is_damaged(compression: str) -> None:
    assert unpacked(b"", compression=compression) == (b"", "", False)
    said = f"it does not begin like {compression} data"
    assert unpacked(b"text", compression=compression) == (b"", said, False)


@each
def test_data_that_expands_a_thousandfold_is_unpacked_in_pieces(compression: str) -> None:
    stream = io.BytesIO(COMPRESSIONS[compression](bytes(100_000_000)))
    reading = Unpacked(stream.read)
    sizes = [len(chunk) for chunk in iter(lambda: reading(256 << 10), b"")]
    assert sum(sizes) == 100_000_000
    assert max(sizes) <= 2 << 20


def test_frames_of_zstd_that_hold_no_data_are_skipped() -> None:
    skipped = b"\x50\x2a\x4d\x18\x05\0\0\0index"
    for packed in (skipped + zstd.compress(DATA), zstd.compress(DATA) + skipped):
        assert unpacked(packed, compression="zstd") == (DATA, "", False)


@pytest.mark.parametrize("text", [b"B", b"BZ", b"BZh", b"BZh9 is a text", b"P*M", b"("])
def test_text_that_begins_like_compressed_data_is_text_and_comes_as_it_is(text: bytes) -> None:
    chunks = iter([text, b""])
    assert Unpacked(lambda _size: next(chunks))(100) == text


@each
def test_what_has_come_is_read_before_more_is_waited_for(compression: str) -> None:
    compress = COMPRESSIONS[compression]
    chunks = iter([compress(b"first\n")])  # the next call would wait
    assert Unpacked(lambda _size: next(chunks))(1000) == b"first\n"
