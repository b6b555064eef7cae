"""People's door to reports."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.reports import reporting
from trunkline.domain.reports.report_schemas import ReportFileQuery, ReportOut, ReportQuery
from trunkline.domain.tenants import service as tenants
from trunkline.kit.csv_text import MEDIA_TYPE, csv_file, csv_headers

router = APIRouter(prefix="/api", tags=["reports"])


@router.get("/reports")
def read_report(asked: Annotated[ReportQuery, Query()], session: SessionDep, who: PrincipalDep) -> ReportOut:
    """What some days came to, by day, month, agent, run or source, beside as many days before."""
    zone = tenants.get_business(session, who.business).time_zone
    return ReportOut.of(reporting.report(session, who.business, asked.wanted(), zone=zone), asked.by)


@router.get("/reports.csv", response_class=StreamingResponse)
def read_report_file(
    asked: Annotated[ReportFileQuery, Query()], session: SessionDep, who: PrincipalDep
) -> StreamingResponse:
    """The lines of the same report as a file, with their sums."""
    zone = tenants.get_business(session, who.business).time_zone
    wanted = asked.wanted()
    rows = list(reporting.table(reporting.report(session, who.business, wanted, zone=zone), wanted))
    name = f"report-{wanted.by}-{wanted.first}-{wanted.last}.csv"
    return StreamingResponse(csv_file(rows), media_type=MEDIA_TYPE, headers=csv_headers(name))
