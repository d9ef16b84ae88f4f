"""The command `score`."""

from contextlib import ExitStack, closing
from functools import partial
from typing import Annotated

from cyclopts import Parameter

from headrace import runtime
from headrace.batch import records
from headrace.batch.pipeline import in_order
from headrace.commands.field_flags import DocumentFields, Encoding, FieldFlags, Whole
from headrace.commands.model_flags import Labels, Models, Threshold, check_threshold, open_models
from headrace.commands.operands import Operand
from headrace.commands.outfile import writing
from headrace.commands.output import bar, say
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.errors import Misconfigured
from headrace.file_options import FileOptions
from headrace.sources.compression import promised
from headrace.urls import open_file


def score(
    input: Operand,  # noqa: A002
    output: Operand,
    /,
    *,
    model: Models = "",
    threshold: Threshold = None,
    labels: Labels = None,
    format: Annotated[str, Parameter(help="jsonl, csv, tsv, text or parquet. [default: by the file's name]")] = "",  # noqa: A002
    encoding: Encoding = "",
    whole: Whole = False,
    fields: DocumentFields = FieldFlags(),
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
    taken = fields.read()
    models = open_models(model, settings, labels)
    threads = runtime.cores() if models.parallel else 1
    work = partial(records.score, models=models, threshold=threshold, limit=settings.document_bytes, fields=taken)

    wrong = number = 0
    with ExitStack() as opened:
        file = open_file(
            input, limit=settings.document_bytes, fields=taken, options=FileOptions(format, encoding, whole)
        )
        source = opened.enter_context(closing(file))
        target = opened.enter_context(writing(output))
        shown = opened.enter_context(bar())
        opened.enter_context(runtime.collecting_rarely())
        task = shown.add_task("scoring", total=None)
        for scored in opened.enter_context(closing(in_order(source.blocks(), work, threads))):
            target.write(scored.lines)
            if not promised(output):
                target.flush()  # what came now is read now at the other end of a pipe
            wrong += scored.wrong
            number += scored.records
            shown.update(task, completed=number)
    say(f"{number:,} scored" + (f", {wrong:,} of them with an `error` instead" if wrong else ""))
    return 1 if wrong else 0
