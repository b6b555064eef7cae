"""The results of a run as a CSV file, written as it is sent: a page at a time, each read in a transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from trunkline.core.db import of_business, unit_of_work
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.appointments import service as appointments
from trunkline.domain.calls import service as calls
from trunkline.domain.leads import service as leads
from trunkline.domain.outbound import run_store
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.export import last_dials
from trunkline.domain.outbound.models import ItemState, OutboundItem
from trunkline.domain.tenants import service as tenants
from trunkline.kit.csv_text import MEDIA_TYPE, csv_file, csv_headers
from trunkline.web.words import word

router = APIRouter(prefix="/api/runs", tags=["outbound"])

_ROWS_A_PAGE = 1_000

_HEADERS = {
    "en": (
        "position", "name", "phone", "state", "outcome", "attempts", "waits for", "next call", "last dial",
        "called from", "call length (s)", "appointment", "call",
    ),
    "he": (
        "מקום", "שם", "טלפון", "מצב", "תוצאה", "חיוגים", "ממתין בשל", "השיחה הבאה", "חיוג אחרון",
        "חויג מהמספר", "משך השיחה (שניות)", "פגישה", "שיחה",
    ),
}  # fmt: skip


@router.get("/{run_id}/results.csv", response_class=StreamingResponse)
def read_results(
    run_id: UUID,
    session: SessionDep,
    who: PrincipalDep,
    *,
    language: Literal["en", "he"] = "en",
    state: Annotated[list[ItemState] | None, Query()] = None,
) -> StreamingResponse:
    """What came of the run's leads, in their order, as a CSV file; times are in the business's zone."""
    outbound.get_run(session, who.business, run_id)
    zone = ZoneInfo(tenants.get_business(session, who.business).time_zone)
    rows = chain([_HEADERS[language]], _rows(who.business, run_id, state or (), zone, language))
    return StreamingResponse(
        csv_file(rows), media_type=MEDIA_TYPE, headers=csv_headers(f"results-{run_id}.csv")
    )


def _rows(
    business_id: UUID, run_id: UUID, states: Sequence[ItemState], zone: ZoneInfo, language: str
) -> Iterator[Sequence[object]]:
    after = 0
    while True:
        with unit_of_work(of_business(business_id)) as session:
            page = run_store.items_of_run(
                session, business_id, run_id, after=after, states=states, limit=_ROWS_A_PAGE
            )
            cells = _cells(session, business_id, page, zone, language)
        # Outside the transaction: whoever reads slowly holds none open.
        yield from cells
        if len(page) < _ROWS_A_PAGE:
            return
        after = page[-1].position


def _cells(
    session: Session, business_id: UUID, page: Sequence[OutboundItem], zone: ZoneInfo, language: str
) -> list[Sequence[object]]:
    dials = last_dials(session, business_id, page)
    lead_ids = {item.lead_id for item in page if item.lead_id is not None}
    call_ids = {dial.call_id for dial in dials.values() if dial.call_id is not None}
    names = leads.names_of(session, business_id, lead_ids)
    lengths = calls.lengths_of(session, business_id, call_ids)
    booked = appointments.booked_in(session, business_id, lead_ids=lead_ids, call_ids=call_ids)

    def local(moment: datetime | None) -> str | None:
        return None if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"

    def cells(item: OutboundItem) -> Sequence[object]:
        dial = dials.get(item.id)
        call_id = dial and dial.call_id
        length = lengths.get(call_id) if call_id else None
        return (
            item.position,
            names.get(item.lead_id) if item.lead_id else None,
            item.phone,
            word("item_state", item.state, language),
            word("disposition", item.disposition, language),
            item.attempts_used,
            word("waits_for", item.waits_for, language),
            local(item.not_before),
            local(dial.created_at if dial else None),
            dial and dial.from_number,
            None if length is None else round(length),
            local(booked.get(call_id) if call_id else None),
            call_id,
        )

    return [cells(item) for item in page]
