"""Weights are mapped, checked, and refused by name."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from headrace.errors import Misconfigured
from headrace.scoring import weights

ARRAYS = {
    "rows": np.arange(24, dtype=np.float32).reshape(3, 8),
    "odd": np.array([1, 2, 3], np.uint8),
    "keys": np.array([1, -(1 << 62)], np.int64),
    "none": np.empty((0, 4), np.float64),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / weights.FILE
    weights.write(path, ARRAYS, {"kind": "linear", "labels": json.dumps(["ä", "b"])})
    return path


def test_what_is_written_is_read_back(file: Path) -> None:
    arrays, metadata = weights.read(file)
    assert metadata == {"kind": "linear", "labels": json.dumps(["ä", "b"])}
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_arrays_are_read_only_aligned_views_of_one_map(file: Path) -> None:
    arrays, _ = weights.read(file)
    full = [array for array in arrays.values() if array.size]
    for array in full:
        assert not array.flags.owndata
        assert not array.flags.writeable
        assert array.flags.aligned
    addresses = [array.ctypes.data for array in full]
    assert max(addresses) - min(addresses) < file.stat().st_size


def test_the_reference_library_reads_the_file(file: Path) -> None:
    loaded = load_file(file)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(loaded[name], array)


def test_writing_again_replaces_the_file_and_leaves_nothing_else(file: Path) -> None:
    weights.write(file, {"x": np.ones(3)}, {})
    arrays, metadata = weights.read(file)
    assert set(arrays) == {"x"}
    assert metadata == {}
    assert list(file.parent.iterdir()) == [file]


def test_a_transposed_array_is_written_in_its_own_order(tmp_path: Path) -> None:
    path = tmp_path / "t"
    weights.write(path, {"x": np.arange(6.0).reshape(2, 3).T}, {})
    np.testing.assert_array_equal(weights.read(path)[0]["x"], np.arange(6.0).reshape(2, 3).T)


def test_a_file_cut_short_anywhere_is_refused_by_name(file: Path) -> None:
    data = file.read_bytes()
    for length in [0, 5, 8, 40, len(data) // 2, len(data) - 1]:
        file.write_bytes(data[:length])
        with pytest.raises(Misconfigured, match=r"weights\.safetensors can't be used: it is cut short"):
            weights.read(file)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused_by_name(tmp_path: Path, value: float) -> None:
    path = tmp_path / "w"
    with pytest.raises(Misconfigured, match="'idf' holds a number that is NaN or infinite"):
        weights.write(path, {"idf": np.array([1.0, value])}, {})
    weights.write(path, {"idf": np.array([1.0, 2.0])}, {})
    path.write_bytes(path.read_bytes()[:-8] + struct.pack("<d", value))
    with pytest.raises(Misconfigured, match="'idf' holds a number that is NaN or infinite"):
        weights.read(path)


def entry(dtype: object = "F64", shape: object = (1,), offsets: object = (0, 8)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    ("header", "size", "reason"),
    [
        (b"{", 0, "not JSON"),
        (b"[]", 0, "not a JSON object"),
        (b"[" * 100_000, 0, "not JSON"),
        ({"__metadata__": {"kind": 1}}, 0, "not an object of strings"),
        ({"x": entry(dtype="C64")}, 8, "'x' wrongly"),
        ({"x": entry(shape=[2])}, 8, "'x' wrongly"),
        ({"x": entry(shape=[-1])}, 8, "'x' wrongly"),
        ({"x": entry(offsets=[8, 0])}, 8, "'x' wrongly"),
        ({"x": 7}, 8, "'x' wrongly"),
        ({"x": entry(offsets=[8, 16])}, 16, "gaps"),
        ({"x": entry(), "y": entry()}, 8, "overlap"),
        ({"x": entry()}, 12, "4 bytes follow"),
    ],
)
def test_a_wrong_header_is_refused_with_its_reason(tmp_path: Path, header: object, size: int, reason: str) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = tmp_path / "w"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(size))
    with pytest.raises(Misconfigured, match=reason):
        weights.read(path)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w"
    path.write_bytes(b"PK\x03\x04 a zip, perhaps")
    with pytest.raises(Misconfigured, match="not a safetensors file"):
        weights.read(path)


def test_a_missing_file_is_misconfigured(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="No such file"):
        weights.read(tmp_path / "w")


def test_an_unaligned_array_of_another_writer_is_copied(tmp_path: Path) -> None:
    header = json.dumps({"a": entry("U8", [1], [0, 1]), "b": entry("F64", [1], [1, 9])}).encode()
    path = tmp_path / "w"
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\x07" + struct.pack("<d", 2.5))
    arrays, _ = weights.read(path)
    assert arrays["b"].flags.aligned
    assert arrays["b"][0] == 2.5
