"""Workers killed while they remind people: everybody is told once, and called once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from support.diary import note_down
from support.post_office import open_post_office
from support.processes import eventually
from support.world import World, make_world
from support.yard import HASTE, Yard
from trunkline.core.db import unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.core.runs.models import Run
from trunkline.domain.appointments.automation_models import Automation, Sending
from trunkline.domain.leads.models import Lead
from trunkline.kit import clock

PEOPLE = 6
NOT_THE_DIALLER = {**HASTE, "rq_queues": ["default"]}
"""Nobody rings anybody here: that a call was asked for is what counts."""


def expected_tomorrow(world: World) -> None:
    """Expect everybody in almost a day, arranged long ago; they are told a day before, by letter and call."""
    now = clock.now()
    with unit_of_work(world.scope) as session:
        for place, lead in enumerate(session.scalars(select(Lead).order_by(Lead.phone)).all()):
            lead.email = f"lead{place}@example.com"
            starts = now + timedelta(hours=23, minutes=10 * place)
            ends = starts + timedelta(minutes=10)
            note_down(
                session, world.business_id, starts.replace(microsecond=0), ends.replace(microsecond=0),
                lead_id=lead.id, arranged_at=now - timedelta(days=9),
            )  # fmt: skip
        usual = {
            "moment": "before", "amount": 24, "unit": "hours", "agent_id": world.agent_id,
            "from_number": world.number,
        }  # fmt: skip
        letter = Automation(business_id=world.business_id, name="Letter", channel="email", **usual)
        call = Automation(business_id=world.business_id, name="Call", channel="call", **usual)
        session.add_all([letter, call])
        session.flush()
        session.query(Automation).update({"since": now - timedelta(days=9)})
        enqueue_job("default", "plan_appointment_messages")


@pytest.mark.parametrize(
    ("barrier", "nth"),
    [
        ("appointments.before_letter", 3),
        ("appointments.sent", 3),
        *(("sql.commit", n) for n in (2, 5, 9, 14)),
    ],
)
def test_everybody_is_reminded_once_whenever_a_worker_dies(
    barrier: str, nth: int, yard: Yard, tmp_path: Path
) -> None:
    phones = tuple(f"+1212555{4000 + number}" for number in range(PEOPLE))
    world = make_world("Acme", number="+12125550190", phones=phones)
    with open_post_office(tmp_path / "post") as post:
        mail = {
            "SMTP_URL": post.url, "MAIL_FROM": "Acme <calls@acme.example>",
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "nobody is asked",
        }  # fmt: skip
        expected_tomorrow(world)
        victim = yard.start_worker(barrier=barrier, nth=nth, settings=NOT_THE_DIALLER, environment=mail)
        victim.wait_until_dead()
        assert victim.has_reached
        yard.start_upkeep(settings=NOT_THE_DIALLER)
        yard.start_worker(settings=NOT_THE_DIALLER, environment=mail)

        def all_sent() -> bool:
            with unit_of_work(world.scope) as session:
                return session.scalars(select(Sending.state)).all() == ["sent"] * 2 * PEOPLE

        eventually(all_sent, "everybody is told", within_s=60)
        letters = post.letters()
    ids = Counter(letter["Message-ID"] for letter in letters)
    # Of a worker that dies when the server has the letter and the note is not written, nobody can know: the
    # letter goes again under its own id, of which a reader's program shows one.
    again = 1 if barrier == "appointments.sent" else 0
    assert len(ids) == len({letter["To"] for letter in letters}) == PEOPLE
    assert PEOPLE <= len(letters) <= PEOPLE + again or barrier == "sql.commit"
    assert len(letters) - PEOPLE <= 1
    with unit_of_work(world.scope) as session:
        runs = session.scalars(select(Run)).all()
        noted = session.scalars(select(Sending.run_id).where(Sending.run_id.is_not(None))).all()
    assert len(runs) == PEOPLE, "each call is asked for once"
    assert {run.id for run in runs} == set(noted)
