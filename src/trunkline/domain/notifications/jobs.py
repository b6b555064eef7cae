"""The workers' door to notifications: reminders each minute, devices and letters, and forgetting.

No transaction is open while a push or mail service is spoken to.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from trunkline.core import registry
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.jobs import JobContext, TryLater, enqueue_unique, job
from trunkline.core.tenancy import businesses_to_remind
from trunkline.domain.notifications import reminders, sending, service
from trunkline.domain.notifications.rules import MOST_AHEAD, STILL
from trunkline.domain.tenants import service as tenants
from trunkline.kit import barriers, clock
from trunkline.providers.ports import MailFailed, MailRefused, PushFailed, PushGone, PushRefused

_TRIES = 8
_KEPT = timedelta(days=90)


@job(queue="default", timeout=60, retries=3)
def send_reminder_notifications(ctx: JobContext) -> None:
    """Have each business looked at in which something is coming of which people may be reminded by now."""
    now = clock.now()
    with ctx.unit_of_work() as session:
        found = businesses_to_remind(session, since=now - STILL, until=now + timedelta(minutes=MOST_AHEAD))
    for business_id in found:
        ctx.check_cancelled()
        with unit_of_work(of_business(business_id)):
            enqueue_unique("default", remind_business, "remind")


@job(queue="default", timeout=60, retries=3)
def remind_business(ctx: JobContext) -> None:
    """Tell a business's people what they are to be reminded of by now."""
    with ctx.unit_of_work(finishes=True) as session:
        reminders.remind(session, ctx.business)
        barriers.reached("reminders.written")


@job(queue="default", timeout=120, retries=_TRIES, backoff=5)
def send_push_notification(ctx: JobContext, sending_id: str) -> None:
    """Send a notification to a device; one that is gone is forgotten."""
    with ctx.unit_of_work() as session:
        found = sending.push_message(session, ctx.business, UUID(sending_id))
    if found is None:
        return
    message, private_key = found
    refusal: str | None = None
    barriers.reached("push.ready")
    try:
        registry.pusher().send(message, private_key=private_key)
    except PushGone:
        with ctx.unit_of_work(finishes=True) as session:
            sending.forget_gone(session, ctx.business, UUID(sending_id))
        return
    except PushRefused as error:
        refusal = str(error)
    except PushFailed as error:
        if error.retry_after_s is not None and ctx.attempt < _TRIES:
            raise TryLater(error.retry_after_s) from error
        raise
    barriers.reached("push.sent")
    with ctx.unit_of_work(finishes=True) as session:
        sending.settle(session, ctx.business, UUID(sending_id), refusal=refusal)


@job(queue="default", timeout=60, retries=_TRIES, backoff=5)
def send_notification_mail(ctx: JobContext, sending_id: str) -> None:
    """Send a notification by post."""
    with ctx.unit_of_work() as session:
        letter = sending.mail(session, ctx.business, UUID(sending_id))
    if letter is None:
        return
    mailer = registry.mailer()
    if mailer is None:
        raise MailFailed("This worker sends no mail: SMTP_URL is not set here.")
    refusal: str | None = None
    barriers.reached("mail.ready")
    try:
        mailer.send(letter)
    except MailRefused as error:
        refusal = str(error)
    barriers.reached("mail.sent")
    with ctx.unit_of_work(finishes=True) as session:
        sending.settle(session, ctx.business, UUID(sending_id), refusal=refusal)


@job(queue="maintenance", timeout=600, retries=3)
def clear_notifications(ctx: JobContext) -> None:
    """Forget what people were told more than ninety days ago."""
    with ctx.unit_of_work() as session:
        businesses = [business.id for business in tenants.list_businesses(session)]
    for business_id in businesses:
        ctx.check_cancelled()
        with unit_of_work(of_business(business_id)) as session:
            service.clear_old(session, business_id, age=_KEPT)
