"""People's door to outlooks: who could be called now, later, or not at all."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.leads.selection_schemas import WhomIn
from trunkline.domain.outbound import outlook
from trunkline.domain.outbound.schemas import NumberOutlookOut, OutlookOut
from trunkline.domain.outbound.suppressions import typed_number
from trunkline.domain.tenants import service as tenants

router = APIRouter(prefix="/api", tags=["outbound"])


@router.post("/runs/estimate")
def estimate(body: WhomIn, session: SessionDep, who: PrincipalDep) -> OutlookOut:
    """How many of these people a run could call now, later, or not at all; nothing is written."""
    who.require(Role.AGENT)
    return OutlookOut.model_validate(outlook.of_people(session, who.business, body.whom))


@router.get("/runs/{run_id}/outlook")
def read_outlook(run_id: UUID, session: SessionDep, who: PrincipalDep) -> OutlookOut:
    """The same of those who still wait in a run."""
    return OutlookOut.model_validate(outlook.of_run(session, who.business, run_id))


@router.get("/calling-hours")
def read_calling_hours(
    session: SessionDep, who: PrincipalDep, phone: Annotated[str, Query(min_length=1, max_length=50)]
) -> NumberOutlookOut:
    """Whether one number may be called now, by every rule of the business, and if not, when."""
    region = tenants.get_business(session, who.business).region
    found = outlook.of_number(session, who.business, typed_number(phone, region))
    return NumberOutlookOut(
        phone=found.phone,
        zones=list(found.zones),
        allowed=found.ruling.allows,
        reason=found.ruling.reason or None,
        until=found.ruling.until,
        opens_at=found.opens_at,
        closes_at=found.closes_at,
    )
