"""No secret of a setting is shown: whatever its characters, whatever the scheme, and whatever is wrong with the URL."""

from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from headrace import log
from headrace.adapters import BROKERS, STORES
from headrace.commands import settings as settings_flags
from headrace.config import Settings, secrets_in
from headrace.errors import HeadraceError
from headrace.log import LogSettings, logger
from headrace.masking import hide, mask, mask_url, secrets_of
from headrace.urls import Connectors

SCHEMES = sorted({*BROKERS, *STORES, "unknown", "corenlp"} - {"memory", "none", "sqlite"})
#: Whatever may be typed, with a beginning that no message has by chance.
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12).map("Xq7".__add__)
FORMS = (
    "{scheme}://user:{secret}@host/name",
    "{scheme}://user:{secret}@host:99999/name",
    "{scheme}://{secret}@host/name?x=1",
    "{scheme}://:{secret}@[::1/name",
    "{scheme}:user:{secret}@host",
    "{scheme}://host/name?user=u&password={secret}",
    "{scheme}://host/name?sasl.password={secret}&group=g",
    "{scheme}://host/name?options={secret}",
    "user:{secret}@host",
)


def leaks(secret: str, text: str) -> bool:
    """Whether the beginning of a secret is shown."""
    return secret[:3] in text


@given(st.sampled_from(FORMS), st.sampled_from(SCHEMES), SECRETS, st.booleans())
def test_a_url_never_shows_its_secret(form: str, scheme: str, secret: str, encoded: bool) -> None:
    if not encoded:
        assume("&" not in secret or "=" not in form)  # the next parameter begins there
        assume(":" not in secret or ":{secret}" in form)  # the name of a user ends there
    url = form.format(scheme=scheme, secret=quote(secret, safe="") if encoded else secret)
    assert not leaks(secret, mask_url(url))
    assert not leaks(secret, mask(f"waiting for {url} again"))


@given(st.sampled_from(FORMS), st.sampled_from(SCHEMES), SECRETS, st.booleans())
def test_what_is_wrong_with_a_url_never_shows_its_secret(form: str, scheme: str, secret: str, encoded: bool) -> None:
    url = form.format(scheme=scheme, secret=quote(secret, safe="") if encoded else secret)
    for broker, store in ((url, "memory:"), ("memory:", url)):
        said = ""
        try:
            Connectors(broker, store)
        except HeadraceError as error:
            said = str(error)
        assert not leaks(secret, hide(said, secrets_of(url)))


@given(SECRETS)
def test_a_part_that_a_driver_quotes_is_hidden_too(secret: str) -> None:
    url = f"postgresql://user:{secret}@host/db"
    for part in (secret, repr(secret), f"invalid port number: {secret!r}", f"FATAL: no role {secret} here"):
        assert not leaks(secret, hide(part, secrets_of(url)))


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_log_hides_the_secrets_of_the_settings_wherever_they_stand(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    settings = Settings(
        broker="amqp://u:Xq7one/two@h",
        store="postgresql://h/d?password=Xq7three",
        token='Xq7"four',
        models="m=x://Xq7five@h",
    )
    log.configure(LogSettings(form), settings.secrets)
    for quoted in ("one", "Xq7one", "two is not a port", "Xq7three", 'Xq7"four', "Xq7five"):
        try:
            raise ValueError(quoted)
        except ValueError:
            logger("headrace.test").exception(f"the driver says {quoted}")
    said = capsys.readouterr().err
    assert "Xq7" not in said
    assert said.count("the driver says") == 6
    log.configure(LogSettings())


def test_the_secrets_of_flags_and_variables_are_known_before_the_command_begins() -> None:
    assert secrets_in({"store": "x://u:longer@h", "token": "hidden", "port": "8000"}) == {
        "longer",
        "u:longer",
        "hidden",
    }
    assert settings_flags.configure_log


def test_the_beginning_of_a_password_is_hidden_however_short_it_is() -> None:
    assert hide("'u:SE' is not a host", secrets_of("amqp://u:SE/CR#ET@h")) == "'***' is not a host"


def test_an_error_never_shows_the_account_of_a_url() -> None:
    assert str(HeadraceError("connecting to amqp://u:secret@h")) == "connecting to amqp://u:***@h"
