"""Claiming by the hand: how many, whose, in which order, and who is charged when the worker dies."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from jobs.handlers import leave_mark
from support.installation import Installation
from support.world import World, make_world
from trunkline.core.db import unit_of_work
from trunkline.core.jobs import enqueue_job, enqueue_many, relay
from trunkline.core.jobs.executor import Executor
from trunkline.core.jobs.models import Job, JobState
from trunkline.core.jobs.relay import Claimed, Outcome, Wanted
from trunkline.kit import clock

_LEASE = timedelta(seconds=15)


def claim(
    installation: Installation,
    *wanted: Wanted,
    owner: str = "w",
    size: int = 10,
    suspects_first: bool = False,
) -> list[Claimed]:
    assert installation.database.relay is not None
    with installation.database.relay.begin() as connection:
        return relay.claim(connection, wanted or [Wanted("default")], owner=owner, lease=_LEASE, size=size,
            suspects_first=suspects_first,
        )  # fmt: skip


def settle(installation: Installation, rows: list[Claimed], state: JobState) -> None:
    assert installation.database.relay is not None
    with installation.database.relay.begin() as connection:
        outcomes = [Outcome(r.id, r.lease_epoch, state, r.attempt) for r in rows]
        relay.settle(connection, outcomes, owner=rows[0].lease_owner)


def enqueue(world: World, count: int, queue: str = "default") -> list[UUID]:
    with unit_of_work(world.scope):
        return enqueue_many(queue, leave_mark, ({"mark": str(number)} for number in range(count)))


def marks_of(rows: list[Claimed]) -> list[str]:
    return [row.args["kwargs"]["mark"] for row in rows]


def sweep_an_hour_later(installation: Installation) -> None:
    assert installation.database.relay is not None
    with (
        clock.frozen_at(clock.now() + timedelta(hours=1)),
        installation.database.relay.begin() as connection,
    ):
        relay.sweep(connection)


def test_many_jobs_are_written_in_order_and_each_with_its_own_arguments(
    installation: Installation, acme: World
) -> None:
    ids = enqueue(acme, 2_500)
    assert len(set(ids)) == 2_500
    first = claim(installation)
    assert marks_of(first) == [str(number) for number in range(10)]
    assert [row.id for row in first] == ids[:10]


def test_a_hand_is_dealt_evenly_among_the_businesses_that_wait(
    installation: Installation, acme: World, umbrella: World
) -> None:
    enqueue(acme, 50)
    enqueue(umbrella, 3)
    hand = claim(installation)
    by_business = [row.business_id for row in hand]
    assert by_business.count(umbrella.business_id) == 3
    assert by_business.count(acme.business_id) == 5


def test_many_businesses_get_a_row_each_and_the_next_hand_goes_on_behind_them(
    installation: Installation,
) -> None:
    worlds = [
        make_world(f"B{number}", number=f"+1212555{number:04}", phones=("+12125550101",))
        for number in range(7)
    ]
    for world in worlds:
        enqueue(world, 5)
    served: list[UUID | None] = []
    last = relay.NO_TENANT
    for _ in range(7):
        (row,) = claim(installation, Wanted("default", last), size=1)
        last = row.tenant_key
        served.append(row.business_id)
    assert sorted(map(str, served)) == sorted(str(world.business_id) for world in worlds)


def test_queues_are_served_in_their_order(installation: Installation, acme: World) -> None:
    enqueue(acme, 3, "low")
    enqueue(acme, 4, "high")
    hand = claim(installation, Wanted("high"), Wanted("default"), Wanted("low"), size=5)
    assert [row.queue for row in hand] == ["high"] * 4 + ["low"]


def test_a_full_queue_cannot_starve_the_rest(installation: Installation, acme: World) -> None:
    """Of a steady stream on `high`, some turns go to `low`."""
    assert installation.database.relay is not None
    executor = Executor(
        installation.database.relay, name="w", lease=_LEASE, queues=("high", "default", "low")
    )
    firsts = [executor._in_turn()[0].queue for _ in range(80)]
    assert firsts.count("high") > 60
    assert firsts.count("low") >= 2
    assert firsts.count("default") >= 2


def test_only_the_first_of_a_hand_is_charged_when_its_worker_dies(
    installation: Installation, acme: World
) -> None:
    enqueue(acme, 4)
    assert [row.attempt for row in claim(installation)] == [1, 1, 1, 1]
    sweep_an_hour_later(installation)
    with clock.frozen_at(clock.now() + timedelta(hours=2)):
        alone = [claim(installation) for _ in range(4)]
    # Each is taken alone from now on: whichever of them kills workers pays for itself.
    assert [len(hand) for hand in alone] == [1, 1, 1, 1]
    assert sorted(hand[0].attempt for hand in alone) == [1, 1, 1, 2]


def test_a_job_with_one_attempt_is_always_taken_alone(installation: Installation, acme: World) -> None:
    with unit_of_work(acme.scope):
        for _ in range(3):
            enqueue_job("default", leave_mark, mark="once", retry=1)
    assert [len(claim(installation)) for _ in range(3)] == [1, 1, 1]
    sweep_an_hour_later(installation)
    with clock.frozen_at(clock.now() + timedelta(hours=2)):
        assert claim(installation) == []


def test_a_job_taken_alone_comes_to_its_turn_among_other_businesses_full_hands(
    installation: Installation, acme: World, umbrella: World
) -> None:
    """A row that was claimed before heads its business's queue while the other's never runs dry."""
    enqueue(umbrella, 1)
    claim(installation)
    sweep_an_hour_later(installation)
    enqueue(acme, 100)
    last, sizes = relay.NO_TENANT, []
    with clock.frozen_at(clock.now() + timedelta(hours=2)):
        for _ in range(3):
            hand = claim(installation, Wanted("default", last))
            last = hand[-1].tenant_key
            sizes.append((len(hand), hand[0].business_id))
        # Where the turns never let it come first, it goes first now and then whoever's turn it is.
        if (1, umbrella.business_id) not in sizes:
            (suspect,) = claim(installation, Wanted("default", last), suspects_first=True)
            assert suspect.business_id == umbrella.business_id


def test_no_business_occupies_more_workers_than_its_limit(
    installation: Installation, acme: World, umbrella: World
) -> None:
    enqueue(acme, 10, "recordings")
    enqueue(umbrella, 1, "recordings")
    limited = Wanted("recordings", relay.NO_TENANT, 2)
    held = [claim(installation, limited, owner=f"w{number}", size=1) for number in range(5)]
    by_business = [hand[0].business_id for hand in held if hand]
    assert by_business.count(acme.business_id) == 2
    assert by_business.count(umbrella.business_id) == 1
    settle(
        installation, next(h for h in held if h and h[0].business_id == acme.business_id), JobState.SUCCEEDED
    )
    assert len(claim(installation, limited, owner="w9", size=1)) == 1


def test_the_limit_holds_when_everybody_claims_at_once(installation: Installation, acme: World) -> None:
    enqueue(acme, 40, "recordings")
    limited = Wanted("recordings", relay.NO_TENANT, 1)
    for _ in range(10):
        hands: list[list[Claimed]] = []
        start = threading.Barrier(6)

        def grab(number: int, hands: list[list[Claimed]] = hands, start: threading.Barrier = start) -> None:
            start.wait()
            hands.append(claim(installation, limited, owner=f"w{number}", size=2))

        threads = [threading.Thread(target=grab, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        holders = [hand for hand in hands if hand]
        assert len(holders) <= 1
        for hand in holders:
            settle(installation, hand, JobState.SUCCEEDED)


def test_a_claim_that_counted_too_early_puts_back_what_is_beyond_the_limit(
    installation: Installation, acme: World
) -> None:
    """As if the other's claim had committed between this one's count and its lock."""
    enqueue(acme, 10, "recordings")
    assert len(claim(installation, Wanted("recordings"), owner="w1", size=2)) == 2
    assert installation.database.relay is not None
    with installation.database.relay.begin() as connection:
        taken = relay.claim(connection, [Wanted("recordings")], owner="w2", lease=_LEASE, size=2)
        assert len(taken) == 2
        assert relay._within_limits(connection, taken, {"recordings": 2}, owner="w2") == taken
        assert relay._within_limits(connection, taken, {"recordings": 1}, owner="w2") == []
    with unit_of_work(acme.scope) as session:
        rows = [session.get_one(Job, row.id) for row in taken]
    assert [(row.state, row.attempt) for row in rows] == [(JobState.QUEUED, 0)] * 2


def test_nobody_waits_for_a_second_turn_of_others_beside_a_busier_queue(installation: Installation) -> None:
    """Thirty businesses in `default`, and always something on `high`: all have had their turn in a round."""
    assert installation.database.relay is not None
    worlds = [
        make_world(f"B{number}", number=f"+1212555{number:04}", phones=("+12125550101",))
        for number in range(30)
    ]
    for world in worlds:
        enqueue(world, 40)
    executor = Executor(installation.database.relay, name="w", lease=_LEASE, queues=("high", "default"))
    executor._job_takes_s = 0.001
    served: Counter[UUID | None] = Counter()
    for _ in range(6):
        enqueue(worlds[0], 1, "high")
        assert executor._exchange()
        while (row := executor.hand.take()) is not None:
            if row.queue == "default":
                served[row.business_id] += 1
            executor.hand.end(Outcome(row.id, row.lease_epoch, JobState.SUCCEEDED, row.attempt))
        if len(served) == 30:
            break
    assert len(served) == 30, served
    assert max(served.values()) <= 2


@pytest.mark.parametrize("free_by_name", [True, False])
def test_what_a_dead_worker_held_is_free_at_once_and_another_s_is_not(
    installation: Installation, acme: World, free_by_name: bool
) -> None:
    enqueue(acme, 6)
    (dead, *_), living = (
        claim(installation, owner="dead", size=3),
        claim(installation, owner="living", size=3),
    )
    assert installation.database.relay is not None
    with installation.database.relay.begin() as connection:
        freed = relay.free_owner(connection, "dead" if free_by_name else "nobody")
    assert len(freed) == (3 if free_by_name else 0)
    assert dead.id in {row.id for row in freed} or not free_by_name
    with installation.database.relay.begin() as connection:
        held = relay.renew(
            connection, [(row.id, row.lease_epoch) for row in living], owner="living", length=_LEASE
        )
    assert len(held) == 3
