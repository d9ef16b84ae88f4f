"""`/v1/sources`."""

from pathlib import Path

import msgspec
from support.web_world import world

from headrace.errors import Unavailable
from headrace.ingest.ledger import Ledger, Missed, Saved, save, table
from headrace.stores.memory import MemoryStore
from headrace.web.api.schemas import SourceLedger
from headrace.web.services import ServerSettings


def test_sources_are_listed_as_the_command_prints_them(tmp_path: Path) -> None:
    with world(tmp_path) as api:
        assert api.get("/v1/sources").json() == {"sources": []}
        kept = Ledger(
            "sse:https://x/",
            "waiting",
            "503",
            lag=1.5,
            counts={"read": 5},
            gaps=[Missed(1, "cut"), Missed(2, "late", 3)],
        )
        kept.count("published", 3, 120_000_000)
        save(api.store, "sse:x", Saved("7", 3, kept))
        api.store.save("old", "no json")
        answer = api.get("/v1/sources")
        assert (answer.status_code, answer.json()) == (
            200,
            {"sources": msgspec.json.decode(msgspec.json.encode(table(api.store)))},
        )
    assert {tuple(one) for one in answer.json()["sources"]} == {SourceLedger.__struct_fields__}


def test_a_store_that_is_down_is_503(tmp_path: Path) -> None:
    class Gone(MemoryStore):
        def cursors(self) -> dict[str, str]:
            raise Unavailable("asking the store: nobody answers; is it running?")

    with world(tmp_path, store=Gone()) as api:
        answer = api.get("/v1/sources")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "is it running?" in answer.json()["error"]["message"]


def test_sources_need_the_token(tmp_path: Path) -> None:
    with world(tmp_path, settings=ServerSettings(token="word")) as api:
        assert api.get("/v1/sources").status_code == 401
        assert api.get("/v1/sources", headers={"authorization": "Bearer word"}).status_code == 200


def test_the_description_has_every_count(tmp_path: Path) -> None:
    with world(tmp_path) as api:
        shapes = api.get("/openapi.json").json()["components"]["schemas"]
    assert set(SourceLedger.__struct_fields__) == set(shapes["SourceLedger"]["required"])
    assert "over all runs" in shapes["SourceLedger"]["description"]
