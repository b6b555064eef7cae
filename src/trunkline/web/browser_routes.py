"""People's door to calls from the page: a line, a row and a token for the socket.

The same limits as for calls of a carrier, counted under the same lock. A person who finds no line is
told at once, so nothing is logged of it. Who gives a call up before its socket is there gives the line back
here; from then on a call is hung up, like any other.
"""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.core.door import PrincipalDep
from trunkline.core.errors import Conflict, NotFound
from trunkline.domain.agents import service as agents
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import CallState
from trunkline.domain.calls.tickets import MEDIA_TOKEN_LIFETIME_S, MediaTicket, browser_token
from trunkline.domain.outbound import service as outbound
from trunkline.domain.tenants import service as tenants
from trunkline.kit.ids import new_id
from trunkline.web.browser_socket import PATH, PROTOCOL
from trunkline.web.callroom import RoomFull
from trunkline.web.parts import PartsDep, RoomDep

_CONNECTS_WITHIN_S = MEDIA_TOKEN_LIFETIME_S + 15.0
"""A call whose socket has not come by then gives its line back."""

router = APIRouter(prefix="/api/agents", tags=["agents"])


class LinesTaken(Conflict):
    """The business has as many calls as it may."""

    code = "lines_taken"


class BrowserCallOut(BaseModel):
    """A call from the page that waits for its socket."""

    call_id: UUID
    socket: str
    """Path of the socket, on the address of this answer."""
    protocol: str
    """The WebSocket's first subprotocol; the token is the second."""
    token: str
    """Lets one socket in, once, within a minute."""


@router.post("/{agent_id}/browser-calls", status_code=201)
def begin_browser_call(agent_id: UUID, who: PrincipalDep, parts: PartsDep, room: RoomDep) -> BrowserCallOut:
    """Take a line to talk to an agent from the page; its socket has a minute to come."""
    who.require(Role.AGENT)
    business_id = who.business
    with unit_of_work(who.scope) as session:
        agents.get_working_agent(session, business_id, agent_id)
        if room.is_full:
            raise RoomFull("Every line of this process is taken.")
        # As for calls of a carrier: counted under one lock, so that all of them never add up to more.
        outbound.lock_slots(session, business_id)
        most = tenants.get_business(session, business_id).max_calls
        if outbound.lines_in_use(session, business_id) >= most:
            raise LinesTaken("Every line of the business is taken.", lines=most)
        call = calls.open_call(
            session, business_id, sid=f"BR{new_id().hex}", direction="inbound", ours="", theirs=who.email,
            agent_id=agent_id, lead_id=None, carrier=calls.BROWSER,
        )  # fmt: skip
        calls.expect_end(call, within_s=_CONNECTS_WITHIN_S)
        ticket = MediaTicket(business_id, call.id, calls.next_leg(call))
    room.expect(business_id, ticket.call_id)
    return BrowserCallOut(
        call_id=ticket.call_id, socket=PATH, protocol=PROTOCOL,
        token=browser_token(ticket, key=parts.token_key),
    )  # fmt: skip


@router.delete("/{agent_id}/browser-calls/{call_id}", status_code=204)
def withdraw_browser_call(agent_id: UUID, call_id: UUID, who: PrincipalDep) -> None:
    """Give the line of a call back whose socket has not come; its token lets none in any more."""
    who.require(Role.AGENT)
    with unit_of_work(who.scope) as session:
        call = calls.lock_call(session, who.business, call_id)
        if call.carrier != calls.BROWSER or call.agent_id != agent_id:
            raise NotFound("There is no such call.")
        if not calls.withdraw(session, who.business, call_id) and call.state != CallState.ENDED:
            raise Conflict("The call has begun; it can be hung up.", state=call.state, reason="call_begun")
