"""Following aliases: which versions a predictor is to serve, and which it does not change to."""

from pathlib import Path

from support import logged, setup

from headrace.models import card as cards
from headrace.models.alias import Aliases
from headrace.models.card import Card
from headrace.predictor.following import Following
from headrace.predictor.handle import Predictor


def test_a_version_that_lacks_a_label_of_a_restriction_is_not_followed_to(tmp_path: Path) -> None:
    for version, labels in (("aaaaaa", ("da", "sv")), ("bbbbbb", ("da", "de"))):
        home = tmp_path / "tongue" / version
        home.mkdir(parents=True)
        (home / cards.FILE).write_bytes(cards.to_json(Card("tongue", labels, version)))
    aliases = Aliases(tmp_path / "tongue")
    aliases.promote("champion", "aaaaaa")
    following = Following(setup("tongue[sv]", registry=str(tmp_path)), seconds=0)
    before = following.settings
    assert [(one.reference, one.restriction) for one in before.models] == [("tongue@aaaaaa", ("sv",))]
    aliases.promote("champion", "bbbbbb")
    with logged() as said:
        assert not following.follow(Predictor(before, deadline=1))
    assert following.settings == before
    (message,) = said
    assert message.startswith("the models served stay as they are: the setting models: tongue@bbbbbb has no label 'sv'")
