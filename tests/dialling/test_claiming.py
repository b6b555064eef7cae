"""What one claim does with many: numbers that are fenced, turns that are late, and an account that waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, text

from dialling.staging import ListeningCarrier, claim, items, started
from support.installation import Installation
from support.world import World, make_world
from trunkline.core.db import unit_of_work
from trunkline.domain.outbound import store
from trunkline.domain.outbound.claim import Denied, claim_next
from trunkline.domain.outbound.options import installed_limits
from trunkline.domain.outbound.rules import turn_of
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.ids import new_id

NOW = datetime(2099, 1, 15, 17, 0, tzinfo=UTC)
PACE = timedelta(seconds=1)
_MANY = 120


def fence_all(installation: Installation, world: World) -> None:
    """Leave a dial in doubt to every number, made by a run that is over."""
    run = world.make_run()
    with installation.owner.begin() as connection:
        for table in ("outbound_items", "outbound_attempts"):
            connection.execute(text(f"alter table {table} no force row level security"))
        connection.execute(
            text(
                """
                insert into outbound_attempts (id, business_id, run_id, item_id, phone, from_number, state,
                                               job_id, lease_epoch, created_at)
                select gen_random_uuid(), business_id, run_id, id, phone, :number, 'unknown',
                       gen_random_uuid(), 1, now() - interval '5 hours'
                from outbound_items where run_id = :run_id
                """
            ),
            {"number": world.number, "run_id": run.id},
        )
        for table in ("outbound_items", "outbound_attempts"):
            connection.execute(text(f"alter table {table} force row level security"))


def test_many_fenced_numbers_are_set_aside_by_few_statements(
    installation: Installation, carrier: ListeningCarrier
) -> None:
    world = make_world(
        "Acme", number="+12125550190", phones=tuple(f"+1212555{n:04}" for n in range(1, _MANY + 1))
    )
    fence_all(installation, world)
    run = started(world)
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(installation.database.engine, "before_cursor_execute", note)
    try:
        with clock.frozen_at(NOW):
            assert claim(world) == Denied("nothing_to_dial")
    finally:
        event.remove(installation.database.engine, "before_cursor_execute", note)
    assert len(asked) <= 16
    rows = items(world, run)
    assert {(row.state, row.waits_for) for row in rows} == {("retry_wait", "fence")}
    assert {row.not_before for row in rows} == {NOW + timedelta(seconds=30)}


def test_who_may_dial_nobody_does_not_wait_for_the_account(
    installation: Installation, carrier: ListeningCarrier, acme: World
) -> None:
    started(acme)
    with unit_of_work(acme.scope) as session:
        tenants.get_business(session, acme.business_id).calling_window = {"from": "03:00", "to": "03:01"}
        account = store.lock_account(session, installed_limits().account).account
    with installation.owner.begin() as holder, clock.frozen_at(NOW):
        held = text("select account from carrier_accounts where account = :account for update")
        assert holder.execute(held, {"account": account}).one()
        with unit_of_work(acme.scope) as session:
            session.execute(text("set local lock_timeout = '2s'"))
            answer = claim_next(
                session, acme.business_id, limits=installed_limits(), job_id=new_id(), lease_epoch=1
            )
    assert answer == Denied("nothing_to_dial")


_LATENESS = st.lists(st.floats(0, 3), min_size=2, max_size=30)


@given(lateness=_LATENESS)
def test_no_more_dials_than_the_pace_allows_however_late_the_turns_are_taken(lateness: list[float]) -> None:
    """Each asks at first, comes so late to every turn that it is given, and asks again when told to wait."""
    next_free, last_dial = NOW, None
    asks: list[tuple[datetime, int, datetime | None]] = [(NOW, n, None) for n in range(len(lateness))]
    dials: list[datetime] = []
    tries = 0
    while asks:
        asks.sort(key=lambda ask: ask[:2])
        now, who, own = asks.pop(0)
        tries += 1
        turn = turn_of(
            own=own, next_free=next_free, last_dial=last_dial, closed_until=None, per_second=1, now=now
        )
        next_free = turn.next_free
        if turn.dial_at <= now:
            dials.append(now)
            last_dial = turn.reckoned_at
        else:
            asks.append((turn.dial_at + timedelta(seconds=lateness[who]), who, turn.dial_at))
        assert tries <= 20 * len(lateness)
    for first in range(len(dials)):
        for last in range(first + 1, len(dials)):
            stretch = dials[last] - dials[first]
            assert stretch >= PACE * (last - first - 0.8)


@pytest.mark.parametrize("late_s", [0.1, 0.3, 0.7])
def test_workers_who_are_a_little_late_lose_no_dial_by_it(late_s: float) -> None:
    """Forty businesses, of whose workers every other comes so late to its turn: each dials at once."""
    last_dial = None
    for n in range(40):
        own = NOW + PACE * n
        now = own + timedelta(seconds=late_s * (n % 2))
        turn = turn_of(
            own=own, next_free=NOW + PACE * 40, last_dial=last_dial, closed_until=None, per_second=1, now=now
        )
        assert turn.dial_at == now
        last_dial = turn.reckoned_at


def test_all_who_missed_their_turns_get_moments_of_their_own() -> None:
    """After a stop of a minute they come all at once: one dials, each of the others is told once when."""
    now, next_free, last_dial = NOW + PACE * 60, NOW + PACE * 30, NOW
    told = []
    for n in range(30):
        turn = turn_of(
            own=NOW + PACE * n, next_free=next_free, last_dial=last_dial, closed_until=None, per_second=1,
            now=now,
        )  # fmt: skip
        next_free = turn.next_free
        told.append(turn.dial_at)
        if turn.dial_at <= now:
            last_dial = turn.reckoned_at
    assert told[0] == now
    assert len(set(told)) == 30
    assert {later - earlier for earlier, later in pairwise(told[1:])} == {PACE}
