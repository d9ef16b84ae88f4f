"""pika's errors as Headrace's."""

import re

from pika import exceptions

from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable
from headrace.server_url import never_trusted


def translate(error: BaseException | str, where: str) -> HeadraceError:
    """The error to raise for what ended a connection or a channel. `where` names the node, for the message."""
    error = _innermost(error)
    reason = getattr(error, "reply_text", "") or str(error) or type(error).__name__
    # While connecting, pika guesses what a refusal means, and puts the server's code into its text.
    guessed = re.search(r"\((403|530)\)", reason)
    code = int(guessed[1]) if guessed else getattr(error, "reply_code", 0)
    if code == 403 and "access to" in reason:
        return Misconfigured(
            f"{where} refuses: {reason}; check the permissions of this user. One who may not configure needs &declare=no, and a queue and"
            " exchange that exist"
        )
    if code in (403, 530) and "is down" not in reason:
        return Misconfigured(f"{where} refuses: {reason}; check user, password, virtual host and permissions")
    if code == 406 and "inequivalent arg" in reason:
        return Misconfigured(
            f"{where}: {reason}. The queue or exchange exists and was made with other arguments: name another (?queue=NAME), delete it once"
            " it is empty, or use it as it is (&declare=no)"
        )
    if code == 405:
        return Misconfigured(
            f"{where}: {reason}. Another connection uses the queue exclusively: name another (?queue=NAME)"
        )
    if code == 404:
        return Misconfigured(f"{where}: {reason}. Make it, or leave out declare=no so that it is made")
    if code == 406 and "larger than" in reason:
        return Rejected(f"{where}: {reason}")
    if isinstance(error, BaseException) and (remedy := never_trusted(error)):
        return Misconfigured(f"{where}: {reason}; {remedy}")
    if isinstance(error, exceptions.IncompatibleProtocolError):
        return Unavailable(
            f"{where} ends the connection at once; if this lasts, check that host and port speak AMQP 0-9-1"
        )
    return Unavailable(f"{where}: {reason}")


def _innermost(error: BaseException | str) -> BaseException | str:
    """The cause of a failed connection, which pika wraps several times."""
    while isinstance(error, BaseException):
        causes = (*getattr(error, "exceptions", ())[-1:], getattr(error, "exception", None), *error.args[:1])
        cause = next((one for one in causes if isinstance(one, BaseException)), None)
        if cause is None:
            return error
        error = cause
    return error
