"""The commands `twitter rules list`, `add`, `delete` and `sync`."""

import json as jsons
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from headrace.commands.operands import Operand
from headrace.commands.output import Json, print_json, print_table, say, shown
from headrace.commands.settings import Flags
from headrace.commands.twitter_account import Url, account
from headrace.config import Settings
from headrace.errors import Misconfigured, system_error
from headrace.sources.x_api.rules import Change, Difference, Rule

if TYPE_CHECKING:
    from headrace.sources.x_api.api import Api

DryRun = Annotated[bool, Parameter(negative="", help="Have X check it, and change nothing.")]


def list_(
    *,
    url: Url = "twitter:",
    json: Json = False,
    settings: Flags = Settings(),  # noqa: ARG001 (every command has them)
) -> None:
    """List the rules by which X's filtered stream finds posts."""
    with account(url) as api:
        rules = api.rules()
    if json:
        print_json({"rules": [_as_json(rule) for rule in rules]})
    else:
        print_table(("id", "tag", "rule"), [(rule.id, rule.tag, rule.value) for rule in rules])


def add_(
    value: Operand,
    /,
    *,
    tag: Annotated[str, Parameter(help="The name that posts get in meta.tags which match the rule.")] = "",
    dry_run: DryRun = False,
    url: Url = "twitter:",
    json: Json = False,
    settings: Flags = Settings(),  # noqa: ARG001 (every command has them)
) -> int:
    """Add a rule, such as '"ice cream" lang:en -is:retweet'; a running stream follows within seconds.

    The exit status is 1 if X refuses the rule.
    """
    if not value.strip():
        raise Misconfigured("the rule is empty; write one, such as 'cats lang:en'")
    with account(url) as api:
        return _tell(api.add_rules([Rule(value, tag)], dry_run=dry_run), json, dry_run)


def delete_(
    *ids: str,
    dry_run: DryRun = False,
    url: Url = "twitter:",
    json: Json = False,
    settings: Flags = Settings(),  # noqa: ARG001 (every command has them)
) -> int:
    """Delete rules by their ids, which `list` shows.

    The exit status is 1 if a rule does not exist.
    """
    if not ids or not all(one.isdecimal() and one.isascii() for one in ids):
        raise Misconfigured("give the ids of rules, which are numbers; see headrace twitter rules list")
    with account(url) as api:
        return _tell(api.delete_rules(ids, dry_run=dry_run), json, dry_run)


def sync_(
    file: Path,
    /,
    *,
    dry_run: DryRun = False,
    url: Url = "twitter:",
    json: Json = False,
    settings: Flags = Settings(),  # noqa: ARG001 (every command has them)
) -> int:
    """Make the rules of the stream those of a file: a rule a line, or JSON or TOML with values and tags.

    New rules are added before others are deleted; if X refuses one of them, nothing is deleted.
    The exit status is 1 then.
    """
    wanted = read(file)
    with account(url) as api:
        return _tell(_synced(api, Difference.of(wanted, api.rules()), dry_run), json, dry_run)


def _synced(api: "Api", todo: Difference, dry_run: bool) -> Change:
    done = api.add_rules(todo.add, dry_run=dry_run)
    if done.faults:
        return done
    done += api.delete_rules([rule.id for rule in todo.outdated], dry_run=dry_run)
    if dry_run:
        done.added += todo.retag  # X would call them doubles of those that are still there
    else:
        done += api.add_rules(todo.retag)
    return done if done.faults else done + api.delete_rules([rule.id for rule in todo.delete], dry_run=dry_run)


def read(file: Path) -> Sequence[Rule]:
    """The rules of a file, each once. Raises Misconfigured if it can't be read, is empty, or has a rule twice."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise system_error(f"reading {file}", error, "check the name and the permissions") from error
    except UnicodeDecodeError:
        raise Misconfigured(f"reading {file}: it is not UTF-8; convert it") from None
    rules = [rule for rule in _parsed(file, text) if rule.value]
    if not rules:
        raise Misconfigured(f"{file} has no rules; to delete all, use headrace twitter rules delete")
    values = [rule.value for rule in rules]
    if twice := next((value for value in values if values.count(value) > 1), ""):
        raise Misconfigured(f"{file} has the rule {twice!r} twice; leave one out")
    return rules


def _parsed(file: Path, text: str) -> Sequence[Rule]:
    try:
        if file.suffix.lower() == ".json":
            listed = jsons.loads(text)
        elif file.suffix.lower() == ".toml":
            listed = tomllib.loads(text)
        else:
            lines = (line.strip() for line in text.splitlines())
            return [Rule(line) for line in lines if not (line.startswith("# ") or line == "#")]
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"reading {file}: {error}") from None
    if isinstance(listed, dict):
        listed = listed.get("rules")
    if not isinstance(listed, list):
        raise Misconfigured(
            f'{file} has no list of rules; write [{{"value": "cats", "tag": "cats"}}], or [[rules]] in TOML'
        )
    return [_rule(file, number, one) for number, one in enumerate(listed, 1)]


def _rule(file: Path, number: int, given: Any) -> Rule:
    members = {"value": given} if isinstance(given, str) else given
    value, tag = (members.get(name, "") for name in ("value", "tag")) if isinstance(members, dict) else (None, "")
    if not isinstance(value, str) or not isinstance(tag, str) or not value.strip():
        raise Misconfigured(f'rule {number} of {file} has no value; write {{"value": "cats lang:en", "tag": "cats"}}')
    return Rule(value.strip(), tag)


def _tell(change: Change, json: bool, dry_run: bool) -> int:
    if json:
        print_json(
            {
                "added": [_as_json(rule) for rule in change.added],
                "deleted": change.deleted,
                "errors": [{"rule": fault.rule, "reason": fault.reason} for fault in change.faults],
            }
        )
    else:
        for rule in change.added:
            print(shown(f"+ {rule.value}" + (f"  ({rule.tag})" if rule.tag else "")))
        would = "would be " if dry_run else ""
        print(f"{len(change.added):,} {would}added, {change.deleted:,} {would}deleted")
    for fault in change.faults:
        say(shown(f"X refuses {fault.rule or 'a rule'}: {fault.reason}"))
    return 1 if change.faults else 0


def _as_json(rule: Rule) -> dict[str, Any]:
    return {"id": rule.id or None, "value": rule.value, "tag": rule.tag or None}
