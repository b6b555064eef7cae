"""Telnyx's events: who may tell them, what its own client makes of ours, what we make of odd ones."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.doorway import HEADERS
from control.theatre import Use
from simulators.product import until
from support.installation import TOKEN_KEY, Installation
from support.telnyx_house import CALLER, House, open_telnyx
from support.world import World
from telnyx import Telnyx
from trunkline.core import registry
from trunkline.core.carrier_threads import AT_A_TIME
from trunkline.core.db import unit_of_work
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.domain.calls.tickets import MediaTicket, media_token
from trunkline.domain.control import places
from trunkline.domain.outbound import orders
from trunkline.kit import tokens
from trunkline.kit.ids import new_id
from trunkline.providers.ports import AnsweredBy, CallStatus
from trunkline.providers.telnyx.commands import State, read_state, write_state
from trunkline.providers.telnyx.events import read_event
from trunkline.providers.telnyx.wire import STREAM_TOKEN_HEADER, HangupCause
from trunkline.simulators.telnyx.server import Fault
from trunkline.simulators.telnyx.webhooks import Webhooks

pytestmark = pytest.mark.hasty


def event(kind: str, **payload: Any) -> bytes:
    body = {"call_control_id": "v3:one", "from": CALLER, "to": "+12125550190", **payload}
    data = {"record_type": "event", "event_type": kind, "id": "1", "occurred_at": "2026-11-01T10:00:09.5Z"}
    return json.dumps({"data": {**data, "payload": body}}).encode()


async def post(house: House, body: bytes, headers: dict[str, str]) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.post(house.events_url, content=body, headers=headers)).status_code


async def test_unsigned_old_and_forged_events_are_refused(house: House) -> None:
    body = event("call.initiated", direction="incoming", to=house.world.number)
    hooks = house.sim.webhooks
    signed = hooks.signed(body)
    forged = Webhooks(Ed25519PrivateKey.generate())
    refused: dict[str, tuple[bytes, dict[str, str]]] = {
        "unsigned": (body, {}),
        "no time": (body, {name: value for name, value in signed.items() if "timestamp" not in name}),
        "old": (body, hooks.signed(body, at=time.time() - 301)),
        "of the future": (body, hooks.signed(body, at=time.time() + 302)),
        "another's": (body, forged.signed(body)),
        "another body": (body.replace(CALLER.encode(), b"+12125550399"), signed),
        "another time": (body, signed | {"telnyx-timestamp": str(int(time.time()) - 1)}),
        "no base64": (body, signed | {"telnyx-signature-ed25519": "!"}),
        "no number": (body, signed | {"telnyx-timestamp": "now"}),
    }
    assert {name: await post(house, *sent) for name, sent in refused.items()} == dict.fromkeys(refused, 403)
    await forged.close()
    with unit_of_work(house.world.scope) as session:
        assert session.query(Call).count() == 0
    # The same, as it should be, is heard.
    assert await post(house, body, hooks.signed(body)) == 200
    with unit_of_work(house.world.scope) as session:
        assert session.query(Call).one().carrier == "telnyx"


async def test_a_signed_event_that_cannot_be_read_is_answered_and_harms_nothing(house: House) -> None:
    for body in (b"", b"[]", b"{", b'{"data":{}}', b'{"data":{"payload":{}}}', b"[" * 50_000):
        assert await post(house, body, house.sim.webhooks.signed(body)) == 422, body[:20]
    odd = event("call.something.new")
    assert await post(house, odd, house.sim.webhooks.signed(odd)) == 200
    foreign = event("call.playback.ended", client_state="aGVsbG8=")
    assert await post(house, foreign, house.sim.webhooks.signed(foreign)) == 200
    # A state that is ours in form and bears no token of ours.
    state = write_state(State("call.playback.ended", f"{house.url}/hooks/carrier/call/next?token=made-up"))
    made_up = event("call.playback.ended", client_state=state)
    assert await post(house, made_up, house.sim.webhooks.signed(made_up)) == 403
    # An attempt's token that nobody signed.
    attempt = event("call.answered")
    async with httpx.AsyncClient(trust_env=False) as client:
        url = f"{house.events_url}?token=made-up"
        reply = await client.post(url, content=attempt, headers=house.sim.webhooks.signed(attempt))
    assert reply.status_code == 403


async def test_telnyx_own_client_accepts_and_reads_what_the_stand_in_sends(house: House) -> None:
    client = Telnyx(api_key="unused", public_key=house.sim.public_key)
    sent: list[tuple[str, bytes, dict[str, str]]] = []
    hooks = house.sim.webhooks

    def keep(sid: str, url: str, kind: str, payload: Any) -> dict[str, Any]:
        told = tell(sid, url, kind, payload)
        body = json.dumps(told).encode()
        sent.append((kind, body, hooks.signed(body)))
        return told

    tell, hooks.tell = hooks.tell, keep  # type: ignore[method-assign]
    house.brain.scripts = [
        ["One moment.", Use("hold_call", {"seconds": 5})],
        [Use("transfer_call", {"to": "101"})],
    ]
    leg = house.phone_in()
    await house.over(leg, 40)
    for kind, body, headers in sent:
        read = client.webhooks.unwrap(body.decode(), headers=headers)
        assert type(read).__name__ != "UnwrapWebhookEvent"
        assert read.data.event_type == kind
        assert read.data.payload.call_control_id in house.sim.exchange.legs
    assert {kind for kind, _, _ in sent} >= {
        "call.initiated", "call.answered", "streaming.started", "streaming.stopped", "call.playback.started",
        "call.playback.ended", "call.bridged", "call.hangup",
    }  # fmt: skip
    client.close()


async def test_a_media_socket_needs_a_token_of_ours(house: House) -> None:
    url = f"{house.url.replace('http', 'ws')}/media/telnyx"
    stale = media_token(MediaTicket(house.world.business_id, new_id(), 1), key=b"another key")
    for headers in ({}, {STREAM_TOKEN_HEADER: ""}, {STREAM_TOKEN_HEADER: stale}):
        with pytest.raises(InvalidStatus):
            async with connect(url, additional_headers=headers, proxy=None):
                pass
    # One that is ours for a call that is not there gets no further than its start message.
    ours = media_token(MediaTicket(house.world.business_id, new_id(), 1), key=TOKEN_KEY)
    async with connect(url, additional_headers={STREAM_TOKEN_HEADER: ours}, proxy=None) as socket:
        start = {
            "call_control_id": "v3:one", "custom_parameters": {"token": ours},
            "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
        }  # fmt: skip
        await socket.send(json.dumps({"event": "connected", "version": "1.0.0"}))
        await socket.send(json.dumps({"event": "start", "stream_id": "s", "start": start}))
        await socket.wait_closed()
    assert house.room.is_empty


async def test_a_call_of_another_carrier_or_another_call_does_not_come_in_by_this_door(house: House) -> None:
    ours, sids = [], ["CA" + "1" * 32, "v3:one"]
    with unit_of_work(house.world.scope) as session:
        for sid, carrier in zip(sids, ["twilio", "telnyx"], strict=True):
            call = calls.open_call(
                session, house.world.business_id, sid=sid, direction="inbound", ours=house.world.number,
                theirs="+12125550101", agent_id=house.world.agent_id, lead_id=None, carrier=carrier,
            )  # fmt: skip
            ours.append(media_token(MediaTicket(house.world.business_id, call.id, 1), key=TOKEN_KEY))
    # A call of Twilio's comes with Twilio's signature; the socket is the call's own.
    for opened, begun, sid in ((ours[0], ours[0], sids[0]), (ours[0], ours[1], sids[1])):
        async with telnyx_socket(house, opened) as socket:
            await socket.send(start_of(begun, sid))
            await asyncio.wait_for(socket.wait_closed(), 60)
    with unit_of_work(house.world.scope) as session:
        assert list(session.scalars(select(Call.media_spent))) == [0, 0]
    # Nor does any, where there is no such carrier.
    theirs = registry._carriers.pop(places.TELNYX)
    try:
        with pytest.raises(InvalidStatus):
            async with telnyx_socket(house, ours[1]):
                pass
    finally:
        registry.register_carrier(theirs, places.TELNYX)


def telnyx_socket(house: House, token: str) -> connect:
    url = f"{house.url.replace('http', 'ws')}/media/telnyx"
    return connect(url, additional_headers={STREAM_TOKEN_HEADER: token}, proxy=None)


def start_of(token: str, sid: str) -> str:
    start = {
        "call_control_id": sid, "custom_parameters": {"token": token},
        "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
    }  # fmt: skip
    return json.dumps({"event": "start", "stream_id": "s", "start": start})


async def test_a_token_that_is_spent_opens_no_second_socket_and_harms_no_call(house: House) -> None:
    house.brain.scripts = [["Hello. " * 20]]
    leg = house.phone_in()
    await house.live(leg)
    order = leg.commands[1][1]
    token = order["stream_auth_token"]
    url = f"{house.url.replace('http', 'ws')}/media/telnyx"
    async with connect(url, additional_headers={STREAM_TOKEN_HEADER: token}, proxy=None) as socket:
        start = {
            "call_control_id": leg.sid, "custom_parameters": {"token": token},
            "client_state": order["client_state"],
            "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
        }  # fmt: skip
        await socket.send(json.dumps({"event": "start", "stream_id": "s", "start": start}))
        await socket.wait_closed()
    heard = leg.telephone.heard_frames
    await until(lambda: leg.telephone.heard_frames > heard + 10)
    assert leg.ended is None
    await house.sim.exchange.person_hangs_up(leg)
    await house.over(leg)


async def test_a_signed_event_speaks_for_the_business_and_attempt_of_its_token_alone(house: House) -> None:
    nobodys = {"business_id": str(house.world.business_id), "attempt_id": str(new_id())}
    tokens_of = {
        "an attempt that is not theirs": tokens.sign(
            nobodys, key=TOKEN_KEY, purpose=orders.ATTEMPT_TOKEN, lifetime_s=60
        ),
        "another purpose": tokens.sign(nobodys, key=TOKEN_KEY, purpose="media", lifetime_s=60),
        "another key": tokens.sign(nobodys, key=b"other", purpose=orders.ATTEMPT_TOKEN, lifetime_s=60),
        "an old one": tokens.sign(nobodys, key=TOKEN_KEY, purpose=orders.ATTEMPT_TOKEN, lifetime_s=-60),
    }
    answers = {}
    for name, token in tokens_of.items():
        body = event("call.hangup", hangup_cause="normal_clearing")
        async with httpx.AsyncClient(trust_env=False) as client:
            url = f"{house.events_url}?token={token}"
            headers = house.sim.webhooks.signed(body)
            answers[name] = (await client.post(url, content=body, headers=headers)).status_code
    assert answers == dict.fromkeys(tokens_of, 403) | {"an attempt that is not theirs": 200}
    with unit_of_work(house.world.scope) as session:
        assert session.query(Call).count() == 0


# --- Reading, without any wire -----------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        ("normal_clearing", CallStatus.COMPLETED), ("time_limit", CallStatus.COMPLETED),
        ("user_busy", CallStatus.BUSY), ("call_rejected", CallStatus.BUSY),
        ("timeout", CallStatus.NO_ANSWER), ("no_answer", CallStatus.NO_ANSWER),
        ("originator_cancel", CallStatus.CANCELED), ("not_found", CallStatus.FAILED),
        ("unspecified", CallStatus.FAILED), ("something_new", CallStatus.FAILED),
    ],
)  # fmt: skip
def test_every_way_in_which_a_call_ends_is_understood(cause: str, status: CallStatus) -> None:
    found = read_event(event("call.hangup", hangup_cause=cause))
    assert found is not None
    assert found.report is not None
    assert found.report.status is status


def test_every_cause_is_named() -> None:
    for cause in HangupCause:
        assert read_event(event("call.hangup", hangup_cause=cause.value)) is not None


@pytest.mark.parametrize(
    ("kind", "result", "who"),
    [
        ("call.machine.detection.ended", "human", AnsweredBy.HUMAN),
        ("call.machine.detection.ended", "not_sure", AnsweredBy.UNKNOWN),
        ("call.machine.detection.ended", "machine", None),
        ("call.machine.greeting.ended", "beep_detected", AnsweredBy.MACHINE),
        ("call.machine.greeting.ended", "ended", AnsweredBy.MACHINE),
    ],
)
def test_a_machine_is_told_of_when_its_greeting_has_ended(
    kind: str, result: str, who: AnsweredBy | None
) -> None:
    found = read_event(event(kind, result=result))
    assert found is not None
    assert (found.answered_by and found.answered_by.answered_by) == who


def test_only_the_event_that_was_waited_for_goes_on() -> None:
    waiting = write_state(State("call.playback.ended", "https://x/next?token=t"))
    ended = read_event(event("call.playback.ended", client_state=waiting, status="completed"))
    assert ended is not None
    assert ended.then_url == "https://x/next?token=t"
    for kind, status in (("streaming.stopped", ""), ("call.playback.ended", "call_hangup")):
        other = read_event(event(kind, client_state=waiting, status=status))
        assert other is not None
        assert other.then_url is None


def test_of_the_dialled_leg_only_its_end_is_heard() -> None:
    state = write_state(State("call.hangup", "https://x/dialled?token=t", is_dialled_leg=True))
    assert read_event(event("call.answered", client_state=state)) is None
    found = read_event(
        event(
            "call.hangup",
            client_state=state,
            hangup_cause="normal_clearing",
            start_time="2026-11-01T10:00:00Z",
        )
    )
    assert found is not None
    assert found.dial is not None
    assert (found.dial.status, found.dial.duration_s, found.report) == (CallStatus.COMPLETED, 10, None)


def test_a_state_that_is_not_ours_says_nothing() -> None:
    for text in (None, 7, "", "!", "aGVsbG8=", "W10="):
        assert read_state(text) == State()


async def test_a_carrier_that_stalls_holds_up_nobody_but_its_own_calls(
    installation: Installation, acme: World
) -> None:
    async with (
        open_telnyx(installation, acme, timeout_s=6) as house,
        httpx.AsyncClient(base_url=house.url, trust_env=False, timeout=4, headers=HEADERS) as client,
    ):
        house.sim.faults.extend([Fault.LOSE_REPLY] * 100)
        # More than there are threads for everybody; each is rejected, and the reply never comes.
        legs = [house.sim.exchange.phone_in(CALLER, "+12125550399") for _ in range(60)]
        await until(lambda: sum(bool(leg.commands) for leg in legs) >= AT_A_TIME)
        for path, status in (("/ready", 200), ("/hooks/carrier/call/hold.wav", 200), ("/api/me", 401)) * 3:
            assert (await client.get(path)).status_code == status
        assert sum(bool(leg.commands) for leg in legs) == AT_A_TIME
        # What waited its turn is told as soon as the carrier answers again.
        house.sim.faults.clear()
        told = house.sim.webhooks.delivered
        await until(lambda: told.count(("call.initiated", 200)) == len(legs), 60)
        assert all(leg.ended is not None for leg in legs)
