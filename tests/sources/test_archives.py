"""Archives: their members are read in place, each by its own name, and going on from any place in them."""

import bz2
import gzip
import io
import lzma
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support import logged

from headrace import zstd
from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.fields import Fields
from headrace.file_options import FileOptions
from headrace.ports import Batch, Malformed
from headrace.sources.files import FileSource

MEMBERS = {
    "2026/01/31/23/58.json.bz2": bz2.compress(b'{"text": "one"}\n{"delete": {}}\n{"text": "two"}\n'),
    "2026/01/31/23/59.json.gz": gzip.compress(b'{"text": "three"}'),
    "2026/readme.md": b"no data",
    "2026/empty.json": b"",
    "2026/table.csv": b"id;text\n1;four\n",
    "2026/plain.txt": "five\n".encode("utf-16"),
}
TEXTS = ["one", "!", "two", "three", "four", "five"]


def tar(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("link.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return packed.getvalue()


def zipped(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("2026")
        for name, data in members.items():
            archive.writestr(name, data)
    return packed.getvalue()


ARCHIVES: Mapping[str, Callable[[Mapping[str, bytes]], bytes]] = {
    "a.tar": tar,
    "a.tar.gz": lambda members: gzip.compress(tar(members)),
    "a.TGZ": lambda members: gzip.compress(tar(members)),
    "a.tar.bz2": lambda members: bz2.compress(tar(members)),
    "a.tar.xz": lambda members: lzma.compress(tar(members)),
    "a.tar.zst": lambda members: zstd.load("this test").compress(tar(members)),
    "a.zip": zipped,
}
each = pytest.mark.parametrize("name", ARCHIVES)


def shown(item: object) -> str:
    return item.text if isinstance(item, Document) else "!"


def texts(path: Path, after: str | None = None) -> list[str]:
    return [shown(item) for batch in FileSource(path).read(after) for item in batch.items]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def until_failure(path: Path, **options: object) -> tuple[list[str], str]:
    """What was read of an archive, and how it ended."""
    found: list[str] = []
    try:
        for batch in FileSource(path, **options).read():  # type: ignore[arg-type]
            found += map(shown, batch.items)
    except Misconfigured as failed:
        return found, str(failed)
    pytest.fail("it was read to its end")


@each
def test_members_are_read_each_by_its_name(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, ARCHIVES[name](MEMBERS))
    with logged() as said:
        assert texts(path) == TEXTS
    assert said == [f"reading {path}: members that are not data files are left out: 1, such as '2026/readme.md'"]
    assert [len(block) for block in FileSource(path).blocks()] == [3, 1, 1, 1]


@each
def test_what_is_malformed_is_told_with_its_member_and_line(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, ARCHIVES[name](MEMBERS))
    (wrong,) = [item for batch in FileSource(path).read() for item in batch.items if isinstance(item, Malformed)]
    assert wrong.where == f"{path}!2026/01/31/23/58.json.bz2, line 2"


@each
@pytest.mark.parametrize("size", [1, 2, 4])
def test_reading_goes_on_at_any_member_and_line(tmp_path: Path, name: str, size: int) -> None:
    path = write(tmp_path / name, ARCHIVES[name](MEMBERS))
    batches = list(FileSource(path, batch=size).read())
    done: list[str] = []
    for batch in batches:
        done += map(shown, batch.items)
        assert texts(path, batch.cursor) == TEXTS[len(done) :]


@each
def test_what_is_added_at_the_end_is_read_and_nothing_else(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, ARCHIVES[name](MEMBERS))
    cursor = list(FileSource(path).read())[-1].cursor
    write(path, ARCHIVES[name]({**MEMBERS, "2027.txt": b"new"}))
    assert texts(path, cursor) == ["new"]


@each
@pytest.mark.parametrize("change", ["a member before", "the member is gone"])
def test_an_archive_that_was_replaced_is_read_afresh_and_that_is_told(tmp_path: Path, name: str, change: str) -> None:
    path = write(tmp_path / name, ARCHIVES[name](MEMBERS))
    cursor = list(FileSource(path).read())[-1].cursor
    changed = {
        "a member before": {**MEMBERS, "2026/table.csv": b"id;text\n1;another\n"},
        "the member is gone": {name: data for name, data in MEMBERS.items() if name != "2026/plain.txt"},
    }[change]
    first, *_ = FileSource(write(path, ARCHIVES[name](changed))).read(cursor)
    assert first.restarted
    assert shown(first.items[0]) == "one"


def test_a_tar_is_decompressed_whatever_its_name(tmp_path: Path) -> None:
    assert texts(write(tmp_path / "a.tar", gzip.compress(tar(MEMBERS)))) == TEXTS
    assert texts(write(tmp_path / "a.tar.gz", tar(MEMBERS))) == TEXTS


def test_a_format_that_is_given_takes_all_members(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.tar", tar({"readme.md": b"one", "b.json": b"two", ".hidden": b"x", "__MACOSX/c.txt": b"y"})
    )
    found = [item for batch in FileSource(path, options=FileOptions("text")).read() for item in batch.items]
    assert [item.text for item in found if isinstance(item, Document)] == ["one", "two"]


@pytest.mark.parametrize(("name", "pack"), [("a.tar", tar), ("a.zip", zipped)])
def test_an_archive_without_data_files_names_what_it_holds(
    tmp_path: Path, name: str, pack: Callable[[Mapping[str, bytes]], bytes]
) -> None:
    _, told = until_failure(write(tmp_path / name, pack({"x.md": b"a", "y.png": b"b"})))
    assert (
        f"reading {tmp_path / name}: the archive holds no data files: it holds 'x.md', 'y.png'; known are .jsonl"
        in told
    )


def many(number: int) -> dict[str, bytes]:
    return {f"{n:02}.txt": b"".join(b"%d %d\n" % (n, line) for line in range(200)) for n in range(number)}


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.xz"])
@pytest.mark.parametrize("part", [0.3, 0.55, 0.7])
def test_of_a_tar_that_is_cut_short_all_that_comes_before_is_read(tmp_path: Path, name: str, part: float) -> None:
    data = ARCHIVES[name](many(20))
    found, told = until_failure(write(tmp_path / name, data[: int(len(data) * part)]))
    assert "the archive is damaged or cut short" in told
    assert "what came before that was read" in told
    whole = [line for member in many(20).values() for line in member.decode().split("\n") if line]
    assert found == whole[: len(found)]
    assert len(found) > 100 or name == "a.tar.xz"


def test_a_tar_with_a_damaged_header_is_read_up_to_it(tmp_path: Path) -> None:
    data = bytearray(tar(many(5)))
    place = data.index(b"03.txt")
    data[place : place + 512] = b"x" * 512
    found, told = until_failure(write(tmp_path / "a.tar", bytes(data)))
    assert len(found) == 600
    assert "the archive is damaged or cut short (" in told


@pytest.mark.parametrize("name", [name for name in ARCHIVES if name != "a.zip"])
def test_what_is_no_archive_is_told(tmp_path: Path, name: str) -> None:
    _, told = until_failure(write(tmp_path / name, b"this is no archive\n" * 100))
    assert f"reading {tmp_path / name}: the archive is damaged or cut short" in told


def test_a_zip_without_its_list_of_members_is_told(tmp_path: Path) -> None:
    _, told = until_failure(write(tmp_path / "a.zip", zipped(MEMBERS)[:-50]))
    assert "the list of its members, at its end, cannot be read" in told


def test_a_damaged_member_costs_what_follows_in_it_and_no_other(tmp_path: Path) -> None:
    members = {**MEMBERS, "2026/01/31/23/59.json.gz": gzip.compress(b'{"text": "three"}\n{"text": "x"}')[:-9]}
    found, told = until_failure(write(tmp_path / "a.tar", tar(members)))
    assert found == TEXTS
    assert told.startswith(f"reading {tmp_path}/a.tar!2026/01/31/23/59.json.gz: the gzip file is damaged or cut short")
    data = bytearray(zipped(many(3)))
    data[data.index(b"01.txt") + 60] ^= 0xFF
    found, told = until_failure(write(tmp_path / "a.zip", bytes(data)))
    assert f"{tmp_path}/a.zip!01.txt: it is damaged" in told
    assert [line for line in found if line.startswith(("0 ", "2 "))] == [
        f"{n} {line}" for n in (0, 2) for line in range(200)
    ]


def test_an_encrypted_member_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.txt": b"one", "b.txt": b"two"}))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1  # the flag in the list of members
    found, told = until_failure(write(tmp_path / "a.zip", bytes(data)))
    assert (found, told) == (["one"], "'b.txt' in the zip archive is encrypted; unpack it first")


def test_a_mapping_that_fits_no_record_of_a_member_costs_that_member(tmp_path: Path) -> None:
    members = {"a.csv": b"text\none\n", "b.csv": b"other\ntwo\n", "c.csv": b"text\nthree\n", "d.csv": b"x\n"}
    found, told = until_failure(write(tmp_path / "a.tar", tar(members)), fields=Fields.parse(text="text"))
    assert found == ["one", "three"]
    assert f"{tmp_path}/a.tar!b.csv: there is no column 'text'; the columns are 'other'" in told
    assert told.endswith("; 1 more could not be read either")


def test_an_archive_is_read_in_bounded_memory(tmp_path: Path) -> None:
    text = b"".join(b"%d %s\n" % (number, b"x" * 100) for number in range(50_000))
    path = write(tmp_path / "a.tar", tar({f"{number}.txt.gz": gzip.compress(text) for number in range(6)}))
    tracemalloc.start()
    number = sum(len(batch.items) for batch in FileSource(path).read())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert number == 300_000
    assert peak < 2 * len(text)


def test_batches_span_small_members(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", zipped({f"{number}.txt": b"a\n" for number in range(1200)}))
    batches: list[Batch] = list(FileSource(path).read())
    assert [len(batch.items) for batch in batches] == [500, 500, 200]
    assert texts(path, batches[0].cursor) == ["a"] * 700
