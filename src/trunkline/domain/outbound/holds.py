"""What outbound and the calls have in hand of leads that are to be deleted, or merged into others."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from trunkline.domain.calls import service as calls
from trunkline.domain.outbound.models import (
    BEGUN_ITEM_STATES,
    WAITING_ITEM_STATES,
    ItemState,
    OutboundItem,
)
from trunkline.kit import clock

IN_DIAL, IN_CALL = "in_dial", "in_call"
"""Why a lead must stay: it is being dialled for a run; it is on the line."""

_DELETED = "lead_deleted"
"""Disposition of an item whose lead was deleted before it was called."""


# By `lead_merged` is known an item whose person the same run calls, or has called, as another lead.
_CANCEL_TWINS = text(
    """
    update outbound_items item set state = 'cancelled', disposition = 'lead_merged', updated_at = :now
    from outbound_items twin
    where item.business_id = :business_id and item.lead_id in (:gone, :kept)
      and item.state in ('queued', 'retry_wait')
      and twin.business_id = :business_id and twin.lead_id in (:gone, :kept)
      and twin.run_id = item.run_id and twin.lead_id <> item.lead_id
      and (twin.state = 'completed' or (item.lead_id = :gone and twin.state in ('queued', 'retry_wait')))
    """
)


def held_leads(session: Session, business_id: UUID, lead_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return which of these leads are being dialled or talked to, with the business's slots locked."""
    dialled = session.scalars(
        select(OutboundItem.lead_id).where(
            OutboundItem.business_id == business_id,
            OutboundItem.lead_id.in_(lead_ids),
            OutboundItem.state.in_(BEGUN_ITEM_STATES),
        )
    )
    held = {lead_id: IN_DIAL for lead_id in dialled if lead_id is not None}
    return held | dict.fromkeys(calls.leads_on_the_line(session, business_id, lead_ids), IN_CALL)


def cancel_items_of_leads(session: Session, business_id: UUID, lead_ids: Collection[UUID]) -> None:
    """Call these leads no more: cancel their waiting items in every run, begun or not."""
    session.execute(
        update(OutboundItem)
        .where(
            OutboundItem.business_id == business_id,
            OutboundItem.lead_id.in_(lead_ids),
            OutboundItem.state.in_(WAITING_ITEM_STATES),
        )
        .values(state=ItemState.CANCELLED, disposition=_DELETED, updated_at=clock.now()),
        execution_options={"synchronize_session": False},
    )


def move_items(session: Session, business_id: UUID, gone: UUID, kept: UUID) -> None:
    """Let a lead's items be another one's, which is the same person: no run calls them once as each.

    Where both wait in one run, the one of the lead that goes is cancelled; where the call of one has come to
    its end, whichever still waits.
    """
    session.execute(
        _CANCEL_TWINS, {"business_id": business_id, "gone": gone, "kept": kept, "now": clock.now()}
    )
    session.execute(
        update(OutboundItem)
        .where(OutboundItem.business_id == business_id, OutboundItem.lead_id == gone)
        .values(lead_id=kept),
        execution_options={"synchronize_session": False},
    )
