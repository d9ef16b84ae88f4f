"""The command `prove`."""

import random
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from headrace import runtime
from headrace.beside import apart
from headrace.commands.output import Json, bar, print_json, print_table, say
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.errors import HeadraceError, Misconfigured
from headrace.masking import mask, mask_url
from headrace.ports import Provisioned
from headrace.proof.findings import FAILURES, Finding
from headrace.proof.ledger import Ledger
from headrace.proof.patience import Interrupted
from headrace.proof.run import Proof, Task
from headrace.runtime import Stop
from headrace.urls import Connectors

INTERRUPTED = 130


def prove(
    *,
    documents: Annotated[int, Parameter(help="How many documents to publish.")] = 4000,
    kills: Annotated[int, Parameter(help="How many keepers, predictors and publishers to kill.")] = 10,
    seed: Annotated[int | None, Parameter(help="Seed of all random choices. [default: another each time]")] = None,
    patience: Annotated[float, Parameter(help="Seconds without progress after which to give up.")] = 60.0,
    details: Annotated[bool, Parameter(negative="", help="Name each document that did not end as it should.")] = False,
    json: Json = False,
    settings: Flags = Settings(),
) -> int:
    """Prove on your own servers that nothing is lost: publish, kill processes at random, and account for every document.

    It makes a queue and a store of its own there, and removes them; by default they are files in a temporary folder.
    """
    if documents < 1 or kills < 0 or patience <= 0:
        raise Misconfigured("--documents is at least 1, --kills at least 0, and --patience more than 0 seconds")
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    stop = Stop()
    runtime.on_signals(stop, lambda: None)
    try:
        with tempfile.TemporaryDirectory(prefix="headrace-prove-") as name, _place(settings, Path(name)) as own:
            say(f"broker {mask_url(own.broker)}, store {mask_url(own.store)}, seed {seed}")
            with bar() as shown:
                task = shown.add_task("proving", total=documents)
                proof = Proof(
                    own,
                    Task(documents, kills, seed, patience),
                    Path(name),
                    stop=stop,
                    progress=lambda done: shown.update(task, completed=done),
                )
                ledger, findings = proof.run()
    except Interrupted:
        say("interrupted, and cleaned up")
        return INTERRUPTED
    if proof.gave_up:
        say(f"gave up: {mask(proof.gave_up)}")
    _print(ledger, findings, details=details, json=json)
    return 1 if ledger.failed or proof.gave_up else 0


@contextmanager
def _place(settings: Settings, folder: Path) -> Iterator[Settings]:
    """The settings with a queue and a store of their own, which are removed at the end, whatever happens."""
    usual = Settings()
    beside = (
        f"sqlite:///{folder}/queue.db" if settings.broker == usual.broker else settings.broker,
        f"sqlite:///{folder}/store.db" if settings.store == usual.store else settings.store,
    )
    broker, store = apart(*beside, f"headrace_prove_{secrets.token_hex(4)}")
    connectors = Connectors(broker, store)
    with ExitStack() as made:
        for url, connect in ((broker, connectors.broker), (store, connectors.store)):
            with closing(connect()) as opened:
                for (
                    warning
                ) in opened.warnings():  # connects, so that an unreachable server is reported before anything begins
                    say(f"warning: {mask(warning)}")
            made.callback(_remove, url, connect)
        yield replace(settings, broker=broker, store=store)


def _remove(url: str, connect: Callable[[], Provisioned]) -> None:
    try:
        connect().remove()
    except HeadraceError as error:
        say(f"{mask_url(url)} may not have been removed: {mask(str(error))}")


def _print(ledger: Ledger, findings: list[Finding], *, details: bool, json: bool) -> None:
    if json:
        counted: dict[str, Any] = msgspec.to_builtins(ledger)
        named = {
            column: [{"id": one.id, "reason": one.reason} for one in findings if one.column == column]
            for column in FAILURES
        }
        print_json({**counted, "details": named} if details else counted)
        return
    for name, value in msgspec.to_builtins(ledger).items():
        print(f"{name:<12}{value:,}")
    if findings and details:
        print_table(("", "document", "reason"), findings)
    elif findings:
        say("which documents, and why: --details")
