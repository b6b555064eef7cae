"""The workers' door to appointments: what automations have due, done outside of any call or request.

A call is asked for in the transaction that notes it: once. A letter whose sending was not noted, because its
worker died in that moment, is sent again with the same Message-ID, so that its reader sees one.
"""

from __future__ import annotations

from uuid import UUID

from trunkline.core.db import of_business, unit_of_work
from trunkline.core.jobs import JobContext, enqueue_unique, job
from trunkline.domain.appointments import sending
from trunkline.domain.tenants import service as tenants
from trunkline.kit import barriers
from trunkline.providers.ports import MailFailed, MailRefused

_TRIES = 8


@job(queue="default", timeout=120, retries=3)
def appointment_automations(ctx: JobContext) -> None:
    """Have what is due sent, of each business that has anything that may be due."""
    with ctx.unit_of_work() as session:
        businesses = [business.id for business in tenants.list_businesses(session)]
    for business_id in businesses:
        ctx.check_cancelled()
        with unit_of_work(of_business(business_id)) as session:
            if sending.has_work(session, business_id):
                enqueue_unique("default", plan_appointment_messages, "appointment messages")


@job(queue="default", timeout=120, retries=3)
def plan_appointment_messages(ctx: JobContext) -> None:
    """Write down what of a business is due, have it sent, and tell whose outcome nobody has said."""
    with ctx.unit_of_work() as session:
        sending.plan(session, tenants.get_business(session, ctx.business))
    with ctx.unit_of_work() as session:
        sending.ask_outcomes(session, ctx.business)


@job(queue="default", timeout=60, retries=_TRIES, backoff=5)
def send_appointment_message(ctx: JobContext, sending_id: str) -> None:
    """Do one thing of an automation's, unless it was done or there is no reason any more."""
    with ctx.unit_of_work() as session:
        left = sending.begin(session, ctx.business, UUID(sending_id))
    if left is None:
        return
    refusal, failure = None, None
    barriers.reached("appointments.before_letter")
    try:
        left()
    except MailRefused as error:
        refusal = str(error)
    except MailFailed as error:
        if ctx.attempt < _TRIES:
            raise
        refusal, failure = str(error), error
    barriers.reached("appointments.sent")
    with ctx.unit_of_work() as session:
        sending.note_done(session, ctx.business, UUID(sending_id), refusal=refusal)
    if failure is not None:
        raise failure
