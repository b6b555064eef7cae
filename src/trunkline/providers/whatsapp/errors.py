"""What each error of Graph means for whoever sends: one table, for replies and receipts alike.

Codes that are not in it are judged by the reply's status: the fault is then the message's own (4xx), or
nobody knows (5xx). docs/reference/chat-providers.md says why each stands where it does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx

from trunkline.providers.chat_http import by_status, in_short, retry_after
from trunkline.providers.ports.chat import ChatRefused, Refusal
from trunkline.providers.whatsapp.wire import ErrorCode

_CODES: Mapping[Refusal, frozenset[int]] = {
    Refusal.ACCOUNT: frozenset(
        {
            0, 3, 10, 33, 102, 190, *range(200, 300), 368, 130497, 131005, 131031, 131037, 131042, 131044,
            131045, 133000, 133005, 133006, 133008, 133009, 133010, 133015,
        }
    ),
    Refusal.RATE: frozenset({4, 17, 32, 613, 80007, 130429, 131048, 131056, 133016}),
    Refusal.LATER: frozenset({1, 2, 131016, 131043, 131057, 133004}),
    Refusal.WINDOW: frozenset({470, 131047}),
    Refusal.OPTED_OUT: frozenset({131050}),
    Refusal.NO_SUCH_PERSON: frozenset({131021, 131026, 131030}),
    Refusal.MESSAGE: frozenset(
        {
            100, 130472, 131001, 131006, 131008, 131009, 131049, 131051, 131052, 131053, 132000, 132001,
            132005, 132007, 132012, 132015, 132016, 132018, 132068, 132069, 135000,
        }
    ),
}  # fmt: skip
REFUSALS: Mapping[int, Refusal] = {code: refusal for refusal, codes in _CODES.items() for code in codes}

WAITS_S: Mapping[int, float] = {4: 300, 80007: 300, 130429: 2, 131048: 3_600, 131056: 6, 131057: 60}
"""How long to wait at least where Graph does not say, by what its limits are counted over."""

_NO_SUCH_OBJECT = 33
"""Subcode of 100: the number or account is not this token's."""
_KEY = re.compile(r"\S{40,}")
"""Graph repeats a token that it cannot read."""


def judge(reply: httpx.Response, body: Mapping[str, Any]) -> ChatRefused | None:
    """Read Graph's reply that is no success; None: nobody knows whether it sent."""
    error = body.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(error, dict) or not isinstance(code, int):
        return by_status("WhatsApp", reply)
    refusal = REFUSALS.get(code)
    words = described(error)
    unknown = code == ErrorCode.SOMETHING_WRONG or (code == ErrorCode.UNKNOWN and reply.is_server_error)
    if unknown:
        return None
    if refusal is None:
        by = by_status("WhatsApp", reply)
        return by and ChatRefused(
            words, refusal=by.refusal, code=str(code), retry_after_s=by.retry_after_s
        )  # fmt: skip
    if code == ErrorCode.INVALID_PARAMETER and _is_about_account(error, words):
        refusal = Refusal.ACCOUNT
    waits = retry_after(reply) or WAITS_S.get(code)
    return ChatRefused(words, refusal=refusal, code=str(code), retry_after_s=waits)


def _is_about_account(error: Mapping[str, Any], words: str) -> bool:
    return error.get("error_subcode") == _NO_SUCH_OBJECT or "appsecret_proof" in words


def of_receipt(code: int) -> Refusal:
    """Return why a message that was taken failed after all; here an unknown error is one of the moment."""
    if code == ErrorCode.SOMETHING_WRONG:
        return Refusal.LATER
    return REFUSALS.get(code, Refusal.MESSAGE)


def described(error: Mapping[str, Any]) -> str:
    """Return an error in words that hold no key."""
    data = error.get("error_data")
    said = [
        error.get("message") or error.get("title"),
        data.get("details") if isinstance(data, dict) else None,
    ]
    words = ": ".join(dict.fromkeys(word for word in said if isinstance(word, str) and word))
    return in_short(_KEY.sub("...", words)) or "WhatsApp refuses it"
