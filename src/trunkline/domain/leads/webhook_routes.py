"""People's door to the business's inbound lead webhooks."""

from __future__ import annotations

import json
from uuid import UUID

from fastapi import APIRouter

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.leads import intake, own_fields, webhooks
from trunkline.domain.leads.rules import fields_with
from trunkline.domain.leads.webhook_models import MOST, LeadWebhook
from trunkline.domain.leads.webhook_schemas import (
    DeliveriesOut,
    DeliveryOut,
    RotateIn,
    TrialIn,
    TrialOut,
    WebhookChange,
    WebhookIn,
    WebhookOut,
    WebhooksOut,
    WebhookWithSecret,
)

router = APIRouter(prefix="/api/lead-webhooks", tags=["leads"])


@router.get("")
def read_webhooks(session: SessionDep, who: PrincipalDep) -> WebhooksOut:
    """The doors by which forms and programs bring the business leads."""
    who.require(Role.ADMIN)
    rows = webhooks.of_business(session, who.business)
    fields = fields_with(own_fields.open_shapes(session, who.business))
    return WebhooksOut(webhooks=[_shown(row) for row in rows], most=MOST, fields=list(fields))


@router.post("", status_code=201)
def make_webhook(body: WebhookIn, session: SessionDep, who: PrincipalDep) -> WebhookWithSecret:
    """Make a webhook; 422 where the business has three."""
    who.require(Role.ADMIN)
    webhook, secret = webhooks.make(session, who.business, body.model_dump(), actor=who.email)
    return WebhookWithSecret(**_shown(webhook).model_dump(), secret=secret)


@router.patch("/{webhook_id}")
def change_webhook(
    webhook_id: UUID, body: WebhookChange, session: SessionDep, who: PrincipalDep
) -> WebhookOut:
    """Change a webhook, or turn it off and on. 409 where somebody has changed it since it was read."""
    who.require(Role.ADMIN)
    changes = body.model_dump(exclude={"version"}, exclude_unset=True)
    return _shown(
        webhooks.change(session, who.business, webhook_id, changes, version=body.version, actor=who.email)
    )


@router.post("/{webhook_id}/rotate")
def rotate_secret(
    webhook_id: UUID, body: RotateIn, session: SessionDep, who: PrincipalDep
) -> WebhookWithSecret:
    """Give it another secret; the one before is taken for a day more, unless it is to end at once."""
    who.require(Role.ADMIN)
    webhook, secret = webhooks.rotate(
        session, who.business, webhook_id, at_once=body.at_once, actor=who.email
    )
    return WebhookWithSecret(**_shown(webhook).model_dump(), secret=secret)


@router.delete("/{webhook_id}", status_code=204)
def remove_webhook(webhook_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Remove a webhook with its deliveries; the leads that it brought stay."""
    who.require(Role.ADMIN)
    webhooks.remove(session, who.business, webhook_id, actor=who.email)


@router.get("/{webhook_id}/deliveries")
def read_deliveries(webhook_id: UUID, session: SessionDep, who: PrincipalDep) -> DeliveriesOut:
    """The last hundred things that came through it, newest first, and what came of each."""
    who.require(Role.ADMIN)
    rows = webhooks.deliveries_of(session, who.business, webhook_id)
    return DeliveriesOut(deliveries=[DeliveryOut.model_validate(row) for row in rows])


@router.post("/{webhook_id}/test")
def try_webhook(webhook_id: UUID, body: TrialIn, session: SessionDep, who: PrincipalDep) -> TrialOut:
    """See what would come of a delivery. Nobody is made or changed."""
    who.require(Role.ADMIN)
    webhook = webhooks.get(session, who.business, webhook_id, lock=True)
    sent = intake.Sent(body=json.dumps(body.body, ensure_ascii=False).encode(errors="replace"))
    answered, fields = intake.try_out(session, webhook, sent)
    return TrialOut(status=answered.status, answer=dict(answered.body), fields=fields)


def _shown(webhook: LeadWebhook) -> WebhookOut:
    own = {name: getattr(webhook, name) for name in WebhookOut.model_fields if name != "url"}
    return WebhookOut(**own, url=webhooks.address_of(webhook))
