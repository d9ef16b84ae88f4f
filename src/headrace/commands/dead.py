"""The commands `dead list`, `show`, `replay` and `drop`."""

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import islice
from typing import Annotated, Any

from cyclopts import Parameter

from headrace.batch.records import batches
from headrace.browse import PAGE, letters
from headrace.commands.output import Json, bar, print_json, say, shown, when
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.documents import DeadLetter
from headrace.errors import Misconfigured
from headrace.operations.replay import replay
from headrace.ports import DeadQuery, StoreAdapter
from headrace.urls import Connectors, mask

Model = Annotated[str, Parameter(help="Only those of this model.")]
Source = Annotated[str, Parameter(help="Only those of this source.")]
LAST_BURIAL = 2**63 - 1  # the largest number that a store can give to a burial
Limit = Annotated[int, Parameter(help="How many to list.")]
All = Annotated[bool, Parameter(name="--all", negative="", help="All of them, or all of the given model and source.")]


def list_(
    *, model: Model = "", source: Source = "", limit: Limit = 50, json: Json = False, settings: Flags = Settings()
) -> None:
    """List dead letters, the newest first."""
    if limit < 1:
        raise Misconfigured(f"--limit is {limit}; list at least 1")
    with closing(Connectors(settings.broker, settings.store).store()) as store:
        found = list(islice(letters(store, DeadQuery(model=model, source=source)), min(limit, sys.maxsize)))
    if json:
        print_json({"items": [_as_json(letter) for letter in found]})
        return
    for letter in found:
        buried = when(letter.buried_at)[:16].replace("T", " ")
        print(f"{letter.burial:>6}  {buried}  {letter.kind:<9}  {letter.model or '-'}  {shown(letter.id)}")
        print(_indented(shown(letter.reason)))
    if not found:
        say("there are none")


def show_(*burials: int, json: Json = False, settings: Flags = Settings()) -> int:
    """Show dead letters in full, by their numbers.

    The exit status is 1 if one of them does not exist.
    """
    with closing(Connectors(settings.broker, settings.store).store()) as store:
        found = _chosen(store, burials, everything=False, model="", source="")
    if json:
        print_json({"items": [_as_json(letter) for letter in found]})
    else:
        for letter in found:
            for name, value in _as_json(letter).items():
                print(f"{name:>12}  {'-' if value in (None, '') else shown(str(value))}")
    return _missing(burials, found)


def replay_(
    *burials: int,
    all_: All = False,
    model: Model = "",
    source: Source = "",
    json: Json = False,
    settings: Flags = Settings(),
) -> int:
    """Publish dead letters again, by their numbers, and drop each once the broker has confirmed it."""
    connectors = Connectors(settings.broker, settings.store)
    with closing(connectors.store()) as store, closing(connectors.broker()) as broker:
        found = _chosen(store, burials, everything=all_, model=model, source=source)
        refused = [error for batch in _in_batches(found, "replaying") for error in replay(store, broker, batch)]
    for error in refused:
        say(mask(str(error)))
    _print_count(json, "replayed", len(found) - len(refused))
    return 1 if refused else _missing(burials, found)


def drop_(
    *burials: int,
    all_: All = False,
    model: Model = "",
    source: Source = "",
    json: Json = False,
    settings: Flags = Settings(),
) -> int:
    """Delete dead letters for good, by their numbers."""
    with closing(Connectors(settings.broker, settings.store).store()) as store:
        found = _chosen(store, burials, everything=all_, model=model, source=source)
        for batch in _in_batches(found, "dropping"):
            store.drop([letter.burial for letter in batch])
    _print_count(json, "dropped", len(found))
    return _missing(burials, found)


def _indented(reason: str) -> str:
    width = max(40, shutil.get_terminal_size().columns)
    return textwrap.fill(reason, width, initial_indent=" " * 8, subsequent_indent=" " * 8)


def _chosen(
    store: StoreAdapter, burials: Sequence[int], *, everything: bool, model: str, source: str
) -> list[DeadLetter]:
    if bool(burials) == everything:
        raise Misconfigured("give the numbers of dead letters (see headrace dead list), or --all")
    known = [burial for burial in burials if 0 < burial <= LAST_BURIAL]
    if burials and not known:
        return []
    return list(letters(store, DeadQuery(burials=known, model=model, source=source)))


def _in_batches(found: Sequence[DeadLetter], doing: str) -> Iterable[list[DeadLetter]]:
    with bar() as progress:
        task = progress.add_task(doing, total=len(found))
        for batch in batches(found, PAGE):
            yield batch
            progress.advance(task, len(batch))


def _missing(burials: Sequence[int], found: Sequence[DeadLetter]) -> int:
    gone = sorted(set(burials) - {letter.burial for letter in found})
    if gone:
        say(f"there is no dead letter {', '.join(map(str, gone))}")
    return 1 if gone else 0


def _print_count(json: bool, action: str, number: int) -> None:
    if json:
        print_json({action: number})
    else:
        print(f"{number:,} {action}")


def _as_json(letter: DeadLetter) -> dict[str, Any]:
    return {
        "burial": letter.burial,
        "id": letter.id,
        "kind": letter.kind,
        "reason": letter.reason,
        "model": letter.model or None,
        "source": letter.source,
        "buried_at": when(letter.buried_at),
        "data": letter.data.decode(errors="replace"),
    }
