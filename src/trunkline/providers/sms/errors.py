"""What the errors of Twilio and Telnyx mean for whoever sends words: a table each, for replies and receipts.

What a table does not name is judged by the reply's status; of a message that failed after it was taken it is
the message's own fault. Sources: Twilio's error dictionary, Telnyx's reference of messaging errors.
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from trunkline.providers.chat_http import by_status, in_short, retry_after
from trunkline.providers.ports.chat import ChatRefused, Refusal


def _table(rows: Mapping[Refusal, str]) -> Mapping[str, Refusal]:
    return {code: refusal for refusal, codes in rows.items() for code in codes.split()}


TWILIO = _table(
    {
        Refusal.ACCOUNT: (
            "20003 20005 20006 21212 21603 21606 21659 21660 21661 21703 30002 30010 30032 30034"
        ),
        Refusal.RATE: "14107 20429 21611 30001 30022 30023",
        Refusal.LATER: "30008 30009 30017 30410",
        Refusal.OPTED_OUT: "21610",
        Refusal.NO_SUCH_PERSON: "21211 21214 21217 21408 21608 21612 21614 21635 30003 30004 30005 30006",
        Refusal.MESSAGE: "21602 21605 21617 30007 30038",
    }
)
TELNYX = _table(
    {
        Refusal.ACCOUNT: (
            "10001 10005 10009 10010 20002 20012 20100 40003 40010 40013 40100 40150 40305 40306 40312 40313 "
            "40315 40320 40321 40329 40330 40333"
        ),
        Refusal.RATE: "10011 40011 40318",
        Refusal.LATER: "40005 40006 40014",
        Refusal.OPTED_OUT: "40300",
        Refusal.NO_SUCH_PERSON: "10002 10016 40001 40008 40012 40309 40310",
        Refusal.MESSAGE: "10004 10015 40002 40004 40009 40015 40301 40302 40304 40316 40317 40319 40322",
    }
)


def judge(
    name: str, table: Mapping[str, Refusal], reply: httpx.Response, code: str, words: str
) -> ChatRefused | None:
    """Read a reply that is no success, with the provider's own code; None: nobody knows whether it sent."""
    by = by_status(name, reply)
    # A 5xx is after all that can be refused, whatever its body calls it.
    if by is None or not code:
        return by
    known = table.get(code, by.refusal)
    return ChatRefused(in_short(words) or str(by), refusal=known, code=code, retry_after_s=retry_after(reply))
