"""Versions by name."""

import pytest

from headrace.ports import VersionRef, model_of


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [("language@3f9c2a", "language", "3f9c2a"), ("language", "language", ""), ("a@b@c", "a", "b@c"), ("", "", "")],
)
def test_a_version_is_taken_apart_at_the_first_at_sign_and_put_together_again(
    text: str, name: str, version: str
) -> None:
    ref = VersionRef.parse(text)
    assert ref == VersionRef(name, version)
    assert str(ref) == text
    assert model_of(text) == name
