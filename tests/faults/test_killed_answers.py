"""Workers killed while the agent answers in writing: one booking, one answer, and one message at Graph."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from support.graph import GraphStand, open_graph
from support.inbox import chat_number, messages, take, written
from support.installation import VAULT_KEY
from support.models import let_write, text_model
from support.processes import eventually
from support.world import make_world
from support.yard import HASTE, Yard
from trunkline.core.db import unit_of_work
from trunkline.domain.appointments.models import Appointment
from trunkline.simulators.model_server import Answer, Tool

PERSON = "+12125550199"
PATIENT = HASTE | {"lease_seconds": 5.0}
"""Long enough that a busy machine takes no job from a worker that is at it."""


@pytest.fixture(scope="module")
def graph() -> Iterator[GraphStand]:
    with open_graph() as stand:
        yield stand


@pytest.mark.parametrize(
    ("barrier", "nth"), [("answer.written", 1), ("sql.commit", 8), ("message.sending", 1)]
)
def test_somebody_is_answered_once_though_a_worker_is_killed(
    barrier: str, nth: int, yard: Yard, graph: GraphStand
) -> None:
    acme = make_world("Acme", number="+12125550190", phones=("+12125550101",))
    let_write(acme, "book_appointment")
    known = graph.number(acme.number)
    number = chat_number(acme, known, agent_id=acme.agent_id, ai_mode="on")
    with text_model() as (plan, settings):
        for _ in range(3):
            plan.then(
                Answer(tools=(Tool("book_appointment", {"weekday": "tuesday", "time": "10:00"}),)),
                "Booked for Tuesday at ten.",
            )
        take(acme, number, written("Tuesday at ten, please", phone=PERSON))
        environment = {
            "OPENAI_API_KEY": plan.key, "OPENAI_BASE_URL": settings.openai_base_url,
            "OPENAI_MODEL": plan.model, "WHATSAPP_BASE_URL": graph.base_url,
            "VAULT_KEY": base64.b64encode(VAULT_KEY).decode(),
        }  # fmt: skip
        victim = yard.start_worker(barrier=barrier, nth=nth, settings=PATIENT, environment=environment)
        victim.wait_until_dead()
        assert victim.has_reached
        yard.start_upkeep(settings=PATIENT)
        yard.start_worker(settings=PATIENT, environment=environment)
        eventually(lambda: yard.unfinished() == 0, "they are answered", within_s=60)
    with unit_of_work(acme.scope) as session:
        assert len(session.scalars(select(Appointment)).all()) == 1
    (_, answer) = messages(acme)
    assert answer.text == "Booked for Tuesday at ten."
    # Of one that a worker was handing over when it died nobody knows, and it is not sent again.
    assert answer.state == ("uncertain" if barrier == "message.sending" else "sent")
    arrived = [entry for entry in graph.accepted(PERSON) if entry["number"] == known.account]
    assert len(arrived) == (0 if barrier == "message.sending" else 1)
