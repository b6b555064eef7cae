"""Two businesses with at least one row of everything, made by the public verbs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from unittest.mock import patch
from uuid import UUID

from argon2 import PasswordHasher
from sqlalchemy import select

from support.installation import Installation
from support.world import PASSWORD, World, make_world
from trunkline.core.access import Role
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.core.jobs.models import Job
from trunkline.domain.appointments import service as appointments
from trunkline.domain.calls import service as calls
from trunkline.domain.leads import bulk
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.schemas import BulkDeleteIn, BulkUpdateIn, LeadChanges
from trunkline.domain.outbound import dialling, store
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.models import OutboundAttempt
from trunkline.domain.outbound.options import installed_limits
from trunkline.domain.people import service as people
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import CallReport, CallStatus

ADMIN_EMAIL = "admin@trunkline.example"
SHARED_PHONE = "+12125550101"
"""The number of a person whom both businesses know."""


@dataclass(frozen=True, slots=True)
class Inhabitant:
    """One business and the id of something of every kind that it owns."""

    world: World
    run_id: UUID
    item_id: UUID
    attempt_id: UUID
    call_id: UUID
    call_sid: str
    lead_id: UUID
    user_id: UUID
    job_id: UUID
    appointment_id: UUID
    bulk_update_id: UUID
    bulk_delete_id: UUID
    number_id: UUID
    secret: str
    """The secret of its owner's session."""

    @property
    def business_id(self) -> UUID:
        return self.world.business_id

    @property
    def ids(self) -> dict[str, UUID]:
        """Every id by the name that a route's path gives it."""
        return {
            "run_id": self.run_id,
            "item_id": self.item_id,
            "attempt_id": self.attempt_id,
            "call_id": self.call_id,
            "lead_id": self.lead_id,
            "user_id": self.user_id,
            "job_id": self.job_id,
            "appointment_id": self.appointment_id,
            "bulk_run_id": self.bulk_update_id,
            "number_id": self.number_id,
            "agent_id": self.world.agent_id,
            "list_id": self.world.list_id,
            "business_id": self.world.business_id,
        }


@dataclass(frozen=True, slots=True)
class Town:
    """Both of them."""

    a: Inhabitant
    b: Inhabitant


def populate(servers: Installation) -> Town:
    """Empty the installation and let two businesses and a system admin live in it."""
    servers.wipe()
    # Passwords are not what is tried here, and hashing eight of them well takes a second.
    with patch.object(people, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)):
        return _populate()


def _populate() -> Town:
    acme = make_world("Acme", number="+12125550190", phones=(SHARED_PHONE, "+12125550102"))
    umbrella = make_world("Umbrella", number="+13125550190", phones=(SHARED_PHONE, "+13125550102"))
    with unit_of_work(SYSTEM) as session:
        people.create_user(
            session, business_id=None, email=ADMIN_EMAIL, name="Admin", password=PASSWORD, role=None,
            actor="test",
        )  # fmt: skip
        enqueue_job("maintenance", "release_unknown_dials")
    people.sign_in(ADMIN_EMAIL, PASSWORD)
    # The pace of the carrier account is shared: the second business dials a little later.
    with clock.frozen_at(clock.now() + timedelta(seconds=10)):
        return Town(_settle(acme, 1), _settle_later(umbrella, 2))


def _settle_later(world: World, number: int) -> Inhabitant:
    with clock.frozen_at(clock.now() + timedelta(minutes=1)):
        return _settle(world, number)


def _settle(world: World, number: int) -> Inhabitant:
    business_id = world.business_id
    run = world.make_run()
    with unit_of_work(world.scope) as session:
        outbound.start_run(session, business_id, run.id, actor="test")
    with unit_of_work(world.scope) as session:
        claim = dialling.claim_next(
            session, business_id, run.id, limits=installed_limits(), job_id=new_id(), lease_epoch=1
        )
    assert isinstance(claim, dialling.Claim), claim
    sid = f"CA{number:032x}"
    with unit_of_work(world.scope) as session:
        report = CallReport(sid, CallStatus.IN_PROGRESS, claim.phone, claim.from_number, "outbound-api")
        call = outbound.hear_report(session, business_id, claim.attempt_id, report)
        assert call is not None
    with unit_of_work(world.scope) as session:
        calls.spend_media_token(session, business_id, call.id)
        event = {"sequence": 1, "kind": "heard", "at": clock.now().isoformat(), "data": {"text": "hello"}}
        calls.record_events(session, business_id, call.id, [event])
    with unit_of_work(world.scope) as session:
        lead_id = leads.lead_of_caller(session, business_id, SHARED_PHONE)
        business = tenants.get_business(session, business_id)
        appointment = appointments.book(
            session, business, lead_id=lead_id, call_id=call.id, weekday="tuesday", at=time(10),
            actor="test",
        )  # fmt: skip
        store.suppress(session, business_id, f"+1212555018{number}", reason="asked")
        viewer = people.create_user(
            session, business_id=business_id, email=f"viewer@{number}.example", name="Viewer",
            password=PASSWORD, role=Role.VIEWER, actor="test",
        )  # fmt: skip
        changes = BulkUpdateIn(list_id=world.list_id, changes=LeadChanges(notes="Changed"))
        update = bulk.begin_update(session, business_id, changes, actor="test")
        deletion = bulk.begin_delete(session, business_id, BulkDeleteIn(list_id=world.list_id), actor="test")
        phone_number = tenants.list_numbers(session, business_id)[0]
        item_id = session.get_one(OutboundAttempt, claim.attempt_id).item_id
        job_id = session.scalars(select(Job.id).where(Job.business_id == business_id)).first()
        assert job_id is not None
    secret, _ = people.sign_in(world.email, PASSWORD)
    return Inhabitant(
        world=world, run_id=run.id, item_id=item_id, attempt_id=claim.attempt_id, call_id=call.id,
        call_sid=sid, lead_id=lead_id, user_id=viewer.id, job_id=job_id, appointment_id=appointment.id,
        bulk_update_id=update.id, bulk_delete_id=deletion.id, number_id=phone_number.id, secret=secret,
    )  # fmt: skip
