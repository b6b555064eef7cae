"""Where a carrier is sent with a live call: addresses with tokens, and the answers made of them.

Owns no state. What is done with a call is decided in `service`; this writes it in the carrier's words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid5

from trunkline.core import registry
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.domain.calls.tickets import CallTicket, MediaTicket, call_token, media_token
from trunkline.domain.control.models import CallControl
from trunkline.providers.ports import Answer

TWILIO, TELNYX = registry.TWILIO, registry.TELNYX
HOOKS = "/hooks/carrier/call"
MUSIC = f"{HOOKS}/hold.wav"
_AFTERMATH = timedelta(minutes=3)
"""How much longer than the longest call a call may be thought to live."""


@dataclass(frozen=True, slots=True)
class ControlPlaces:
    """Where the world reaches this installation, and how long its calls may be. Settings say."""

    public_url: str
    media_url: str
    """The carriers' sockets are below it, one path a carrier."""
    token_key: bytes
    longest_call: timedelta


_places: ControlPlaces | None = None


def install_places(places: ControlPlaces) -> None:
    """Set where this process sends its carriers. Called once at start."""
    global _places  # noqa: PLW0603 - one set a process
    _places = places


def installed_places() -> ControlPlaces:
    """Return where this process sends its carriers."""
    if _places is None:
        raise RuntimeError("the places of call control were not installed in this process")
    return _places


def events_of(carrier: str) -> str:
    """Return the path of the door at which a carrier tells what happens."""
    return f"/hooks/{carrier}/events"


def hook(call: Call, name: str, control_id: UUID | None = None) -> str:
    """Return the address of one of a call's own hooks, with its token."""
    places = installed_places()
    token = call_token(CallTicket(call.business_id, call.id, control_id, call.steps), key=places.token_key)
    return f"{places.public_url}{HOOKS}/{name}?token={token}"


def command_key(call: Call) -> UUID:
    """Return the key of what a carrier is told to do at the call's present step."""
    return uuid5(call.id, f"step {call.steps}")


def music_url() -> str:
    """Return where the music is that waiting callers hear."""
    return f"{installed_places().public_url}{MUSIC}"


def longest_life_s() -> float:
    """Return after how many seconds a call that is connected now is surely over."""
    return (installed_places().longest_call + _AFTERMATH).total_seconds()


def to_agent(call: Call, leg: int) -> Answer:
    """Connect the call to its agent; afterwards the carrier asks what is next."""
    places = installed_places()
    ticket = MediaTicket(call.business_id, call.id, leg)
    return registry.carrier(call.carrier).stream_answer(
        url=f"{places.media_url}/media/{_socket_of(call.carrier)}",
        parameters={"token": media_token(ticket, key=places.token_key)},
        then_url=hook(call, "next"),
        status_url=hook(call, "stream"),
        resumes=leg > 1,
    )


def back_to_agent(call: Call, control: CallControl) -> Answer:
    """Bring the call back to its agent, who knows what was said before, behind an act of control.

    Asked again behind the same act it is the same answer: the first one may not have arrived.
    """
    leg = control.data.get("back_leg")
    if leg is None:
        leg = calls.bring_back(call, within_s=longest_life_s())
        control.data = {**control.data, "back_leg": leg}
    return to_agent(call, leg)


def _socket_of(carrier: str) -> str:
    # The first carrier's socket had its name before there was a second.
    return "carrier" if carrier == TWILIO else carrier
