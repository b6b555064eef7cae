"""What is one e-mail address, and nothing beside it: what can be written to, and stands in a header."""

from __future__ import annotations

import re

_MAILBOX = re.compile(r"[^@\s,;:<>()\[\]\"\\]+@[^@\s,;:<>()\[\]\"\\.]+(\.[^@\s,;:<>()\[\]\"\\.]+)+")


def is_mailbox(text: str) -> bool:
    """Return whether a text is one address, without a name, a second address or a break in it."""
    return _MAILBOX.fullmatch(text) is not None
