"""Weights in a safetensors file that is mapped read-only, so that all processes of a machine share one copy.

The safetensors library copies what it loads, so the file is read here. Its format: the length of the header (eight bytes, little-endian),
the header (JSON: name → dtype, shape, offsets), and the arrays without gaps.
"""

import json
import math
import mmap
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.durable import replacing
from headrace.errors import Misconfigured, Missing, system_error

FILE = "weights.safetensors"
#: The largest header in bytes, as safetensors defines it.
HEADER_BYTES = 100_000_000
_DTYPES: Mapping[str, Any] = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|b1",
}


def write(path: Path, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> None:
    """Write arrays of any shape, empty ones included, and metadata. The file replaces an older one, whole or not at all.

    Raises Misconfigured, naming file and array, if a number is NaN or infinite.
    """
    from safetensors.numpy import save_file

    for name, array in arrays.items():
        _check_finite(path, name, array)
    with replacing(path) as draft:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, draft, dict(metadata))
        draft.chmod(0o644)


def read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The arrays of a safetensors file, as read-only views of one memory map, and its metadata, which may be empty.

    Raises Misconfigured, naming the file and the reason, if it is missing, cut short, not a safetensors file, or holds a number that is
    NaN or infinite.
    """
    data = _map(path)
    header, start = _header(path, data)
    strings = _metadata(path, header)
    spans: list[tuple[int, int]] = []
    arrays = {}
    for name, entry in header.items():
        dtype, shape, begin, end = _entry(path, name, entry)
        spans.append((begin, end))
        if start + end > len(data):
            raise _refuse(path, f"it is cut short: {len(data):,} bytes of {start + end:,} or more")
        arrays[name] = _view(data[start + begin : start + end], dtype, shape)
    _check_spans(path, spans, len(data) - start)
    for name, array in arrays.items():
        _check_finite(path, name, array)
    return arrays, strings


def place(path: Path, name: str) -> int:
    """Where the array `name` begins in the file, in bytes. Raises as `read` does for what it reads."""
    header, start = _header(path, _map(path))
    return start + _entry(path, name, header[name])[2]


def metadata(path: Path) -> dict[str, str]:
    """The metadata alone, which may be empty; the arrays are not looked at. Raises as `read` does for what it reads."""
    header, _ = _header(path, _map(path))
    return _metadata(path, header)


def _metadata(path: Path, header: dict[str, Any]) -> dict[str, str]:
    strings = header.pop("__metadata__", {})
    if not isinstance(strings, dict) or not all(isinstance(value, str) for value in strings.values()):
        raise _refuse(path, "its __metadata__ is not an object of strings")
    return strings


def _map(path: Path) -> NDArray[np.uint8]:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < 8:
                raise _refuse(path, "it is cut short: fewer than 8 bytes")
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    except OSError as error:
        advice = "save the model again, or fetch it again"
        raise system_error(f"the weights {path} can't be used", error, advice, Missing) from None


def _header(path: Path, data: NDArray[np.uint8]) -> tuple[dict[str, Any], int]:
    (length,) = struct.unpack("<Q", data[:8].tobytes())
    if length > HEADER_BYTES:
        raise _refuse(path, "it is not a safetensors file: its first eight bytes are not the length of a header")
    if 8 + length > len(data):
        raise _refuse(path, f"it is cut short inside its header: {len(data):,} bytes of {8 + length:,} or more")
    try:
        header = json.loads(data[8 : 8 + length].tobytes())
    except (ValueError, RecursionError) as error:
        raise _refuse(path, f"its header is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise _refuse(path, "its header is not a JSON object")
    return header, 8 + length


def _entry(path: Path, name: str, entry: object) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    match entry:
        case {"dtype": str(code), "shape": [*shape], "data_offsets": [int(begin), int(end)]} if code in _DTYPES and all(
            type(size) is int and size >= 0 for size in shape
        ):
            dtype = np.dtype(_DTYPES[code])
            if 0 <= begin <= end and end - begin == math.prod(shape) * dtype.itemsize:
                return dtype, tuple(shape), begin, end
    raise _refuse(path, f"its header describes the array {name!r} wrongly")


def _view(data: NDArray[np.uint8], dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    array: NDArray[Any] = data.view(dtype).reshape(shape) if len(data) else np.empty(shape, dtype)
    if not array.flags.aligned:  # kernels need aligned arrays; only files of other writers have others
        array = array.copy()
    array.flags.writeable = False
    return array


def _check_spans(path: Path, spans: list[tuple[int, int]], size: int) -> None:
    """Refuse arrays that overlap, leave gaps, or don't fill the file."""
    position = 0
    for begin, end in sorted(spans):
        if begin != position:
            raise _refuse(path, "its arrays overlap or leave gaps")
        position = end
    if position != size:
        raise _refuse(path, f"{size - position:,} bytes follow its last array")


def _check_finite(path: Path, name: str, array: NDArray[Any]) -> None:
    # min and max hand NaN on, and unlike isfinite(array) they need no second array.
    if array.dtype.kind == "f" and array.size and not (np.isfinite(array.min()) and np.isfinite(array.max())):
        raise _refuse(path, f"the array {name!r} holds a number that is NaN or infinite")


def _refuse(path: Path, reason: str) -> Misconfigured:
    return Misconfigured(f"the weights {path} can't be used: {reason}; save the model again, or fetch it again")
