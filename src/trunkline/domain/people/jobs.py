"""The workers' door to people: letters with links, sent with no transaction open, and the end of old links.

A letter whose sending was not noted is sent again, with the same link and the same Message-ID: at least once.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from trunkline.core import registry
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.events import announce
from trunkline.core.jobs import JobContext, job
from trunkline.domain.people import invitations, letters, links, resets
from trunkline.domain.people.models import PasswordReset, User
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.providers.ports import Letter, MailFailed, MailRefused

_TRIES = 8
_LINKS_KEPT = timedelta(days=30)
"""How long a link that is over is kept, for whoever asks what became of it."""


@job(queue="default", timeout=60, retries=_TRIES, backoff=5)
def send_invitation(ctx: JobContext, invitation_id: str, sending: int) -> None:
    """Send an invitation's letter, unless it was taken back, taken up or sent anew since."""
    with ctx.unit_of_work() as session:
        row = invitations.unsent(session, ctx.business, UUID(invitation_id), sending)
        if row is None:
            return
        letter = letters.invitation(
            to=row.email, language=row.language, name=f"invitation-{row.id}-{sending}", by=row.invited_by,
            link=links.invitation_link(row.id, sending), role=row.role,
            business=tenants.get_business(session, ctx.business).name,
        )  # fmt: skip
    refusal, failure = None, None
    try:
        _send(letter)
    except MailRefused as error:
        refusal = str(error)
    except MailFailed as error:
        if ctx.attempt < _TRIES:
            raise
        # Whoever invited is told, and the job stays with the dead letters: tried again there, it goes.
        refusal, failure = str(error), error
    with ctx.unit_of_work() as session:
        invitations.note_posted(session, ctx.business, UUID(invitation_id), sending, refusal=refusal)
    if failure is not None:
        raise failure


def _send(letter: Letter) -> None:
    """Raises MailRefused and MailFailed."""
    mailer = registry.mailer()
    if mailer is None:
        raise MailFailed("This worker sends no mail: SMTP_URL is not set here.")
    mailer.send(letter)


@job(queue="default", timeout=60, retries=_TRIES, backoff=5)
def send_password_link(ctx: JobContext, email: str, reset_id: str) -> None:
    """Send a link for a new password to whoever has this address here, if anybody has and there is mail."""
    if registry.mailer() is None:
        return
    with ctx.unit_of_work() as session:
        row = resets.begin(session, ctx.business_id, email, UUID(reset_id))
        if row is None or row.sent_at is not None or row.used_at is not None:
            return
        user = session.get_one(User, row.user_id)
        letter = letters.password_link(
            to=user.email, language=user.language, name=f"password-{row.id}", link=links.reset_link(row.id)
        )
    refusal = ""
    try:
        _send(letter)
    except MailRefused as error:
        refusal = str(error)
    with ctx.unit_of_work() as session:
        session.get_one(PasswordReset, row.id).sent_at = clock.now()
        announce(
            "password.link_refused" if refusal else "password.link_sent", subject_id=row.user_id,
            actor="system", **({"reason": refusal} if refusal else {}),
        )  # fmt: skip


@job(queue="maintenance", timeout=600, retries=3)
def clear_links(ctx: JobContext) -> None:
    """Delete invitations and links for new passwords that have been over for a month."""
    over_since = clock.now() - _LINKS_KEPT
    with ctx.unit_of_work() as session:
        businesses = [business.id for business in tenants.list_businesses(session)]
        resets.clear_old(session, None, over_since=over_since)
    for business_id in businesses:
        ctx.check_cancelled()
        with unit_of_work(of_business(business_id)) as session:
            invitations.clear_old(session, business_id, over_since=over_since)
            resets.clear_old(session, business_id, over_since=over_since)
