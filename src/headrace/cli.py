"""The command line: a table of commands, each imported when it is called, and what their errors print.

Exit status: 0 done, 1 something was found to be wrong, 2 misuse or configuration, 3 a server is unavailable.
"""

import errno
import fcntl
import io
import os
import re
import sys
from collections.abc import Mapping, Sequence

from cyclopts import App, CycloptsError, Parameter

from headrace import __version__, log, runtime
from headrace.commands import settings
from headrace.errors import HeadraceError, system_error
from headrace.log import LogSettings, logger

LOG = logger("headrace.commands")
COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("demo:demo", "Start everything, and feed it samples in 38 languages."),
    "up": ("up:up", "Start everything: workers, the API and the console."),
    "serve": ("serve:serve", "Serve the API and the console, without workers."),
    "work": ("work:work", "Run workers."),
    "ingest": ("ingest:ingest", "Publish the documents of files and other sources."),
    "sources": ("sources:sources", "Show the ledgers of sources: what was read, published, missed."),
    "predict": ("predict:predict", "Predict the labels of texts given here."),
    "score": ("score:score", "Predict the labels of a file, in order, into another file."),
    "train": ("train:train", "Train a model on labelled texts, and register it."),
    "compare": ("compare:compare", "Compare models on the same texts: agreement, accuracy, speed."),
    "status": ("status:status", "Show the backlog, the workers and what is stored."),
    "erase": ("erase:erase", "Erase documents by their ids."),
    "prove": ("prove:prove", "Prove on your own servers that nothing is lost."),
    "twitter rules list": ("twitter_rules:list_", "List the rules of X's filtered stream."),
    "twitter rules add": ("twitter_rules:add_", "Add a rule to X's filtered stream."),
    "twitter rules delete": ("twitter_rules:delete_", "Delete rules of X's filtered stream."),
    "twitter rules sync": ("twitter_rules:sync_", "Make the rules of X's filtered stream those of a file."),
    "twitter connections": ("twitter:connections", "Show the open streams of the app at X, or close them."),
    "twitter usage": ("twitter:usage", "Show how many posts were read at X this month."),
    "twitter compliance": ("twitter:compliance", "Erase the stored posts that are gone at X."),
    "models list": ("models:list_", "List model versions, with their aliases."),
    "models show": ("models:show_", "Show the card of a version."),
    "models compile": ("models:compile_", "Compile the scorers of models for this machine now."),
    "models promote": ("models:promote_", "Point an alias at a version."),
    "models rollback": ("models:rollback_", "Point an alias back at its previous version."),
    "dead list": ("dead:list_", "List dead letters."),
    "dead show": ("dead:show_", "Show dead letters in full."),
    "dead replay": ("dead:replay_", "Publish dead letters again."),
    "dead drop": ("dead:drop_", "Delete dead letters for good."),
}
"""Command → "module:function" of headrace.commands, and its line in lists. A command of two words belongs to a group,
and a group of two words to another one."""

STREAMS: Sequence[tuple[str, str]] = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
"""The standard streams in the order of their numbers: their names in `sys`, and how they are opened."""

_VALUE = re.compile(r"(--[\w-]+)=[^\"'\n]*")  # of an unknown option, which may be a secret
GROUPS: Mapping[str, str] = {
    "models": "Model versions, their cards and aliases.",
    "twitter": "The account at X, formerly Twitter: rules, connections, usage and compliance.",
    "twitter rules": "The rules of X's filtered stream.",
    "dead": "Dead letters: what could not be processed, with its reason.",
}


def build(arguments: Sequence[str] = ()) -> App:
    """The commands, with their settings from file, environment and flags. Raises Misconfigured for an unknown setting.

    `arguments` are those to be parsed. Lists of commands show the summaries here; only a command's own help imports it, for its docstring.
    """
    listing = [word for word in arguments if not word.startswith("-")] in ([], *(group.split() for group in GROUPS))
    app = App(
        name="headrace",
        help="Realtime labelling of text: a scikit-learn classifier behind a queue, none lost, none twice.",
        version=__version__,
        config=settings.sources(),
        default_parameter=Parameter(show_env_var=False, show_default=_shown_default),
        result_action="return_value",
        help_format="plaintext",  # Markdown would load a parser, which takes half as long again
    )
    groups = {"": app} | {name: App(name=name.split()[-1], help=summary) for name, summary in GROUPS.items()}
    for command, (target, summary) in COMMANDS.items():
        group, _, name = command.rpartition(" ")
        groups[group].command(f"headrace.commands.{target}", name=name, help=summary if listing else None)
    for name in GROUPS:
        groups[name.rpartition(" ")[0]].command(groups[name])
    return app


def run(arguments: Sequence[str]) -> int:
    """Run a command; its exit status."""
    log.configure(LogSettings())
    try:
        status = build(arguments)(list(arguments), exit_on_error=False, print_error=False)
        sys.stdout.flush()  # here, where a failure can still be reported
    except HeadraceError as error:
        return _fail(str(error), error.status)
    except CycloptsError as error:
        cause = error.__cause__
        return _fail(str(cause) if isinstance(cause, HeadraceError) else _VALUE.sub(r"\1=…", str(error)), 2)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        runtime.discard_output()  # the reader has left, as `head` does
        return 0
    except OSError as error:
        told = _described(error)
        runtime.discard_output()
        return _fail(*told)
    except Exception:
        LOG.exception("an error that was not expected; please report it")
        return HeadraceError.status
    return status if isinstance(status, int) else 0


def main() -> int:
    """The entry point of the command `headrace`. Characters that the terminal's encoding lacks are written as escapes."""
    _open_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return run(sys.argv[1:])


def _shown_default(value: object) -> str | None:
    """A default as help shows it; None for one that only means that the flag was not given."""
    return None if value is None or value is False or value == "" else str(value)


def _described(error: OSError) -> tuple[str, int]:
    """The message for an error of a file or a stream, and the exit status."""
    what = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    if error.errno == errno.EBADF and not what:
        writable = fcntl.fcntl(1, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
        what = "standard input" if writable else "standard output"
    told = system_error(what, error, "check the name, the permissions and the disk")
    return str(told), told.status


def _open_closed_streams() -> None:
    """Open the standard streams that the caller has closed. Otherwise the next file or socket would get the number of one, and be read or
    written in its place.

    Standard input and output fail when they are used; what is printed on standard error is lost.
    """
    for number, (name, mode) in enumerate(STREAMS):
        try:
            os.fstat(number)
        except OSError:
            failing = os.O_WRONLY if mode == "r" else os.O_RDONLY
            os.open(os.devnull, failing if name != "stderr" else os.O_WRONLY)
            setattr(sys, name, open(number, mode, buffering=-1, closefd=False))  # noqa: SIM115


def _fail(message: str, status: int) -> int:
    LOG.error(message)
    return status
