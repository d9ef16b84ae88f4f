"""Files as a source: every format, whatever is odd about a file, and going on where it was left."""

import bz2
import gzip
import io
import json
import lzma
import os
import threading
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
from support import PATIENCE, logged

from headrace import zstd
from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.file_options import FileOptions
from headrace.ports import Batch, Malformed
from headrace.sources.files import FileSource
from headrace.sources.lines import Lines

COMPRESSIONS: Mapping[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd.load("this test").compress,
}


def items(path: Path, after: str | None = None, *, kind: str = "", limit: int = 1 << 20) -> list[Document | Malformed]:
    return [
        item for batch in FileSource(path, options=FileOptions(kind), limit=limit).read(after) for item in batch.items
    ]


def texts(path: Path, after: str | None = None, *, kind: str = "", limit: int = 1 << 20) -> list[str]:
    """The texts of documents, and the reasons of what is malformed, in order."""
    found = items(path, after, kind=kind, limit=limit)
    return [item.text if isinstance(item, Document) else f"! {item.reason}" for item in found]


def last_cursor(path: Path) -> str:
    return list(FileSource(path).read())[-1].cursor


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", b'{"text": "one"}\n{"text": "two"}\n'),
        ("a.ndjson", b'{"text": "one"}\r\n{"text": "two"}\r\n'),
        ("a.JSON", b'\xef\xbb\xbf{"text": "one"}\n\n  \n{"text": "two"}'),
        ("a", b'{"text": "one"}\n{"text": "two"}'),
        ("a.csv", b"text\none\ntwo\n"),
        ("b.csv", b'\xef\xbb\xbf"text","id"\r\n"one","1"\r\n"two","2"'),
        ("a.tsv", b"id\ttext\n1\tone\n2\ttwo"),
        ("a.txt", b"one\ntwo\n"),
        ("b.txt", b"\xef\xbb\xbfone\r\n\r\n\t\r\ntwo"),
        ("a.log", b"one\ntwo"),
        ("c.txt", b"one\rtwo\r"),
        ("c.csv", b"text\rone\rtwo"),
        ("d.csv", b"\n\ntext,\none,\n\ntwo,,\n"),
        ("c.jsonl", b'{"text": "one"}\r{"text": "two"}\r\n'),
    ],
)
def test_every_format_is_read_compressed_or_not(tmp_path: Path, name: str, data: bytes) -> None:
    assert texts(write(tmp_path / name, data)) == ["one", "two"]
    for ending, compress in COMPRESSIONS.items():
        assert texts(write(tmp_path / f"{name}{ending}", compress(data))) == ["one", "two"]


def test_a_format_that_is_named_wins_over_the_files_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b"one\ntwo")
    assert texts(path, kind="text") == ["one", "two"]
    assert all(text.startswith("! the document is not JSON") for text in texts(path))


def test_documents_come_with_their_members_and_the_source(tmp_path: Path) -> None:
    line = b'{"id": "1", "text": "a", "created_at": "2026-01-31", "likes": 3}'
    (document,) = items(write(tmp_path / "a.jsonl", line))
    assert document == Document("1", "a", "files", "2026-01-31", {"likes": 3})
    (row,) = items(write(tmp_path / "a.csv", b'id,text,created_at,likes,meta,other\n1,a,2026-01-31,3,"{""x"": 1}",\n'))
    assert row == Document("1", "a", "files", "2026-01-31", {"likes": "3", "x": 1})


def test_a_quoted_cell_may_hold_separators_quotes_and_line_ends(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b'id,text\r\n1,"a, ""b""\r\nc"\r\n2,d\r\n')
    assert texts(path) == ['a, "b"\nc', "d"]


@pytest.mark.parametrize("data", [b"", b"\n\n \n"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.txt", "a.txt.gz"])
def test_a_file_without_records_has_no_documents(tmp_path: Path, name: str, data: bytes) -> None:
    assert texts(write(tmp_path / name, gzip.compress(data) if name.endswith(".gz") else data)) == []


@pytest.mark.parametrize(
    ("name", "data", "reason", "where"),
    [
        ("a.jsonl", b"no JSON", "the document is not JSON", "line 2"),
        ("a.jsonl", b'{"text": ""}', "'text' is empty", "line 2"),
        ("a.jsonl", b'{"text": "\xff"}', "not valid UTF-8", "line 2"),
        ("a.txt", b"\xff", "is not valid UTF-8", "line 2"),
        ("a.txt", b"a\0b", "NUL", "line 2"),
        ("a.csv", b"1,2,3", "the row has 3 cells, the header 2", "line 3"),
        ("a.csv", b"5,", "'text' is empty", "line 3"),
        ("a.csv", b"5,\xff", "not valid UTF-8: byte 3 is 0xff", "line 3"),
        ("a.csv", b'5,\xe4 "a"', "not valid UTF-8: byte 3 is 0xe4", "line 3"),
        ("a.csv", b'5,"a\n\xe4"', "line 4 is not valid UTF-8: byte 1 is 0xe4", "line 3"),
        ("a.csv", b"5,a\0b", "NUL", "line 3"),
        ("a.csv", b'5,"a" b', "text follows the quote that closes a field", "line 3"),
        ("a.jsonl", b'{"text": "\xe4"}', "not valid UTF-8: byte 11 is 0xe4", "line 2"),
    ],
)
def test_a_malformed_record_comes_with_its_place_and_the_rest_goes_on(
    tmp_path: Path, name: str, data: bytes, reason: str, where: str
) -> None:
    good = {"a.jsonl": b'{"text": "good"}', "a.txt": b"good", "a.csv": b"1,good"}[name]
    head = b"id,text\n" if name == "a.csv" else b""
    found = items(write(tmp_path / name, head + b"\n".join([good, data, good])))
    assert [isinstance(item, Document) for item in found] == [True, False, True]
    assert reason in found[1].reason
    assert found[1].where == f"{tmp_path / name}, {where}"


@pytest.mark.parametrize(
    ("name", "head", "line"),
    [
        ("a.jsonl", b"", b'{"text": "%s"}'),
        ("a.txt", b"", b"%s"),
        ("a.csv", b"id,text\n", b"1,%s"),
        ("a.csv", b"id,text" + b",c" * 500 + b"\n", b"1,%s" + b"," * 500),
    ],
)
def test_a_line_that_is_too_long_is_malformed_and_never_cut_into_a_document(
    tmp_path: Path, name: str, head: bytes, line: bytes
) -> None:
    path = write(tmp_path / name, head + b"\n".join([line % b"a", line % (b"x" * 5_000_000), line % b"b"]))
    found = texts(path, limit=2000)
    assert [text[:1] for text in found] == ["a", "!", "b"]
    assert "setting document_bytes" in found[1]
    (malformed,) = [item for item in items(path, limit=2000) if isinstance(item, Malformed)]
    assert len(malformed.data) <= 64 << 10


def test_a_document_at_the_limit_is_read_whole(tmp_path: Path) -> None:
    assert texts(write(tmp_path / "a.txt", b"x" * 1000 + b"\n" + b"y" * 1000), limit=1050) == ["x" * 1000, "y" * 1000]


def test_gzip_data_is_decompressed_whatever_the_files_name_and_with_all_its_members(tmp_path: Path) -> None:
    parts = [
        b"".join(b"%d %s\n" % (number, b"x" * 300) for number in range(start, start + 2000)) for start in (0, 2000)
    ]
    found = texts(write(tmp_path / "a.txt", b"".join(map(gzip.compress, parts))))
    assert found == [f"{number} {'x' * 300}" for number in range(4000)]


@pytest.mark.parametrize("cut", [1, 8, 100, 5000])
def test_a_gzip_file_that_is_cut_short_is_read_up_to_the_cut(tmp_path: Path, cut: int) -> None:
    lines = [b'{"text": "%s"}' % os.urandom(30).hex().encode() for _ in range(700)]
    path = write(tmp_path / "a.jsonl.gz", gzip.compress(b"\n".join(lines))[:-cut])
    batches: list[Batch] = []
    with pytest.raises(Misconfigured, match=r"a.jsonl.gz: the gzip file is damaged or cut short .*what came before"):
        batches.extend(FileSource(path).read())
    found = [item.text for batch in batches for item in batch.items if isinstance(item, Document)]
    assert found == [msgspec.json.decode(line)["text"] for line in lines[: len(found)]]
    assert len(found) >= 500
    assert len(found) < 700 or cut <= 8


@pytest.mark.parametrize("ending", [".bz2", ".xz", ".zst"])
def test_other_compressed_files_that_are_cut_short_are_told_by_their_kind(tmp_path: Path, ending: str) -> None:
    lines = [b'{"text": "%d"}' % number for number in range(700)]
    path = write(tmp_path / f"a.jsonl{ending}", COMPRESSIONS[ending](b"\n".join(lines))[:-3])
    kind = {".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}[ending]
    with pytest.raises(Misconfigured, match=f"the {kind} file is damaged or cut short"):
        items(path)
    again = write(tmp_path / "b.jsonl", COMPRESSIONS[ending](b"\n".join(lines)))
    assert texts(again) == [str(number) for number in range(700)]


@pytest.mark.parametrize("data", [b"no gzip", b"\x1f\x8b\x08\x00garbage that is no deflate stream"])
def test_a_file_that_is_not_gzip_although_its_name_says_so_is_misconfigured(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Misconfigured, match="gzip"):
        items(write(tmp_path / "a.txt.gz", data))
    with pytest.raises(Misconfigured, match="gzip"):
        list(FileSource(tmp_path / "a.txt.gz").records())


@pytest.mark.parametrize("name", ["missing.jsonl", "missing.txt.gz", "folder"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(Misconfigured, match=name):
        items(tmp_path / name)


def test_a_table_without_a_column_text_is_misconfigured_and_its_columns_are_named(tmp_path: Path) -> None:
    for data, columns in ((b"id,message\n1,a", "the columns are 'id', 'message'"), (b"", "it is empty")):
        with pytest.raises(Misconfigured, match=f"there is no column 'text'; {columns}"):
            items(write(tmp_path / "a.csv", data))


@pytest.mark.parametrize("name", ["a.jsonl", "a.txt", "a.csv"])
def test_what_is_appended_is_read_after_the_cursor_and_nothing_else(tmp_path: Path, name: str) -> None:
    head = b"text\n" if name == "a.csv" else b""
    line = b'{"text": "%d"}\n' if name == "a.jsonl" else b"%d\n"
    path = write(tmp_path / name, head + b"".join(line % number for number in range(10)))
    cursor = last_cursor(path)
    assert texts(path, cursor) == []
    with path.open("ab") as file:
        file.write(line % 10 + b"\n" + line % 11)
    assert texts(path, cursor) == ["10", "11"]


def test_a_line_that_was_being_written_is_read_again_when_it_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b'{"text": "a"}\n{"text": "b')
    assert texts(path)[0] == "a"
    cursor = last_cursor(path)
    with path.open("ab") as file:
        file.write(b'c"}\n{"text": "d"}\n')
    assert texts(path, cursor) == ["bc", "d"]
    assert texts(path, last_cursor(path)) == []


def test_a_last_line_without_an_end_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"a\nb")
    cursor = last_cursor(path)
    assert texts(path, cursor) == []
    with path.open("ab") as file:
        file.write(b"\n")
    assert texts(path, cursor) == []


def test_another_file_of_the_same_name_is_read_from_its_start(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"a\nb\nc\n")
    cursor = last_cursor(path)
    assert texts(write(path, b"x\nb\nc\nd\n"), cursor) == ["x", "b", "c", "d"]
    assert texts(write(path, b""), cursor) == []
    assert texts(write(path, b"a\n"), cursor) == ["a"]
    for foreign in ("", "7", "{}", '{"records": "x"}'):
        assert texts(path, foreign) == ["a"]


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv", "a.txt.gz"])
@pytest.mark.parametrize("change", ["shorter", "longer", "as long", "the last but one"])
def test_a_file_that_was_replaced_is_read_afresh_and_that_is_told(tmp_path: Path, name: str, change: str) -> None:
    head = b"text\n" if name == "a.csv" else b""
    line = b'{"text": "%s"}\n' if name == "a.jsonl" else b"%s\n"

    def put(names: list[str]) -> Path:
        data = head + b"".join(line % one.encode() for one in names)
        return write(tmp_path / name, gzip.compress(data) if name.endswith(".gz") else data)

    old = [f"text {number:04}" for number in range(1200)]
    path = put(old)
    cursor = last_cursor(path)
    new = {
        "shorter": [*old[:700], "new"],
        "longer": [*old[:700], *(f"new {number}" for number in range(1200))],
        "as long": [*old[:700], "text new!", *old[701:]],
        "the last but one": [*old[:-2], "text new!", old[-1]],
    }[change]
    batches = list(FileSource(put(new)).read(cursor))
    assert [item.text for batch in batches for item in batch.items] == new
    assert batches[0].restarted
    assert not any(batch.restarted for batch in batches[1:])
    assert texts(path, batches[-1].cursor) == []


def test_a_file_that_was_emptied_is_noticed_before_it_is_filled_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"a\nb\n")
    cursor = last_cursor(path)
    (empty,) = FileSource(write(path, b"")).read(cursor)
    assert (empty.items, bool(empty.restarted)) == ([], True)
    assert texts(write(path, b"a\nb\nc\n"), empty.cursor) == ["a", "b", "c"]


def test_a_compressed_file_that_grew_goes_on_however_it_was_compressed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt.gz", gzip.compress(b"a\nb\n"))
    cursor = last_cursor(path)
    assert texts(write(path, gzip.compress(b"a\nb\n") + gzip.compress(b"c\n")), cursor) == ["c"]
    assert texts(write(path, gzip.compress(b"a\nb\nc\nd", compresslevel=1)), cursor) == ["c", "d"]


def test_a_cursor_of_an_earlier_version_reads_afresh(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"a\nb\n")
    (batch,) = FileSource(path).read('{"records":2,"head":4,"digest":"x","last":"y"}')
    assert [item.text for item in batch.items] == ["a", "b"]
    assert batch.restarted


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a"])
@pytest.mark.parametrize("indent", [None, 0, 2, "\t"])
def test_a_list_of_documents_is_read_in_any_layout(tmp_path: Path, name: str, indent: int | str | None) -> None:
    rows = [{"text": f"text {number}", "n": {"of": [number, {"x": "}]"}]}, "s": float("nan")} for number in range(50)]
    path = write(tmp_path / name, json.dumps(rows, indent=indent).encode())
    found = items(path)
    assert [item.text for item in found] == [row["text"] for row in rows]
    assert found[7].meta == {"n": {"of": [7, {"x": "}]"}]}, "s": None}
    after = next(iter(FileSource(path, batch=20).read())).cursor
    assert texts(path, after) == [row["text"] for row in rows[20:]]
    objects = " ".join(json.dumps(row, indent=indent) for row in rows)
    assert texts(write(tmp_path / name, objects.encode())) == [row["text"] for row in rows]


def test_a_list_in_one_line_is_read_in_bounded_memory(tmp_path: Path) -> None:
    rows = [{"text": f"text {number} {'x' * 80}"} for number in range(30_000)]
    path = write(tmp_path / "a.json", json.dumps(rows).encode())
    tracemalloc.start()
    number = sum(isinstance(item, Document) for batch in FileSource(path, limit=10_000).read() for item in batch.items)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert number == len(rows)
    assert peak < path.stat().st_size


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b'{"a":\n {"text": 1}\n}\n{"text": "b"}', ["!the document has no member 'text'", "b"]),
        (b'[\n {"text": "a"},\n {"text": b,\n  "n": 1},\n {"text": "c"}\n]', ["a", "!the document is not JSON", "c"]),
        (
            b'[{"text": "a"}, {"text": "b"',
            ["a", "!the document is not JSON", "!the JSON list that begins here never ends"],
        ),
        (
            b'{"text": "to\n{"text": "a"}\n{\n{"text": "b"}',
            ["!the document is not JSON", "a", "!the document is not JSON", "b"],
        ),
        (b'[\n {\n"text": "a\xff"\n },\n {"text": "b"}\n]', ["!the document is not valid UTF-8", "b"]),
        (b'[1, "a", {"text": "b"}]', ["!a document is a JSON object", "!a document is a JSON object", "b"]),
        (b'{"text": "a"},\n{"text": "b"},\n', ["a", "b"]),
        (
            b"{\n" + b'"x": [\n' + b'{"text": "a"},\n' * 5000 + b'{"text": "a"}]}\n{"text": "b"}',
            ["!the JSON value", "b"],
        ),
    ],
)
def test_what_is_damaged_is_told_once_and_the_rest_is_read(tmp_path: Path, data: bytes, found: list[str]) -> None:
    seen = texts(write(tmp_path / "a.json", data), limit=2000)
    assert [text.replace("! ", "!")[: len(want)] for text, want in zip(seen, found, strict=True)] == found


@pytest.mark.parametrize(
    "line", [b"some text, not JSON\n", b"{'text': 'of Python'}\n", b"{\n text: 5,\n},\n", b"- yaml\n"]
)
def test_a_large_file_that_is_not_json_is_refused_once(tmp_path: Path, line: bytes) -> None:
    with pytest.raises(Misconfigured, match=r"it is not JSON .*name ends in \.csv or \.txt"):
        next(iter(FileSource(write(tmp_path / "a.json", line * 5000)).read()))
    found = texts(write(tmp_path / "a.json", line * 50 + b'{"text": "a"}\n' + line * 500))
    assert found[50] == "a"
    assert len(found) == 551


def test_html_in_place_of_json_is_refused_once(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="like HTML or XML, not like JSON"):
        items(write(tmp_path / "a.json", b"<html>\n" * 1000))


def test_padding_and_garbage_after_gzip_data_cost_nothing(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"text": "a"}\n{"text": "b"}')
    assert texts(write(tmp_path / "a.jsonl.gz", packed + bytes(1000))) == ["a", "b"]
    with logged() as said:
        assert texts(write(tmp_path / "a.jsonl.gz", packed + b"garbage")) == ["a", "b"]
    assert said == [f"reading {tmp_path}/a.jsonl.gz: what follows the end of the gzip data is ignored"]


def test_batches_are_bounded_by_number_and_by_bytes(tmp_path: Path) -> None:
    many = list(FileSource(write(tmp_path / "a.txt", b"a\n" * 1200)).read())
    assert [len(batch.items) for batch in many] == [500, 500, 200]
    large = list(FileSource(write(tmp_path / "b.txt", (b"x" * (1 << 19) + b"\n") * 20)).read())
    assert max(len(batch.items) for batch in large) <= 9


def test_reading_leaves_no_descriptor_open(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"a\n" * 2000)
    zipped = write(tmp_path / "a.txt.gz", gzip.compress(b"a\n" * 2000))
    for one in (path, zipped):
        reading = FileSource(one).read()
        next(reading)
        assert opened(tmp_path) == [one.name]
        reading.close()
        list(FileSource(one).read())
    assert opened(tmp_path) == []


def opened(folder: Path) -> list[str]:
    """The files of a folder that this process has open; what else it has open is other tests' affair."""
    found = []
    for descriptor in os.listdir("/proc/self/fd"):  # noqa: PTH208
        try:
            target = Path("/proc/self/fd", descriptor).readlink()
        except FileNotFoundError:
            continue
        if target.parent == folder:
            found.append(target.name)
    return found


@pytest.fixture
def stdin() -> Iterator[int]:
    """The other end of our standard input, while the test lasts."""
    kept = os.dup(0)
    reading, writing = os.pipe()
    os.dup2(reading, 0)
    os.close(reading)
    yield writing
    os.dup2(kept, 0)
    os.close(kept)


class Zero:
    """Standard input as a process has it, whatever pytest puts in its place."""

    def fileno(self) -> int:
        return 0


def test_standard_input_is_read_as_it_comes_and_to_its_end(stdin: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Zero())
    batches: Iterator[Batch] = FileSource("-").read()
    os.write(stdin, b'\xef\xbb\xbf {"text": "one"}\n{"te')
    assert [item.text for item in next(batches).items] == ["one"]
    os.write(stdin, b'xt": "two"}\n{"text": "three"}')
    assert [item.text for item in next(batches).items] == ["two"]
    os.close(stdin)
    assert [item.text for batch in batches for item in batch.items] == ["three"]


def test_a_header_that_comes_in_pieces_is_waited_for(stdin: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Zero())
    os.write(stdin, b"i")
    source = FileSource("-", options=FileOptions("csv"))
    found: list[Batch] = []
    thread = threading.Thread(target=lambda: found.extend(source.read()))
    thread.start()
    os.write(stdin, b"d;te")
    os.write(stdin, b"xt\n1;one, two\n")
    os.close(stdin)
    thread.join(PATIENCE)
    assert [item.text for batch in found for item in batch.items] == ["one, two"]


def test_closing_ends_the_wait_for_standard_input(stdin: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Zero())
    source = FileSource("-")
    os.write(stdin, b"one\nhalf a li")
    found: list[str] = []
    first = threading.Event()

    def read() -> None:
        for batch in source.read():
            found.extend(item.text for item in batch.items)
            first.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert first.wait(PATIENCE)
    source.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert found == ["one"]
    os.close(stdin)


def test_a_long_line_is_cut_one_byte_after_the_limit() -> None:
    chunks = iter([b"x" * 1000] * 50 + [b"\nshort\n", b""])
    lines = Lines(lambda _size: next(chunks), 100)
    assert [len(line) for line in lines] == [101, 5]


def in_pieces(data: bytes, size: int) -> Callable[[int], bytes]:
    stream = io.BytesIO(data)
    return lambda _most: stream.read(size)


def test_lines_are_the_same_however_the_stream_is_cut() -> None:
    data = b"a\r\n\r\n\n\rb\r\n"
    for size in range(1, len(data) + 1):
        assert list(Lines(in_pieces(data, size), 100)) == [b"a", b"", b"", b"", b"b"], size


def whole(path: Path, limit: int = 1 << 20) -> list[Document | Malformed]:
    source = FileSource(path, limit=limit, options=FileOptions(whole=True))
    return [item for batch in source.read() for item in batch.items]  # type: ignore[misc]


def test_a_file_of_plain_text_can_be_one_document(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "\ufeffDear all,\r\n\r\ngoodbye\n".encode("utf-16-le"))
    (found,) = whole(path)
    assert found == Document(found.id, "Dear all,\r\n\r\ngoodbye\n", "files", None, {"file": str(path)})  # type: ignore[union-attr]
    (again,) = whole(write(tmp_path / "a.txt.gz", gzip.compress(b"one\ntwo")))
    assert again.text == "one\ntwo"  # type: ignore[union-attr]
    assert [item.text for item in whole(write(tmp_path / "a.csv", b"text\none\ntwo\n"))] == ["one", "two"]  # type: ignore[union-attr]
    assert whole(write(tmp_path / "b.txt", b" \n\n")) == whole(write(tmp_path / "c.txt", b"")) == []


def test_a_whole_file_is_read_once_and_again_when_it_has_changed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"one\ntwo")
    source = FileSource(path, options=FileOptions(whole=True))
    (batch,) = source.read()
    assert list(source.read(batch.cursor)) == []
    write(path, b"one\ntwo\nthree")
    (changed,) = source.read(batch.cursor)
    assert [item.text for item in changed.items] == ["one\ntwo\nthree"]  # type: ignore[union-attr]


def test_a_whole_file_that_is_no_document_is_malformed(tmp_path: Path) -> None:
    for data, reason in (
        (b"x" * 5000, "the file is longer than 2,000 bytes (setting document_bytes)"),
        (
            b"it\x92s\nso",
            "the file is not valid UTF-8: byte 3 is 0x92; convert it to UTF-8, or if the file is in CP1252",
        ),
        (b"a\0b", "NUL"),
    ):
        (wrong,) = whole(write(tmp_path / "a.txt", data), limit=2000)
        assert isinstance(wrong, Malformed)
        assert reason in wrong.reason
        assert wrong.where == str(tmp_path / "a.txt")
    with pytest.raises(Misconfigured, match="damaged or cut short"):
        whole(write(tmp_path / "b.txt", gzip.compress(os.urandom(500).hex().encode())[:-9]))


def test_members_of_an_archive_can_be_whole_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x/1.txt", "one\ntwo")
        archive.writestr("x/2.txt", "three\n")
    found = whole(tmp_path / "a.zip")
    assert [(item.text, item.meta["file"]) for item in found if isinstance(item, Document)] == [
        ("one\ntwo", f"{tmp_path}/a.zip!x/1.txt"),
        ("three\n", f"{tmp_path}/a.zip!x/2.txt"),
    ]


def test_options_of_a_url_are_told_if_they_make_no_sense(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"one\ntwo")
    (batch,) = FileSource.from_url(f"files:{path}?whole=yes&format=text").read()
    assert len(batch.items) == 1
    with pytest.raises(Misconfigured, match="the option whole is 'perhaps'; it must be yes or no"):
        FileSource.from_url(f"files:{path}?whole=perhaps")
    with pytest.raises(Misconfigured, match="the options are format, encoding, whole"):
        FileSource.from_url(f"files:{path}?hole=yes")
