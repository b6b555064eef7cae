"""The judge of dials convicts: with a safeguard taken out, or a row tampered with, it names the harm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from support.dial_judge import Verdict, judge, record_of
from support.dial_storm import KINDS, Storm
from support.dial_watch import Watch
from support.local_carrier import Carrier
from support.processes import eventually, kill
from support.system import System
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.runs.models import Run
from trunkline.domain.leads.selection import Whom, people_of
from trunkline.domain.outbound import claim_store
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.models import OutboundAttempt
from trunkline.domain.outbound.options import RunOptions

_LONG_RING = {"ring_timeout_seconds": 8}
_FOR_EVER = timedelta(hours=1)


def verdict_on(
    world: World, carrier: Carrier, runs: Sequence[UUID], watch: Watch | None = None
) -> dict[str, list[str]]:
    """Return the harms that the judge finds in what became of these runs."""
    verdict: Verdict = judge(
        carrier.page_of(world.phones), [record_of(world, run) for run in runs], watch.looks if watch else ()
    )
    return verdict.found


@pytest.mark.parametrize("without", [pytest.param(None, marks=pytest.mark.soak), "one_post"])
def test_a_client_that_repeats_a_lost_order_rings_twice(system: System, without: str | None) -> None:
    world = system.world("busy", size=2)
    system.controls.update(world.phones)
    run = world.make_run()
    system.carrier.order_faults(create="lose_reply", times=1)
    system.start_worker(without=without)
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        api.wait_for_state(run.id, "completed")
    found = verdict_on(world, system.carrier, [run.id])
    if without is None:
        assert found == {}
    else:
        assert len(found["ordered_twice"]) == len(found["rang_twice"]) == 1


def test_a_dialler_that_forgets_what_it_was_about_to_do_rings_twice(system: System) -> None:
    """The same death with the safeguard in place is `test_killed_workers` at `dial.posted`."""
    world = system.world("no_answer", size=1, carrier=system.slow_carrier)
    system.controls.update(world.phones)
    run = world.make_run()
    system.slow_carrier.order_faults(status_callbacks="drop")
    unsafe = {"carrier": system.slow_carrier, "settings": _LONG_RING, "without": "commit_before_post"}
    victim = system.start_worker(barrier="dial.posted", **unsafe)
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        victim.wait_until_dead()
        system.start_worker(**unsafe)
        eventually(lambda: len(system.slow_carrier.page_of(world.phones).calls) > 1, "it rings again")
    found = verdict_on(world, system.slow_carrier, [run.id])
    assert {"overlap", "doubt"} <= found.keys()


@pytest.fixture
def unfenced(system: System) -> Iterator[None]:
    """The index that is the fence is gone; it is made again, over an empty table."""
    owner = system.installation.owner
    definition = drop_fence(owner)
    yield
    system.stop_workers()
    raise_fence(owner, definition)


def test_with_the_fence_two_runs_ring_one_person_one_after_the_other(system: System) -> None:
    assert dial_by_two_runs(system, without=None) == {}


@pytest.mark.usefixtures("unfenced")
def test_without_the_fence_two_runs_ring_one_person_at_the_same_time(system: System) -> None:
    assert {"overlap", "fence"} <= dial_by_two_runs(system, without="fence").keys()


def dial_by_two_runs(system: System, *, without: str | None) -> dict[str, list[str]]:
    """Let two runs call one person until nobody is about to dial; return the harms, the unfinished aside."""
    world = system.world("no_answer", size=1, carrier=system.slow_carrier)
    system.controls.update(world.phones)
    runs = [run_to_lead(world).id, run_to_lead(world).id]
    watch = Watch(system.installation, longest_life=_FOR_EVER, system=500)
    system.start_worker(carrier=system.slow_carrier, settings=_LONG_RING, without=without)
    rings = 1 if without is None else 2
    with system.signed_in(world) as api:
        assert {api.start(run).status_code for run in runs} == {202}
        eventually(lambda: len(system.slow_carrier.page_of(world.phones).calls) == rings, "it rings")
        eventually(lambda: system.jobs_at_rest(world, but="sweep_outbound"), "nobody is about to dial")
    watch.look([world])
    found = verdict_on(world, system.slow_carrier, runs, watch)
    # They ring still; whoever was not fenced in is told of the other's call as well.
    return {harm: whose for harm, whose in found.items() if harm not in {"unfinished", "misjudged"}}


@pytest.mark.parametrize("without", [pytest.param(None, marks=pytest.mark.soak), "sweeper"])
def test_without_the_sweeper_a_run_stays_unfinished(system: System, without: str | None) -> None:
    world = system.world("busy", size=2)
    run = world.make_run()
    victim = system.start_worker(barrier="dial.before_post")
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        victim.wait_until_dead()
        system.start_worker(without=without)
        if without is None:
            api.wait_for_state(run.id, "completed")
        else:
            # Who is not in doubt has been called, and nothing is left that will ever happen.
            eventually(lambda: len(system.carrier.page_of(world.phones).rang) == 1, "the other is called")
            eventually(lambda: api.run(run.id)["progress"]["failed"] == 1, "the other is done with")
            eventually(lambda: system.jobs_at_rest(world), "no job is left")
            assert {row["state"] for row in api.attempts(run.id)} == {"submitting", "ended"}
    found = verdict_on(world, system.carrier, [run.id])
    assert found.keys() == (set() if without is None else {"unfinished"})


_TAMPERS = {
    "update outbound_attempts set state = 'ended', resolved_at = now()": {"unheld", "adrift", "misjudged"},
    "update outbound_attempts set carrier_sid = 'CA' || id": {"unrecorded"},
    "update outbound_items set state = 'queued'": {"adrift"},
    "update outbound_items set state = 'completed'": {"adrift"},
    "update outbound_items set state = 'unknown'": {"doubt"},
    "update outbound_attempts set state = 'unknown'": {"doubt"},
    "update businesses set max_outbound_calls = 0": {"over_limit"},
    """update runs set options = jsonb_set(options, '{concurrency}', '0')""": {"over_limit"},
}


@pytest.fixture
def ringing(system: System) -> tuple[World, UUID]:
    """A line that rings, with nobody left to look after it."""
    world = system.world("no_answer", size=1, carrier=system.slow_carrier)
    run = world.make_run()
    worker = system.start_worker(carrier=system.slow_carrier, settings=_LONG_RING)
    watch = Watch(system.installation, longest_life=_FOR_EVER, system=500)
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
    eventually(lambda: watch.look([world]).ringing, "it rings")
    assert not any(look.harms for look in watch.looks)
    kill(worker.pid)
    return world, run.id


@pytest.mark.parametrize("tamper", _TAMPERS)
def test_what_is_wrong_at_a_look_is_named(system: System, ringing: tuple[World, UUID], tamper: str) -> None:
    world, run = ringing
    with unit_of_work(world.scope) as session:
        session.execute(text(tamper))
    watch = Watch(system.installation, longest_life=_FOR_EVER, system=500)
    watch.look([world])
    assert _TAMPERS[tamper] <= verdict_on(world, system.slow_carrier, [run], watch).keys()


def test_a_count_that_leaves_lines_out_is_named(
    system: System, ringing: tuple[World, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, run = ringing
    whole = str(claim_store._LIVE)
    assert "'ringing', " in whole
    monkeypatch.setattr(claim_store, "_LIVE", text(whole.replace("'ringing', ", "")))
    watch = Watch(system.installation, longest_life=_FOR_EVER, system=500)
    watch.look([world])
    assert "miscounted" in verdict_on(world, system.slow_carrier, [run], watch)


def test_kinds_of_fault_that_have_not_come_about_are_named(system: System) -> None:
    storm = Storm(system, None, system.slow_carrier, victims=0, redis_every=1, hears=(1, 1))  # type: ignore[arg-type]
    assert storm.missing == list(KINDS)


def run_to_lead(world: World) -> Run:
    """Make a run over the leads themselves, which unlike a list may be worked on by two runs."""
    options = RunOptions(agent_id=world.agent_id, from_number=world.number)
    with unit_of_work(world.scope) as session:
        ids = [row.id for row in session.execute(people_of(session, world.business_id, Whom(world.list_id)))]
        return outbound.create_run(
            session, world.business_id, title="To a lead", options=options, whom=Whom(lead_ids=ids),
            actor="test",
        )  # fmt: skip


def drop_fence(owner: Engine) -> str:
    """Take the fence down and return how it was made."""
    with owner.begin() as connection:
        definition: str = connection.execute(
            text("select indexdef from pg_indexes where indexname = 'uq_outbound_attempts_fence'")
        ).scalar_one()
        connection.execute(text("drop index uq_outbound_attempts_fence"))
    return definition


def raise_fence(owner: Engine, definition: str) -> None:
    """Make it again, over an empty table."""
    with owner.begin() as connection:
        connection.execute(text(f"truncate {OutboundAttempt.__tablename__} cascade"))
        connection.execute(text(definition))
