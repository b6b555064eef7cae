"""People's door to the leads of a run and to its dials."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.leads import service as leads
from trunkline.domain.outbound import history, run_store, service
from trunkline.domain.outbound.export import last_dials
from trunkline.domain.outbound.models import AttemptState, ItemState, OutboundAttempt, OutboundItem
from trunkline.domain.outbound.schemas import AttemptOut, ItemDetailOut, ItemOut, StepOut

MOST_A_PAGE = 1_000

router = APIRouter(prefix="/api/runs", tags=["outbound"])


@router.get("/{run_id}/items")
def read_items(
    run_id: UUID,
    session: SessionDep,
    who: PrincipalDep,
    *,
    state: Annotated[list[ItemState] | None, Query()] = None,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_A_PAGE)] = 200,
) -> list[ItemOut]:
    """The run's leads in their order, those behind a position; a page shorter than `limit` is the last."""
    service.get_run(session, who.business, run_id)
    rows = run_store.items_of_run(session, who.business, run_id, after=after, states=state or (), limit=limit)
    dials = last_dials(session, who.business, rows)
    names = leads.names_of(session, who.business, {item.lead_id for item in rows if item.lead_id is not None})
    return [_item(item, None if item.lead_id is None else names.get(item.lead_id), dials) for item in rows]


@router.get("/{run_id}/items/{item_id}")
def read_item(run_id: UUID, item_id: UUID, session: SessionDep, who: PrincipalDep) -> ItemDetailOut:
    """One lead of the run, and its dials, each with what was told of it and when."""
    item = history.item_of_run(session, who.business, run_id, item_id)
    dials = history.dials_of_item(session, who.business, item_id)
    last = {item_id: dials[0].attempt} if dials else {}
    names = leads.names_of(session, who.business, {item.lead_id} if item.lead_id is not None else set())
    shown = _item(item, next(iter(names.values()), None), last)
    return ItemDetailOut(**shown.model_dump(), attempts=[_dial(dial) for dial in dials])


@router.get("/{run_id}/attempts")
def read_attempts(
    run_id: UUID,
    session: SessionDep,
    who: PrincipalDep,
    *,
    state: Annotated[list[AttemptState] | None, Query()] = None,
    released: bool | None = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST_A_PAGE)] = 200,
) -> list[AttemptOut]:
    """The run's dials in order of time, those behind one; a page shorter than `limit` is the last."""
    service.get_run(session, who.business, run_id)
    rows = run_store.attempts_of_run(
        session, who.business, run_id, after=after, states=state or (), released=released, limit=limit
    )
    return [_dial(dial) for dial in history.told(session, who.business, rows)]


@router.post("/{run_id}/attempts/{attempt_id}/release")
def release_attempt(run_id: UUID, attempt_id: UUID, session: SessionDep, who: PrincipalDep) -> AttemptOut:
    """Let a number be dialled again of whose last dial nobody knows what became."""
    who.require(Role.ADMIN)
    released = service.release_attempt(session, who.business, run_id, attempt_id, actor=who.email)
    return _dial(history.told(session, who.business, [released])[0])


def _item(item: OutboundItem, name: str | None, dials: dict[UUID, OutboundAttempt]) -> ItemOut:
    last = dials.get(item.id)
    shown: dict[str, Any] = {"name": name}
    if last is not None:
        shown |= {
            "attempt_id": last.id,
            "call_id": last.call_id,
            "in_doubt": last.state == AttemptState.UNKNOWN and not last.released,
        }
    return ItemOut.model_validate(item).model_copy(update=shown)


def _dial(dial: history.Dial) -> AttemptOut:
    return AttemptOut.model_validate(dial.attempt).model_copy(
        update={
            "name": dial.name,
            "call_length_s": dial.call_length_s,
            "releasable_at": dial.releasable_at,
            "steps": [StepOut.model_validate(step) for step in dial.steps],
        }
    )
