"""Inbound lead webhooks: the verbs by which a business keeps the few that it has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trunkline.core import shared_secrets
from trunkline.core.errors import InvalidInput, NotFound, Outdated
from trunkline.core.events import announce
from trunkline.domain.leads import own_fields, statuses, store, webhook_rules
from trunkline.domain.leads.webhook_models import MOST, LeadDelivery, LeadWebhook
from trunkline.kit import clock

HOOKS = "/hooks/leads"
SHOWN_DELIVERIES = 100
OLD_SECRET_LASTS = timedelta(hours=24)
_PREFIX = "lwh_"

_public_url = ""


def install_address(public_url: str) -> None:
    """Say under which address the world reaches this installation."""
    global _public_url  # noqa: PLW0603 - one address a process
    _public_url = public_url


def address_of(webhook: LeadWebhook) -> str:
    """Return where a webhook's senders send to."""
    return f"{_public_url}{HOOKS}/{webhook.id}"


def of_business(session: Session, business_id: UUID) -> Sequence[LeadWebhook]:
    """Return the business's webhooks, oldest first."""
    return session.scalars(
        select(LeadWebhook)
        .where(LeadWebhook.business_id == business_id)
        .order_by(LeadWebhook.created_at, LeadWebhook.id)
    ).all()


def get(session: Session, business_id: UUID, webhook_id: UUID, *, lock: bool = False) -> LeadWebhook:
    """Return one of them as it stands; `lock` keeps it until the transaction ends. Raises NotFound."""
    query = select(LeadWebhook).where(LeadWebhook.business_id == business_id, LeadWebhook.id == webhook_id)
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    webhook = session.scalar(query)
    if webhook is None:
        raise NotFound("There is no such webhook.")
    return webhook


def make(
    session: Session, business_id: UUID, facts: dict[str, Any], *, actor: str
) -> tuple[LeadWebhook, str]:
    """Make a webhook; return it and its secret, which is shown this once. Raises InvalidInput, NotFound."""
    taken = {webhook.slot for webhook in of_business(session, business_id)}
    free = sorted(set(range(1, MOST + 1)) - taken)
    if not free:
        raise InvalidInput(f"A business has {MOST} lead webhooks at most.", reason="most_webhooks", most=MOST)
    _check(session, business_id, facts)
    secret_id, secret = shared_secrets.make(session, business_id, prefix=_PREFIX)
    webhook = LeadWebhook(
        business_id=business_id, slot=free[0], secret_id=secret_id, last_four=secret[-4:], created_by=actor,
        **facts,
    )  # fmt: skip
    session.add(webhook)
    session.flush()
    session.refresh(webhook)
    announce("lead_webhook.created", subject_id=webhook.id, actor=actor, name=webhook.name)
    return webhook, secret


def change(
    session: Session, business_id: UUID, webhook_id: UUID, changes: dict[str, Any], *, version: int,
    actor: str,
) -> LeadWebhook:  # fmt: skip
    """Change what becomes of who comes. Raises NotFound, InvalidInput, Outdated."""
    webhook = get(session, business_id, webhook_id, lock=True)
    if webhook.version != version:
        raise Outdated(version=webhook.version)
    _check(session, business_id, changes)
    changed = [name for name, value in changes.items() if getattr(webhook, name) != value]
    for name in changed:
        setattr(webhook, name, changes[name])
    if changed:
        webhook.version += 1
        session.flush()
        announce("lead_webhook.changed", subject_id=webhook.id, actor=actor, fields=changed)
    return webhook


def rotate(
    session: Session, business_id: UUID, webhook_id: UUID, *, at_once: bool, actor: str
) -> tuple[LeadWebhook, str]:
    """Give a webhook another secret, shown this once; the one before is taken for a day, unless `at_once`."""
    webhook = get(session, business_id, webhook_id, lock=True)
    gone, before = webhook.old_secret_id, webhook.secret_id
    webhook.secret_id, secret = shared_secrets.make(session, business_id, prefix=_PREFIX)
    webhook.last_four = secret[-4:]
    webhook.old_secret_id = None if at_once else before
    webhook.old_until = None if at_once else clock.now() + OLD_SECRET_LASTS
    webhook.version += 1
    session.flush()
    for secret_id in (gone, before if at_once else None):
        if secret_id is not None:
            shared_secrets.forget(session, business_id, secret_id)
    announce("lead_webhook.rotated", subject_id=webhook.id, actor=actor, at_once=at_once)
    return webhook, secret


def remove(session: Session, business_id: UUID, webhook_id: UUID, *, actor: str) -> None:
    """Remove a webhook with what was kept of its deliveries; the leads stay. Raises NotFound."""
    webhook = get(session, business_id, webhook_id, lock=True)
    announce("lead_webhook.removed", subject_id=webhook.id, actor=actor, name=webhook.name)
    secrets = [secret for secret in (webhook.secret_id, webhook.old_secret_id) if secret is not None]
    session.execute(
        delete(LeadWebhook).where(LeadWebhook.business_id == business_id, LeadWebhook.id == webhook_id)
    )
    for secret_id in secrets:
        shared_secrets.forget(session, business_id, secret_id)


def secrets_of(session: Session, webhook: LeadWebhook) -> list[str]:
    """Return the secrets by which a webhook's senders are known now. Raises VaultClosed."""
    kept = [webhook.secret_id]
    if webhook.old_secret_id is not None and (webhook.old_until or clock.now()) > clock.now():
        kept.append(webhook.old_secret_id)
    return [shared_secrets.reveal(session, webhook.business_id, secret_id) for secret_id in kept]


def deliveries_of(session: Session, business_id: UUID, webhook_id: UUID) -> Sequence[LeadDelivery]:
    """Return the last hundred deliveries through a webhook, newest first. Raises NotFound."""
    webhook = get(session, business_id, webhook_id)
    return session.scalars(
        select(LeadDelivery)
        .where(LeadDelivery.business_id == business_id, LeadDelivery.webhook_id == webhook.id)
        .order_by(LeadDelivery.at.desc(), LeadDelivery.id.desc())
        .limit(SHOWN_DELIVERIES)
    ).all()


def _check(session: Session, business_id: UUID, facts: dict[str, Any]) -> None:
    """Raise NotFound for another's status or list, and InvalidInput for a field that no lead has."""
    if facts.get("status_id") is not None:
        statuses.of_business(session, business_id).get(facts["status_id"])
    list_id = facts.get("list_id")
    if list_id is not None and not store.has_list(session, business_id, list_id):
        raise NotFound("There is no such list.", list_id=str(list_id))
    own = own_fields.open_shapes(session, business_id)
    if unknown := webhook_rules.unknown_fields(facts.get("mapping", {}), own):
        raise InvalidInput(
            f"There is no field {unknown[0]!r}.", reason="mapping_unknown_field", field=unknown[0]
        )
