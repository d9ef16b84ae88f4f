"""The URL of a server, taken apart: hosts, account, options, and what is said of one that is wrong."""

from pathlib import Path

import pytest

from headrace.errors import Misconfigured
from headrace.server_url import CERTIFICATES, ServerUrl, host_and_port

SECRET = "pass:w0rd/x"


def read(url: str, *, several: bool = True) -> ServerUrl:
    return ServerUrl.read(url, 7, ("queue", "lease", *CERTIFICATES), like="host:7/?queue=q", several=several)


def test_a_url_has_hosts_an_account_a_path_and_options_all_percent_decoded() -> None:
    parts = read("s://me:pass%3Aw0rd%2Fx@one,two:8,[::1]:9/some%2Fpath?queue=a%20b&lease=")
    assert parts.hosts == (("one", 7), ("two", 8), ("::1", 9))
    assert (parts.user, parts.password, parts.path) == ("me", SECRET, "some/path")
    assert (parts.text("queue", "q"), parts.text("lease", "30")) == ("a b", "")
    assert ("queue" in parts, "cacertfile" in parts) == (True, False)


def test_a_missing_account_differs_from_an_empty_one() -> None:
    assert read("s://host").user is None
    assert read("s://@host").user == ""


@pytest.mark.parametrize("url", ["s://", "s://a,,b", "s://host:99999", "s://host:0", "s://host:x"])
def test_a_wrong_host_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(Misconfigured, match=r"is not a host; write s://host:7/\?queue=q, several hosts with commas"):
        read(url)


@pytest.mark.parametrize(
    "url", ["s://:Q/9@host/0", "s://u:9/Q@host", "s://u:9?queue=Q@host", "s://u:9#Q@host", "s://u:Q@9/@host"]
)
def test_what_may_be_a_part_of_a_password_is_not_quoted_however_short_it_is(url: str) -> None:
    with pytest.raises(Misconfigured, match="percent-encode special characters of user and password") as caught:
        read(url)
    assert not {"Q", "9"} & set(str(caught.value))


def test_several_hosts_are_refused_if_there_can_be_only_one() -> None:
    with pytest.raises(Misconfigured, match=r"'one,two' is not a host; write s://host:7/\?queue=q$"):
        read("s://one,two", several=False)


def test_an_unknown_option_is_refused_with_the_one_that_was_meant_and_without_the_password() -> None:
    with pytest.raises(Misconfigured, match="'quue' is not an option of s://; did you mean queue") as caught:
        read("s://me:pass%3Aw0rd%2Fx@host?quue=q")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("digits", ["٣٠", "²", "-1", "+30", "1e2", ""])
def test_a_number_is_written_in_plain_digits_and_within_its_bounds(digits: str) -> None:
    assert read("s://host?lease=30").number("lease", 5, 1, 30) == 30
    assert read("s://host").number("lease", 5, 1, 30) == 5
    for value in (digits, "31", "0"):
        with pytest.raises(Misconfigured, match="the option lease of s:// is a number from 1 to 30, not"):
            read(f"s://host?lease={value}").number("lease", 5, 1, 30)


def test_a_choice_is_one_of_its_values_and_the_first_by_default() -> None:
    assert read("s://host").choice("queue", "yes", "no") == "yes"
    assert read("s://host?queue=no").choice("queue", "yes", "no") == "no"
    with pytest.raises(Misconfigured, match="the option queue of s:// is one of yes, no, not 'maybe'"):
        read("s://host?queue=maybe").choice("queue", "yes", "no")


def test_certificates_exist_and_are_for_connections_that_are_encrypted(tmp_path: Path) -> None:
    (tmp_path / "a.pem").touch()
    assert read("ss://host").file("cacertfile", "ss") is None
    assert read(f"ss://host?cacertfile={tmp_path / 'a.pem'}").file("cacertfile", "ss") == str(tmp_path / "a.pem")
    with pytest.raises(Misconfigured, match=r"names '/nowhere\.pem': there is no such file"):
        read("ss://host?cacertfile=/nowhere.pem").file("cacertfile", "ss")
    with pytest.raises(Misconfigured, match="cacertfile of s:// is for ss://, which encrypts; s:// doesn't"):
        read(f"s://host?cacertfile={tmp_path / 'a.pem'}").file("cacertfile", "ss")


def test_certificates_that_cannot_be_used_are_refused_at_once(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("this is no certificate")
    for options in (f"cacertfile={wrong}", f"certfile={wrong}", f"certfile={wrong}&keyfile={wrong}"):
        with pytest.raises(Misconfigured, match="the certificates that the ss: URL names cannot be used"):
            read(f"ss://host?{options}").certificates("ss")
    with pytest.raises(Misconfigured, match="belongs to a certfile"):
        read(f"ss://host?keyfile={wrong}").certificates("ss")
    assert read("ss://host").certificates("ss") == read("s://host").certificates("ss") == {}


def test_what_a_url_would_say_to_nobody_is_refused() -> None:
    with pytest.raises(Misconfigured, match="write %23"):
        read("s://host/#x")
    with pytest.raises(Misconfigured, match="names an option twice"):
        read("s://host?queue=a&queue=b")


def test_an_ipv6_address_is_written_in_brackets() -> None:
    assert (host_and_port("::1", 7), host_and_port("host", 7)) == ("[::1]:7", "host:7")
