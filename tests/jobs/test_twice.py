"""Every job, run twice: what is there after the second time is what was there after the first.

A worker may die between the last effect of a job and the word that it is done; another then runs the
job anew, under a lease of its own. Here the word is taken back by hand, and database and carrier are
compared. A handler without a case fails the test, so a new one cannot be forgotten.
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import time, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select

from isolation.peering import connected
from jobs import handlers as test_handlers
from support.broadcast import Broadcasts, leave_broadcasts
from support.call_book import had_call
from support.diary import coming
from support.graph import GraphStand, open_graph
from support.inbox import PNG, Inbox, by_graph, settle_inbox, uploaded
from support.inbox_ai import UNANSWERED, UNREAD, settle_reading
from support.installation import TOKEN_KEY, Installation, administrator_url
from support.lead_papers import a_refusal, first_lead, leave_bytes, leave_ready_export, let_calls_move
from support.local_carrier import Carrier
from support.post_office import PostOffice, open_post_office
from support.processes import eventually, free_port
from support.push_service import OWN_NETWORK, Browser, PushStand, open_push_service, public_key
from support.recorded import leave_recording
from support.world import PASSWORD, World, make_world
from tasks.staff import in_zone, owner_of
from tasks.staff import task as make_task
from trunkline import wiring
from trunkline.core.access import Role
from trunkline.core.db import SYSTEM, Scope, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.core.jobs.handlers import handler_named, handler_names
from trunkline.core.jobs.models import Job
from trunkline.core.settings import Settings
from trunkline.domain.appointments import automations
from trunkline.domain.appointments import service as appointments
from trunkline.domain.appointments.automation_models import Sending as AppointmentSending
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Away
from trunkline.domain.control import store as control_store
from trunkline.domain.control import warm
from trunkline.domain.control.models import Verb
from trunkline.domain.control.rules import Stage as Step
from trunkline.domain.inbox import receipts
from trunkline.domain.inbox.models import Message
from trunkline.domain.leads import bulk, exports, imports
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.schemas import BulkDeleteIn, BulkUpdateIn, LeadChanges, LeadConditions
from trunkline.domain.notifications import choices, reminders
from trunkline.domain.notifications.models import Sending
from trunkline.domain.outbound import hearing
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.claim import Claim, claim_next
from trunkline.domain.outbound.models import AttemptState, OutboundAttempt
from trunkline.domain.outbound.options import installed_limits
from trunkline.domain.people import invitations
from trunkline.domain.people import service as people
from trunkline.domain.search.models import SearchFill
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import CallReport, CallStatus, Receipt, ReceiptState
from trunkline.schema import metadata

ACCOUNT, TOKEN = "AC" + "7" * 32, "a token for tests"
APART = "recordings"
"""The queue of the job that is tried; nothing else in these tests goes there."""

_LEDGER = {"jobs", "job_counters", "workers"}
_numbers = count(1)

View = dict[str, list[Any]]


@dataclass(slots=True)
class Stage:
    """Servers and a carrier, and the making of what a case needs."""

    installation: Installation
    carrier: Carrier
    post: PostOffice
    push: PushStand
    browsers: list[Browser]
    graph: GraphStand
    administrator: psycopg.Connection[Any]

    def world(self, persona: str = "no_answer", *, size: int = 5) -> World:
        """Found a business whose people the carrier can ring."""
        ours, *phones = (f"+1212{5_870_000 + next(_numbers)}" for _ in range(size + 1))
        self.carrier.admit(phones, persona)
        return make_world(f"B{ours[2:]}", number=ours, phones=tuple(phones))

    def started(self, world: World) -> UUID:
        """Start a run over everybody, of which nobody is dialled yet."""
        run = world.make_run()
        with unit_of_work(world.scope) as session:
            outbound.start_run(session, world.business_id, run.id, actor="test")
        return run.id

    def dialled(self, world: World) -> tuple[UUID, list[OutboundAttempt]]:
        """Start a run and let it dial."""
        run_id = self.started(world)
        self.installation.run_jobs("high")
        with unit_of_work(world.scope) as session:
            return run_id, list(session.scalars(select(OutboundAttempt)))

    def answered(self, world: World) -> UUID:
        """Open a call whose person has been heard to say something."""
        self.started(world)
        with unit_of_work(world.scope) as session:
            claim = claim_next(
                session, world.business_id, limits=installed_limits(), job_id=new_id(), lease_epoch=1
            )
        assert isinstance(claim, Claim), claim
        self.hear(world, claim.attempt_id, CallStatus.IN_PROGRESS, sid=f"CA{new_id().hex}")
        with unit_of_work(world.scope) as session:
            (call,) = calls.list_calls(session, world.business_id, limit=2)[0]
            calls.spend_media_token(session, world.business_id, call.id)
            calls.record_events(session, world.business_id, call.id, [said(1)])
            return call.id

    def hear(self, world: World, attempt_id: UUID, status: CallStatus, *, sid: str) -> None:
        """Let the carrier tell something of an attempt's call."""
        with unit_of_work(world.scope) as session:
            attempt = session.get_one(OutboundAttempt, attempt_id)
            report = CallReport(sid, status, attempt.phone, attempt.from_number, "outbound-api")
            hearing.hear_report(session, world.business_id, attempt_id, report)

    def view(self, but: UUID) -> View:
        """Return every row of every table, what was enqueued beside job `but`, and the carrier's record."""
        seen: View = {
            table.name: self._column(
                sql.SQL("select to_jsonb(t)::text from {} t order by 1").format(sql.Identifier(table.name))
            )
            for table in metadata.sorted_tables
            if table.name not in _LEDGER
        }
        seen["enqueued"] = self._column(
            sql.SQL(
                "select concat_ws(' ', business_id, queue, name, args, dedup_key) from jobs"
                " where id <> {} order by 1"
            ).format(but)
        )
        book = self.carrier.book()
        seen["ordered"] = [(order["sid"], order["form"].get("To")) for order in book["creates"]]
        seen["pushes"] = [browser.arrived() for browser in self.browsers]
        seen["letters"] = [letter["Message-ID"] for letter in self.post.letters()]
        seen["accepted"] = [one["id"] for one in self.graph.accepted()]
        seen["read"] = sorted({one["id"] for one in self.graph.book()["read"]})
        seen["hung up"] = sorted(call["sid"] for call in book["calls"] if call["ended_by"] == "api")
        return seen

    def take_back(self, job_id: UUID) -> None:
        """Let it not be known that a job is done, as if its worker had died before it could say so."""
        self.administrator.execute(
            "update jobs set state = 'queued', finished_at = null, lease_owner = null,"
            " lease_expires_at = null, run_at = clock_timestamp() where id = %s and state = 'succeeded'",
            [job_id],
        )

    def job(self, job_id: UUID) -> tuple[str, int]:
        """Return a job's state and the epoch of its last lease."""
        row = self.administrator.execute(
            "select state, lease_epoch, error from jobs where id = %s", [job_id]
        ).fetchone()
        assert row is not None
        assert row[2] is None, row[2]
        return row[0], row[1]

    def _column(self, query: sql.Composed) -> list[str]:
        return [row[0] for row in self.administrator.execute(query)]


def said(sequence: int) -> dict[str, Any]:
    """Return an event of a call as media tells it."""
    at = clock.now().isoformat()
    return {"sequence": sequence, "kind": "heard", "at": at, "data": {"text": "hello"}}


# --- The cases ---------------------------------------------------------------------------

Case = Callable[[Stage], tuple[Scope, list[Any]]]


def dial_next(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world(size=5)
    stage.started(world)
    return world.scope, []


def release_and_process_next(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world(size=5)
    run_id, (first, *_) = stage.dialled(world)
    assert first.carrier_sid is not None
    stage.hear(world, first.id, CallStatus.BUSY, sid=first.carrier_sid)
    return world.scope, [str(run_id)]


def sweep_outbound(stage: Stage) -> tuple[Scope, list[Any]]:
    """One dial's process died, and somebody waits."""
    world = stage.world(size=2)
    run_id = stage.started(world)
    with unit_of_work(world.scope) as session:
        claim_next(session, world.business_id, limits=installed_limits(), job_id=new_id(), lease_epoch=1)
    return world.scope, [str(run_id)]


def reconcile_attempt(stage: Stage) -> tuple[Scope, list[Any]]:
    """A call is over, and nobody has told us."""
    world = stage.world("busy", size=1)
    _, (attempt,) = stage.dialled(world)
    eventually(lambda: stage.carrier.page_of(world.phones).calls[0]["ended_at"], "the call is over")
    return world.scope, [str(attempt.id)]


def reconcile_attempt_in_doubt(stage: Stage) -> tuple[Scope, list[Any]]:
    """The same, and the reply to the order was lost too."""
    stage.carrier.order_faults(create="lose_reply", times=1)
    scope, arguments = reconcile_attempt(stage)
    with unit_of_work(scope) as session:
        assert session.get_one(OutboundAttempt, UUID(arguments[0])).state == AttemptState.UNKNOWN
    return scope, arguments


def hang_up_call(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world(size=1)
    _, (attempt,) = stage.dialled(world)
    return world.scope, [attempt.carrier_sid]


def tend_businesses(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world(size=1)
    _, (attempt,) = stage.dialled(world)
    stage.administrator.execute(
        "update outbound_attempts set state = 'unknown', created_at = created_at - interval '3 days'"
        " where id = %s",
        [attempt.id],
    )
    return SYSTEM, []


def roll_up_calls(stage: Stage) -> tuple[Scope, list[Any]]:
    roll_up_business(stage)
    return SYSTEM, []


def roll_up_business(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world(size=1)
    for hours in (2, 30):
        had_call(world, clock.now() - timedelta(hours=hours), talked_s=9, disposition="booked")
    return world.scope, []


def prebuild_prompt(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world(size=1)
    return world.scope, [str(world.agent_id)]


def warmup_business(stage: Stage) -> tuple[Scope, list[Any]]:
    return stage.world(size=1).scope, []


def warmup_agents(stage: Stage) -> tuple[Scope, list[Any]]:
    stage.world(size=1)
    return SYSTEM, []


def keep_search(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world(size=1)
    with unit_of_work(world.scope) as session:
        session.add(SearchFill(business_id=world.business_id, kind="lead", behind=UUID(int=0)))
    return world.scope, []


def tend_search(stage: Stage) -> tuple[Scope, list[Any]]:
    stage.world(size=1)
    return SYSTEM, []


def recheck_waiting(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world(size=1)
    run_id = stage.started(world)
    stage.administrator.execute(
        "update outbound_items set state = 'retry_wait', waits_for = 'calling_hours',"
        " not_before = now() + interval '3 days' where run_id = %s",
        [run_id],
    )
    return world.scope, []


def save_conversation_turn(stage: Stage) -> tuple[Scope, list[Any]]:
    """One of the events is written already."""
    world = stage.world(size=1)
    return world.scope, [str(stage.answered(world)), [said(1), said(2), said(3)]]


def finalize_call_log(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world(size=1)
    return world.scope, [str(stage.answered(world)), "goodbye", "booked", 1]


def keep_recording(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world(size=1)
    call_id = stage.answered(world)
    leave_recording(world.business_id, call_id)
    return world.scope, [str(call_id), 1]


def finalize_call_session(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world(size=1)
    return world.scope, [str(stage.answered(world))]


def hear_call_outcome(stage: Stage) -> tuple[Scope, list[Any]]:
    """A conversation is over and written down, and its lead waits for that to be heard."""
    world = stage.world(size=1)
    call_id = stage.answered(world)
    with unit_of_work(world.scope) as session:
        (attempt,) = session.scalars(select(OutboundAttempt))
    assert attempt.carrier_sid is not None
    stage.hear(world, attempt.id, CallStatus.COMPLETED, sid=attempt.carrier_sid)
    with unit_of_work(world.scope) as session:
        calls.finalize(session, world.business_id, call_id, end_reason="goodbye", disposition="booked")
    return world.scope, [str(call_id)]


def start_scheduled_run(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world()
    run, at = world.make_run(), clock.now() + timedelta(minutes=5)
    with unit_of_work(world.scope) as session:
        outbound.schedule_run(session, world.business_id, run.id, starts_at=at, actor="test")
    return world.scope, [str(run.id), at.isoformat()]


def bulk_update_leads(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world()
    wish = BulkUpdateIn(list_id=world.list_id, changes=LeadChanges(notes="Changed"))
    with unit_of_work(world.scope) as session:
        return world.scope, [str(bulk.begin_update(session, world.business_id, wish, actor="test").id)]


def bulk_delete_leads(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world()
    wish = BulkDeleteIn(list_id=world.list_id)
    with unit_of_work(world.scope) as session:
        return world.scope, [str(bulk.begin_delete(session, world.business_id, wish, actor="test").id)]


def import_leads(stage: Stage) -> tuple[Scope, list[Any]]:
    """Half of the file's people are known, and a row cannot be used."""
    world = stage.world(size=4)
    file = io.BytesIO("\n".join(["phone", *world.phones[:2], "+12125870001", "nonsense"]).encode())
    with unit_of_work(world.scope) as session:
        run = imports.begin(
            session, world.business_id, file, name="Imported", filename="leads.csv", size=100, mapping=None,
            actor="test",
        )  # fmt: skip
    return world.scope, [str(run.id)]


def move_lead_by_call(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world()
    let_calls_move(world)
    return world.scope, [a_refusal(first_lead(world), new_id())]


def drop_note_file(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world()
    return world.scope, [str(leave_bytes(world))]


def export_leads(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world()
    with unit_of_work(world.scope) as session:
        export = exports.begin(
            session, world.business_id, LeadConditions(), shape="csv", language="en", actor="test"
        )
        return world.scope, [str(export.id)]


def drop_lead_export(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world()
    return world.scope, [str(leave_ready_export(world))]


def _asked(stage: Stage, step: Step, *, leg_sid: str | None = None) -> tuple[World, UUID, UUID]:
    """Let a colleague be asked to take a live call; return the world, the call and the act."""
    world = stage.world(size=2)
    call_id = stage.answered(world)
    with unit_of_work(world.scope) as session:
        call = calls.get_call(session, world.business_id, call_id)
        control = control_store.note(session, call, Verb.WARM_TRANSFER)
        control.target = world.phones[1]
        warm.enter(control, step, **({"leg_sid": leg_sid} if leg_sid else {}))
        calls.send_away(call, Away.IN_CONFERENCE)
        return world, call_id, control.id


def call_colleague(stage: Stage) -> tuple[Scope, list[Any]]:
    world, _, control_id = _asked(stage, Step.WAITING)
    return world.scope, [str(control_id)]


def call_colleague_in_doubt(stage: Stage) -> tuple[Scope, list[Any]]:
    """The carrier places the call and does not say so: it is not asked again."""
    stage.carrier.order_faults(create="500_after_placing", times=1)
    return call_colleague(stage)


def give_caller_back(stage: Stage) -> tuple[Scope, list[Any]]:
    world, _, control_id = _asked(stage, Step.ASKED)
    with unit_of_work(world.scope) as session:
        _, control = control_store.locked(session, world.business_id, control_id)
        warm.fail(control, "declined")
    return world.scope, [str(control_id)]


def hang_up_colleague(stage: Stage) -> tuple[Scope, list[Any]]:
    """The colleague's telephone rings."""
    other = stage.world(size=1)
    _, (ringing,) = stage.dialled(other)
    world, _, control_id = _asked(stage, Step.CALLING, leg_sid=ringing.carrier_sid)
    return world.scope, [str(control_id)]


def tend_controls(stage: Stage) -> tuple[Scope, list[Any]]:
    """The caller has hung up."""
    world, call_id, _ = _asked(stage, Step.ASKED, leg_sid="CA" + "5" * 32)
    with unit_of_work(world.scope) as session:
        calls.finalize(session, world.business_id, call_id, end_reason="stop", disposition="no_response")
    return world.scope, [str(call_id)]


def send_invitation(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world(size=1)
    _, owner = people.sign_in(world.email, PASSWORD)
    with unit_of_work(world.scope) as session:
        row, link = invitations.invite(
            session, owner, email="ann@new.example", role=Role.AGENT, language="en"
        )
        assert link is None
        return world.scope, [str(row.id), 1]


def clear_links(stage: Stage) -> tuple[Scope, list[Any]]:
    """An invitation that was taken back long ago, and one that is open."""
    scope, (old, _) = send_invitation(stage)
    send_invitation(stage)
    stage.administrator.execute(
        "update invitations set revoked_at = now() - interval '31 days' where id = %s", [old]
    )
    assert scope.business_id is not None
    return SYSTEM, []


def appointment_message(stage: Stage, channel: str = "email") -> tuple[World, UUID]:
    """Let a lead be told at once, by one channel, that they have an appointment."""
    world = stage.world(size=1)
    wish = {
        "name": "Told", "moment": "booked", "amount": 0, "unit": "minutes", "channel": channel,
        "agent_id": world.agent_id, "from_number": world.number,
    }  # fmt: skip
    with unit_of_work(world.scope) as session:
        automations.make(session, world.business_id, wish, actor="test")
        lead = session.query(Lead).one()
        lead.email = "dana@example.com"
        business = tenants.get_business(session, world.business_id)
        day = coming("tuesday")
        appointments.book(
            session, business, lead_id=lead.id, call_id=None, day=day, at=time(10), actor="test"
        )
        return world, session.query(AppointmentSending.id).scalar()


def send_appointment_message(stage: Stage) -> tuple[Scope, list[Any]]:
    world, sending_id = appointment_message(stage)
    return world.scope, [str(sending_id)]


def send_appointment_message_by_call(stage: Stage) -> tuple[Scope, list[Any]]:
    world, sending_id = appointment_message(stage, "call")
    return world.scope, [str(sending_id)]


def plan_appointment_messages(stage: Stage) -> tuple[Scope, list[Any]]:
    world, _ = appointment_message(stage)
    stage.administrator.execute("delete from jobs where name = 'send_appointment_message'")
    return world.scope, []


def appointment_automations(stage: Stage) -> tuple[Scope, list[Any]]:
    appointment_message(stage)
    return SYSTEM, []


def send_password_link(stage: Stage) -> tuple[Scope, list[Any]]:
    world = stage.world(size=1)
    return world.scope, [world.email, str(new_id())]


def _coming(stage: Stage) -> World:
    """Let a task be due in four minutes, of which its assignee wants to be told in every way."""
    world = stage.world(size=1)
    me, due = owner_of(world).user_id, clock.now() + timedelta(minutes=4)
    every = {"task_due": {"page": True, "push": True, "email": True}}
    with unit_of_work(world.scope) as session:
        choices.choose(session, world.business_id, me, kinds=every, ahead=[5], own_quiet=False, quiet=None)
    browser = stage.push.browser(public_key(world))
    browser.subscribe(world, me)
    stage.browsers.append(browser)
    with clock.frozen_at(due - timedelta(hours=2)):
        make_task(world, due_on=f"{due:%Y-%m-%d}", due_time=f"{due:%H:%M}")
    return world


def send_reminder_notifications(stage: Stage) -> tuple[Scope, list[Any]]:
    _coming(stage)
    return SYSTEM, []


def remind_business(stage: Stage) -> tuple[Scope, list[Any]]:
    return _coming(stage).scope, []


def _sending(stage: Stage, *, by_post: bool) -> tuple[Scope, list[Any]]:
    world = _coming(stage)
    with unit_of_work(world.scope) as session:
        reminders.remind(session, world.business_id)
        found = session.scalars(select(Sending.id).where(Sending.device_id.is_(None) == by_post)).one()
    return world.scope, [str(found)]


def send_push_notification(stage: Stage) -> tuple[Scope, list[Any]]:
    return _sending(stage, by_post=False)


def send_push_notification_to_nobody(stage: Stage) -> tuple[Scope, list[Any]]:
    """The browser has unsubscribed."""
    prepared = _sending(stage, by_post=False)
    stage.browsers[-1].change(gone=True)
    return prepared


def send_notification_mail(stage: Stage) -> tuple[Scope, list[Any]]:
    return _sending(stage, by_post=True)


def clear_notifications(stage: Stage) -> tuple[Scope, list[Any]]:
    _sending(stage, by_post=True)
    stage.administrator.execute("update notifications set created_at = now() - interval '91 days'")
    return SYSTEM, []


def rezone_tasks(stage: Stage) -> tuple[Scope, list[Any]]:
    world = _coming(stage)
    in_zone(world, "Asia/Jerusalem")
    return world.scope, []


def _written_to(stage: Stage) -> tuple[World, Inbox]:
    """Let somebody have written, files among it, and people answer; of it all nothing has a job."""
    world = stage.world(size=1)
    known = stage.graph.number(world.number)
    its_id = stage.graph.write(known, world.phones[0], "Hello")["id"]
    photo = uploaded(stage.graph, known, PNG)
    settled = settle_inbox(world, phone=world.phones[0], known=known, media_id=photo)
    stage.graph.template(known, "hello", "Hello {{1}}")
    stage.administrator.execute(
        "update messages set provider_id = %s where id = %s", [its_id, settled.message_id]
    )
    stage.administrator.execute("delete from jobs where business_id = %s", [world.business_id])
    return world, settled


def send_whatsapp_message(stage: Stage) -> tuple[Scope, list[Any]]:
    world, settled = _written_to(stage)
    return world.scope, [str(settled.waiting_id)]


def send_whatsapp_message_in_doubt(stage: Stage) -> tuple[Scope, list[Any]]:
    """It is taken, and nobody says so: it is not handed over again."""
    stage.graph.fault("drop_after")
    return send_whatsapp_message(stage)


def fetch_message_file(stage: Stage) -> tuple[Scope, list[Any]]:
    world, settled = _written_to(stage)
    return world.scope, [str(settled.fetched_id)]


def drop_message_file(stage: Stage) -> tuple[Scope, list[Any]]:
    world, settled = _written_to(stage)
    return world.scope, [settled.bytes_key]


def hear_receipt(stage: Stage) -> tuple[Scope, list[Any]]:
    """Of a message that is known by now."""
    world, settled = _written_to(stage)
    with unit_of_work(world.scope) as session:
        session.get_one(Message, settled.failed_id).state = "sending"
    told = Receipt(
        "wamid.1", "", world.phones[0], ReceiptState.DELIVERED, clock.now(), str(settled.failed_id)
    )
    return world.scope, [str(settled.account_id), receipts.as_json(told), 0]


def hear_receipt_of_nobody(stage: Stage) -> tuple[Scope, list[Any]]:
    world, settled = _written_to(stage)
    told = Receipt("wamid.1", "", world.phones[0], ReceiptState.DELIVERED, clock.now(), None)
    return world.scope, [str(settled.account_id), receipts.as_json(told), 0]


def mark_message_read(stage: Stage) -> tuple[Scope, list[Any]]:
    world, settled = _written_to(stage)
    return world.scope, [str(settled.message_id)]


def list_chat_templates(stage: Stage) -> tuple[Scope, list[Any]]:
    world, settled = _written_to(stage)
    return world.scope, [str(settled.account_id)]


def close_sessions_of(stage: Stage) -> tuple[Scope, list[Any]]:
    world, _ = _written_to(stage)
    stage.administrator.execute("update chat_sessions set closes_at = now() - interval '1 minute'")
    return world.scope, []


def close_chat_sessions(stage: Stage) -> tuple[Scope, list[Any]]:
    close_sessions_of(stage)
    return SYSTEM, []


def answer_conversation(stage: Stage) -> tuple[Scope, list[Any]]:
    """By a scripted agent."""
    world, settled = _written_to(stage)
    for statement in UNANSWERED:
        stage.administrator.execute(statement, [world.business_id])
    return world.scope, [str(settled.conversation_id)]


def summarise_session(stage: Stage) -> tuple[Scope, list[Any]]:
    """Where there is no model that could; with one: tests/inbox/test_closing.py."""
    world, settled = _written_to(stage)
    session_id = settle_reading(world, settled.account_id, phone="+12125550177")
    stage.administrator.execute(UNREAD, [world.business_id])
    return world.scope, [str(session_id)]


def tend_messages_of(stage: Stage) -> tuple[Scope, list[Any]]:
    world, _ = _written_to(stage)
    stage.administrator.execute("update messages set due_at = now() - interval '1 hour'")
    return world.scope, []


def tend_messages(stage: Stage) -> tuple[Scope, list[Any]]:
    tend_messages_of(stage)
    return SYSTEM, []


def _broadcasts(stage: Stage) -> tuple[World, Broadcasts]:
    """Let a business have a broadcast that goes on, and one that starts by itself."""
    world, settled = _written_to(stage)
    with unit_of_work(world.scope) as session:
        lead_id = leads.lead_of_caller(session, world.business_id, world.phones[0])
    left = leave_broadcasts(world, settled.account_id, lead_id)
    stage.administrator.execute("delete from jobs where business_id = %s", [world.business_id])
    return world, left


def step_broadcast(stage: Stage) -> tuple[Scope, list[Any]]:
    """Its messages are written; it waits for them."""
    world, left = _broadcasts(stage)
    return world.scope, [str(left.running_id)]


def start_scheduled_broadcast(stage: Stage) -> tuple[Scope, list[Any]]:
    world, left = _broadcasts(stage)
    return world.scope, [str(left.later_id), left.starts_at]


CASES: dict[str, tuple[Case, ...]] = {
    "answer_conversation": (answer_conversation,),
    "summarise_session": (summarise_session,),
    "step_broadcast": (step_broadcast,),
    "start_scheduled_broadcast": (start_scheduled_broadcast,),
    "close_chat_sessions": (close_chat_sessions,),
    "close_sessions_of": (close_sessions_of,),
    "drop_message_file": (drop_message_file,),
    "fetch_message_file": (fetch_message_file,),
    "hear_receipt": (hear_receipt, hear_receipt_of_nobody),
    "list_chat_templates": (list_chat_templates,),
    "mark_message_read": (mark_message_read,),
    "send_whatsapp_message": (send_whatsapp_message, send_whatsapp_message_in_doubt),
    "tend_messages": (tend_messages,),
    "tend_messages_of": (tend_messages_of,),
    "bulk_delete_leads": (bulk_delete_leads,),
    "bulk_update_leads": (bulk_update_leads,),
    "call_colleague": (call_colleague, call_colleague_in_doubt),
    "clear_links": (clear_links,),
    "clear_notifications": (clear_notifications,),
    "appointment_automations": (appointment_automations,),
    "plan_appointment_messages": (plan_appointment_messages,),
    "send_appointment_message": (send_appointment_message, send_appointment_message_by_call),
    "dial_next": (dial_next,),
    "drop_lead_export": (drop_lead_export,),
    "drop_note_file": (drop_note_file,),
    "export_leads": (export_leads,),
    "finalize_call_log": (finalize_call_log,),
    "finalize_call_session": (finalize_call_session,),
    "keep_recording": (keep_recording,),
    "keep_search": (keep_search,),
    "tend_search": (tend_search,),
    "give_caller_back": (give_caller_back,),
    "hang_up_call": (hang_up_call,),
    "hang_up_colleague": (hang_up_colleague,),
    "hear_call_outcome": (hear_call_outcome,),
    "import_leads": (import_leads,),
    "prebuild_prompt": (prebuild_prompt,),
    "move_lead_by_call": (move_lead_by_call,),
    "reconcile_attempt": (reconcile_attempt, reconcile_attempt_in_doubt),
    "release_and_process_next": (release_and_process_next,),
    "remind_business": (remind_business,),
    "rezone_tasks": (rezone_tasks,),
    "recheck_waiting": (recheck_waiting,),
    "roll_up_business": (roll_up_business,),
    "roll_up_calls": (roll_up_calls,),
    "tend_businesses": (tend_businesses,),
    "tend_controls": (tend_controls,),
    "save_conversation_turn": (save_conversation_turn,),
    "send_invitation": (send_invitation,),
    "send_notification_mail": (send_notification_mail,),
    "send_password_link": (send_password_link,),
    "send_push_notification": (send_push_notification, send_push_notification_to_nobody),
    "send_reminder_notifications": (send_reminder_notifications,),
    "start_scheduled_run": (start_scheduled_run,),
    "sweep_outbound": (sweep_outbound,),
    "warmup_agents": (warmup_agents,),
    "warmup_business": (warmup_business,),
}
"""What each job is given to do, with everything there that it needs."""


# --- Twice -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def local_carrier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carrier]:
    """The local carrier, where unanswered calls ring on."""
    port, book = free_port(), tmp_path_factory.mktemp("carrier") / "book.jsonl"
    command = [
        sys.executable, "-m", "trunkline.simulators.carrier", "--port", str(port), "--seed", "7", "--muted",
        "--account-sid", ACCOUNT, "--auth-token", TOKEN, "--book", str(book),
    ]  # fmt: skip
    carrier = Carrier(subprocess.Popen(command), f"http://127.0.0.1:{port}", book)
    try:
        eventually(carrier.is_up, "the carrier is up", within_s=60)
        yield carrier
    finally:
        carrier.close()


@pytest.fixture(scope="module")
def post_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    """A mail server."""
    with open_post_office(tmp_path_factory.mktemp("post")) as office:
        yield office


@pytest.fixture(scope="module")
def push_stand() -> Iterator[PushStand]:
    """A push service."""
    with open_push_service() as stand:
        yield stand


@pytest.fixture(scope="module")
def graph() -> Iterator[GraphStand]:
    """Graph."""
    with open_graph() as stand:
        yield stand


@pytest.fixture
def stage(
    installation: Installation, local_carrier: Carrier, post_office: PostOffice, push_stand: PushStand,
    graph: GraphStand,
) -> Iterator[Stage]:  # fmt: skip
    """An empty installation that dials by the local carrier."""
    local_carrier.no_faults()
    graph.fault(None)
    settings = Settings(
        twilio_account_sid=ACCOUNT, twilio_auth_token=TOKEN, twilio_base_url=local_carrier.base_url,
        carrier_calls_per_second=1_000, run_starts_per_minute=1_000, carrier_timeout_seconds=2,
        public_url="http://127.0.0.1:9", smtp_url=post_office.url, mail_from="calls@agency.example",
        private_networks_allowed=OWN_NETWORK,
    )  # fmt: skip
    wiring.register_doors(settings, TOKEN_KEY)
    post_office.empty()
    with connected(administrator_url(installation.urls)) as administrator, by_graph(graph):
        administrator.autocommit = True
        yield Stage(installation, local_carrier, post_office, push_stand, [], graph, administrator)
    # As `open_installation` leaves it.
    wiring.register_doors(
        Settings(twilio_account_sid="AC" + "0" * 32, twilio_auth_token="test-token"), TOKEN_KEY
    )


def views(stage: Stage, scope: Scope, name: str, arguments: list[Any]) -> tuple[View, View, View]:
    """Run a job twice, under two leases. Returns what was there before, between and after."""
    with unit_of_work(scope):
        job_id = enqueue_job(APART, name, *arguments)
    before = stage.view(job_id)
    stage.installation.run_jobs(APART)
    assert stage.job(job_id) == ("succeeded", 1)
    between = stage.view(job_id)
    stage.take_back(job_id)
    stage.installation.run_jobs(APART)
    assert stage.job(job_id) == ("succeeded", 2)
    return before, between, stage.view(job_id)


def changed(one: View, other: View) -> dict[str, tuple[list[Any], list[Any]]]:
    """Return what differs, by where it stands."""
    return {place: (one[place], other[place]) for place in one if one[place] != other[place]}


def test_every_job_has_a_case() -> None:
    ours = {
        name for name in handler_names() if handler_named(name).function.__module__.startswith("trunkline.")
    }
    assert ours == set(CASES), "say what the job is given, so that it can be run twice"


@pytest.mark.parametrize(
    ("name", "case"),
    [(name, case) for name, cases in CASES.items() for case in cases],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_job_run_twice_leaves_what_one_run_leaves(stage: Stage, name: str, case: Case) -> None:
    scope, arguments = case(stage)
    before, between, after = views(stage, scope, name, arguments)
    assert changed(before, between), "the job did nothing, so doing it twice proves nothing"
    assert changed(between, after) == {}


def test_what_is_done_twice_is_seen(stage: Stage) -> None:
    _, between, after = views(stage, stage.world(size=1).scope, test_handlers.leave_mark.__name__, ["mark"])
    assert set(changed(between, after)) == {"events"}


def test_a_job_may_not_hang_up_another_business_s_call_by_its_attempt(stage: Stage) -> None:
    theirs, ours = stage.world(size=1), stage.world(size=1)
    _, (attempt,) = stage.dialled(theirs)
    with unit_of_work(ours.scope):
        job_id = enqueue_job(APART, "hang_up_call", attempt.carrier_sid, str(attempt.id), retry=1)
    stage.installation.run_jobs(APART)
    with unit_of_work(ours.scope) as session:
        row = session.get_one(Job, job_id)
        assert row.state == "failed"
        assert "NotFound" in (row.error or "")
    assert stage.carrier.page_of(theirs.phones).calls[0]["ended_by"] is None


def test_a_second_call_of_an_attempt_is_hung_up_though_nothing_is_bound_to_it(stage: Stage) -> None:
    world = stage.world(size=1)
    _, (attempt,) = stage.dialled(world)
    stage.administrator.execute(
        "update outbound_attempts set carrier_sid = %s where id = %s", ["CA" + "d" * 32, attempt.id]
    )
    with unit_of_work(world.scope):
        enqueue_job(APART, "hang_up_call", attempt.carrier_sid, str(attempt.id))
    stage.installation.run_jobs(APART)
    assert stage.carrier.page_of(world.phones).calls[0]["ended_by"] == "api"
