"""What an SMS may say, and what of one a database can keep."""

from __future__ import annotations

from trunkline.providers.ports.chat import ChatRefused, MessageKind, OutMessage, Refusal


def checked(message: OutMessage, longest: int) -> str:
    """Return the words of a message that goes by SMS. Raises ChatRefused for what does not."""
    if message.kind is not MessageKind.TEXT:
        raise _misfit(f"by SMS go words alone, and no message of kind {message.kind}", "kind")
    if not message.text.strip():
        raise _misfit("the text is empty", "empty")
    if len(message.text) > longest:
        raise _misfit(f"the text has {len(message.text)} characters; an SMS takes {longest}", "too_long")
    return message.text


def no_files(which: str) -> ChatRefused:
    """Return the refusal of a file, which none of this carries."""
    return _misfit(f"by SMS no files come: {which}", "kind")


def kept(text: str) -> str:
    """Return a text as a database can keep it."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")


def _misfit(why: str, code: str) -> ChatRefused:
    return ChatRefused(why, refusal=Refusal.MESSAGE, code=code)
