"""What automations do: finding what is due, doing each thing once, and saying what became of it.

A sending's row is what makes it once: unique by automation, appointment and occurrence. What counts from an
appointment's time is found anew each minute from how appointments stand, so that one that was moved is
reminded of by its new time and one that was cancelled not at all; what follows an act is written down with
the act.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.errors import TrunklineError
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_unique
from trunkline.domain.appointments import channels, timing
from trunkline.domain.appointments.automation_models import (
    AHEAD,
    Automation,
    Moment,
    Sending,
    SendingState,
    Unit,
)
from trunkline.domain.appointments.channels import NotNow, Occasion, Skip
from trunkline.domain.appointments.models import Appointment, AppointmentState, Calendar
from trunkline.domain.leads import service as leads
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.kit.wall_clock import Quiet, quiet_until

JOB = "send_appointment_message"
_LATE = timedelta(days=1)
"""How long after its time what follows an appointment is still sent: workers may have been away."""
_SLACK = timedelta(hours=26)
"""More than a day of the calendar may be longer than one of the clock, and than an appointment lasts."""
_AT_ONCE = 500
_MOST_AMOUNT = {
    Unit.MINUTES: timedelta(minutes=1),
    Unit.HOURS: timedelta(hours=1),
    Unit.DAYS: timedelta(days=1),
}
_PATIENCE = timedelta(minutes=15)
"""How long after an appointment people are left to say by themselves whether somebody came."""


def follow(session: Session, appointment: Appointment, moment: Moment) -> None:
    """Write down what the business's automations do because of an act, in the transaction of the act."""
    rows = session.scalars(_active(appointment.business_id).where(Automation.moment == moment)).all()
    rows = [row for row in rows if row.calendar_id in {None, appointment.calendar_id}]
    if not rows:
        return
    business = tenants.get_business(session, appointment.business_id)
    now = clock.now()
    wanted = [
        {
            "automation_id": row.id, "appointment_id": appointment.id,
            "occurrence": f"{moment} {appointment.version}", "due_at": _due(row, now, business),
        }
        for row in rows
    ]  # fmt: skip
    _write(session, appointment.business_id, wanted)
    _enqueue_due(session, appointment.business_id, now)


def plan(session: Session, business: Business) -> None:
    """Write down what is due by now, and have everything sent that waits and is due."""
    now = clock.now()
    for row in session.scalars(
        _active(business.id).where(Automation.moment.in_((Moment.BEFORE, Moment.AFTER)))
    ).all():
        due = [
            {"automation_id": row.id, "appointment_id": one.id, "occurrence": _start(one), "due_at": at}
            for one in _candidates(session, row, now)
            if (at := _due(row, _counted_from(row, one), business)) <= now
            and at >= max(one.arranged_at, row.since)
            and (row.moment == Moment.BEFORE or at > now - _LATE)
        ]
        _write(session, business.id, due)
    _enqueue_due(session, business.id, now)


def begin(session: Session, business_id: UUID, sending_id: UUID) -> Callable[[], None] | None:
    """Do a sending that still waits as far as a transaction can; return what is left to do, if anything."""
    sending = session.scalar(
        select(Sending)
        .where(Sending.business_id == business_id, Sending.id == sending_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if sending is None or sending.state != SendingState.WAITING or sending.due_at > clock.now():
        return None
    occasion = _occasion(session, business_id, sending)
    try:
        _judge(occasion)
        found = channels.channel(occasion.automation.channel)
        if found is None or (lack := found.lacks()) is not None:
            raise Skip("no_provider" if found is None else lack)
        left = found.act(session, occasion)
    except Skip as reason:
        _end(sending, SendingState.SKIPPED, str(reason))
        return None
    except NotNow:
        return None
    except TrunklineError as error:
        _end(sending, SendingState.FAILED, str(error.data.get("reason", error.code)))
        return None
    if left is None and sending.state == SendingState.WAITING:
        _end(sending, SendingState.SENT, None)
    return left


def note_done(session: Session, business_id: UUID, sending_id: UUID, *, refusal: str | None) -> None:
    """Note that a sending went, or why it never will."""
    sending = session.scalar(
        select(Sending).where(Sending.business_id == business_id, Sending.id == sending_id).with_for_update()
    )
    if sending is not None and sending.state == SendingState.WAITING:
        _end(sending, SendingState.SENT if refusal is None else SendingState.FAILED, refusal)


def call_stands(session: Session, business_id: UUID, run_id: UUID) -> bool:
    """Return whether a run that an automation had made still has a reason to call; asked before each ring.

    Without its sending the automation was deleted, and what it called about is not known any more.
    """
    found = session.execute(
        select(Sending.occurrence, Automation.moment, Automation.active, Appointment)
        .join(Automation, (Automation.business_id == business_id) & (Automation.id == Sending.automation_id))
        .join(
            Appointment,
            (Appointment.business_id == business_id) & (Appointment.id == Sending.appointment_id),
        )
        .where(Sending.business_id == business_id, Sending.run_id == run_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        return False
    occurrence, moment, active, row = found
    return bool(active) and _fits(Moment(moment), occurrence, row)


def ask_outcomes(session: Session, business_id: UUID) -> int:
    """Tell, once of each, which appointments are over without a word whether somebody came."""
    now = clock.now()
    over = session.scalars(
        select(Appointment.id)
        .where(
            Appointment.business_id == business_id, Appointment.state == AppointmentState.BOOKED,
            Appointment.outcome_asked_at.is_(None), Appointment.ends_at < now - _PATIENCE,
        )
        .order_by(Appointment.ends_at)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()  # fmt: skip
    if over:
        session.execute(
            update(Appointment)
            .where(Appointment.business_id == business_id, Appointment.id.in_(over))
            .values(outcome_asked_at=now),
            execution_options={"synchronize_session": False},
        )
        for appointment_id in over:
            announce("appointment.unmarked", subject_id=appointment_id, actor="system")
    return len(over)


def of_appointment(
    session: Session, business_id: UUID, appointment_id: UUID
) -> Sequence[tuple[Sending, str]]:
    """Return what was and will be sent about an appointment, by which automation, the newest first."""
    rows = session.execute(
        select(Sending, Automation.name)
        .join(Automation, (Automation.business_id == business_id) & (Automation.id == Sending.automation_id))
        .where(Sending.business_id == business_id, Sending.appointment_id == appointment_id)
        .order_by(Sending.due_at.desc(), Sending.id.desc())
        .limit(100)
    )
    return [(sending, name) for sending, name in rows]


def has_work(session: Session, business_id: UUID) -> bool:
    """Return whether the business has anything that may become due, or people to be asked about."""
    active = exists().where(Automation.business_id == business_id, Automation.active)
    waiting = exists().where(Sending.business_id == business_id, Sending.state == SendingState.WAITING)
    unmarked = exists().where(
        Appointment.business_id == business_id, Appointment.state == AppointmentState.BOOKED,
        Appointment.outcome_asked_at.is_(None), Appointment.ends_at < clock.now() - _PATIENCE,
    )  # fmt: skip
    return bool(session.scalar(select(active | waiting | unmarked)))


def _judge(occasion: Occasion) -> None:
    """Raise Skip where there is no reason any more, and NotNow, with a later time, in quiet hours."""
    automation, sending, row = occasion.automation, occasion.sending, occasion.appointment
    moment = Moment(automation.moment)
    if not automation.active:
        raise Skip("switched_off")
    if not _fits(moment, sending.occurrence, row):
        raise Skip("appointment_changed")
    is_ahead = moment in AHEAD
    now = clock.now()
    if is_ahead and row.starts_at <= now:
        raise Skip("too_late")
    zone = ZoneInfo(occasion.business.time_zone)
    later = quiet_until(Quiet.between(automation.quiet_from, automation.quiet_until), now=now, zone=zone)
    if later is None:
        return
    if is_ahead and later >= row.starts_at:
        raise Skip("quiet_hours")
    sending.due_at = later
    raise NotNow


def _fits(moment: Moment, occurrence: str, row: Appointment) -> bool:
    """Return whether an appointment still is as it was when this became due because of it."""
    booked = row.state == AppointmentState.BOOKED
    return {
        Moment.BEFORE: booked and occurrence == _start(row),
        Moment.AFTER: (booked or row.state == AppointmentState.ARRIVED) and occurrence == _start(row),
        Moment.BOOKED: booked,
        Moment.MOVED: booked,
        Moment.CANCELLED: row.state == AppointmentState.CANCELLED,
        Moment.NO_SHOW: row.state == AppointmentState.NO_SHOW,
    }[moment]


def _occasion(session: Session, business_id: UUID, sending: Sending) -> Occasion:
    automation = session.scalars(
        select(Automation).where(
            Automation.business_id == business_id, Automation.id == sending.automation_id
        )
    ).one()
    # Held, so that nobody moves or cancels it while a call about it is being asked for.
    appointment = session.scalars(
        select(Appointment)
        .where(Appointment.business_id == business_id, Appointment.id == sending.appointment_id)
        .with_for_update()
    ).one()
    calendar = session.scalars(
        select(Calendar).where(Calendar.business_id == business_id, Calendar.id == appointment.calendar_id)
    ).one()
    lead = None if appointment.lead_id is None else leads.get_lead(session, business_id, appointment.lead_id)
    business = tenants.get_business(session, business_id)
    return Occasion(automation, sending, appointment, calendar, business, lead)


def _candidates(session: Session, row: Automation, now: datetime) -> Sequence[Appointment]:
    """Return the appointments that an automation may be due for, but those that it has been due for."""
    reach = row.amount * _MOST_AMOUNT[Unit(row.unit)]
    query = select(Appointment).where(
        Appointment.business_id == row.business_id,
        ~exists().where(
            Sending.business_id == row.business_id, Sending.automation_id == row.id,
            Sending.appointment_id == Appointment.id, Sending.occurrence == _START,
        ),
    )  # fmt: skip
    if row.calendar_id is not None:
        query = query.where(Appointment.calendar_id == row.calendar_id)
    if row.moment == Moment.BEFORE:
        query = query.where(
            Appointment.state == AppointmentState.BOOKED, Appointment.starts_at > now,
            Appointment.starts_at < now + reach + _SLACK,
        )  # fmt: skip
    else:
        query = query.where(
            Appointment.state.in_((AppointmentState.BOOKED, AppointmentState.ARRIVED)),
            Appointment.starts_at > now - reach - _LATE - 2 * _SLACK,
            Appointment.starts_at < now - reach + _SLACK, Appointment.ends_at <= now,
        )  # fmt: skip
    return session.scalars(query.order_by(Appointment.starts_at)).all()


_START_FORM = "%Y-%m-%dT%H:%M:%SZ"
_START = func.to_char(func.timezone("UTC", Appointment.starts_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')


def _start(row: Appointment) -> str:
    return row.starts_at.astimezone(UTC).strftime(_START_FORM)


def _counted_from(row: Automation, one: Appointment) -> datetime:
    return one.starts_at if row.moment == Moment.BEFORE else one.ends_at


def _due(row: Automation, of: datetime, business: Business) -> datetime:
    zone = ZoneInfo(business.time_zone)
    return timing.due_at(Moment(row.moment), row.amount, Unit(row.unit), of=of, zone=zone)


def _active(business_id: UUID) -> Select[Automation]:
    return select(Automation).where(Automation.business_id == business_id, Automation.active)


def _write(session: Session, business_id: UUID, wanted: Sequence[dict[str, object]]) -> None:
    if wanted:
        rows = [{"id": new_id(), "business_id": business_id, **one} for one in wanted]
        session.execute(insert(Sending).values(rows).on_conflict_do_nothing())


def _enqueue_due(session: Session, business_id: UUID, now: datetime) -> None:
    due = session.scalars(
        select(Sending.id)
        .where(
            Sending.business_id == business_id, Sending.state == SendingState.WAITING, Sending.due_at <= now
        )
        .order_by(Sending.due_at)
        .limit(_AT_ONCE)
    ).all()
    for sending_id in due:
        enqueue_unique("default", JOB, f"{JOB}:{sending_id}", str(sending_id))


def _end(sending: Sending, state: SendingState, reason: str | None) -> None:
    sending.state, sending.reason, sending.done_at = state, reason, clock.now()
    announce(
        f"appointment.message_{state}", subject_id=sending.appointment_id, actor="system",
        automation_id=str(sending.automation_id), **({} if reason is None else {"reason": reason}),
    )  # fmt: skip
