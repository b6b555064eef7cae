"""What comes through a lead webhook: proving who sends it, keeping the person, and noting what came of it.

Somebody new becomes a lead; of somebody known the blanks are filled and nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from trunkline.core.errors import Forbidden, TooManyRequests, TrunklineError
from trunkline.core.events import announce
from trunkline.domain.leads import (
    addresses,
    board,
    consent,
    editing,
    keeping,
    own_fields,
    service,
    store,
    webhook_rules,
    webhooks,
)
from trunkline.domain.leads.flow_models import CauseKind
from trunkline.domain.leads.movement import Cause
from trunkline.domain.leads.own_values import in_words
from trunkline.domain.leads.rules import OWN, LeadRow
from trunkline.domain.leads.webhook_models import LeadDelivery, LeadWebhook
from trunkline.domain.leads.webhook_rules import FieldFault, Unreadable
from trunkline.domain.tenants import service as tenants
from trunkline.kit import barriers, clock

ACTOR = "webhook"
A_MINUTE = 200
_MINUTE = timedelta(minutes=1)
_KEYS_LAST = timedelta(days=1)
"""So long the same again is answered the same again, beyond the hundred deliveries that are shown."""
_SHOWN_BODY = 2_000

_NEW, _MERGED, _REFUSED = 201, 200, 422


class WrongSecret(TrunklineError):
    """What was sent bears neither the webhook's secret nor a signature made with it."""

    status: ClassVar[int] = 401
    code: ClassVar[str] = "wrong_secret"


@dataclass(frozen=True, slots=True)
class Sent:
    """What came: the raw body and of which form it is said to be, what proves it, and its sender's key."""

    body: bytes
    content_type: str = "application/json"
    authorization: str | None = None
    signature: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """The status and the JSON that the sender gets; whether it got them before."""

    status: int
    body: Mapping[str, Any]
    is_again: bool = False


def deliver(session: Session, business_id: UUID, webhook_id: UUID, sent: Sent) -> Answered:
    """Take one delivery. Raises NotFound, WrongSecret, Forbidden for one turned off, TooManyRequests.

    What cannot be used is answered, and noted like the others: its sender's owner sees it on the page.
    """
    # One at a time: what is counted and what came before stays as it is until this one is noted.
    webhook = webhooks.get(session, business_id, webhook_id, lock=True)
    if not webhook_rules.is_proven(
        webhooks.secrets_of(session, webhook), sent.body, authorization=sent.authorization,
        signature=sent.signature,
    ):  # fmt: skip
        raise WrongSecret("The secret or the signature is not this webhook's.")
    if not webhook.is_on:
        raise Forbidden("This webhook is turned off.", reason="webhook_off")
    before = _before(session, webhook, sent.key)
    if before is not None:
        return Answered(before.status, before.answer, is_again=True)
    _require_pace(session, webhook)
    read = _read(session, webhook, sent)
    lead_id = None
    if isinstance(read, LeadRow):
        lead_id, is_new = _keep(session, webhook, read)
        answered = Answered(_NEW if is_new else _MERGED, _welcome(lead_id, is_new=is_new))
    else:
        answered = _refusal(read)
    barriers.reached("webhook.kept")
    _note(session, webhook, sent, answered, lead_id)
    return answered


def try_out(session: Session, webhook: LeadWebhook, sent: Sent) -> tuple[Answered, dict[str, Any]]:
    """Return what a sender would get, and what was read of the person; nobody is made or changed."""
    read = _read(session, webhook, sent)
    if not isinstance(read, LeadRow):
        answered, fields, lead_id = _refusal(read), dict[str, Any](), None
    else:
        lead_id = addresses.lead_at(session, webhook.business_id, "phone", read.phone)
        answered = Answered(_NEW if lead_id is None else _MERGED, _welcome(lead_id, is_new=lead_id is None))
        fields = {
            "phone": read.phone, "name": read.name, "email": read.email, "notes": read.notes,
            "consent": read.consent, **{f"{OWN}{key}": in_words(value) for key, value in read.own.items()},
        }  # fmt: skip
    _note(session, webhook, sent, answered, lead_id, is_test=True)
    return answered, fields


def _before(session: Session, webhook: LeadWebhook, key: str | None) -> LeadDelivery | None:
    """Return what came under this name before."""
    if key is None:
        return None
    return session.scalar(
        select(LeadDelivery).where(
            LeadDelivery.business_id == webhook.business_id, LeadDelivery.webhook_id == webhook.id,
            LeadDelivery.key == key,
        )
    )  # fmt: skip


def _require_pace(session: Session, webhook: LeadWebhook) -> None:
    since = clock.now() - _MINUTE
    came, first = session.execute(
        select(func.count(), func.min(LeadDelivery.at)).where(
            LeadDelivery.business_id == webhook.business_id, LeadDelivery.webhook_id == webhook.id,
            LeadDelivery.at > since, LeadDelivery.is_test.is_(False),
        )
    ).one()  # fmt: skip
    if came >= A_MINUTE:
        wait = max(1, int((first - since).total_seconds()) + 1)
        raise TooManyRequests(
            f"This webhook takes {A_MINUTE} deliveries a minute.", retry_after_s=wait, most=A_MINUTE
        )


def _read(session: Session, webhook: LeadWebhook, sent: Sent) -> LeadRow | FieldFault:
    business = tenants.get_business(session, webhook.business_id)
    try:
        said = webhook_rules.read_body(sent.body, sent.content_type)
    except Unreadable as error:
        return FieldFault("body", error.code, str(error))
    return webhook_rules.read_lead(
        said, webhook.mapping, region=business.region, zone=ZoneInfo(business.time_zone),
        own=own_fields.open_shapes(session, webhook.business_id),
    )  # fmt: skip


def _keep(session: Session, webhook: LeadWebhook, row: LeadRow) -> tuple[UUID, bool]:
    """Make a lead of somebody new, or fill the blanks of somebody known; return who it is and which."""
    business_id = webhook.business_id
    # Whoever is told of with a further number of theirs is the lead that has it, also where two are being
    # made one at this moment; held, so that nobody does that next.
    whose = addresses.hold_at(session, business_id, row.phone)
    if whose is not None:
        row = replace(row, phone=service.get_lead(session, business_id, whose).phone)
    kept = keeping.keep(session, business_id, [row], source=webhook.name, moment=clock.now())
    lead_id, is_new = kept.ids[row.phone], kept.created == 1
    if is_new:
        announce("lead.created", subject_id=lead_id, actor=ACTOR)
        session.flush()
    changed = {lead_id: list(fields) for lead_id, fields in kept.filled.items()}
    store.lock(session, business_id, [lead_id])
    for tag in webhook.tags:
        if store.change_tags(session, business_id, [lead_id], add=tag, remove=None) and not is_new:
            changed[lead_id] = [*changed.get(lead_id, []), *({"tags"} - set(changed.get(lead_id, [])))]
    editing.tell(changed, actor=ACTOR)
    if kept.consents:
        consent.tell(kept.consents, actor=ACTOR)
    if webhook.list_id is not None:
        store.add_to_list(session, business_id, webhook.list_id, [lead_id])
    if is_new and webhook.status_id is not None:
        cause = Cause(CauseKind.WEBHOOK, ACTOR, source_id=webhook.id)
        board.change_status(session, business_id, [lead_id], webhook.status_id, cause=cause)
    return lead_id, is_new


def _note(
    session: Session, webhook: LeadWebhook, sent: Sent, answered: Answered, lead_id: UUID | None, *,
    is_test: bool = False,
) -> None:  # fmt: skip
    """Keep what came and what came of it, and forget what is neither among the last nor of today."""
    session.add(
        LeadDelivery(
            business_id=webhook.business_id, webhook_id=webhook.id, key=sent.key, status=answered.status,
            lead_id=lead_id, is_test=is_test, answer=dict(answered.body), at=clock.now(),
            body=sent.body[: 4 * _SHOWN_BODY].decode(errors="replace").replace("\0", "")[:_SHOWN_BODY],
        )
    )  # fmt: skip
    session.flush()
    of_this = (LeadDelivery.business_id == webhook.business_id, LeadDelivery.webhook_id == webhook.id)
    oldest_shown = (
        select(LeadDelivery.at)
        .where(*of_this)
        .order_by(LeadDelivery.at.desc(), LeadDelivery.id.desc())
        .offset(webhooks.SHOWN_DELIVERIES - 1)
        .limit(1)
        .scalar_subquery()
    )
    session.execute(
        delete(LeadDelivery).where(
            *of_this, LeadDelivery.at < oldest_shown, LeadDelivery.at < clock.now() - _KEYS_LAST
        ),
        execution_options={"synchronize_session": False},
    )
    announce(
        "lead_webhook.delivered", subject_id=webhook.id, actor=ACTOR, status=answered.status,
        lead_id=lead_id and str(lead_id),
    )  # fmt: skip


def _welcome(lead_id: UUID | None, *, is_new: bool) -> dict[str, Any]:
    return {"result": "created" if is_new else "merged", "lead_id": lead_id and str(lead_id)}


def _refusal(fault: FieldFault) -> Answered:
    told = {
        "field": fault.field, "code": fault.code, "message": fault.message, "facts": dict(fault.facts)
    }  # fmt: skip
    return Answered(
        _REFUSED, {"error": {"code": "invalid_input", "message": fault.message, "data": {"fields": [told]}}}
    )
