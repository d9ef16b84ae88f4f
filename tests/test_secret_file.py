"""A secret in a file that is replaced, emptied and taken away while it is in use."""

import logging
import os
import time
from pathlib import Path

import pytest

from headrace.errors import Misconfigured
from headrace.secret_file import SETTLED_NS, SecretFile


def secret_file(path: Path) -> SecretFile:
    return SecretFile(str(path), "the secret of the test", "THE_FILE")


def test_a_secret_is_taken_anew_whether_its_file_is_rewritten_or_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"one\n")
    file = secret_file(path)
    assert file.secret() == b"one"
    for number in range(20):  # of the same length, and faster than the clock of the file system
        path.write_bytes(b"t%02d\n" % number)
        assert file.secret() == b"t%02d" % number
    (tmp_path / "other").write_bytes(b"six\r\n")
    (tmp_path / "other").replace(path)
    assert file.secret() == b"six"


def test_a_link_that_is_turned_to_another_folder_is_followed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "secret").write_text(name)
    (tmp_path / "data").symlink_to("a")
    file = secret_file(tmp_path / "data" / "secret")
    (tmp_path / "next").symlink_to("b")
    (tmp_path / "next").replace(tmp_path / "data")
    assert file.secret() == b"b"


def test_the_last_secret_stands_while_there_is_none_and_this_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"geheim")
    file = secret_file(path)
    path.write_bytes(b"\n")
    assert [file.secret(), file.secret()] == [b"geheim"] * 2
    path.unlink()
    assert [file.secret(), file.secret()] == [b"geheim"] * 2
    path.write_bytes(b"new")
    assert file.secret() == b"new"
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [text.split(";")[0] for text in told] == [
        "the file that THE_FILE names is empty",
        "reading the secret of the test: No such file or directory",
    ]
    assert "geheim" not in caplog.text


def test_a_file_that_has_not_changed_for_a_while_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"one")
    long_ago = time.time_ns() - 2 * SETTLED_NS
    os.utime(path, ns=(long_ago, long_ago))
    file = secret_file(path)
    with path.open("r+b") as same:
        same.write(b"two")
    os.utime(path, ns=(long_ago, long_ago))
    assert file.secret() == b"one"


def test_a_file_without_a_secret_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name in ("empty", "missing", "."):
        with pytest.raises(Misconfigured, match="THE_FILE"):
            secret_file(tmp_path / name)
