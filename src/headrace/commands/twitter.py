"""The commands `twitter connections`, `usage` and `compliance`."""

import time
from contextlib import closing
from typing import Annotated, Any

from cyclopts import Parameter

from headrace.commands.output import Json, print_json, print_table, say
from headrace.commands.settings import Flags
from headrace.commands.twitter_account import Url, account
from headrace.config import Settings
from headrace.urls import Connectors

_COLUMNS = ("id", "endpoint_name", "connected_at", "client_ip")
_STREAM = "filtered_stream"


def connections(
    *,
    close: Annotated[
        bool, Parameter(negative="", help="Close those of the filtered stream, also those of a process that is gone.")
    ] = False,
    url: Url = "twitter:",
    json: Json = False,
    settings: Flags = Settings(),  # noqa: ARG001 (every command has them)
) -> int:
    """Show the open streams of the app at X, or close them.

    X allows an app one connection; that of a process that was killed may stay open for a while.
    The exit status is 1 if one could not be closed.
    """
    with account(url) as api:
        if close:
            closed = api.ask("DELETE", f"/2/connections/{_STREAM}").get("data")
        else:
            found = api.ask("GET", "/2/connections", {"status": "active", "max_results": "100"}).get("data")
    if not close:
        rows = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        if json:
            print_json({"connections": rows})
        else:
            print_table(_COLUMNS, [[one.get(name, "") for name in _COLUMNS] for one in rows])
        return 0
    counts = {
        name: _number(closed, member) for name, member in (("closed", "successful_kills"), ("failed", "failed_kills"))
    }
    if json:
        print_json(counts)
    else:
        print(f"{counts['closed']:,} closed" + (f", {counts['failed']:,} not" if counts["failed"] else ""))
    return 1 if counts["failed"] else 0


def usage(
    *,
    url: Url = "twitter:",
    json: Json = False,
    settings: Flags = Settings(),  # noqa: ARG001 (every command has them)
) -> None:
    """Show how many posts were read at X this month, by all apps of the project, and how many it allows."""
    with account(url) as api:
        told = api.usage()
    used, cap, day = (_number(told, name) for name in ("project_usage", "project_cap", "cap_reset_day"))
    if json:
        print_json({"used": used, "cap": cap, "reset_day": day})
    else:
        print(f"{used:,} of {cap:,} posts were read; the count begins anew on day {day} of the month")


def compliance(*, url: Url = "twitter:", json: Json = False, settings: Flags = Settings()) -> None:
    """Ask X about all posts that are stored, and erase those that are gone there: deleted, protected, or of suspended accounts.

    X takes its time. If the command is interrupted, the next call goes on with the same job.
    """
    with account(url) as api, closing(Connectors(settings.broker, settings.store).store()) as store:
        from headrace.operations.compliance import Compliance

        outcome = Compliance(api, store, time.sleep).run()
    if json:
        print_json({"checked": outcome.checked, "erased": outcome.erased, "edited": outcome.edited})
        return
    print(f"{outcome.checked:,} checked, {outcome.erased:,} erased")
    if outcome.edited:
        say(f"{outcome.edited:,} were edited at X since they were read; their texts here stay")


def _number(told: Any, name: str) -> int:
    """A number that X tells, perhaps as text; 0 if it doesn't."""
    value = told.get(name) if isinstance(told, dict) else None
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else 0
