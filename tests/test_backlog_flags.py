"""The flags and tables by which people say what happens when too much comes."""

from pathlib import Path

import pytest

from headrace import config
from headrace.commands.demo import demo
from headrace.commands.ingest import ingest, open_table
from headrace.config import Settings
from headrace.errors import Misconfigured
from headrace.tables import IngestTable

LIMITED = Settings(backlog_limit=10)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "posts.jsonl").write_text('{"text": "Hej"}\n')
    return tmp_path


def test_a_rule_without_a_limit_is_refused() -> None:
    with pytest.raises(Misconfigured, match="--shed sample has no effect without a limit; add one, such as --backlog"):
        ingest("wss://host/stream", shed="sample")


def test_a_rule_for_sources_that_can_all_wait_is_refused() -> None:
    with pytest.raises(Misconfigured, match=r"--shed oldest has no effect: posts.jsonl can wait, so it is paused"):
        ingest("posts.jsonl", shed="oldest", settings=LIMITED)
    with pytest.raises(Misconfigured, match="each of these sources can wait"):
        ingest("posts.jsonl", "hackernews:", shed="oldest", settings=LIMITED)


def test_a_table_has_a_rule_of_its_own(folder: Path) -> None:
    (folder / "headrace.toml").write_text('[[ingest]]\nurl = "wss://host/stream"\nshed = "sample"\n')
    (table,) = config.read_file().ingest
    (opened,) = open_table(table, 1 << 20)
    assert opened.shed == "sample"


def test_a_rule_of_a_table_that_is_none_or_has_no_use_is_refused() -> None:
    with pytest.raises(
        Misconfigured, match="shed is 'newest' for wss://host/stream; it must be one of oldest, sample, never"
    ):
        open_table(IngestTable("wss://host/stream", shed="newest"), 1 << 20)
    with pytest.raises(Misconfigured, match=r"shed = never has no effect: files:posts.jsonl can wait"):
        open_table(IngestTable("files:posts.jsonl", shed="never"), 1 << 20)


def test_a_source_that_the_demo_cannot_read_is_told_before_anything_starts() -> None:
    with pytest.raises(Misconfigured, match="--rate is 0; it must be above 0"):
        demo(source="posts.jsonl", rate=0)
    with pytest.raises(Misconfigured, match="nothing"):
        demo(source="nothing://here")
