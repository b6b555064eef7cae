"""Machine detection in the background: the carrier tells who has answered while the call goes on.

Owns the moment and the callback. The verdict itself is no guess: the exchange knows who lives at the
number, so what is tested is the product's way with a verdict and not the quality of one.
"""

from __future__ import annotations

import asyncio

from trunkline.kit.clock import now
from trunkline.providers.twilio.wire import Detected, ErrorCode, Field
from trunkline.simulators.carrier.book import Book
from trunkline.simulators.carrier.calls import Call
from trunkline.simulators.carrier.people.personas import Persona
from trunkline.simulators.carrier.people.population import Telephone
from trunkline.simulators.carrier.webhooks import Webhooks

_PERSON_S = 3.0
"""About how long it takes to be sure of a person."""
_INITIAL_SILENCE_S = 5.0
_DETECTION_S = 30.0
"""Twilio's defaults: how long nothing is said, and how long all of it lasts, until nobody can tell."""


async def detect(call: Call, persona: str, telephone: Telephone, *, webhooks: Webhooks, book: Book) -> None:
    """Find out who has answered and tell the product, once. Cancelled when the call is over."""
    begun_at = now()
    call.answered_by = await _verdict(persona, telephone)
    took_ms = round((now() - begun_at).total_seconds() * 1000)
    reply = await webhooks.post(
        call.machine_url,
        {
            Field.ACCOUNT_SID: call.account_sid,
            Field.ANSWERED_BY: call.answered_by,
            Field.CALL_SID: call.sid,
            Field.MACHINE_DETECTION_DURATION: str(took_ms),
        },
    )
    book.detected(call.sid, answered_by=call.answered_by, took_ms=took_ms, replies=reply.statuses)
    if not reply.ok:
        book.error(call.sid, ErrorCode.WEBHOOK_UNREACHABLE, f"machine detection: {reply.text[:200]}")


async def _verdict(persona: str, telephone: Telephone) -> Detected:
    handset = telephone.handset
    await handset.off_hook.wait()
    if persona == Persona.SILENT:
        await asyncio.sleep(_INITIAL_SILENCE_S)
        return Detected.UNKNOWN
    if persona != Persona.VOICEMAIL:
        await asyncio.sleep(_PERSON_S)
        return Detected.HUMAN
    try:
        async with asyncio.timeout(_DETECTION_S):
            await handset.beeped.wait()
    except TimeoutError:
        return Detected.UNKNOWN
    return Detected.MACHINE_END_BEEP
