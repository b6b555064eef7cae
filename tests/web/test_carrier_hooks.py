"""The carrier's door: what becomes of a call that is asked about twice, or finds every line taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from api.doorway import TestClient, build_app, open_door
from support.installation import Installation
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.domain.calls.models import Call
from trunkline.domain.outbound import orders
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.claim import Claim, Denied, claim_next
from trunkline.domain.outbound.hearing import NOBODY_TO_TALK
from trunkline.domain.outbound.models import OutboundRun
from trunkline.domain.outbound.options import installed_limits
from trunkline.domain.tenants import service as tenants
from trunkline.kit.ids import new_id
from trunkline.providers.ports import CallOrder
from trunkline.web.sentences import FULL_LINE, NO_LINE_LEFT

SID = "CA" + "1" * 32
CALLER = "+12125550777"


@pytest.fixture
def app() -> FastAPI:
    return build_app(max_calls=2, public_url="http://127.0.0.1:8000")


@pytest.fixture
def carrier(installation: Installation, app: FastAPI) -> Iterator[TestClient]:
    with open_door(app) as client:
        yield client


def ask(carrier: TestClient, path: str, **form: str) -> str:
    """Ask what to do with a call, signed as the carrier signs, and return the answer's text."""
    url = f"http://127.0.0.1:8000/hooks/carrier{path}"
    form = {"CallSid": SID, "From": CALLER, "CallStatus": "ringing", "Direction": "inbound", **form}
    signature = RequestValidator("test-token").compute_signature(url, form)
    answer = carrier.post(f"/hooks/carrier{path}", data=form, headers={"X-Twilio-Signature": signature})
    assert answer.status_code in {200, 204}, answer.text
    return answer.text


def call_in(carrier: TestClient, world: World, sid: str = SID, status: str = "ringing") -> str:
    return ask(carrier, "/inbound/answer", To=world.number, CallSid=sid, CallStatus=status)


def the_calls(world: World) -> list[tuple[str, str | None]]:
    with unit_of_work(world.scope) as session:
        return [
            (call.state, call.disposition) for call in session.scalars(select(Call).order_by(Call.created_at))
        ]


def lines(world: World, how_many: int) -> None:
    with unit_of_work(world.scope) as session:
        tenants.get_business(session, world.business_id).max_calls = how_many


# --- Inbound -----------------------------------------------------------------------------


def test_a_call_that_is_asked_about_twice_is_connected_twice(acme: World, carrier: TestClient) -> None:
    lines(acme, 1)
    assert "<Stream" in call_in(carrier, acme)
    assert "<Stream" in call_in(carrier, acme)
    assert the_calls(acme) == [("ringing", None)]


def test_a_call_that_was_turned_away_is_turned_away_again(acme: World, carrier: TestClient) -> None:
    lines(acme, 1)
    assert "<Stream" in call_in(carrier, acme)
    other = "CA" + "2" * 32
    for _ in range(2):
        assert FULL_LINE["en"] in call_in(carrier, acme, other)
    ask(carrier, "/inbound/status", To=acme.number, CallStatus="completed")
    assert FULL_LINE["en"] in call_in(carrier, acme, other)
    assert the_calls(acme) == [("ended", "no_conversation"), ("ended", "rejected_capacity")]


def test_a_full_process_turns_callers_away_and_keeps_those_it_has(
    acme: World, carrier: TestClient, app: FastAPI
) -> None:
    assert "<Stream" in call_in(carrier, acme)
    with ExitStack() as places:
        for _ in range(2):
            places.enter_context(app.state.room._place())
        assert "<Stream" in call_in(carrier, acme)
        assert FULL_LINE["en"] in call_in(carrier, acme, "CA" + "3" * 32)
    assert the_calls(acme) == [("ringing", None), ("ended", "rejected_capacity")]


# --- Outbound ----------------------------------------------------------------------------


def ordered(world: World) -> CallOrder:
    """Have a run dial its first lead; return what the carrier is asked for."""
    run = world.make_run()
    with unit_of_work(world.scope) as session:
        outbound.start_run(session, world.business_id, run.id, actor="test")
    with unit_of_work(world.scope) as session:
        claim = claim_next(
            session, world.business_id, limits=installed_limits(), job_id=new_id(), lease_epoch=1
        )
        assert isinstance(claim, Claim)
        return orders.order_of(world.business_id, claim, detects_machines=True)


def dialled(world: World) -> str:
    """Have a run dial its first lead; return where the carrier asks when it answers, token and all."""
    return path_of(ordered(world).answer_url)


def path_of(url: str) -> str:
    return url.partition("/hooks/carrier")[2]


def answered(carrier: TestClient, world: World, path: str) -> str:
    return ask(
        carrier, path, To=CALLER, From=world.number, CallStatus="in-progress", Direction="outbound-api"
    )


def test_a_full_process_does_not_answer_a_person_with_silence(
    acme: World, carrier: TestClient, app: FastAPI
) -> None:
    path = dialled(acme)
    with ExitStack() as places:
        for _ in range(2):
            places.enter_context(app.state.room._place())
        said = answered(carrier, acme, path)
        assert NO_LINE_LEFT["en"] in said
        assert "<Hangup" in said
    assert the_calls(acme) == [("ended", "rejected_capacity")]
    again = answered(carrier, acme, path)
    assert "<Stream" not in again
    assert "<Hangup" in again


def test_a_person_who_answers_is_connected(acme: World, carrier: TestClient) -> None:
    path = dialled(acme)
    assert "<Stream" in answered(carrier, acme, path)
    assert the_calls(acme) == [("live", None)]


def hold_of(world: World) -> str | None:
    with unit_of_work(world.scope) as session:
        return session.scalars(select(OutboundRun.held_reason)).one()


def test_whom_we_called_before_the_process_began_to_drain_is_connected(
    acme: World, carrier: TestClient, app: FastAPI
) -> None:
    path = dialled(acme)
    assert hold_of(acme) is None
    app.state.room.drain()
    assert "<Stream" in answered(carrier, acme, path)
    assert the_calls(acme) == [("live", None)]
    # Whoever were called now would be called for nothing.
    assert hold_of(acme) == NOBODY_TO_TALK
    with unit_of_work(acme.scope) as session:
        denied = claim_next(
            session, acme.business_id, limits=installed_limits(), job_id=new_id(), lease_epoch=1
        )
    assert isinstance(denied, Denied)
    assert denied.reason == "held"


def test_whom_we_called_since_it_drains_hears_that_there_is_no_line(
    acme: World, carrier: TestClient, app: FastAPI
) -> None:
    app.state.room.drain()
    assert NO_LINE_LEFT["en"] in answered(carrier, acme, dialled(acme))
    assert the_calls(acme) == [("ended", "rejected_capacity")]


def test_a_run_rests_as_soon_as_it_rings_where_nobody_would_talk(
    acme: World, carrier: TestClient, app: FastAPI
) -> None:
    path = dialled(acme).replace("/answer", "/status")
    app.state.room.drain()
    ask(carrier, path, To=CALLER, From=acme.number, Direction="outbound-api")
    assert hold_of(acme) == NOBODY_TO_TALK


# --- Who has answered ----------------------------------------------------------------------


def word(carrier: TestClient, path: str, answered_by: str, *, sid: str = SID, signed: bool = True) -> int:
    """Tell who has answered, in the form in which Twilio does; return the status of the answer."""
    form = {
        "AccountSid": "AC1", "AnsweredBy": answered_by, "CallSid": sid, "MachineDetectionDuration": "4250"
    }  # fmt: skip
    url = f"http://127.0.0.1:8000/hooks/carrier{path}"
    signature = RequestValidator("test-token" if signed else "another").compute_signature(url, form)
    headers = {"X-Twilio-Signature": signature}
    return carrier.post(f"/hooks/carrier{path}", data=form, headers=headers).status_code


def who_answered(world: World) -> list[str | None]:
    with unit_of_work(world.scope) as session:
        return list(session.scalars(select(Call.answered_by)))


def told_of(world: World) -> list[dict[str, object]]:
    with unit_of_work(world.scope) as session:
        said = select(Event.data).where(Event.kind == "call.answered_by").order_by(Event.id)
        return list(session.scalars(said))


def test_who_has_answered_is_written_once(acme: World, carrier: TestClient) -> None:
    order = ordered(acme)
    answered(carrier, acme, path_of(order.answer_url))
    path = path_of(order.machine_url)
    assert word(carrier, path, "unknown") == 204
    for finding in ("machine_end_beep", "machine_end_beep", "human"):
        assert word(carrier, path, finding) == 204
    assert who_answered(acme) == ["machine"]
    assert told_of(acme) == [
        {"answered_by": "unknown", "took_ms": 4250}, {"answered_by": "machine", "took_ms": 4250}
    ]  # fmt: skip


def test_the_word_may_come_before_all_others_and_after_the_end(acme: World, carrier: TestClient) -> None:
    order = ordered(acme)
    assert word(carrier, path_of(order.machine_url), "unknown") == 204
    assert (the_calls(acme), who_answered(acme)) == ([("live", None)], ["unknown"])
    ended = {"To": CALLER, "From": acme.number, "CallStatus": "completed", "Direction": "outbound-api"}
    ask(carrier, path_of(order.status_url), **ended)
    assert word(carrier, path_of(order.machine_url), "human") == 204
    assert (the_calls(acme), who_answered(acme)) == ([("ended", "no_conversation")], ["human"])


def test_a_word_that_is_not_of_this_attempt_s_call_changes_nothing(acme: World, carrier: TestClient) -> None:
    order = ordered(acme)
    answered(carrier, acme, path_of(order.answer_url))
    path = path_of(order.machine_url)
    assert word(carrier, path, "machine_end_beep", sid="CA" + "8" * 32) == 204
    assert word(carrier, path, "machine_end_beep", signed=False) == 403
    assert word(carrier, "/outbound/machine?token=nonsense", "machine_end_beep") == 403
    assert word(carrier, path, "a parrot") == 422
    assert who_answered(acme) == [None]
    assert told_of(acme) == []
