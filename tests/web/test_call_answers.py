"""The carrier's word on who has answered reaches the call, whichever process took it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast
from uuid import UUID

import pytest

from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.calls import service as calls
from trunkline.media import LiveSessions
from trunkline.providers.ports import AnsweredBy, AnswerReport
from trunkline.web.call_answers import CallAnswers

SID = "CA" + "4" * 32


class Held:
    """The one thing of a session that a word is told to."""

    def __init__(self, call_id: UUID) -> None:
        self.call_id = str(call_id)
        self.words: list[AnsweredBy] = []

    def answered_by(self, who: AnsweredBy) -> None:
        self.words.append(who)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.mark.parametrize("here", [True, False])
async def test_the_word_reaches_the_call_once(acme: World, pool: ThreadPoolExecutor, here: bool) -> None:
    with unit_of_work(acme.scope) as session:
        call_id = calls.open_call(
            session, acme.business_id, sid=SID, direction="outbound", ours=acme.number,
            theirs=acme.phones[0], agent_id=acme.agent_id, lead_id=None,
        ).id  # fmt: skip
    live, held = LiveSessions(), Held(call_id)
    cast("dict[Any, None]", live._live)[held] = None
    answers = CallAnswers(live=live, pool=pool)
    watching = asyncio.create_task(answers.watch_forever())
    with answers.awaited(acme.business_id, call_id):
        await asyncio.sleep(0)
        with unit_of_work(acme.scope) as session:
            call = calls.call_of_sid(session, acme.business_id, SID)
            assert call is not None
            calls.note_answered_by(session, call, AnswerReport(SID, AnsweredBy.MACHINE))
        for _ in range(2 if here else 0):
            answers.tell(call_id, AnsweredBy.MACHINE)
        async with asyncio.timeout(30):
            while answers._waiting:
                await asyncio.sleep(0.02)
    watching.cancel()
    assert held.words == [AnsweredBy.MACHINE]
