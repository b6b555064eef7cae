"""Two acts that the carrier is asked for at once, and refuses, in whichever order: the call is as it was."""

from __future__ import annotations

from uuid import UUID

import pytest

from control.test_two_at_once import live_call
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.calls import service as calls
from trunkline.domain.control import answers, service, undoing
from trunkline.domain.control.models import Verb
from trunkline.domain.control.store import locked

pytestmark = pytest.mark.hasty


def begun(world: World, call_id: UUID, verb: Verb, to: str = "") -> tuple[UUID, undoing.Before]:
    with unit_of_work(world.scope) as session:
        call = calls.lock_call(session, world.business_id, call_id)
        before = undoing.Before.of(call)
        control = service.ask(session, world.business_id, call_id, verb, actor="test", to=to)
        answers.next_answer(session, call)
        undoing.begin_telling(control)
        return control.id, before


def refused(world: World, control_id: UUID, before: undoing.Before) -> tuple[str | None, bool]:
    """Return why the call is away then, and whether the carrier is to be told something."""
    with unit_of_work(world.scope) as session:
        call, control = locked(session, world.business_id, control_id)
        undone = undoing.take_back(session, call, control, before, "too many requests")
        assert undone.is_undone
        return call.away, undone.next is not None


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("left", [False, True], ids=["talks", "has left"])
def test_the_call_is_where_it_was_before_both(acme: World, first: int, left: bool) -> None:
    call_id = live_call(acme)
    acts = [begun(acme, call_id, Verb.HOLD), begun(acme, call_id, Verb.TRANSFER, to="101")]
    with unit_of_work(acme.scope) as session:
        call = calls.lock_call(session, acme.business_id, call_id)
        away = [call.away, "on_hold"]
        assert not undoing.stands(session, call, 0)
        if left:  # the agent has, and nobody was listening
            undoing.note_missed(session, call, 0, None, None)
    assert refused(acme, *acts[first]) == (away[first], False)
    assert refused(acme, *acts[1 - first]) == (None, left)
    with unit_of_work(acme.scope) as session:
        call = calls.lock_call(session, acme.business_id, call_id)
        assert call.steps == (3 if left else 2)
        assert undoing.stands(session, call, 0) is not left
