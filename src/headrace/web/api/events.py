"""What a webhook's payload says: its records, and the documents that they describe."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from headrace import documents
from headrace.documents import encode
from headrace.tables import Webhook
from headrace.validation import check_members, kind
from headrace.web.api.inputs import MOST_DOCUMENTS
from headrace.web.api.submission import Read, Submission, gather, unstamped
from headrace.web.responses import Refused


class Records(NamedTuple):
    """The records of a payload, and whether they are the members of a list."""

    members: Sequence[Any]
    listed: bool = False


def records_of(payload: object, webhook: Webhook) -> Records:
    """The records of a payload: the members of a list, or a single object, which is empty if the webhook's `records` are missing or null.

    Raises Refused (422) for a payload that is neither an object nor a list, for records that are neither, and for too many.
    """
    if not isinstance(payload, Mapping | list):
        raise Refused(422, f"the payload is {kind(payload)}; send a JSON object, or a list of objects")
    found: object = payload
    if webhook.records is not None:
        found = webhook.records.of(payload) if isinstance(payload, Mapping) else None
        if not isinstance(found, Mapping | list | None):
            raise Refused(
                422, f"{webhook.records.written!r} is {kind(found)}; it must be an object, or a list of objects"
            )
    if not isinstance(found, list):
        return Records([{} if found is None else found])
    if len(found) > MOST_DOCUMENTS:
        raise Refused(422, f"the payload has {len(found):,} records; send up to {MOST_DOCUMENTS:,} at a time")
    return Records(found, listed=True)


def read_events(records: Records, webhook: Webhook, *, limit: int, now: int) -> Submission:
    """The documents of records, stamped with `now`; records without a text are left out. `limit` is the most bytes of a document.

    Ids begin with the webhook's name, so that those of two webhooks don't meet. Raises Refused for the first record that is wrong, with its
    place in a list.
    """

    def read(record: Any) -> Read | None:
        if isinstance(record, Mapping) and webhook.fields.text_of(record) in (None, ""):
            return None
        members = unstamped(record) if webhook.fields.usual else record
        document = webhook.fields.read(members, source=f"webhook:{webhook.name}", limit=limit)
        is_named = document.id != documents.content_id(document)
        if is_named:
            document = replace(document, id=f"{webhook.name}:{document.id}")
            check_members(document.id, document.text)
        document = documents.stamp(document, now)
        return document, encode(document), is_named

    return gather(records.members, read, listed=records.listed)
