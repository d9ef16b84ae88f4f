"""Word lists are read from folders, and merged."""

import gzip
from pathlib import Path

import pytest

from headrace.errors import Misconfigured
from headrace.training import word_lists


def test_word_lists_are_read_with_counts_or_by_rank(tmp_path: Path) -> None:
    for name, lines in {
        "a/de.txt.gz": "Der 7\nund 3\nder 1\n",
        "b/sr.txt.gz": "и\nје\n",
        "b/sr_latn.txt.gz": "i\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(gzip.compress(lines.encode()))
    assert word_lists.read_words(tmp_path) == {
        "a": {"de": {"der": 8.0, "und": 3.0}},
        "b": {"sr": {"и": 1 / 10, "је": 1 / 11, "i": 1 / 10}},
    }


def test_a_folder_without_word_lists_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=tmp_path.name):
        word_lists.read_words(tmp_path)


def test_merged_lists_are_the_mean_of_those_that_have_the_label() -> None:
    blended = word_lists.merge_lists([{"de": {"ja": 3, "nein": 1}, "en": {"yes": 5}}, {"de": {"ja": 10}, "fr": {}}])
    assert blended == {"de": {"ja": 0.875, "nein": 0.125}, "en": {"yes": 1.0}}


def test_wordfreq_is_asked_only_for_languages_that_it_has() -> None:
    """For `eu` and `war` it would return another language's list."""
    pytest.importorskip("wordfreq")
    found = word_lists.word_frequencies(["eu", "no", "war"], limit=50)
    assert list(found) == ["no"]
    assert len(found["no"]) == 50
    assert "og" in found["no"]
