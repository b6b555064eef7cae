"""How PostgreSQL goes about the ledger's statements: by index, whatever lies in the table.

The ledger is filled with finished rows, and with queued ones of many businesses, and every statement
of the hot path is explained and run: it may read few rows, and never the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import TextClause, text

from jobs.handlers import leave_mark
from support.installation import Installation
from support.plans import Plan, nodes, pages
from support.world import World, make_world
from trunkline.core.db import unit_of_work
from trunkline.core.jobs import enqueue_many, ledger, relay
from trunkline.kit.ids import new_id

_FINISHED = 60_000
_QUEUED = 6_000

_FILL = text(
    """
    insert into jobs (id, business_id, name, queue, args, state, max_attempts, timeout_s, backoff_s,
                      run_at, trace_id, attempt, lease_epoch, finished_at)
    select gen_random_uuid(), (cast(:businesses as uuid[]))[1 + n % cardinality(cast(:businesses as uuid[]))],
           'leave_mark', (array['high', 'default', 'low'])[1 + n % 3], '{"args": [], "kwargs": {}}', :state,
           3, 5, 1, now() - interval '1 hour' + n * interval '1 ms', 'trace', :touched, :touched,
           case when :touched = 1 then now() - n * interval '1 s' end
    from generate_series(1, :rows) as n
    """
)


@pytest.fixture(scope="module")
def crowd(servers: Installation) -> Iterator[list[World]]:
    """Twelve businesses with a full ledger, which no test but the last ones of this module empties."""
    servers.wipe(to_the_ground=True)
    worlds = [
        make_world(f"B{number}", number=f"+1212555{number:04}", phones=("+12125550101",))
        for number in range(12)
    ]
    businesses = [str(world.business_id) for world in worlds]
    # The owner is bound by row-level security like everybody else; only its force is lifted here.
    with servers.owner.begin() as connection:
        connection.execute(text("alter table jobs no force row level security"))
        for state, rows, touched in (("succeeded", _FINISHED, 1), ("queued", _QUEUED, 0)):
            connection.execute(
                _FILL, {"businesses": businesses, "state": state, "rows": rows, "touched": touched}
            )
        connection.execute(text("alter table jobs force row level security"))
    with servers.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze jobs"))
    yield worlds
    servers.wipe(to_the_ground=True)


def explain(
    installation: Installation, statement: TextClause, values: dict[str, Any], **settings: str
) -> Plan:
    """Run a statement as the relay, take it back, and return how it went."""
    assert installation.database.relay is not None
    with installation.database.relay.connect() as connection:
        for name, value in settings.items():
            connection.execute(text(f"set local {name} = {value}"))
        explained = text(f"explain (analyze, buffers, format json) {statement.text}")
        plan: Plan = connection.execute(explained, {"now": None, **values}).scalar_one()[0]
        connection.rollback()
    return plan


def assert_by_index(plan: Plan, *, at_most_pages: int) -> None:
    scans = [
        node for node in nodes(plan) if node.get("Relation Name") == "jobs" and "Scan" in node["Node Type"]
    ]
    assert scans
    assert {node["Node Type"] for node in scans} & {"Seq Scan", "Parallel Seq Scan"} == set()
    assert pages(plan) <= at_most_pages


def ready_rows_read(plan: Plan) -> float:
    """Return how many rows were taken from the index of what can be claimed."""
    ready = [node for node in nodes(plan) if node.get("Index Name") == "ix_jobs_ready"]
    return sum(node["Actual Rows"] * node["Actual Loops"] for node in ready)


def claim_values(*, last: UUID = relay.NO_TENANT, size: int = 10, limit: int = 0) -> dict[str, Any]:
    queues = ["high", "default", "low", "maintenance"]
    return {
        "queues": queues, "tenants": [last] * 4, "limits": [limit] * 4, "owner": "w",
        "lease": timedelta(seconds=15), "size": size, "suspects_first": False,
    }  # fmt: skip


def test_a_claim_reads_what_it_takes_and_little_else(servers: Installation, crowd: list[World]) -> None:
    middle = sorted(world.business_id for world in crowd)[6]
    for last in (relay.NO_TENANT, middle):
        for limit in (0, 3):
            plan = explain(servers, relay._CLAIM, claim_values(last=last, limit=limit))
            assert_by_index(plan, at_most_pages=600)
            assert plan["Plan"]["Actual Rows"] == 10
            # Three queues lie full, and only the first is looked into.
            assert 0 < ready_rows_read(plan) < 100


def test_a_claim_that_finds_nothing_costs_next_to_nothing(servers: Installation, crowd: list[World]) -> None:
    values = claim_values() | {"queues": ["nothing", "here", "at", "all"]}
    assert_by_index(explain(servers, relay._CLAIM, values), at_most_pages=40)


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (relay._FREE_LATE, {"reason": "r"}),
        (relay._FREE_OWNER, {"reason": "r", "owner": "w"}),
        (relay._EXPIRE, {}),
        (relay._PRUNE, {"age": timedelta(days=9), "limit": 1_000, "queue": None}),
        (relay._OVER_LIMIT, {"queue": "high", "tenant": relay.NO_TENANT, "limit": 1}),
        (ledger._CANCEL_OF_RUN, {"run_id": new_id(), "business_id": new_id(), "grace": timedelta(0)}),
        (
            ledger._DEAD,
            {"business_id": new_id(), "nobody": relay.NO_TENANT, "queue": None, "name": None, "run_id": None,
             "limit": 100},
        ),
    ],
    ids=["late", "owner", "expire", "prune", "limit", "run", "dead"],
)  # fmt: skip
def test_upkeep_does_not_read_the_table(
    servers: Installation, crowd: list[World], statement: TextClause, values: dict[str, Any]
) -> None:
    assert_by_index(explain(servers, statement, values), at_most_pages=60)


def test_settling_and_renewing_find_their_rows_by_key(servers: Installation, crowd: list[World]) -> None:
    assert servers.database.relay is not None
    with servers.database.relay.begin() as connection:
        hand = relay.claim(
            connection, [relay.Wanted("high")], owner="w", lease=timedelta(seconds=15), size=10
        )
    ids, epochs = [row.id for row in hand], [row.lease_epoch for row in hand]
    nothing: list[None] = [None] * 10
    settled = explain(
        servers,
        relay._SETTLE,
        {
            "ids": ids, "epochs": epochs, "owner": "w", "states": ["succeeded"] * 10, "attempts": [1] * 10,
            "delays": nothing, "errors": nothing, "began": nothing, "ended": [timedelta(0)] * 10,
        },
    )  # fmt: skip
    assert_by_index(settled, at_most_pages=600)
    renewed = explain(
        servers,
        relay._RENEW,
        {"ids": ids, "epochs": epochs, "owner": "w", "lease": timedelta(seconds=15)},
    )
    assert_by_index(renewed, at_most_pages=400)


def test_a_plan_without_its_index_is_found(servers: Installation, crowd: list[World]) -> None:
    with servers.owner.begin() as connection:
        definition = connection.execute(
            text("select indexdef from pg_indexes where indexname = 'ix_jobs_ready'")
        ).scalar_one()
        connection.execute(text("drop index ix_jobs_ready"))
    try:
        with pytest.raises(AssertionError):
            assert_by_index(explain(servers, relay._CLAIM, claim_values()), at_most_pages=600)
    finally:
        with servers.owner.begin() as connection:
            connection.execute(text(definition))


def test_a_claim_is_as_cheap_while_postgresql_knows_nothing_of_the_table(
    installation: Installation,
) -> None:
    """As when businesses enqueue 20,000 jobs into a ledger that was empty when it was last looked at."""
    with installation.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("alter table jobs set (autovacuum_enabled = off)"))
    try:
        for number in range(5):
            world = make_world(f"B{number}", number=f"+1212555{number:04}", phones=("+12125550101",))
            with unit_of_work(world.scope):
                enqueue_many("high", leave_mark, ({"mark": "many"} for _ in range(4_000)))
        for mode in ("force_generic_plan", "force_custom_plan"):
            plan = explain(installation, relay._CLAIM, claim_values(), plan_cache_mode=mode)
            assert_by_index(plan, at_most_pages=600)
            assert 0 < ready_rows_read(plan) < 100
    finally:
        with installation.owner.begin() as connection:
            connection.execute(text("alter table jobs reset (autovacuum_enabled)"))


@pytest.mark.parametrize("seqscan", ["off", "on"])
def test_a_claim_prepared_on_an_empty_ledger_does_not_read_all_of_a_full_one(
    installation: Installation, acme: World, seqscan: str
) -> None:
    """A worker prepares its claim once, and keeps the plan; with `on` the harm is seen."""
    assert installation.database.relay is not None
    with installation.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("alter table jobs set (autovacuum_enabled = off)"))
        connection.execute(text("vacuum analyze jobs"))
    try:
        with installation.database.relay.connect() as connection:
            if seqscan == "on":
                connection.execute(text("set enable_seqscan = on"))
                connection.commit()
            for _ in range(15):
                connection.execute(relay._CLAIM, {"now": None, **claim_values()})
                connection.commit()
            with unit_of_work(acme.scope):
                enqueue_many("high", leave_mark, ({"mark": "many"} for _ in range(5_000)))
            connection.execute(relay._CLAIM, {"now": None, **claim_values()})
            read = connection.execute(
                text("select seq_tup_read from pg_stat_xact_user_tables where relname = 'jobs'")
            ).scalar_one()
            connection.rollback()
            connection.invalidate()
    finally:
        with installation.owner.begin() as connection:
            connection.execute(text("alter table jobs reset (autovacuum_enabled)"))
    assert read == 0 if seqscan == "off" else read >= 5_000
