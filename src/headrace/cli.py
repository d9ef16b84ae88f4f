"""The command line: commands, thin. Each is imported when it is called.

Exit status: 0 done, 1 it found something wrong, 2 misuse or configuration, 3 a server is unavailable.
"""

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from headrace import __version__, config
from headrace.errors import HeadraceError
from headrace.urls import mask


def build() -> App:
    """The commands, with their settings from file, environment and flags. Raises Misconfigured for a setting that doesn't exist."""
    app = App(
        name="headrace",
        help="Realtime labelling of text: a scikit-learn classifier behind a queue, none lost, none twice.",
        version=__version__,
        config=config.sources(),
        result_action="return_value",
        help_format="plaintext",  # Markdown would load a parser of it, and half as long again
    )
    running, feeding, looking = "headrace.commands.running", "headrace.commands.feeding", "headrace.commands.looking"
    for name in ("demo", "up", "serve", "work"):
        app.command(f"{running}:{name}", name=name)
    for name in ("ingest", "predict", "score"):
        app.command(f"{feeding}:{name}", name=name)
    app.command("headrace.commands.training:train", name="train")
    models = App(name="models", help="Model versions, their cards and aliases.")
    for name in ("list", "show", "promote", "rollback"):
        models.command(f"headrace.commands.models:{name}_", name=name)
    app.command(models)
    app.command(f"{looking}:status", name="status")
    app.command(f"{looking}:erase", name="erase")
    dead = App(name="dead", help="Dead letters: what could not be processed, with its reason.")
    for name in ("list", "show", "replay", "drop"):
        dead.command(f"headrace.commands.dead:{name}_", name=name)
    app.command(dead)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run a command; its exit status."""
    try:
        status = build()(list(arguments), exit_on_error=False, print_error=False)
    except HeadraceError as error:
        return _fail(str(error), error.status)
    except CycloptsError as error:
        cause = error.__cause__
        return _fail(str(cause) if isinstance(cause, HeadraceError) else str(error), 2)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has left, e.g. `| head`
        return 0
    return status if isinstance(status, int) else 0


def main() -> int:
    """The entry point of the command `headrace`."""
    return run(sys.argv[1:])


def _fail(message: str, status: int) -> int:
    print(f"headrace: {mask(message)}", file=sys.stderr)
    return status
