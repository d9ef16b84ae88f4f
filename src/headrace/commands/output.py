"""How commands print: tables for people, JSON for programs."""

import contextlib
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from headrace import runtime

UNLIMITED = 1 << 30  # columns when the output is not a terminal

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")]


def print_json(value: object) -> None:
    """One JSON value on standard output."""
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def print_items(items: Iterable[object]) -> None:
    """One JSON object with the member `items` on standard output, written item by item: there may be more than fit into memory."""
    before = b'{"items":['
    for item in items:
        sys.stdout.buffer.write(before + msgspec.json.encode(item))
        before = b","
    sys.stdout.buffer.write(b"]}\n" if before == b"," else before + b"]}\n")
    sys.stdout.buffer.flush()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table on standard output. Cells and names of columns are text, never markup. Only the last column wraps, and only in a terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns, 1):
        table.add_column(Text(shown(column)), no_wrap=number < len(columns), overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(str(cell))) for cell in row))
    console = Console() if sys.stdout.isatty() else Console(width=UNLIMITED)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        print(line.rstrip())


def say(text: str) -> None:
    """A line for people, on standard error; lost if nobody can read it there."""
    with contextlib.suppress(OSError):
        Console(stderr=True, highlight=False, soft_wrap=True).print(Text(text))


def print_address(address: str) -> None:
    """The line that says where the server listens; programs wait for it. A server serves whether anybody reads it or not."""
    try:
        print(f"Headrace is at {address} (Ctrl-C stops it)", flush=True)
    except OSError:
        runtime.discard_output()


def bar() -> Progress:
    """A progress bar on standard error, which disappears when it is done; none if standard error is not a terminal."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def shown(text: str) -> str:
    """Text that can't harm a terminal: control characters are made visible."""
    return "".join(char if char.isprintable() else ("⏎" if char == "\n" else "·") for char in text)


def when(microseconds: int) -> str:
    """A time as RFC 3339, in UTC."""
    return datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
