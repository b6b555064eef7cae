"""People's door to the compliance log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy.orm import Session

from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.errors import InvalidInput
from trunkline.domain.outbound import compliance_log
from trunkline.domain.outbound.suppressions import typed_number
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.csv_text import MEDIA_TYPE, csv_headers

router = APIRouter(prefix="/api", tags=["compliance"])

_USUAL = timedelta(days=30)


class EntryOut(BaseModel):
    """A row of the log: what was allowed, refused or changed, of which number, and by which rule."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    event: str
    phone: str | None
    zones: list[str]
    rule: str | None
    consent: str | None
    from_number: str | None
    disclosure: str | None
    run_id: UUID | None
    item_id: UUID | None
    attempt_id: UUID | None
    dialled_before: int | None
    actor: str
    details: dict[str, Any]


class LogPage(BaseModel):
    """Some rows, the newest first, and where to go on; a page may be short and still have a next one."""

    entries: list[EntryOut]
    next_cursor: str | None


Kind = Literal[
    "dial.allowed", "dial.refused", "dial.taken_back", "number.suppressed", "number.allowed",
    "consent.changed", "rules.changed",
]  # fmt: skip
SinceQuery = Annotated[AwareDatetime | None, Query(alias="from")]
UntilQuery = Annotated[AwareDatetime | None, Query(alias="to")]
KindsQuery = Annotated[list[Kind] | None, Query()]
PhoneQuery = Annotated[str | None, Query(min_length=1, max_length=50)]


@router.get("/compliance-log")
def read_compliance_page(
    session: SessionDep,
    who: PrincipalDep,
    *,
    since: SinceQuery = None,
    until: UntilQuery = None,
    kind: KindsQuery = None,
    phone: PhoneQuery = None,
    run_id: UUID | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> LogPage:
    """The log, the newest first, by what happened, number and run; without `from` thirty days."""
    who.require(Role.ADMIN)
    begins, ends = _within(since, until)
    wanted = _wanted(session, who.business, kind, phone, run_id)
    entries, next_cursor = compliance_log.page(
        session, who.business, wanted, since=begins, until=ends, cursor=cursor, limit=limit
    )
    return LogPage(entries=[EntryOut.model_validate(entry) for entry in entries], next_cursor=next_cursor)


@router.get("/compliance-log.csv")
def read_compliance_log(
    who: PrincipalDep,
    *,
    since: SinceQuery = None,
    until: UntilQuery = None,
    kind: KindsQuery = None,
    phone: PhoneQuery = None,
    run_id: UUID | None = None,
) -> StreamingResponse:
    """The same as a file, in order of time and whole; without `from` the thirty days before `to`."""
    who.require(Role.ADMIN)
    begins, ends = _within(since, until)
    with unit_of_work(who.scope) as session:
        wanted = _wanted(session, who.business, kind, phone, run_id)
    return StreamingResponse(
        compliance_log.stream(who.business, wanted, since=begins, until=ends),
        media_type=MEDIA_TYPE,
        headers=csv_headers("compliance-log.csv"),
    )


def _wanted(
    session: Session, business_id: UUID, kinds: Sequence[str] | None, phone: str | None, run_id: UUID | None
) -> compliance_log.Wanted:
    region = tenants.get_business(session, business_id).region
    return compliance_log.Wanted(kinds or (), phone and typed_number(phone, region), run_id)


def _within(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    ends = until or clock.now()
    begins = since or ends - _USUAL
    if begins >= ends:
        raise InvalidInput("The log's `from` must lie before its `to`.", reason="from_before_to")
    return begins, ends
