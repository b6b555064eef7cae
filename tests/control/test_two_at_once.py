"""Two acts at the same moment: the second decides by what the first has made of the call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from uuid import UUID

from sqlalchemy.orm import Session

from control.theatre import OFFICE
from isolation.peering import connected
from support.installation import Installation, administrator_url
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.errors import Conflict
from trunkline.domain.calls import service as calls
from trunkline.domain.control import answers, service, store
from trunkline.domain.control.models import Verb
from trunkline.domain.control.places import TWILIO
from trunkline.domain.tenants import service as tenants
from trunkline.providers.ports import CallStatus


def live_call(world: World) -> UUID:
    with unit_of_work(world.scope) as session:
        extensions = [{"extension": "101", "name": "", "number": OFFICE}]
        tenants.change_business(session, world.business_id, {"extensions": extensions}, actor="test")
        call = calls.open_call(
            session, world.business_id, sid="CA1", direction="inbound", ours=world.number,
            theirs="+12125550301", agent_id=world.agent_id, lead_id=None, carrier=TWILIO,
        )  # fmt: skip
        return calls.spend_media_token(session, world.business_id, call.id).id


def while_another_waits(
    installation: Installation,
    world: World,
    first: Callable[[Session], object],
    second: Callable[[], object],
) -> list[Conflict]:
    """Do `first` in a transaction that ends only when `second`, in one of its own, waits for its lock."""
    raised: list[Conflict] = []

    def behind() -> None:
        try:
            second()
        except Conflict as error:
            raised.append(error)

    waiting = threading.Thread(target=behind)
    with connected(administrator_url(installation.urls)) as administrator:
        administrator.autocommit = True
        with unit_of_work(world.scope) as session:
            first(session)
            waiting.start()
            deadline = time.monotonic() + 20
            while not administrator.execute(
                "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
            ).fetchone():
                assert time.monotonic() < deadline, "nobody waits"
                assert waiting.is_alive(), raised
                time.sleep(0.01)
    waiting.join(20)
    return raised


def test_a_call_that_one_hands_on_is_not_handed_on_by_another(
    installation: Installation, acme: World
) -> None:
    call_id = live_call(acme)

    def hand_on(session: Session) -> None:
        service.ask(session, acme.business_id, call_id, Verb.TRANSFER, actor="one", to="101")
        answers.what_is_next(session, acme.business_id, call_id)

    def also() -> None:
        with unit_of_work(acme.scope) as session:
            # What was read before the lock is what the second one must not go by.
            kept = calls.get_call(session, acme.business_id, call_id)
            service.ask(session, acme.business_id, call_id, Verb.TRANSFER, actor="two", to="101")
            answers.next_answer(session, kept)

    raised = while_another_waits(installation, acme, hand_on, also)
    assert [list(error.data) for error in raised] == [["away", "reason"]]
    with unit_of_work(acme.scope) as session:
        assert calls.get_call(session, acme.business_id, call_id).steps == 1
        assert [act.actor for act in store.controls_of(session, acme.business_id, call_id)] == ["one"]


def test_a_call_that_has_ended_meanwhile_is_not_controlled(installation: Installation, acme: World) -> None:
    call_id = live_call(acme)

    def end(session: Session) -> None:
        calls.note_status(session, calls.lock_call(session, acme.business_id, call_id), CallStatus.COMPLETED)

    raised = while_another_waits(
        installation, acme, end,
        lambda: service.carry_out(acme.business_id, call_id, Verb.HOLD, actor="two"),
    )  # fmt: skip
    assert [error.data for error in raised] == [{"state": "ended", "reason": "call_not_live"}]
