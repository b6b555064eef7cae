"""Broadcasts under fire: workers and Redis killed, Graph failing in every way; nobody is written to twice."""

from __future__ import annotations

import base64
import random
from collections import Counter
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import select

from support.graph import GraphStand, open_graph
from support.inbox import chat_number
from support.installation import VAULT_KEY
from support.processes import eventually, is_alive
from support.world import World, make_world
from support.yard import HASTE, Yard
from trunkline.core.db import unit_of_work
from trunkline.core.runs.models import Run, RunState
from trunkline.domain.broadcasts import service as broadcasts
from trunkline.domain.broadcasts import store
from trunkline.domain.broadcasts.models import BroadcastRecipient
from trunkline.domain.broadcasts.options import Breaker, BroadcastOptions, Wording
from trunkline.domain.inbox import templates
from trunkline.domain.inbox.models import Message
from trunkline.domain.leads.selection import Whom
from trunkline.providers.ports import Template

SETTINGS = {**HASTE, "rq_queues": ["broadcasts"]}
BARRIERS = (
    "message.sending", "message.handed_over", "broadcast.written", "sql.commit", "job.begun", "job.done",
)  # fmt: skip
TROUBLES = (
    ("rate", 0.03, {}), ("bare_rate", 0.02, {"seconds": 0.2}), ("error_before", 0.02, {}),
    ("drop_before", 0.01, {}), ("code", 0.02, {"code": 2}), ("code", 0.02, {"code": 131026}),
    ("lose_reply", 0.01, {}), ("error_after", 0.02, {}), ("drop_after", 0.02, {}), ("unreadable", 0.01, {}),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One broadcast to everybody of a business."""

    world: World
    run_id: UUID

    def state(self) -> RunState:
        with unit_of_work(self.world.scope) as session:
            return RunState(session.get_one(Run, self.run_id).state)

    def recipients(self) -> list[BroadcastRecipient]:
        with unit_of_work(self.world.scope) as session:
            return list(session.scalars(select(BroadcastRecipient)))

    def is_over(self) -> bool:
        return self.state().is_final


def begun_broadcast(stand: GraphStand, people: int) -> Broadcast:
    """Start a broadcast to so many people, as fast as it goes."""
    phones = tuple(f"+1212{number:07d}" for number in range(2_000_001, 2_000_001 + people))
    world = make_world("Acme", number="+12125550190", phones=phones)
    known = stand.number("+12125550190", per_second=100_000, receipts=[])
    stand.template(known, "offer", "Hello {{1}}, we have news.")
    account_id = chat_number(world, known)
    told = Template(
        "offer", "en", "approved", "marketing", "", "Hello {{1}}, we have news.", "", (), {"body": 1}
    )
    options = BroadcastOptions(
        account_id=account_id, wording=Wording(template="offer", language="en", body=["{phone}"]),
        pause_least_s=0, pause_most_s=0, breaker=Breaker(of_last=200, share=0.9, pause_s=0.5),
    )  # fmt: skip
    with unit_of_work(world.scope) as session:
        templates.note_listed(session, world.business_id, account_id, [told])
        run = broadcasts.create_broadcast(
            session, world.business_id, title="News", options=options, whom=Whom(world.list_id), actor="test"
        )
        broadcasts.start_broadcast(session, world.business_id, run.id, actor="test")
        return Broadcast(world, run.id)


def environment(stand: GraphStand) -> dict[str, str]:
    """What a worker is told that writes through the stand-in."""
    return {
        "WHATSAPP_BASE_URL": stand.base_url, "CHAT_TIMEOUT_SECONDS": "1",
        "VAULT_KEY": base64.b64encode(VAULT_KEY).decode(),
    }  # fmt: skip


def weather(
    yard: Yard, stand: GraphStand, sent: Broadcast, *, deaths: int, seed: int, within_s: float,
    without: str | None = None,
) -> None:  # fmt: skip
    """Kill workers at random steps, and Redis now and then, until the broadcast is over."""
    chance = random.Random(seed)
    told = environment(stand)
    yard.start_upkeep(settings=SETTINGS)
    for death in range(deaths):
        victim = yard.start_worker(
            barrier=chance.choice(BARRIERS), nth=chance.randint(1, 40), settings=SETTINGS, environment=told,
            without=without,
        )  # fmt: skip
        if death % 7 == 3:
            yard.redis.kill()
        eventually(
            lambda victim=victim: not is_alive(victim.pid) or sent.is_over(),  # type: ignore[misc]
            "the worker dies, or all is done", within_s=120,
        )  # fmt: skip
        if death % 7 == 3:
            yard.redis.mend()
        if sent.is_over():
            return
    for _ in range(2):
        yard.start_worker(settings=SETTINGS, environment=told, without=without)
    eventually(sent.is_over, "the broadcast is over", within_s=within_s)


def judged(stand: GraphStand, sent: Broadcast) -> Counter[str]:
    """Hold what the broadcast says against what Graph truly took; return how many stand where."""
    rows = sent.recipients()
    taken = Counter(entry["to"] for entry in stand.accepted())
    keys = Counter(entry["reference"] for entry in stand.accepted())
    assert not [key for key, times in keys.items() if times > 1], "a message went twice"
    assert not [to for to, times in taken.items() if times > 1], "somebody has two messages"
    by_state = {state: {row.address for row in rows if row.state == state} for state in ("sent", "uncertain")}
    assert by_state["sent"] <= set(taken), "it says sent of what nobody took"
    assert set(taken) <= by_state["sent"] | by_state["uncertain"], "somebody has a message that is not told"
    with unit_of_work(sent.world.scope) as session:
        progress = broadcasts.progress_of(session, sent.world.business_id, [sent.run_id])[sent.run_id]
        uncertain = session.scalars(select(Message.id).where(Message.state == "uncertain")).all()
        assert not store.has_queued(session, sent.world.business_id, sent.run_id)
    counts = Counter(row.state for row in rows)
    assert progress.total == len(rows) == sum(counts.values())
    assert (progress.sent, progress.failed, progress.uncertain) == (
        counts["sent"], counts["failed"], counts["uncertain"]
    )  # fmt: skip
    assert progress.queued == progress.sending == 0
    assert len(uncertain) == counts["uncertain"]
    assert {row.reason for row in rows if row.state == "uncertain"} <= {"uncertain"}
    return counts


@pytest.mark.parametrize(
    ("people", "deaths"),
    [
        pytest.param(60, 8, id="60"),
        pytest.param(5_000, 150, id="5000", marks=pytest.mark.soak),
    ],
)
def test_whatever_dies_each_person_gets_one_message_at_most(yard: Yard, people: int, deaths: int) -> None:
    with open_graph() as stand:
        sent = begun_broadcast(stand, people)
        for fault, share, more in TROUBLES:
            stand.fault(fault, times=None, share=share, **more)
        # Of few people each kind of trouble is to befall somebody all the same.
        for fault in ("lose_reply", "error_after", "rate", "drop_before"):
            stand.fault(fault)
        weather(yard, stand, sent, deaths=deaths, seed=people, within_s=people * 0.2 + 120)
        counts = judged(stand, sent)
    yard.reports[f"broadcast_{people}"] = dict(counts)
    assert sent.state() == RunState.COMPLETED
    assert counts["sent"] > people / 2
    assert counts["uncertain"] >= 1


def test_a_message_that_is_sent_again_in_doubt_is_found(yard: Yard) -> None:
    """The negative control: a client that sends again what it had no answer to."""
    with open_graph() as stand:
        sent = begun_broadcast(stand, 20)
        stand.fault("drop_after", times=3)
        weather(yard, stand, sent, deaths=0, seed=3, within_s=120, without="one_send")
        with pytest.raises(AssertionError, match="went twice"):
            judged(stand, sent)
