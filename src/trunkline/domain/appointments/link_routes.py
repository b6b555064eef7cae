"""The doors by links: a person's to their appointment, and programs' to a calendar. Nobody signs in here.

Handing links out is people's, and asks for a session.
"""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.appointments import calendar, calendars, customers, feeds, ics, links
from trunkline.domain.appointments.automation_schemas import (
    FeedOut,
    LinkOut,
    MineCancel,
    MineMove,
    MineOut,
    MineSlotsIn,
    SecretIn,
)
from trunkline.domain.appointments.schemas import SlotOut, SlotsOut

router = APIRouter(prefix="/api", tags=["appointments"])


@router.post("/my-appointment")
def read_mine(body: SecretIn, request: Request) -> MineOut:
    """What a link is about. 404 where it leads nowhere, 429 for who tries too often."""
    return MineOut.model_validate(customers.look(body.secret, address=_address(request)))


@router.post("/my-appointment/slots")
def read_my_slots(body: MineSlotsIn, request: Request) -> SlotsOut:
    """Where it could be moved: `from`, `to`. 409 `link_closed` where it can no longer be."""
    found = customers.free(body.secret, first=body.first, last=body.last, address=_address(request))
    return SlotsOut(slots=[SlotOut.model_validate(slot) for slot in found])


@router.post("/my-appointment/move")
def move_mine(body: MineMove, request: Request) -> MineOut:
    """Move it. 409 `slot_taken` with what is free, `outdated`, `link_closed`."""
    moved = customers.move(
        body.secret, starts_at=body.starts_at, version=body.version, address=_address(request)
    )
    return MineOut.model_validate(moved)


@router.post("/my-appointment/cancel")
def cancel_mine(body: MineCancel, request: Request) -> MineOut:
    """Cancel it. 409 `outdated`, `link_closed`."""
    return MineOut.model_validate(
        customers.cancel(body.secret, version=body.version, address=_address(request))
    )


@router.post("/my-appointment/ics")
def read_mine_as_ics(body: SecretIn, request: Request) -> Response:
    """It as an iCalendar file."""
    return _file(customers.as_ics(body.secret, address=_address(request)))


@router.get("/calendar-feeds/{secret}")
def read_feed(secret: str, request: Request) -> Response:
    """A calendar as other programs read it, by its secret address."""
    return _file(feeds.read(secret, address=_address(request)))


@router.post("/appointments/{appointment_id}/link")
def make_link(appointment_id: UUID, session: SessionDep, who: PrincipalDep) -> LinkOut:
    """The link by which its person moves or cancels it, to be handed on."""
    who.require(Role.AGENT)
    appointment = calendar.get(session, who.business, appointment_id)
    return LinkOut(link=links.link_to(session, appointment))


@router.get("/appointments/{appointment_id}/ics")
def read_ics(appointment_id: UUID, session: SessionDep, who: PrincipalDep) -> Response:
    """An appointment as an iCalendar file."""
    appointment = calendar.get(session, who.business, appointment_id)
    return _file(feeds.one(session, who.business, appointment))


@router.get("/calendars/{calendar_id}/feed")
def read_feed_address(calendar_id: UUID, session: SessionDep, who: PrincipalDep) -> FeedOut:
    """The address at which other programs read a calendar."""
    who.require(Role.ADMIN)
    return FeedOut(address=links.feed_of(calendars.get(session, who.business, calendar_id)))


@router.post("/calendars/{calendar_id}/feed")
def open_feed(calendar_id: UUID, session: SessionDep, who: PrincipalDep) -> FeedOut:
    """Make a new address for it; the one before leads nowhere from now on."""
    who.require(Role.ADMIN)
    return FeedOut(address=feeds.open_feed(session, who.business, calendar_id, actor=who.email))


@router.delete("/calendars/{calendar_id}/feed", status_code=204)
def close_feed(calendar_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Let no program read it any more."""
    who.require(Role.ADMIN)
    feeds.close_feed(session, who.business, calendar_id, actor=who.email)


def _file(text: str) -> Response:
    headers = {"content-disposition": 'attachment; filename="appointment.ics"', "cache-control": "no-store"}
    return Response(text, media_type=ics.MEDIA_TYPE, headers=headers)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
