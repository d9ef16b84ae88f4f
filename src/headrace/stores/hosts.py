"""What the name of a host may look like: a name that cannot be one is refused, and not waited for."""

import re

_NAME = re.compile(r"(?!.{254})[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[\w.-]+)?")


def is_host(name: str) -> bool:
    """Whether a name, or an address, can be one of a host. Whether there is such a host is another question."""
    return bool(_NAME.fullmatch(name) or _IPV6.fullmatch(name))
