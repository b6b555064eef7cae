"""The AI agent's door to call control: every agent has these, and hands calls to those on its list alone.

They only ask. What has been asked for happens when the agent's present turn has been heard out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from trunkline.core.toolbox import IN_CALLS, Kind, ToolCaller, tool
from trunkline.domain.control import service
from trunkline.domain.control.models import Verb
from trunkline.domain.control.rules import SUMMARY_MOST, is_within
from trunkline.kit.audio import MUSIC_S
from trunkline.providers.ports import CarrierCapabilities

LEAVES = {
    "transfer_call": "transferred",
    "warm_transfer": "in_conference",
    "hold_call": "on_hold",
    "leave_message": "message_dropped",
    "hang_up": "agent_hung_up",
}
"""Tools after which the agent says no more than its present turn, with the reason of its stretch's end."""

BUILT_IN = (*LEAVES, "send_digits")
"""What every agent can do, whatever else it was given."""

TRANSFERS = frozenset({"transfer_call", "warm_transfer"})
"""Those that only an agent has who may hand calls to somebody."""

_VERBS = {
    "transfer_call": Verb.TRANSFER,
    "warm_transfer": Verb.WARM_TRANSFER,
    "hold_call": Verb.HOLD,
    "leave_message": Verb.DROP_MESSAGE,
    "hang_up": Verb.HANG_UP,
    "send_digits": Verb.SEND_DIGITS,
}


class Nothing(BaseModel):
    """No arguments."""


class HandOver(BaseModel):
    """Whom the caller is to speak with."""

    to: str = Field(
        "", description="Extension, name or number of a colleague on your list; empty: the first of it"
    )


class Introduction(HandOver):
    """Whom the caller is to speak with, and what they are told first."""

    summary: str = Field(
        min_length=1, max_length=SUMMARY_MOST,
        description="What the colleague hears before they take the call: the matter, and what was found out",
    )  # fmt: skip


class Wait(BaseModel):
    """How long the caller is to wait."""

    seconds: int = Field(30, ge=5, le=300, description="How long the caller hears music; then you are back")


class Keys(BaseModel):
    """What is to be keyed."""

    digits: str = Field(description="Keys 0-9, * and #; w waits half a second")


class Message(BaseModel):
    """What is to be left on a machine."""

    message: str = Field(min_length=1, max_length=1000)


def built_in_tools(transfer_to: list[str], capabilities: CarrierCapabilities) -> tuple[str, ...]:
    """Return the tools that an agent with this list of colleagues has by itself, on such a carrier's call."""
    return tuple(
        name
        for name in BUILT_IN
        if is_within(_VERBS[name], capabilities) and (transfer_to or name not in TRANSFERS)
    )


def _asked(session: Session, caller: ToolCaller, verb: Verb, **data: Any) -> Mapping[str, Any]:
    control = service.ask(
        session, caller.business_id, caller.call, verb, actor=caller.actor,
        agent_id=caller.agent_id, **data,
    )  # fmt: skip
    return {"control": str(control.id), "happens": "when your present turn has been heard"}


@tool(
    "transfer_call",
    description="Hand the caller to a colleague. Say so in the same turn; you are off the line then.",
    arguments=HandOver,
    built_in=True,
    kind=Kind.CONTROLS,
    places=IN_CALLS,
    needs="colleagues",
)
def transfer_call(session: Session, caller: ToolCaller, wish: HandOver) -> Mapping[str, Any]:
    """Cold: it rings at the colleague's; where nobody answers, the caller comes back."""
    return _asked(session, caller, Verb.TRANSFER, to=wish.to)


@tool(
    "warm_transfer",
    description="Hand the caller to a colleague who first hears your summary and may decline; then you are"
    " back with the caller. Say in the same turn that you are asking a colleague.",
    arguments=Introduction,
    built_in=True,
    kind=Kind.CONTROLS,
    places=IN_CALLS,
    needs="colleagues",
)
def warm_transfer(session: Session, caller: ToolCaller, wish: Introduction) -> Mapping[str, Any]:
    """The caller waits to music; whoever declines or does not answer, the caller comes back."""
    return _asked(session, caller, Verb.WARM_TRANSFER, to=wish.to, summary=wish.summary)


@tool(
    "hold_call",
    description="Let the caller wait to music, then go on with them.",
    arguments=Wait,
    built_in=True,
    kind=Kind.CONTROLS,
    places=IN_CALLS,
)
def hold_call(session: Session, caller: ToolCaller, wish: Wait) -> Mapping[str, Any]:
    """The music's length is a whole number of its repetitions."""
    return _asked(session, caller, Verb.HOLD, times=max(1, round(wish.seconds / MUSIC_S)))


@tool(
    "leave_message",
    description="A machine has answered: leave this message after its tone and end the call.",
    arguments=Message,
    built_in=True,
    kind=Kind.CONTROLS,
    places=IN_CALLS,
)
def leave_message(session: Session, caller: ToolCaller, wish: Message) -> Mapping[str, Any]:
    """The carrier's own voice says it, so that nothing of the agent has to stay for it."""
    return _asked(session, caller, Verb.DROP_MESSAGE, message=wish.message)


@tool(
    "hang_up",
    description="End the call once what you say now has been heard.",
    arguments=Nothing,
    built_in=True,
    kind=Kind.CONTROLS,
    places=IN_CALLS,
)
def hang_up(session: Session, caller: ToolCaller, _arguments: Nothing) -> Mapping[str, Any]:
    """The goodbye is heard out first."""
    return _asked(session, caller, Verb.HANG_UP)


@tool(
    "send_digits",
    description="Press keys, as for a telephone menu; you stay on.",
    arguments=Keys,
    built_in=True,
    kind=Kind.CONTROLS,
    places=IN_CALLS,
    secret=("digits",),
)
def send_digits(session: Session, caller: ToolCaller, wish: Keys) -> Mapping[str, Any]:
    """The tones go out in the call's own audio, so the agent does not leave it."""
    control = service.ask_for_tones(session, caller.business_id, caller.call, wish.digits, actor=caller.actor)
    return {"control": str(control.id), "digits": wish.digits}
