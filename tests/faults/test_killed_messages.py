"""Workers killed while they send messages: each is taken once at most, and what nobody knows shows as such.

Counted in Graph's own book: what it truly took, by our reference. A worker dies before it hands over, between
that and the word here, and at each commit.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from support.graph import GraphStand, open_graph
from support.inbox import answer, chat_number, messages, take, written
from support.installation import VAULT_KEY
from support.processes import eventually
from support.world import make_world
from support.yard import HASTE, Yard
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.domain.inbox.models import Message
from trunkline.kit import clock

PATIENT = HASTE | {"lease_seconds": 5.0}
PEOPLE = [f"+1212555010{last}" for last in range(4)]


@pytest.fixture(scope="module")
def graph() -> Iterator[GraphStand]:
    with open_graph() as stand:
        yield stand


@pytest.mark.parametrize(
    ("barrier", "nth", "uncertain", "taken"),
    [
        ("message.sending", 1, 1, 3),
        ("message.sending", 3, 1, 3),
        ("message.handed_over", 1, 1, 4),
        ("message.handed_over", 4, 1, 4),
        ("sql.commit", 3, None, None),
        ("sql.commit", 5, None, None),
    ],
)
def test_each_message_is_taken_once_at_most_though_a_worker_is_killed(  # noqa: PLR0917 - fixtures
    barrier: str, nth: int, uncertain: int | None, taken: int | None, yard: Yard, graph: GraphStand
) -> None:
    acme = make_world("Acme", number="+12125550190", phones=tuple(PEOPLE))
    known = graph.number(acme.number, receipts=[], keeps_window=False)
    account_id = chat_number(acme, known)
    for phone in PEOPLE:
        take(acme, account_id, written(phone=phone))
    for number, message in enumerate(messages(acme)):
        answer(acme, message.conversation_id, f"Answer {number}", key=f"answer:{number}")
    environment = {
        "WHATSAPP_BASE_URL": graph.base_url, "VAULT_KEY": base64.b64encode(VAULT_KEY).decode(),
    }  # fmt: skip
    victim = yard.start_worker(barrier=barrier, nth=nth, settings=PATIENT, environment=environment)
    victim.wait_until_dead()
    assert victim.has_reached
    yard.start_upkeep(settings=PATIENT)
    yard.start_worker(settings=PATIENT, environment=environment)
    eventually(lambda: _settled(acme), "every message is settled", within_s=60)
    # A sweep finds nothing to do any more: nothing is sent again.
    with unit_of_work(acme.scope) as session:
        session.execute(update(Message).values(due_at=clock.now() - timedelta(hours=1)))
    with unit_of_work(SYSTEM):
        enqueue_job("default", "tend_messages")
    eventually(lambda: yard.unfinished() == 0, "the sweep is over", within_s=60)

    ours = [message for message in messages(acme) if message.direction == "out"]
    accepted = [one["reference"] for one in graph.accepted() if one["number"] == known.account]
    assert len(accepted) == len(set(accepted)), "somebody was written to twice"
    states = [message.state for message in ours]
    assert set(states) <= {"sent", "uncertain"}
    # What is known to have gone has gone; what has not is not said to have.
    sent = {str(message.id) for message in ours if message.state == "sent"}
    assert sent <= set(accepted)
    assert len(set(accepted) - sent) <= states.count("uncertain") <= 1
    if uncertain is not None:
        assert (states.count("uncertain"), len(accepted)) == (uncertain, taken)


def _settled(world: object) -> bool:
    with unit_of_work(world.scope) as session:  # type: ignore[attr-defined]
        open_ones = select(Message.id).where(Message.state.in_(("queued", "sending")))
        return session.scalar(open_ones.limit(1)) is None


def test_where_a_message_is_not_noted_as_going_before_it_goes_a_kill_doubles_it(
    yard: Yard, graph: GraphStand
) -> None:
    """The same death without the safeguard, and the same count sees it."""
    acme = make_world("Acme", number="+12125550190", phones=tuple(PEOPLE))
    known = graph.number(acme.number, receipts=[], keeps_window=False)
    account_id = chat_number(acme, known)
    take(acme, account_id, written(phone=PEOPLE[0]))
    answer(acme, messages(acme)[0].conversation_id, key="answer")
    environment = {
        "WHATSAPP_BASE_URL": graph.base_url, "VAULT_KEY": base64.b64encode(VAULT_KEY).decode(),
    }  # fmt: skip
    victim = yard.start_worker(barrier="message.handed_over", settings=PATIENT, environment=environment)
    victim.wait_until_dead()
    with yard.installation.administrator.begin() as connection:
        # As if `sending` had not been committed.
        connection.execute(text("update messages set state = 'queued' where state = 'sending'"))
    yard.start_upkeep(settings=PATIENT)
    yard.start_worker(settings=PATIENT, environment=environment)
    eventually(lambda: _settled(acme), "it is settled", within_s=60)
    accepted = [one["reference"] for one in graph.accepted() if one["number"] == known.account]
    assert len(accepted) == 2
    assert len(set(accepted)) == 1
