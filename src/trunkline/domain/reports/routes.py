"""People's door to figures."""

from __future__ import annotations

from fastapi import APIRouter

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.reports import attention, service
from trunkline.domain.reports.schemas import (
    ActiveRunOut,
    DayOut,
    FiguresOut,
    HourOut,
    LiveCallOut,
    MatterOut,
    OutcomeOut,
    OverviewOut,
)
from trunkline.domain.tenants import service as tenants

router = APIRouter(prefix="/api/overview", tags=["overview"])


@router.get("")
def read_overview(session: SessionDep, who: PrincipalDep) -> OverviewOut:
    """How the business stands: live calls, active runs, figures by its own days, what needs a person."""
    zone = tenants.get_business(session, who.business).time_zone
    times = service.times(session, who.business, zone=zone)
    calls, live = service.live_calls(session, who.business)
    is_admin = who.is_system_admin or (who.role is not None and who.role.rank >= Role.ADMIN.rank)
    matters = attention.matters(session, who.business, outcomes=times.outcomes, with_jobs=is_admin)
    return OverviewOut(
        zone=zone,
        day=times.day,
        live_calls=[LiveCallOut.of(call) for call in calls],
        live_count=live,
        runs=[ActiveRunOut.of(run) for run in service.active_runs(session, who.business)],
        today=FiguresOut.of(times.of_last(1)),
        last_7_days=FiguresOut.of(times.of_last(7)),
        last_30_days=FiguresOut.of(times.of_last(service.DAYS)),
        outcomes=[OutcomeOut(disposition=name, calls=calls) for name, calls in times.outcomes],
        hours=[HourOut.of(hour) for hour in times.hours],
        days=[DayOut(day=day, **FiguresOut.of(figures).model_dump()) for day, figures in times.days],
        attention=[MatterOut.of(matter) for matter in matters],
    )
