"""Workers killed while calls are rolled up: the figures are a recount's all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.call_book import counted_anew, had_call, kept
from support.processes import eventually
from support.world import make_world
from support.yard import HASTE, Yard
from trunkline.core.db import unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.domain.reports.rules import settled_until
from trunkline.kit import clock


@pytest.mark.parametrize("barrier", ["roll_up.counted", "sql.commit"])
def test_a_worker_killed_while_it_counts_leaves_nothing_half_counted(barrier: str, yard: Yard) -> None:
    acme = make_world("Acme", number="+12125550190", phones=("+12125550101",))
    now = clock.now()
    for hours in range(2, 80, 3):
        had_call(acme, now - timedelta(hours=hours), talked_s=hours, disposition="booked")
        had_call(acme, now - timedelta(hours=hours), direction="inbound")
    with unit_of_work(acme.scope):
        enqueue_job("maintenance", "roll_up_business")
    victim = yard.start_worker(barrier=barrier, nth=2 if barrier == "roll_up.counted" else 3, settings=HASTE)
    victim.wait_until_dead()
    assert victim.has_reached
    so_far = kept(acme)
    assert len(so_far) < 26
    assert so_far == counted_anew(acme, until=now)[: len(so_far)]
    yard.start_upkeep(settings=HASTE)
    yard.start_worker(settings=HASTE)
    eventually(lambda: yard.unfinished() == 0, "the calls are rolled up", within_s=60)
    assert kept(acme) == counted_anew(acme, until=settled_until(now))
    assert len(kept(acme)) == 26
