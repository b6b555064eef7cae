"""Two businesses with at least one row of everything, made by the public verbs."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from support.broadcast import Broadcasts, leave_broadcasts
from support.diary import coming
from support.inbox import Inbox, settle_inbox
from support.inbox_ai import settle_reading
from support.installation import Installation
from support.lead_papers import Papers, leave_papers
from support.recorded import leave_recording
from support.world import BY_TEST, PASSWORD, World, make_world
from trunkline.core import vault
from trunkline.core.access import Role
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.core.jobs.models import Job
from trunkline.core.runs.models import Run
from trunkline.domain.agents import knowledge, prompts
from trunkline.domain.agents import service as agents
from trunkline.domain.appointments import automations, feeds, links
from trunkline.domain.appointments import service as appointments
from trunkline.domain.appointments.automation_models import Sending as AppointmentSending
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.calls import service as calls
from trunkline.domain.control import store as control_store
from trunkline.domain.control import warm
from trunkline.domain.control.models import Verb
from trunkline.domain.control.rules import Stage
from trunkline.domain.leads import addresses, board, bulk, editing, imports, own_fields, statuses
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.models import LeadNote, LeadStatus
from trunkline.domain.leads.record_models import MergedLead
from trunkline.domain.leads.row_faults import RowFault
from trunkline.domain.leads.schemas import BulkDeleteIn, BulkUpdateIn, LeadChanges
from trunkline.domain.leads.selection import Whom
from trunkline.domain.notifications import choices, devices
from trunkline.domain.notifications import service as notifications
from trunkline.domain.notifications.models import Notification, Sending
from trunkline.domain.outbound import claim_store, hearing
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.claim import Claim, claim_next
from trunkline.domain.outbound.models import OutboundAttempt
from trunkline.domain.outbound.options import RunOptions, installed_limits
from trunkline.domain.outbound.suppressions import suppress
from trunkline.domain.people import account, invitations, resets
from trunkline.domain.people import service as people
from trunkline.domain.recordings import service as recordings
from trunkline.domain.reports import rolling
from trunkline.domain.search import vocabulary
from trunkline.domain.search.models import SearchFill
from trunkline.domain.tasks import service as tasks
from trunkline.domain.tasks.schemas import TaskIn
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.kit.wall_clock import Quiet
from trunkline.providers.ports import CallReport, CallStatus

ADMIN_EMAIL = "admin@trunkline.example"
SHARED_PHONE = "+12125550101"
"""The number of a person whom both businesses know."""
WAITED_FOR = "another account"
"""A carrier account for whose lines both businesses wait."""
SCHEDULED = datetime.now(UTC) + timedelta(days=300)
"""When each business has a run that starts by itself."""


@dataclass(frozen=True, slots=True)
class Inhabitant:
    """One business and the id of something of every kind that it owns."""

    world: World
    run_id: UUID
    scheduled_run_id: UUID
    item_id: UUID
    attempt_id: UUID
    call_id: UUID
    call_sid: str
    lead_id: UUID
    user_id: UUID
    job_id: UUID
    appointment_id: UUID
    calendar_id: UUID
    automation_id: UUID
    sending_id: UUID
    status_id: UUID
    note_id: UUID
    papers: Papers
    inbox: Inbox
    chat_session_id: UUID
    """It is closed, and something of it waits for a person."""
    broadcasts: Broadcasts
    field_id: UUID
    other_id: UUID
    """Another lead than that of `lead_id`."""
    bulk_update_id: UUID
    bulk_delete_id: UUID
    import_id: UUID
    control_id: UUID
    leg_sid: str
    number_id: UUID
    text_id: UUID
    invitation_id: UUID
    session_id: UUID
    task_id: UUID
    device_id: UUID
    notification_id: UUID
    push_sending_id: UUID
    mail_sending_id: UUID
    system_job_id: UUID
    """A job of the system's own, which is nobody's."""
    provider: str
    """The provider at which it has a key of its own."""
    secret: str
    """The secret of its owner's session."""

    @property
    def business_id(self) -> UUID:
        return self.world.business_id

    @property
    def ids(self) -> dict[str, UUID | str]:
        """Every id by the name that a route's path gives it."""
        return {
            "phone": self.suppressed,
            "run_id": self.run_id,
            "item_id": self.item_id,
            "attempt_id": self.attempt_id,
            "call_id": self.call_id,
            "lead_id": self.lead_id,
            "user_id": self.user_id,
            "job_id": self.job_id,
            "appointment_id": self.appointment_id,
            "calendar_id": self.calendar_id,
            "automation_id": self.automation_id,
            "status_id": self.status_id,
            "note_id": self.note_id,
            "webhook_id": self.papers.webhook_id,
            "file_id": self.papers.file_id,
            "export_id": self.papers.export_id,
            "account_id": self.inbox.account_id,
            "conversation_id": self.inbox.conversation_id,
            "message_id": self.inbox.message_id,
            "reply_id": self.inbox.reply_id,
            "chat_session_id": self.chat_session_id,
            "broadcast_id": self.broadcasts.running_id,
            "field_id": self.field_id,
            "other_id": self.other_id,
            "address": self.address,
            "bulk_run_id": self.bulk_update_id,
            "import_id": self.import_id,
            "number_id": self.number_id,
            "text_id": self.text_id,
            "invitation_id": self.invitation_id,
            "session_id": self.session_id,
            "task_id": self.task_id,
            "device_id": self.device_id,
            "notification_id": self.notification_id,
            "provider": self.provider,
            "agent_id": self.world.agent_id,
            "list_id": self.world.list_id,
            "business_id": self.world.business_id,
        }

    @property
    def address(self) -> str:
        """A further address of its lead."""
        return f"further@{self.call_sid[-1]}.example"

    @property
    def suppressed(self) -> str:
        """The number on its suppression list."""
        return f"+1212555018{self.call_sid[-1]}"


@dataclass(frozen=True, slots=True)
class Town:
    """Both of them."""

    a: Inhabitant
    b: Inhabitant


def populate(servers: Installation) -> Town:
    """Empty the installation and let two businesses and a system admin live in it."""
    servers.wipe()
    acme = make_world("Acme", number="+12125550190", phones=(SHARED_PHONE, "+12125550102"))
    umbrella = make_world("Umbrella", number="+13125550190", phones=(SHARED_PHONE, "+13125550102"))
    with unit_of_work(SYSTEM) as session:
        people.create_user(
            session, business_id=None, email=ADMIN_EMAIL, name="Admin", password=PASSWORD, role=None,
            actor="test",
        )  # fmt: skip
        systems = enqueue_job("maintenance", "tend_businesses")
        resets.begin(session, None, ADMIN_EMAIL, new_id())
    people.sign_in(ADMIN_EMAIL, PASSWORD)
    # The pace of the carrier account is shared: the second business dials a little later.
    with clock.frozen_at(clock.now() + timedelta(seconds=10)):
        return Town(_settle(acme, 1, systems), _settle_later(umbrella, 2, systems))


def _settle_later(world: World, number: int, system_job_id: UUID) -> Inhabitant:
    with clock.frozen_at(clock.now() + timedelta(minutes=1)):
        return _settle(world, number, system_job_id)


def _roll_up(world: World) -> None:
    """Count the business's calls but for the newest hour's, unless who asks comes later; learn its words."""
    with clock.frozen_at(clock.now() + timedelta(hours=2)), unit_of_work(world.scope) as session:
        rolling.roll_up(session, world.business_id)
    _learn(world)


def _learn(world: World) -> None:
    """Learn the words that are there, and leave something new; of the older rows some wait to be taken in."""
    with unit_of_work(world.scope) as session:
        vocabulary.learn(session, world.business_id)
        session.add(SearchFill(business_id=world.business_id, kind="lead", behind=UUID(int=0)))
        leads.make_list(session, world.business_id, "Newcomers")


def _import_begun(session: Session, business_id: UUID) -> Run:
    """Begin to import a file of which one batch is in, with a row that could not be used."""
    file = io.BytesIO(f"phone,name\nnonsense,Nobody\n{SHARED_PHONE},Shared\n".encode())
    run = imports.begin(
        session, business_id, file, name="Imported", filename="leads.csv", size=100, mapping=None,
        actor="test",
    )  # fmt: skip
    fault = RowFault(2, "'nonsense' is not a telephone number", "nonsense, Nobody")
    assert imports.work_batch(session, business_id, run.id, [fault], at=0)
    return run


def _sign_in(world: World, number: int) -> tuple[str, UUID, UUID]:
    """Let the owner in, invite somebody, and have links and keys. Returns secret, invitation and session."""
    secret, owner = people.sign_in(world.email, PASSWORD)
    with unit_of_work(world.scope) as session:
        invitation, _ = invitations.invite(
            session, owner, email=f"invited@{number}.example", role=Role.AGENT, language="en"
        )
        resets.begin(session, world.business_id, world.email, new_id())
        provider = vault.PROVIDERS[number]
        vault.put_key(session, world.business_id, provider, f"a-key-of-{world.email}", actor="test")
    return secret, invitation.id, account.sessions(owner)[0].id


def _on_the_board(session: Session, business_id: UUID, lead_id: UUID) -> tuple[LeadStatus, LeadNote]:
    """Move a lead on, and write a note on them."""
    status = statuses.of_business(session, business_id).rows[1]
    board.move(session, business_id, lead_id, status_id=status.id, after=None, cause=BY_TEST)
    return status, editing.add_note(session, business_id, lead_id, "Calls back", author="test")


def _remind(session: Session, world: World, appointment: Appointment) -> AppointmentSending:
    """Have the person called who comes, which is due; and let links and programs at the appointment."""
    wish = {
        "name": "Reminder", "moment": "before", "amount": 7, "unit": "days", "channel": "call",
        "agent_id": world.agent_id, "from_number": world.number,
    }  # fmt: skip
    automation = automations.make(session, world.business_id, wish, actor="test")
    sending = AppointmentSending(
        business_id=world.business_id, automation_id=automation.id, appointment_id=appointment.id,
        occurrence=f"{appointment.starts_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", due_at=clock.now(),
    )  # fmt: skip
    session.add(sending)
    links.link_to(session, appointment)
    feeds.open_feed(session, world.business_id, appointment.calendar_id, actor="test")
    return sending


def _written(world: World, lead_id: UUID) -> dict[str, Any]:
    """Let people have written and been written to, and the agent have made something of it."""
    settled = settle_inbox(world, phone=SHARED_PHONE)
    read = settle_reading(world, settled.account_id, phone=world.phones[1])
    broadcasts = leave_broadcasts(world, settled.account_id, lead_id)
    return {"inbox": settled, "chat_session_id": read, "broadcasts": broadcasts}


def _one_person(world: World, number: int, lead_id: UUID) -> dict[str, UUID]:
    """Give a lead another address and whoever else they were, and leads a field."""
    business_id = world.business_id
    with unit_of_work(world.scope) as session:
        addresses.add(session, business_id, lead_id, "email", f"further@{number}.example", actor="test")
        # The one with whom they were merged is no more, but for this.
        session.add(MergedLead(business_id=business_id, id=new_id(), lead_id=lead_id, actor="test", facts={}))
        own = own_fields.make(
            session, business_id, label="Budget", kind="number", key=None, choices=[], in_table=True,
            actor="test",
        )  # fmt: skip
        return {"field_id": own.id, "other_id": leads.lead_of_caller(session, business_id, world.phones[1])}


def _record(world: World, call_id: UUID) -> None:
    """Let a call's recording wait to be kept."""
    leave_recording(world.business_id, call_id)
    with unit_of_work(world.scope) as session:
        recordings.note_begun(session, world.business_id, call_id, 1)


PUSH_KEYS = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}
"""A browser's, from RFC 8291."""


def _to_do(world: World, secret: str, lead_id: UUID) -> dict[str, UUID]:
    """Give the owner a task that is due in 80 minutes, and tell them on a device and by post."""
    who = people.who_is(secret)
    due = clock.now() + timedelta(minutes=80)
    with unit_of_work(world.scope) as session:
        wish = TaskIn(
            title="Call back", due_on=due.date(), due_time=due.time().replace(second=0, microsecond=0),
            assignee_id=who.user_id, lead_id=lead_id,
        )  # fmt: skip
        task = tasks.create_task(session, world.business_id, wish, who)
        device = devices.subscribe(
            session, world.business_id, who.user_id, endpoint=f"https://push.example/{world.number}",
            name="A browser", kinds=None, **PUSH_KEYS,
        )  # fmt: skip
        choices.choose(
            session, world.business_id, who.user_id, kinds={}, ahead=[30], own_quiet=False, quiet=None
        )
        choices.set_business_quiet(session, world.business_id, Quiet("03:00", "03:00"), actor="test")
        facts = {"task_id": str(task.id), "title": task.title, "by": "Dana"}
        notifications.notify(session, world.business_id, [who.user_id], "task_assigned", facts, "given")
        row = session.scalars(select(Notification).where(Notification.business_id == world.business_id)).one()
        pushed = session.scalars(select(Sending).where(Sending.notification_id == row.id)).one()
        posted = Sending(business_id=world.business_id, notification_id=row.id)
        session.add(posted)
        session.flush()
        return {
            "task_id": task.id, "device_id": device.id, "notification_id": row.id,
            "push_sending_id": pushed.id, "mail_sending_id": posted.id,
        }  # fmt: skip


def _settle(world: World, number: int, system_job_id: UUID) -> Inhabitant:
    business_id = world.business_id
    run = world.make_run()
    with unit_of_work(world.scope) as session:
        outbound.start_run(session, business_id, run.id, actor="test")
    with unit_of_work(world.scope) as session:
        claim = claim_next(session, business_id, limits=installed_limits(), job_id=new_id(), lease_epoch=1)
    assert isinstance(claim, Claim), claim
    sid = f"CA{number:032x}"
    with unit_of_work(world.scope) as session:
        report = CallReport(sid, CallStatus.IN_PROGRESS, claim.phone, claim.from_number, "outbound-api")
        call = hearing.hear_report(session, business_id, claim.attempt_id, report)
        assert call is not None
    with unit_of_work(world.scope) as session:
        calls.spend_media_token(session, business_id, call.id)
        event = {"sequence": 1, "kind": "heard", "at": clock.now().isoformat(), "data": {"text": "hello"}}
        calls.record_events(session, business_id, call.id, [event])
    _record(world, call.id)
    with unit_of_work(world.scope) as session:
        extensions = [{"extension": f"{number}0{number}", "name": "Office", "number": f"+1212555031{number}"}]
        tenants.change_business(session, business_id, {"extensions": extensions}, actor="test")
        changes = {"transfer_to": [f"{number}0{number}"]}
        agents.update_agent(session, business_id, world.agent_id, changes, actor="test")
        handed = calls.get_call(session, business_id, call.id)
        control_store.note(session, handed, Verb.CALLBACK)
        leg_sid = f"CA{number + 8:032x}"
        control = control_store.note(session, handed, Verb.WARM_TRANSFER, leg_sid=leg_sid)
        warm.enter(control, Stage.WAITING)
    with unit_of_work(world.scope) as session:
        lead_id = leads.lead_of_caller(session, business_id, SHARED_PHONE)
        appointment = appointments.book(
            session, tenants.get_business(session, business_id),
            lead_id=lead_id, call_id=call.id, day=coming("tuesday"), at=time(10),
            actor="test",
        )  # fmt: skip
        sending = _remind(session, world, appointment)
        suppress(session, business_id, f"+1212555018{number}", reason="asked", source="person", actor="test")
        viewer = people.create_user(
            session, business_id=business_id, email=f"viewer@{number}.example", name="Viewer",
            password=PASSWORD, role=Role.VIEWER, actor="test",
        )  # fmt: skip
        claim_store.wait_for_line(session, business_id, WAITED_FOR, now=clock.now())
        later = outbound.create_run(
            session, business_id, title="Later", whom=Whom(lead_ids=[lead_id]), actor="test",
            options=RunOptions(agent_id=world.agent_id, from_number=world.number),
        )  # fmt: skip
        outbound.schedule_run(session, business_id, later.id, starts_at=SCHEDULED, actor="test")
        changes = BulkUpdateIn(list_id=world.list_id, changes=LeadChanges(notes="Changed"))
        update = bulk.begin_update(session, business_id, changes, actor="test")
        importing = _import_begun(session, business_id)
        deletion = bulk.begin_delete(session, business_id, BulkDeleteIn(list_id=world.list_id), actor="test")
        known = knowledge.add_text(
            session, business_id, title="Parking", text="Behind the house.", agent_id=world.agent_id,
            actor="test",
        )  # fmt: skip
        prompts.prepare(session, business_id, world.agent_id)
        status, note = _on_the_board(session, business_id, lead_id)
        phone_number = tenants.list_numbers(session, business_id)[0]
        item_id = session.get_one(OutboundAttempt, claim.attempt_id).item_id
        job_id = session.scalars(select(Job.id).where(Job.business_id == business_id)).first()
        assert job_id is not None
    secret, invitation_id, session_id = _sign_in(world, number)
    _roll_up(world)
    more = {
        **_to_do(world, secret, lead_id), **_one_person(world, number, lead_id), **_written(world, lead_id)
    }  # fmt: skip
    return Inhabitant(
        world=world, run_id=run.id, scheduled_run_id=later.id, item_id=item_id,
        attempt_id=claim.attempt_id, call_id=call.id, call_sid=sid, lead_id=lead_id, user_id=viewer.id,
        job_id=job_id, appointment_id=appointment.id,
        calendar_id=appointment.calendar_id, automation_id=sending.automation_id, sending_id=sending.id,
        status_id=status.id,
        note_id=note.id, papers=leave_papers(world, people.who_is(secret), lead_id, note.id),
        bulk_update_id=update.id, bulk_delete_id=deletion.id,
        import_id=importing.id, control_id=control.id, leg_sid=leg_sid,
        number_id=phone_number.id, text_id=known.id, secret=secret,
        invitation_id=invitation_id, session_id=session_id, system_job_id=system_job_id,
        provider=vault.PROVIDERS[number], **more,
    )  # fmt: skip
