"""Files of other machines, over a real wire: FTP, which fsspec reads without a driver."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import fsspec.config
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry
from support.ftp_server import FtpServer, serving
from support.nginx import free_ports

from headrace.adapters import SOURCES
from headrace.commands.ingest import open_table
from headrace.documents import Document, encode
from headrace.errors import HeadraceError, Misconfigured, Unavailable
from headrace.fields import Fields
from headrace.file_options import UNSAID, FileOptions
from headrace.ports import Batch, Malformed
from headrace.sources.files import FileSource
from headrace.sources.record_file.remote import DRIVERS, found, is_remote
from headrace.tables import IngestTable
from headrace.training import files
from headrace.urls import open_file, open_source


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FtpServer]:
    with serving(tmp_path) as server:
        yield server


def texts(url: str, options: FileOptions = UNSAID, **named: str) -> list[str]:
    source = open_source(url, limit=1 << 20, fields=Fields.parse(**named), options=options)
    items = [item for batch in source.read() if isinstance(batch, Batch) for item in batch.items]
    return [item.text if isinstance(item, Document) else f"malformed {getattr(item, 'where', '')}" for item in items]


def test_each_format_is_read_as_it_is_on_this_machine(server: FtpServer, tmp_path: Path) -> None:
    lines = b'{"text": "a"}\n{"text": "b"}\n'
    (tmp_path / "plain.jsonl").write_bytes(lines)
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "table.csv").write_bytes("tweet;n\ngrün;1\n".encode("cp1252"))
    (tmp_path / "letter.txt").write_bytes(b"one\ntwo\n")
    pq.write_table(pa.table({"text": ["a", "b"]}), tmp_path / "table.parquet")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        packed.writestr("inner.jsonl", lines)
    with tarfile.open(tmp_path / "all.tar", "w") as tar:
        info = tarfile.TarInfo("inner.jsonl")
        info.size = len(lines)
        tar.addfile(info, io.BytesIO(lines))
    for name in ("plain.jsonl", "packed.jsonl.gz", "table.parquet", "all.zip", "all.tar"):
        assert texts(f"{server.url}/{name}") == ["a", "b"], name
    assert texts(f"{server.url}/table.csv", FileOptions(encoding="cp1252"), text="tweet") == ["grün"]
    assert texts(f"{server.url}/letter.txt", FileOptions(whole=True)) == ["one\ntwo\n"]
    assert texts(f"files:{server.url}/letter.txt?format=text") == ["one", "two"]


def test_a_folder_and_a_pattern_stand_for_their_files(server: FtpServer, tmp_path: Path) -> None:
    for name in ("a.jsonl", ".a.jsonl", "sub/b.csv", "sub/notes.pdf", ".hidden/c.jsonl", "sub/d.tar"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(b"text\na\n")
    url = f"{server.url}/data"
    assert found(url) == [f"{url}/a.jsonl", f"{url}/sub/b.csv", f"{url}/sub/d.tar"]
    assert found(f"{url}/") == found(url)
    assert f"{url}/sub/notes.pdf" in found(url, all_files=True)
    assert found(f"{url}/s*") == [f"{url}/sub/b.csv", f"{url}/sub/d.tar"]
    assert found(f"{url}/*/*.csv") == [f"{url}/sub/b.csv"]
    assert found(f"{url}/*.jsonl") == [f"{url}/a.jsonl"]
    assert found(f"{url}/.*.jsonl") == [f"{url}/.a.jsonl"]
    assert found(f"{url}/**/*.jsonl") == [f"{url}/a.jsonl"]
    assert found(f"{url}/a.jsonl") == [f"{url}/a.jsonl"]
    assert [one.name for one in FileSource(url).each()] == list(found(url))
    with pytest.raises(Misconfigured, match=r"no file matches ftp://.*/\*\.parquet"):
        found(f"{url}/*.parquet")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Misconfigured, match="there are no data files in ftp://"):
        found(f"{server.url}/empty")
    assert files.find([url]) == list(found(url))


def test_a_recording_may_be_there_too(server: FtpServer, tmp_path: Path) -> None:
    (tmp_path / "rec.jsonl").write_bytes(encode({"id_str": "7", "id": 7, "text": "a tweet", "user": {"id_str": "1"}}))
    source = open_source(f"twitter:{server.url}/rec.jsonl", limit=1000)
    assert source.name == f"twitter:{server.url}/rec.jsonl"
    assert [one.text for batch in source.read() for one in batch.items if isinstance(one, Document)] == ["a tweet"]


def test_reading_goes_on_at_the_cursor_and_a_file_that_was_replaced_is_read_from_its_start(
    server: FtpServer, tmp_path: Path
) -> None:
    path, source = tmp_path / "a.jsonl", FileSource(f"{server.url}/a.jsonl", batch=1)
    path.write_bytes(b'{"text": "a"}\n{"text": "b"}\n')
    first, second = source.read()
    assert [len(one.items) for one in source.read(first.cursor)] == [1]
    assert list(source.read(second.cursor)) == []
    path.write_bytes(b'{"text": "a"}\n{"text": "b"}\n{"text": "c"}\n')
    assert [one.text for batch in source.read(second.cursor) for one in batch.items if isinstance(one, Document)] == [
        "c"
    ]
    path.write_bytes(b'{"text": "x"}\n{"text": "y"}\n')
    again = list(source.read(second.cursor))
    assert "has changed" in again[0].restarted
    assert sum(len(one.items) for one in again) == 2


def test_a_file_that_is_replaced_while_it_is_read_is_told_and_read_again(server: FtpServer, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a"}\n{"text": "b"}\n')
    server.replaced_by["a.jsonl"] = b'{"text": "c"}\n{"text": "another"}\n'
    batches = FileSource(f"{server.url}/a.jsonl").read()
    first = next(batches)
    with pytest.raises(Unavailable, match=r"a\.jsonl: it was replaced while it was read"):
        next(batches)
    (again,) = FileSource(f"{server.url}/a.jsonl").read(first.cursor)
    assert again.restarted
    assert [one.text for one in again.items if isinstance(one, Document)] == ["c", "another"]


def test_a_connection_that_breaks_is_unavailable_and_reading_goes_on_after_what_was_told(
    server: FtpServer, tmp_path: Path
) -> None:
    line = encode({"text": "a" * 2000})
    (tmp_path / "a.jsonl").write_bytes(b"".join(line + b"\n" for _ in range(6000)))
    source = FileSource(f"{server.url}/a.jsonl")
    batches = source.read()
    first = next(batches)
    server.cuts = 1
    with pytest.raises(Unavailable, match=r"reading ftp://127\.0\.0\.1"):
        list(batches)
    rest = [one for batch in source.read(first.cursor) for one in batch.items]
    assert len(first.items) + len(rest) == 6000
    assert not any(isinstance(one, Malformed) for one in rest)


def test_what_is_wrong_is_told(server: FtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misconfigured, match=r"reading ftp://.*missing\.jsonl: there is no such file; check the name"):
        texts(f"{server.url}/missing.jsonl")
    with pytest.raises(Unavailable, match=r"reading ftp://127\.0\.0\.1:1/a: ConnectionRefusedError"):
        texts("ftp://127.0.0.1:1/a")
    with pytest.raises(Misconfigured, match=r"a password does not belong into a URL.*FSSPEC_FTP_PASSWORD") as caught:
        texts("ftp://me:s3cret@127.0.0.1:1/a")
    assert "s3cret" not in str(caught.value)
    with pytest.raises(Misconfigured, match="cannot be followed: it is not a file of this machine; leave out --follow"):
        texts(f"{server.url}/a.jsonl", FileOptions(follow=True))
    with pytest.raises(Misconfigured, match="needs adlfs: pip install adlfs"):
        texts("az://container/a.jsonl")
    monkeypatch.setitem(__import__("sys").modules, "fsspec.core", None)
    with pytest.raises(Misconfigured, match=r"needs fsspec.*: pip install 'headrace\[fsspec\]'"):
        texts(f"{server.url}/a.jsonl")


def test_a_host_that_is_away_ends_nothing_before_its_files_are_read() -> None:
    url = f"ftp://127.0.0.1:{free_ports(1)[0]}/data/*.jsonl"
    (opened,) = open_table(IngestTable(url), 1 << 20)
    assert (opened.url, opened.away) == (url, True)


def test_an_account_is_the_drivers_affair(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\n")
    with serving(tmp_path, password="s3cret") as server:
        with pytest.raises(HeadraceError, match="530 Login incorrect"):
            texts(f"{server.url}/a.txt")
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(fsspec.config.conf, "ftp", {"username": "me", "password": "s3cret"})
            assert texts(f"{server.url}/a.txt") == ["one"]


class Strict(MemoryFileSystem):  # type: ignore[misc]
    """Takes no options, as the driver of SFTP does not: it hands all of them to its library."""

    def __init__(self) -> None:
        super().__init__()


def test_a_driver_gets_no_options_but_those_that_the_user_gives() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(_registry, "smb", Strict)
        with Strict().open(Strict._strip_protocol("smb://host/a.txt"), "wb") as file:
            file.write(b"one\n")
        assert texts("smb://host/a.txt") == ["one"]
        Strict.store.clear()


def test_every_protocol_is_a_scheme_of_sources_with_the_options_of_a_path() -> None:
    assert {scheme for scheme, entry in SOURCES.items() if entry.path} == set(DRIVERS)
    assert is_remote("s3://bucket/key")
    assert not any(map(is_remote, ("s3:/bucket", "https://host/x", "/srv/s3://x", "posts.jsonl", "xyz://host/a")))
    assert open_file("s3://bucket/key", limit=1000).name == "s3://bucket/key"
