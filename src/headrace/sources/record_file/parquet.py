"""The rows of a Parquet file as records, read a part of a row group at a time. Needs pyarrow, of the extra `parquet`."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any

import msgspec

from headrace.documents import parse
from headrace.errors import Misconfigured, Rejected
from headrace.fields import names_of, suggestion
from headrace.framing import KEPT_BYTES
from headrace.sources.columns import MEMBERS, distinct, repeated
from headrace.sources.record_file.content import How
from headrace.sources.record_file.remote import opened
from headrace.sources.records import Record

ROWS = 1000  #: that are read at a time

_decode = msgspec.json.Decoder().decode


class Parquet:
    """A Parquet file, with the methods of `Content`. Empty cells are left out of records, except for texts."""

    def __init__(self, path: str, shown: str, how: How) -> None:
        self.member, self.identity, self.waits = "", b"", False
        self._path, self._shown, self._how = path, shown, how
        self._kept = frozenset(field.written for field in how.fields.text)

    def records(self) -> Iterator[Record]:
        """The records. Raises Misconfigured if the file is damaged or lacks a column, and if pyarrow is missing."""
        return chain.from_iterable(self.blocks())

    def blocks(self) -> Iterator[list[Record]]:
        """As `records`, in lists."""
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ModuleNotFoundError as error:
            raise Misconfigured(
                f"reading {self._shown}: a Parquet file needs {error.name}: pip install 'headrace[parquet]'"
            ) from error
        number = 0
        with opened(self._path, self._shown) as binary:
            try:
                file = pq.ParquetFile(binary)
                columns = self._columns(file.schema_arrow.names)
                for batch in file.iter_batches(batch_size=ROWS):
                    yield [self._record(row, number + place) for place, row in enumerate(_rows(batch, columns), 1)]
                    number += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                what = f"the Parquet file is damaged or cut short ({_first_line(error)})"
                raise Misconfigured(f"reading {self._shown}: {what}; {number:,} rows were read before that") from None

    def failure(self) -> str:
        """Empty: failures are raised."""
        return ""

    def _columns(self, header: Sequence[str]) -> Sequence[str]:
        """The names of the columns, each once. Raises Misconfigured if one is missing that is needed, or there several times."""
        columns = distinct(header)
        schema: Mapping[str, Any] = dict.fromkeys(columns)
        named = self._how.fields.named
        missing = [field.written for field in named if not field.is_in(schema) and field.path[0] not in schema]
        missing += [name for name in self._how.others if name not in schema]
        if missing:
            names = " and no column ".join(map(repr, missing))
            hint = suggestion(columns) if "text" in missing else ""
            raise Misconfigured(
                f"reading {self._shown}: there is no column {names}; the columns are {names_of(schema)}{hint}"
            )
        firsts = [field.written if field.written in schema else field.path[0] for field in named]
        usual = MEMBERS if self._how.fields.usual else ()
        if fault := repeated(header, (*firsts, *self._how.others, *usual)):
            raise Misconfigured(f"reading {self._shown}: {fault}")
        return columns

    def _record(self, row: Mapping[str, Any], number: int) -> Record:
        where = f"{self._shown}, row {number}"
        try:
            data = _encode({name: cell for name, cell in row.items() if cell is not None or name in self._kept})
            members = _decode(data)
            if self._how.fields.usual and isinstance(members.get("meta"), str):
                members["meta"] = parse(members["meta"].encode(), lenient=True)
        except (Rejected, UnicodeDecodeError) as error:
            return Record(repr(row).encode(errors="backslashreplace")[:KEPT_BYTES], where, fault=str(error))
        return Record(data, where, members)


def _plain(value: Any) -> Any:
    """A value as JSON has it: binary data is text in UTF-8, a decimal number is a string of its digits."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, Decimal) else value


def _encode(row: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(_plain(row), enc_hook=str)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _rows(batch: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a batch, by the names of its columns; nanoseconds, which Python's times do not have, are cut to microseconds."""
    import pyarrow as pa

    columns = []
    for column in batch.columns:
        kind = column.type
        if pa.types.is_timestamp(kind) and kind.unit == "ns":
            column = column.cast(pa.timestamp("us", kind.tz), safe=False)
        elif pa.types.is_time64(kind) and kind.unit == "ns":
            column = column.cast(pa.time64("us"), safe=False)
        elif pa.types.is_duration(kind) and kind.unit == "ns":
            column = column.cast(pa.duration("us"), safe=False)
        columns.append(column)
    rows: list[dict[str, Any]] = pa.RecordBatch.from_arrays(columns, names=names).to_pylist()
    return rows
