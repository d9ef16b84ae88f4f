"""The command `score`."""

import msgspec

from headrace.batch import records
from headrace.batch.records import batches
from headrace.commands.model_flags import Models, Threshold, check_threshold, open_models
from headrace.commands.operands import Operand
from headrace.commands.outfile import writing
from headrace.commands.output import bar, say
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.errors import Misconfigured
from headrace.urls import open_file

SCORED_AT_ONCE = 1024  # records, which are in memory together


def score(
    input: Operand,  # noqa: A002
    output: Operand,
    /,
    *,
    model: Models = "",
    threshold: Threshold = None,
    settings: Flags = Settings(),
) -> int:
    """Predict the labels of a file, in order, into another file.

    INPUT holds JSON Lines, CSV or plain text; OUTPUT gets JSON Lines. `-` is standard input or standard output.
    A line of OUTPUT is the input object and its `predictions`. A record that is not a document gets an `error` instead.
    The exit status is 1 if any record did.
    """
    if not input or not output:
        raise Misconfigured("the name of a file is empty; give one, or - for a standard stream")
    check_threshold(threshold)
    models = open_models(model, settings)
    source = open_file(input, limit=settings.document_bytes)

    wrong = number = 0
    with writing(output) as target, bar() as shown:
        task = shown.add_task("scoring", total=None)
        for batch in batches(source.records(), SCORED_AT_ONCE):
            lines, bad = records.score(batch, models, threshold=threshold, limit=settings.document_bytes)
            target.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
            wrong += bad
            number += len(lines)
            shown.update(task, completed=number)
    say(f"{number:,} scored" + (f", {wrong:,} of them with an `error` instead" if wrong else ""))
    return 1 if wrong else 0
