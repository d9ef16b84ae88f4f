"""What the errors of MongoDB, of its driver and of BSON become: the caller waits, stops or buries."""

from bson.errors import BSONError
from pymongo import errors

from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable

_REFUSED = frozenset({13, 18, 8000, 11})  # not allowed, or unknown user
_TOO_LARGE = frozenset({2, 10334, 17280, 17419, 17420})
# By MongoDB's list of error codes (error_codes.yml).
_PASSING = frozenset(
    {
        *(1, 8, 96),  # internal and unknown errors
        *(6, 7, 89, 202, 279, 317, 384, 9001),  # the network between nodes
        *(91, 189, 10107, 11600, 11602, 13435, 13436),  # shutdowns and elections
        *(24, 46, 107, 112, 117, 314, 12586, 12587),  # locks, conflicts of writes, and what is busy
        *(43, 175, 237),  # a cursor that was closed, or whose collection was dropped
        *(50, 262, 290, 11601),  # limits on time, and what somebody interrupted
        *(64, 100, 133, 134),  # too few nodes for what was asked
        *(63, 150, 249, 13388, 234, 358),  # what a router knew was stale
        *(225, 239, 246, 251, 267),  # transactions and snapshots that are over
        *(26, 94, 109, 276, 285),  # what is being created, configured, indexed or restored
        *(365, 391, 462, 14031),  # overloaded, to be authenticated again, or without space on the disk
    }
)
_LABELS = ("RetryableWriteError", "TransientTransactionError")  # the server's own word for it


def translate(error: Exception, doing: str) -> HeadraceError:
    """The error to raise for one of MongoDB's, of its driver's or of BSON's."""
    message = " ".join(str(error).partition(", Timeout:")[0].partition(", full error:")[0].split())
    if isinstance(error, (BSONError, OverflowError, errors.DocumentTooLarge)):
        return Rejected(f"{doing}: MongoDB can never store it ({message})")
    if isinstance(error, errors.ConfigurationError):
        return Misconfigured(f"{doing}: {message}; check the options of the URL")
    if isinstance(error, (errors.ConnectionFailure, errors.InvalidOperation, errors.WriteConcernError)):
        return Unavailable(f"{doing}: {message}")
    if isinstance(error, errors.PyMongoError) and any(map(error.has_error_label, _LABELS)):
        return Unavailable(f"{doing}: {message}")
    code = error.code if isinstance(error, errors.OperationFailure) else None
    if isinstance(error, errors.BulkWriteError):
        failed = error.details["writeErrors"] or error.details["writeConcernErrors"]
        code, message = failed[0]["code"], failed[0]["errmsg"]
        if not error.details["writeErrors"]:
            return Unavailable(f"{doing}: {message}")
    if code in _REFUSED:
        return Misconfigured(
            f"{doing}: {message}; check user, password and authSource of the URL, and that the user may write"
        )
    if code in _TOO_LARGE:
        return Rejected(f"{doing}: the server can never store it ({message})")
    if code is None or code in _PASSING:
        return Unavailable(f"{doing}: {message}")
    return Misconfigured(f"{doing}: {message}")
