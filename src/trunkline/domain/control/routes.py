"""People's door to call control.

No transaction is open while the carrier is told, so these take none from the doorway, and they wait for it
on threads of their own.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from fastapi import APIRouter

from trunkline.core.access import Principal, Role
from trunkline.core.carrier_threads import wait_on_own_threads
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.control import service
from trunkline.domain.control.models import Verb
from trunkline.domain.control.schemas import ControlOut, DigitsIn, MessageIn, TransferIn, WarmTransferIn
from trunkline.domain.control.store import controls_of

router = APIRouter(prefix="/api/calls/{call_id}", tags=["calls"])


@router.get("/controls")
def read_controls(call_id: UUID, session: SessionDep, who: PrincipalDep) -> list[ControlOut]:
    """What was done with a call, and what came of it."""
    return [ControlOut.model_validate(row) for row in controls_of(session, who.business, call_id)]


@router.get("/controls/possible")
def read_possible_controls(call_id: UUID, session: SessionDep, who: PrincipalDep) -> list[Verb]:
    """What can be done with a call now: its carrier's part, as the call stands."""
    return service.possible_acts(session, who.business, call_id)


@router.post("/transfer", status_code=202)
async def transfer_call(call_id: UUID, body: TransferIn, who: PrincipalDep) -> ControlOut:
    """Hand a live call to a colleague; where nobody answers, the caller gets the agent back."""
    return await _do(who, call_id, Verb.TRANSFER, to=body.to)


@router.post("/warm-transfer", status_code=202)
async def warm_transfer(call_id: UUID, body: WarmTransferIn, who: PrincipalDep) -> ControlOut:
    """Ask a colleague whether they take a live call, which waits; if not, its caller gets the agent back."""
    return await _do(who, call_id, Verb.WARM_TRANSFER, to=body.to, summary=body.summary)


@router.post("/hold")
async def hold_call(call_id: UUID, who: PrincipalDep) -> ControlOut:
    """Let the caller hear music until the call is resumed."""
    return await _do(who, call_id, Verb.HOLD)


@router.post("/resume")
async def resume_call(call_id: UUID, who: PrincipalDep) -> ControlOut:
    """Bring a call on hold back to its agent."""
    return await _do(who, call_id, Verb.RESUME)


@router.post("/digits")
async def send_digits(call_id: UUID, body: DigitsIn, who: PrincipalDep) -> ControlOut:
    """Send keys down the line; the agent goes on afterwards."""
    return await _do(who, call_id, Verb.SEND_DIGITS, digits=body.digits)


@router.post("/drop-message")
async def drop_message(call_id: UUID, body: MessageIn, who: PrincipalDep) -> ControlOut:
    """Speak a message in the carrier's voice, onto a machine as a rule, and end the call."""
    return await _do(who, call_id, Verb.DROP_MESSAGE, message=body.message)


@router.post("/hang-up")
async def hang_up(call_id: UUID, who: PrincipalDep) -> ControlOut:
    """End a live call now."""
    return await _do(who, call_id, Verb.HANG_UP)


async def _do(who: Principal, call_id: UUID, verb: Verb, **data: Any) -> ControlOut:
    who.require(Role.AGENT)
    act = partial(service.carry_out, who.business, call_id, verb, actor=who.email, **data)
    control = await wait_on_own_threads("people", act)
    return ControlOut.model_validate(control)
