"""The commands `dead list`, `show`, `replay` and `drop`."""

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Annotated, Any

from cyclopts import Parameter

from headrace.batch.records import batches
from headrace.browse import LETTERS, letters, letters_numbered
from headrace.commands.output import Json, bar, print_items, print_json, say, shown, when
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
        query = DeadQuery(model=model, source=source)
        found = islice(letters(store, query, size=min(limit, LETTERS)), min(limit, sys.maxsize))
        if json:
            print_items(map(_as_json, found))
            return
        none = True
        for letter in found:
            none = False
            buried = when(letter.buried_at)[:16].replace("T", " ")
            print(f"{letter.burial:>6}  {buried}  {letter.kind:<9}  {letter.model or '-'}  {shown(letter.id)}")
            print(_indented(shown(letter.reason)))
    if none:
        say("there are none")


def show_(*burials: int, json: Json = False, settings: Flags = Settings()) -> int:
    """Show dead letters in full, by their numbers.

    The exit status is 1 if one of them does not exist.
    """
    with closing(Connectors(settings.broker, settings.store).store()) as store:
        found = Chosen(store, burials)
        if json:
            print_items(map(_as_json, found))
        else:
            for letter in found:
                for name, value in _as_json(letter).items():
                    print(f"{name:>12}  {'-' if value in (None, '') else shown(str(value))}")
    return found.tell_missing()


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
        found, refused = Chosen(store, burials, everything=all_, model=model, source=source), 0
        for page in found.pages("replaying"):
            for error in replay(store, broker, page):
                say(mask(str(error)))
                refused += 1
    _print_count(json, "replayed", found.count - refused)
    return 1 if refused else found.tell_missing()


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
        found = Chosen(store, burials, everything=all_, model=model, source=source)
        for page in found.pages("dropping"):
            store.drop([letter.burial for letter in page])
    _print_count(json, "dropped", found.count)
    return found.tell_missing()


class Chosen:
    """The dead letters that a command is about: those of some numbers, or all that match. They are read a page at a time, once.

    Raises Misconfigured for neither, and for both. `count` is how many were read.
    """

    def __init__(
        self,
        store: StoreAdapter,
        burials: Sequence[int],
        *,
        everything: bool = False,
        model: str = "",
        source: str = "",
    ) -> None:
        if bool(burials) == everything:
            raise Misconfigured("give the numbers of dead letters (see headrace dead list), or --all")
        self._store = store
        self._query = DeadQuery(model=model, source=source)
        self._known = sorted({burial for burial in burials if 0 < burial <= LAST_BURIAL}, reverse=True)
        self._missing = set(burials)
        self._everything = everything
        self.count = 0

    def __iter__(self) -> Iterator[DeadLetter]:
        chosen = letters_numbered(self._store, self._known, self._query)
        for letter in letters(self._store, self._query) if self._everything else chosen:
            self.count += 1
            self._missing.discard(letter.burial)
            yield letter

    def pages(self, doing: str) -> Iterator[list[DeadLetter]]:
        """A page after the other, with a progress bar."""
        total = sum(self._store.count_dead(self._query).values()) if self._everything else len(self._known)
        with bar() as progress:
            task = progress.add_task(doing, total=total)
            for page in batches(self, LETTERS):
                yield page
                progress.advance(task, len(page))

    def tell_missing(self) -> int:
        """Say which of the numbers do not exist, and return the exit status."""
        if self._missing:
            say(f"there is no dead letter {', '.join(map(str, sorted(self._missing)))}")
        return 1 if self._missing else 0


def _indented(reason: str) -> str:
    width = max(40, shutil.get_terminal_size().columns)
    return textwrap.fill(reason, width, initial_indent=" " * 8, subsequent_indent=" " * 8)


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
