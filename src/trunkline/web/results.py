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
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.export import Result, results_of_run
from trunkline.domain.outbound.models import ItemState
from trunkline.domain.tenants import service as tenants
from trunkline.kit.csv_text import BYTE_ORDER_MARK, csv_lines

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
    rows = chain([_HEADERS[language]], _rows(who.business, run_id, state or (), zone))
    return StreamingResponse(
        _in_pieces(rows),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": f'attachment; filename="results-{run_id}.csv"',
            "cache-control": "no-store",
        },
    )


def _in_pieces(rows: Iterator[Sequence[object]]) -> Iterator[str]:
    """Yield the file's text in pieces of many lines: each piece is a turn on a thread."""
    piece = [BYTE_ORDER_MARK]
    for line in csv_lines(rows):
        piece.append(line)
        if len(piece) >= _ROWS_A_PAGE:
            yield "".join(piece)
            piece.clear()
    yield "".join(piece)


def _rows(
    business_id: UUID, run_id: UUID, states: Sequence[ItemState], zone: ZoneInfo
) -> Iterator[Sequence[object]]:
    after = 0
    while True:
        with unit_of_work(of_business(business_id)) as session:
            page = results_of_run(
                session, business_id, run_id, after=after, states=states, limit=_ROWS_A_PAGE
            )
            cells = _cells(session, business_id, page, zone)
        # Outside the transaction: whoever reads slowly holds none open.
        yield from cells
        if len(page) < _ROWS_A_PAGE:
            return
        after = page[-1].item.position


def _cells(
    session: Session, business_id: UUID, page: Sequence[Result], zone: ZoneInfo
) -> list[Sequence[object]]:
    lead_ids = {row.item.lead_id for row in page if row.item.lead_id is not None}
    call_ids = {row.call_id for row in page if row.call_id is not None}
    names = leads.names_of(session, business_id, lead_ids)
    lengths = calls.lengths_of(session, business_id, call_ids)
    booked = appointments.booked_in(session, business_id, lead_ids=lead_ids, call_ids=call_ids)

    def local(moment: datetime | None) -> str | None:
        return None if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"

    def seconds(call_id: UUID | None) -> int | None:
        length = None if call_id is None else lengths.get(call_id)
        return None if length is None else round(length)

    return [
        (
            row.item.position,
            None if row.item.lead_id is None else names.get(row.item.lead_id),
            row.item.phone,
            row.item.state,
            row.item.disposition,
            row.item.attempts_used,
            row.item.waits_for,
            local(row.item.not_before),
            local(row.dialled_at),
            row.from_number,
            seconds(row.call_id),
            local(None if row.call_id is None else booked.get(row.call_id)),
            row.call_id,
        )
        for row in page
    ]
