"""Compressed files as they come: padded, of several members, followed by something else, or damaged."""

import gzip
import io
import random

import pytest

from headrace.sources.gunzip import Damaged, Gunzip

DATA = b"".join(b"%d %s\n" % (number, random.Random(number).randbytes(20).hex().encode()) for number in range(2000))


def unpacked(packed: bytes, step: int = 1 << 16) -> tuple[bytes, str, bool]:
    """The data of a file that is read in steps, the damage, and whether something was ignored."""
    stream = io.BytesIO(packed)
    reading = Gunzip(lambda size: stream.read(min(size, step)), packed=True)
    made = b""
    try:
        while chunk := reading(4096):
            made += chunk
    except Damaged as error:
        return made, str(error), reading.ignored
    return made, "", reading.ignored


@pytest.mark.parametrize("step", [1, 3, 1 << 16])
@pytest.mark.parametrize("padding", [b"", b"\0", b"\0" * 5000])
def test_members_and_padding_are_read_as_gunzip_does(step: int, padding: bytes) -> None:
    empty, tail = gzip.compress(b""), DATA[-50:]
    packed = gzip.compress(DATA) + padding + empty + gzip.compress(tail) + padding
    assert unpacked(packed, step) == (DATA + tail, "", False)


@pytest.mark.parametrize("garbage", [b"x", b"\x1f", b"\x1fgarbage", b"\0\0garbage", DATA])
def test_what_follows_the_data_is_ignored_and_told(garbage: bytes) -> None:
    assert unpacked(gzip.compress(DATA) + garbage) == (DATA, "", True)


@pytest.mark.parametrize("place", [500, 20_000, -300, -6])
def test_what_comes_before_damage_is_read(place: int) -> None:
    packed = bytearray(gzip.compress(DATA))
    packed[place] ^= 0xFF
    made, damage, _ = unpacked(bytes(packed))
    assert damage
    sound = int(len(DATA) * 0.9 * (place % len(packed)) / len(packed)) - 2000
    assert made[: max(0, sound)] == DATA[: max(0, sound)]


@pytest.mark.parametrize("cut", [1, 8, 9, 5000])
def test_what_comes_before_a_cut_is_read(cut: int) -> None:
    made, damage, _ = unpacked(gzip.compress(DATA)[:-cut])
    assert "ends before its end" in damage
    assert DATA.startswith(made)
    assert len(made) > len(DATA) / 2


def test_an_empty_file_is_empty_and_what_is_not_gzip_is_damaged() -> None:
    assert unpacked(b"") == (b"", "", False)
    assert unpacked(b"text") == (b"", "it does not begin like gzip data", False)
