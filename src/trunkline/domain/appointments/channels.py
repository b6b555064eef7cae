"""By what automations reach people: letters and calls here, and whatever else registers itself.

A channel does its act with the transaction, as a call does, which is then done exactly once; or after it, as
a letter is sent, by what it returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.errors import Conflict, InvalidInput, TooManyRequests
from trunkline.domain.appointments import ics, letters, links
from trunkline.domain.appointments.automation_models import AHEAD, Automation, Moment, Sending
from trunkline.domain.appointments.models import Appointment, AppointmentState, Calendar
from trunkline.domain.leads.models import Lead
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.options import RunOptions
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock
from trunkline.kit.mailboxes import is_mailbox
from trunkline.providers.ports import Invitation, MailFailed

ACTOR = "automation"
"""Whose the runs are, before the colon and the automation's id."""
EMAIL, CALL, WHATSAPP = "email", "call", "whatsapp"
KNOWN = (EMAIL, CALL, WHATSAPP)
"""What pages offer; which of them there is here the registry knows."""


class Skip(Exception):
    """There is nothing to be sent, or nobody to send it to; the reason is a word."""


class NotNow(Exception):
    """It cannot be done at this moment, and may be in the next minute."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One sending with everything that it is about."""

    automation: Automation
    sending: Sending
    appointment: Appointment
    calendar: Calendar
    business: Business
    lead: Lead | None


class Channel(Protocol):
    """One way to reach people."""

    def lacks(self) -> str | None:
        """Return what this installation lacks for it, as a word; None: it can be used."""
        ...

    def act(self, session: Session, occasion: Occasion) -> Callable[[], None] | None:
        """Do it in this transaction, or return what does it afterwards. Raises Skip and NotNow."""
        ...


_channels: dict[str, Channel] = {}


def register_channel(name: str, channel: Channel) -> None:
    """Offer a way to reach people under this name."""
    _channels[name] = channel


def channel(name: str) -> Channel | None:
    """Return the channel of this name, if there is one here."""
    return _channels.get(name)


def lacking(name: str) -> str | None:
    """Return why a channel cannot be used here, as a word; None: it can."""
    found = _channels.get(name)
    return "no_provider" if found is None else found.lacks()


class Mail:
    """Letters to the lead's address, with the event for their calendar."""

    def lacks(self) -> str | None:
        return None if registry.mailer() is not None else "no_mail"

    def act(self, session: Session, occasion: Occasion) -> Callable[[], None]:
        lead, row = occasion.lead, occasion.appointment
        if lead is None:
            raise Skip("no_lead")
        if not lead.email:
            raise Skip("no_email")
        if not is_mailbox(lead.email):
            raise Skip("bad_email")
        is_ahead = row.state == AppointmentState.BOOKED and row.starts_at > clock.now()
        link = links.link_to(session, row) if is_ahead else ""
        moment = Moment(occasion.automation.moment)
        facts = letters.Facts(
            lead.name, occasion.business.name, row.starts_at, _zone(occasion.business), row.visit,
            occasion.calendar.name, link,
        )  # fmt: skip
        letter = letters.write(
            to=lead.email, name=f"appointment-{occasion.sending.id}", language=occasion.business.language,
            moment=moment, subject=occasion.automation.subject, text=occasion.automation.text, facts=facts,
            invitation=_invitation(occasion, moment, lead.email, link),
        )  # fmt: skip

        def send() -> None:
            mailer = registry.mailer()
            if mailer is None:
                raise MailFailed("This worker sends no mail: SMTP_URL is not set here.")
            mailer.send(letter)

        return send


class Call:
    """A call by one of the business's agents: a run of one lead, by all the laws of outbound calls."""

    def lacks(self) -> str | None:
        return None

    def act(self, session: Session, occasion: Occasion) -> None:
        lead, automation = occasion.lead, occasion.automation
        if lead is None:
            raise Skip("no_lead")
        if automation.agent_id is None or automation.from_number is None:
            raise InvalidInput("Nobody is named who calls.", reason="no_caller")
        is_ahead = Moment(automation.moment) in AHEAD
        options = RunOptions(
            agent_id=automation.agent_id, from_number=automation.from_number,
            # Calling hours may put it off: it is dropped rather than to ring when the person is there.
            not_after=occasion.appointment.starts_at if is_ahead else None,
        )  # fmt: skip
        try:
            # A savepoint: where the run cannot be started now, the one that was made for it goes as well.
            with session.begin_nested():
                run = outbound.dial_now(
                    session, occasion.business.id, lead_ids=[lead.id], options=options,
                    title=automation.name, actor=f"{ACTOR}:{automation.id}",
                )  # fmt: skip
        except TooManyRequests as error:
            raise NotNow from error
        except Conflict as error:
            if error.code != "run_already_active":
                raise
            raise NotNow from error
        occasion.sending.run_id = run.id


def _zone(business: Business) -> ZoneInfo:
    return ZoneInfo(business.time_zone)


def _invitation(occasion: Occasion, moment: Moment, to: str, link: str) -> Invitation | None:
    row = occasion.appointment
    if row.state == AppointmentState.CANCELLED:
        method = ics.CANCEL
    elif moment in {Moment.BOOKED, Moment.MOVED, Moment.BEFORE} and link:
        method = ics.REQUEST
    else:
        return None
    event = ics.Event(row, occasion.business.name, url=link, description=row.visit, attendee=to)
    sender = links.installed().sender
    text = ics.write([event], method=method, name=occasion.business.name, sender=sender, now=clock.now())
    return Invitation(method, text)
