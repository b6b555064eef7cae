"""People's door to the compliance log."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep
from trunkline.core.errors import InvalidInput
from trunkline.domain.outbound import compliance_log
from trunkline.kit import clock
from trunkline.kit.csv_text import MEDIA_TYPE, csv_headers

router = APIRouter(prefix="/api", tags=["compliance"])

_USUAL = timedelta(days=30)


@router.get("/compliance-log.csv")
def read_compliance_log(
    who: PrincipalDep,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
) -> StreamingResponse:
    """Why each number was called or not, in order of time; without `from` the thirty days before `to`."""
    who.require(Role.ADMIN)
    ends = until or clock.now()
    begins = since or ends - _USUAL
    if begins >= ends:
        raise InvalidInput("The log's `from` must lie before its `to`.")
    return StreamingResponse(
        compliance_log.stream(who.business, since=begins, until=ends),
        media_type=MEDIA_TYPE,
        headers=csv_headers("compliance-log.csv"),
    )
