"""What the messages of a stream hold: documents, in records of JSON of any shape."""

from collections.abc import Sequence

from headrace.documents import Document
from headrace.errors import Rejected
from headrace.fields import Fields
from headrace.framing import KEPT_BYTES, values
from headrace.parsing import parse
from headrace.ports import Malformed


def documents_in(data: bytes, where: str, *, fields: Fields, source: str, limit: int) -> Sequence[Document | Malformed]:
    """The documents of a message: one of its object, several of a list or of lines; none of a blank message.

    `source` is that of documents that name none; `limit`: the largest document, in bytes. `where` is the place of the message.
    """
    items: list[Document | Malformed] = []
    for number, value in enumerate(values(data), 1):
        try:
            if value.fault:
                raise Rejected(value.fault)
            items.append(fields.read(parse(value.data, lenient=True), source=source, limit=limit))
        except Rejected as error:
            place = where if number == 1 else f"{where}, record {number}"
            items.append(Malformed(value.data[:KEPT_BYTES], str(error), place))
    return items
