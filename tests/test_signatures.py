"""Signatures of webhooks: the senders' own published examples, clocks that differ, and options that make no sense."""

import base64
import hmac

import pytest

from headrace.errors import Misconfigured
from headrace.signatures import OWN, SENDERS, SKEW_SECONDS, parse

# A request of Slack's documentation: its secret, time, payload and signature.
SLACK = (
    b"8f742231b10e8888abcd99yyyzzz85a5",
    "1531420618",
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
    "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
)


def test_the_example_of_slacks_documentation_is_signed_so() -> None:
    secret, timestamp, body, given = SLACK
    slack = SENDERS["slack"]
    assert slack.is_of(body, secret, given=given, timestamp=timestamp)
    assert not slack.is_of(body, secret, given=given, timestamp="1531420619")
    assert not slack.is_of(body + b"x", secret, given=given, timestamp=timestamp)
    assert not slack.is_of(body, secret + b"x", given=given, timestamp=timestamp)


def test_the_example_of_githubs_documentation_is_signed_so() -> None:
    given = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert SENDERS["github"].is_of(b"Hello, World!", b"It's a Secret to Everybody", given=given)


def test_the_example_of_discourses_own_tests_is_signed_so() -> None:
    given = "sha256=162f107f6b5022353274eb1a7197885cfd35744d8d08e5bcea025d309386b7d6"
    assert SENDERS["discourse"].is_of(b'{"ping":"OK"}', b"my_lovely_secret_for_web_hook", given=given)


def test_zendesk_signs_the_time_and_the_payload_in_base64() -> None:
    at, body, secret = "2026-01-31T12:00:00Z", b'{"a": 1}', b"dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmc="
    given = base64.b64encode(hmac.digest(secret, at.encode() + body, "sha256")).decode()
    zendesk = SENDERS["zendesk"]
    assert zendesk.is_of(body, secret, given=given, timestamp=at)
    assert not zendesk.is_of(body, secret, given=given.swapcase(), timestamp=at)
    assert zendesk.is_current(at, 1769860800.0 + SKEW_SECONDS)


@pytest.mark.parametrize(
    "given", ["", "sha256=", "757107", "sha256=é", "sha1=757107ea", "sha256=" + "0" * 64, "\xff" * 71]
)
def test_what_is_no_signature_is_refused(given: str) -> None:
    assert not SENDERS["github"].is_of(b"Hello, World!", b"It's a Secret to Everybody", given=given)


def test_hexadecimal_digits_may_be_upper_case() -> None:
    given = "sha256=" + hmac.digest(b"key", b"body", "sha256").hex().upper()
    assert SENDERS["github"].is_of(b"body", b"key", given=given)


@pytest.mark.parametrize(
    ("timestamp", "is_current"),
    [
        ("1000000000", True),
        ("1000000300", True),
        ("999999700", True),
        ("999999699", False),
        ("1000000301", False),
        ("1000000000000", True),  # milliseconds
        ("2001-09-09T01:46:40Z", True),
        ("2001-09-09T01:40:00Z", False),
        ("2001-09-09", False),
        ("", False),
        ("soon", False),
        ("nan", False),
        ("-1000000000", False),
        ("1" * 400, False),
    ],
)
def test_a_time_is_current_for_five_minutes_before_and_after(timestamp: str, is_current: bool) -> None:
    assert SENDERS["slack"].is_current(timestamp, 1_000_000_000.0) == is_current


def test_a_signature_of_ones_own_is_put_together_by_its_options() -> None:
    own = parse(
        OWN,
        {"header": "X-Sig", "algorithm": "sha512", "encoding": "base64", "prefix": "v1,", "timestamp": "X-Time"},
    )
    given = "v1," + base64.b64encode(hmac.digest(b"key", b"17.body", "sha512")).decode()
    assert own.is_of(b"body", b"key", given=given, timestamp="17")
    plain = parse(OWN, {"header": "X-Sig"})
    assert plain.is_of(b"body", b"key", given=hmac.digest(b"key", b"body", "sha256").hex())
    assert plain.is_current("", 0.0)


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("gitbuh", {}, "did you mean github"),
        ("github", {"header": "X"}, 'header is an option of signature = "hmac"'),
        (OWN, {}, "header is missing"),
        (OWN, {"header": "X Y"}, "not the name of a header"),
        (OWN, {"header": "X", "timestamp": "é"}, "not the name of a header"),
        (OWN, {"header": "X", "algorithm": "md5"}, "must be one of sha256"),
        (OWN, {"header": "X", "encoding": "utf-8"}, "must be one of hex"),
        (OWN, {"header": "X", "signed": "{timestamp}.{body}"}, "signed is .* timestamp names a header"),
        (OWN, {"header": "X", "timestamp": "Y", "signed": "{body}"}, "signed is"),
        (OWN, {"header": "X", "signed": "nothing"}, "signed is"),
    ],
)
def test_options_that_make_no_signature_are_told(name: str, options: dict[str, str], told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        parse(name, options)
