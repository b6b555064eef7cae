"""People's door to the lists of numbers that are not to be called."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Form, Query, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.core.door import PrincipalDep, SessionDep, SystemSessionDep
from trunkline.core.errors import InvalidInput
from trunkline.domain.outbound import suppression_lists, suppressions, telling
from trunkline.domain.outbound.schemas import UploadOut
from trunkline.domain.tenants import service as tenants

router = APIRouter(prefix="/api", tags=["suppressions"])

LimitQuery = Annotated[int, Query(ge=1, le=1_000)]
CursorQuery = Annotated[str | None, Query(min_length=1)]

LARGEST_FILE = 20 * 1024 * 1024


class SuppressionIn(BaseModel):
    """A number that is not to be called."""

    model_config = ConfigDict(extra="forbid")

    phone: str = Field(min_length=1, max_length=50)
    reason: str = Field("asked", min_length=1, max_length=200)


class SuppressionOut(BaseModel):
    """A number that the business does not call."""

    model_config = ConfigDict(from_attributes=True)

    phone: str
    reason: str
    source: str
    created_at: datetime


class SystemSuppressionOut(BaseModel):
    """A number that no business here calls."""

    model_config = ConfigDict(from_attributes=True)

    phone: str
    reason: str
    created_at: datetime


class SuppressionsOut(BaseModel):
    """A page of the business's list."""

    suppressions: list[SuppressionOut]
    next_cursor: str | None


class SystemSuppressionsOut(BaseModel):
    """A page of the list of all."""

    suppressions: list[SystemSuppressionOut]
    next_cursor: str | None


class SuppressionOfLead(BaseModel):
    """Whether and why a lead is not to be called."""

    suppressed: SuppressionOut | None
    """The business's own word."""
    everywhere: bool
    """No business here calls this number."""


@router.get("/leads/{lead_id}/suppression")
def read_suppression_of_lead(lead_id: UUID, session: SessionDep, who: PrincipalDep) -> SuppressionOfLead:
    """Whether a lead's number stands on the list."""
    row, everywhere = telling.standing(session, who.business, lead_id)
    own = None if row is None else SuppressionOut.model_validate(row)
    return SuppressionOfLead(suppressed=own, everywhere=everywhere)


@router.get("/suppressions")
def read_suppressions(
    session: SessionDep,
    who: PrincipalDep,
    limit: LimitQuery = 200,
    cursor: CursorQuery = None,
    search: Annotated[str | None, Query(min_length=1, max_length=50)] = None,
) -> SuppressionsOut:
    """The business's list, newest first, a page at a time; `cursor` is the last answer's `next_cursor`.

    With `search`, a number or how one begins (`+97250`), those that fit, by their digits.
    """
    if search is None:
        rows, following = suppressions.listed(session, who.business, limit=limit, after=cursor)
    else:
        region = tenants.get_business(session, who.business).region
        rows, following = suppressions.beginning_with(
            session, who.business, search, region=region, limit=limit, after=cursor
        )
    shown = [SuppressionOut.model_validate(row) for row in rows]
    return SuppressionsOut(suppressions=shown, next_cursor=following)


@router.post("/suppressions", status_code=201)
def suppress(body: SuppressionIn, session: SessionDep, who: PrincipalDep) -> SuppressionOut:
    """Call a number no more, from now on. One that stands there already stays as it is."""
    who.require(Role.AGENT)
    region = tenants.get_business(session, who.business).region
    row = suppressions.suppress_typed(
        session, who.business, body.phone, region=region, reason=body.reason, actor=who.email
    )
    return SuppressionOut.model_validate(row)


@router.post("/suppressions/upload", status_code=201)
def upload(
    who: PrincipalDep,
    file: Annotated[UploadFile, File()],
    reason: Annotated[str, Form(min_length=1, max_length=200)] = "list",
) -> UploadOut:
    """Call the numbers of a file no more: CSV, Excel, or a number a line. Sent again, it adds the rest."""
    who.require(Role.ADMIN)
    if (file.size or 0) > LARGEST_FILE:
        raise InvalidInput(
            f"The file is larger than {LARGEST_FILE // 2**20} MB.",
            reason="file_too_large",
            most_mb=LARGEST_FILE // 2**20,
        )
    with unit_of_work(who.scope) as session:
        region = tenants.get_business(session, who.business).region
    return UploadOut.model_validate(
        suppression_lists.take(who.business, file.file, region=region, reason=reason, actor=who.email)
    )


@router.delete("/suppressions/{phone}", status_code=204)
def allow(phone: str, session: SessionDep, who: PrincipalDep) -> None:
    """Let a number be called again."""
    who.require(Role.ADMIN)
    suppressions.allow(session, who.business, phone, actor=who.email)


@router.get("/admin/suppressions")
def read_system_suppressions(
    session: SystemSessionDep, who: PrincipalDep, limit: LimitQuery = 200, cursor: CursorQuery = None
) -> SystemSuppressionsOut:
    """The list that holds for every business, newest first, a page at a time; for system admins."""
    who.require_system_admin()
    rows, following = suppressions.listed_everywhere(session, limit=limit, after=cursor)
    shown = [SystemSuppressionOut.model_validate(row) for row in rows]
    return SystemSuppressionsOut(suppressions=shown, next_cursor=following)


@router.post("/admin/suppressions", status_code=201)
def suppress_everywhere(
    body: SuppressionIn, session: SystemSessionDep, who: PrincipalDep
) -> SystemSuppressionOut:
    """Let no business call a number, which is given in its international form; for system admins."""
    who.require_system_admin()
    row = suppressions.suppress_everywhere(session, body.phone, reason=body.reason, actor=who.email)
    return SystemSuppressionOut.model_validate(row)


@router.delete("/admin/suppressions/{phone}", status_code=204)
def allow_everywhere(phone: str, session: SystemSessionDep, who: PrincipalDep) -> None:
    """Take a number off the list of all; for system admins."""
    who.require_system_admin()
    suppressions.allow_everywhere(session, phone, actor=who.email)
