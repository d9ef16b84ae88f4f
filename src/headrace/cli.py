"""The command line: commands, thin. Each is imported when it is called.

Exit status: 0 done, 1 it found something wrong, 2 misuse or configuration, 3 a server is unavailable.
"""

import errno
import io
import os
import sys
from collections.abc import Mapping, Sequence

from cyclopts import App, CycloptsError, Parameter

from headrace import __version__, log
from headrace.commands import settings
from headrace.errors import HeadraceError, Misconfigured, Unavailable
from headrace.log import LogSettings, logger

LOG = logger("headrace.commands")
COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("run:demo", "Start everything, and feed it samples in 38 languages."),
    "up": ("run:up", "Start everything: workers, the API and the console."),
    "serve": ("run:serve", "Serve the API and the console."),
    "work": ("run:work", "Run workers."),
    "ingest": ("ingest:ingest", "Publish the documents of files."),
    "predict": ("predict:predict", "Predict the labels of texts at once."),
    "score": ("score:score", "Predict the labels of a file, in order, into another."),
    "train": ("train:train", "Train a model on labelled texts, and register it."),
    "status": ("status:status", "Show the backlog, the workers and what is stored."),
    "erase": ("erase:erase", "Erase documents by their ids."),
    "prove": ("prove:prove", "Prove on your own servers that nothing is lost."),
}
MODELS: Mapping[str, tuple[str, str]] = {
    "list": ("models:list_", "List model versions, with their aliases."),
    "show": ("models:show_", "Show the card of a version."),
    "promote": ("models:promote_", "Let an alias mean a version."),
    "rollback": ("models:rollback_", "Let an alias mean what it meant before."),
}
DEAD: Mapping[str, tuple[str, str]] = {
    "list": ("dead:list_", "List dead letters."),
    "show": ("dead:show_", "Show dead letters whole."),
    "replay": ("dead:replay_", "Publish dead letters again."),
    "drop": ("dead:drop_", "Forget dead letters."),
}


def build(arguments: Sequence[str] = ()) -> App:
    """The commands, with their settings from file, environment and flags. Raises Misconfigured for a setting that doesn't exist.

    A list of commands shows summaries; a command's own help shows its docstring, for which it is imported.
    """
    listing = [word for word in arguments if not word.startswith("-")] in ([], ["models"], ["dead"])
    app = App(
        name="headrace",
        help="Realtime labelling of text: a scikit-learn classifier behind a queue, none lost, none twice.",
        version=__version__,
        config=settings.sources(),
        default_parameter=Parameter(show_env_var=False),
        result_action="return_value",
        help_format="plaintext",  # Markdown would load a parser of it, and half as long again
    )
    models = App(name="models", help="Model versions, their cards and aliases.")
    dead = App(name="dead", help="Dead letters: what could not be processed, with its reason.")
    for group, table in ((app, COMMANDS), (models, MODELS), (dead, DEAD)):
        for name, (target, summary) in table.items():
            group.command(f"headrace.commands.{target}", name=name, help=summary if listing else None)
    app.command(models)
    app.command(dead)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run a command; its exit status."""
    log.configure(LogSettings())
    try:
        status = build(arguments)(list(arguments), exit_on_error=False, print_error=False)
        sys.stdout.flush()  # here, where it can still be told that it went nowhere
    except HeadraceError as error:
        return _fail(str(error), error.status)
    except CycloptsError as error:
        cause = error.__cause__
        return _fail(str(cause) if isinstance(cause, HeadraceError) else str(error), 2)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _discard_output()  # whoever read us has left, e.g. `| head`
        return 0
    except OSError as error:
        _discard_output()
        return _fail(*_told(error))
    return status if isinstance(status, int) else 0


def main() -> int:
    """The entry point of the command `headrace`. What the terminal's encoding has no characters for is written as escapes."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return run(sys.argv[1:])


def _told(error: OSError) -> tuple[str, int]:
    """What a file or a stream refused, in words, and the exit status."""
    what = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{what}the disk is full; free some space, and call it again", Unavailable.status
    return f"{what}{error.strerror or error}; check the name, the permissions and the disk", Misconfigured.status


def _discard_output() -> None:
    """Let what is still to be printed go nowhere: at the end it would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, status: int) -> int:
    LOG.error(message)
    return status
