"""Tokens of platforms in the environment."""

from pathlib import Path

import pytest

from headrace import config, tokens
from headrace.adapters import SOURCES
from headrace.documents import DOCUMENT_BYTES
from headrace.errors import HeadraceError, Misconfigured
from headrace.tokens import secrets, token
from headrace.urls import open_source

NAME = "HEADRACE_MASTODON_TOKEN"


def test_a_token_comes_from_its_variable_or_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("geheim\n")
    assert token(NAME, {}) == ""
    assert token(NAME, {NAME: " geheim "}) == "geheim"
    assert token(NAME, {f"{NAME}_FILE": str(tmp_path / "token")}) == "geheim"


def test_what_cannot_be_a_token_is_told_without_it(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    cases = {
        "are set; leave one out": {NAME: "geheim", f"{NAME}_FILE": "x"},
        f"the file that {NAME}_FILE names is empty": {f"{NAME}_FILE": str(tmp_path / "empty")},
        f"the file that {NAME}_FILE names is no text": {f"{NAME}_FILE": str(tmp_path / "binary")},
        f"no such file.*correct {NAME}_FILE": {f"{NAME}_FILE": str(tmp_path / "none")},
    }
    for reason, environment in cases.items():
        with pytest.raises(HeadraceError, match=f"(?i){reason}") as told:
            token(NAME, environment)
        assert "geheim" not in str(told.value)


def test_every_token_is_hidden_in_the_log_wherever_it_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("aus-der-Datei\n")
    assert "geheim" in secrets({NAME: "geheim"})
    assert "aus-der-Datei" in secrets({f"{NAME}_FILE": str(tmp_path / "token")})
    assert secrets({f"{NAME}_FILE": str(tmp_path / "none")}) == frozenset()
    monkeypatch.setenv(NAME, "geheim")
    assert "geheim" in config.secrets_in_environment()
    assert "geheim" in config.Settings().secrets


def test_the_variables_of_tokens_are_known_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "geheim")
    monkeypatch.setenv(f"{NAME}_FILE", "")
    config.check_environment()
    monkeypatch.setenv("HEADRACE_MASTODON_TOKN", "x")
    with pytest.raises(Misconfigured, match=r"HEADRACE_MASTODON_TOKN .*did you mean HEADRACE_MASTODON_TOKEN"):
        config.check_environment()


def test_a_source_gets_the_token_of_its_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    with pytest.raises(Misconfigured, match=f"set {NAME}"):
        open_source("mastodon://127.0.0.1:1?tls=no", limit=DOCUMENT_BYTES)
    monkeypatch.setenv(NAME, "geheim")
    assert open_source("mastodon://127.0.0.1:1?tls=no", limit=DOCUMENT_BYTES).name == "mastodon://127.0.0.1:1/public"


@pytest.mark.parametrize("url", ["twitter:recorded.jsonl", "twitter:-", "bluesky:", "bluesky:?replay=no"])
@pytest.mark.parametrize("both", [True, False])
def test_a_token_that_is_not_needed_is_not_read(monkeypatch: pytest.MonkeyPatch, url: str, both: bool) -> None:
    for name in ("HEADRACE_BLUESKY_KEY", "HEADRACE_TWITTER_TOKEN"):
        monkeypatch.setenv(f"{name}_FILE", "/gibt/es/nicht")
        if both:
            monkeypatch.setenv(name, "geheim")
        else:
            monkeypatch.delenv(name, raising=False)
    open_source(url, limit=DOCUMENT_BYTES)


@pytest.mark.parametrize("url", ["twitter:", "bluesky:?replay", "mastodon://127.0.0.1:1?tls=no"])
def test_a_token_that_is_needed_is_read(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in tokens.TOKENS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(f"{name}_FILE", "/gibt/es/nicht")
    with pytest.raises(Misconfigured, match=r"correct HEADRACE_\w+_FILE"):
        open_source(url, limit=DOCUMENT_BYTES)


def test_every_token_that_a_source_takes_is_known() -> None:
    assert {entry.token for entry in SOURCES.values() if entry.token} == set(tokens.TOKENS)
