"""The driver's errors as Headrace's."""

from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException

from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable

#: Errors that trying again cannot cure, and what to do about each.
REMEDIES: Mapping[int, str] = {
    KafkaError._AUTHENTICATION: "check user, password and mechanism",
    KafkaError.SASL_AUTHENTICATION_FAILED: "check user, password and mechanism",
    KafkaError.UNSUPPORTED_SASL_MECHANISM: "name another mechanism",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "let this user describe, read and write the topic; create it, or let the user do so",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "let this user read with this group, or name another (?group=NAME)",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "let this user write idempotently, and create topics, or create the topic",
    KafkaError.INVALID_REPLICATION_FACTOR: "name a replication that the cluster has nodes for (?replication=N)",
    KafkaError.INVALID_CONFIG: "create the topic yourself, or name other values for partitions, replication and body_bytes",
    KafkaError.POLICY_VIOLATION: "create the topic yourself, or name other values for partitions, replication and body_bytes",
    KafkaError.INVALID_SESSION_TIMEOUT: "name a session that the server allows (?session=SECONDS, its group.min.session.timeout.ms)",
    KafkaError._INVALID_ARG: "check the options of the URL",
    KafkaError.INCONSISTENT_GROUP_PROTOCOL: "others use this group in another way: name another (?group=NAME)",
}


def translate(error: KafkaError | KafkaException, doing: str) -> HeadraceError:
    """The error to raise for one of the driver's. `doing` says what was being done, for the message."""
    cause = error.args[0] if isinstance(error, KafkaException) else error
    if not isinstance(cause, KafkaError):
        return Unavailable(f"{doing}: {cause}")
    if cause.code() in REMEDIES:
        return Misconfigured(f"{doing}: {cause.str()}; {REMEDIES[cause.code()]}")
    if is_never_trusted(cause):
        return Misconfigured(
            f"{doing}: {cause.str()}; name the authority that signed the server's certificate (?cacertfile=FILE), and the host as the"
            " certificate does"
        )
    if cause.code() in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE):
        return Rejected(f"{doing}: {cause.str()}")
    return Unavailable(f"{doing}: {cause.str()}")


def is_never_trusted(error: KafkaError) -> bool:
    """Whether a node's certificate can't be trusted until a setting has changed."""
    return (
        error.code() == KafkaError._SSL and "certificate verify failed" in error.str() and "expired" not in error.str()
    )
