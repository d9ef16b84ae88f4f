"""The library for zstd, which may be missing."""

import sys

import pytest

from headrace import zstd
from headrace.errors import Misconfigured


def test_a_missing_library_is_told_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("backports", "backports.zstd", "compression", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(Misconfigured, match=r"reading a\.zst needs \S+: pip install 'headrace\[zstd\]'"):
        zstd.load("reading a.zst")
