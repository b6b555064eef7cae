"""Ours: `claim_next`, the whole transaction that commits a dial, with every check having something to check.

Forty businesses take turns. Each has a run with ten lines, consent to look for, a suppression list, rules
that count earlier dials, and a pool of numbers; the clock is held in the middle of a working day. A
finished item stays with its attempt and its two events.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import event

from peers.claims import Claims, burst
from trunkline import wiring
from trunkline.core.db import SYSTEM, Database, database, install_database, of_business, unit_of_work
from trunkline.core.runs import service as runs
from trunkline.core.settings import Settings
from trunkline.domain.agents import service as agents
from trunkline.domain.outbound import run_store
from trunkline.domain.outbound.claim import Claim, claim_next
from trunkline.domain.outbound.options import DialLimits, RunOptions
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.calling_rules import CallingRules
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.scripted import ready_made

_BUSINESSES = 40
_PEOPLE = 2_000
"""Leads of a business that a run may be over. Each was dialled once in the past, where there is one."""

NOW = datetime(2026, 3, 11, 16, 0, tzinfo=UTC)
"""A Wednesday, noon in New York."""

_WINDOW = {"from": "09:00", "to": "20:00"}
_RULES = CallingRules(
    attempts_per_day=3, attempts_in_all=1_000, minimum_gap_minutes=60, consent_required=True,
    public_holidays=True,
)  # fmt: skip
_LIMITS = DialLimits(
    account="bench", per_second=float("inf"), account_lines=10_000, system=10_000, starts_per_minute=1_000,
    ring_limit=timedelta(seconds=45), call_limit=timedelta(seconds=1_800), fence=timedelta(hours=24),
    public_url="http://bench.example", token_key=b"bench",
)  # fmt: skip

_PHONE = "'+1212' || (2000000 + n)::text"

_LEADS = f"""
    insert into leads (id, business_id, phone, name, source, consent)
    select gen_random_uuid(), %(business)s, {_PHONE}, 'Ann', 'bench', 'written'
    from generate_series(1, {_PEOPLE}) n
"""
_SUPPRESSED = """
    insert into suppressions (business_id, phone, reason)
    select %(business)s, '+1213' || (2000000 + n)::text, 'bench' from generate_series(1, 500) n
"""
_SUPPRESSED_EVERYWHERE = """
    insert into system_suppressions (phone, reason)
    select '+1310' || (2000000 + n)::text, 'bench' from generate_series(1, 10000) n
"""

# Dialled in the thirty days before the last three, so that the rules count them and none is in the way.
_PAST = f"""
    with past as materialized (
        select gen_random_uuid() as item, gen_random_uuid() as attempt, n,
               {_PHONE} as phone,
               %(now)s::timestamptz - interval '3 days' - interval '30 days' * (n::float / %(rows)s) as at
        from generate_series(1, %(rows)s) n
    ), items as (
        insert into outbound_items (id, business_id, run_id, phone, position, state, attempts_used,
                                    disposition, updated_at)
        select item, %(business)s, %(run)s, phone, n, 'completed', 1, 'booked', at from past
    ), attempts as (
        insert into outbound_attempts (id, business_id, run_id, item_id, phone, from_number, account, state,
                                       disposition, job_id, lease_epoch, created_at, resolved_at)
        select attempt, %(business)s, %(run)s, item, phone, '+12125550100', 'bench', 'ended', 'booked',
               attempt, 1, at, at from past
    )
    insert into events (business_id, kind, subject_id, actor, data, at)
    select %(business)s, kind, item, 'dialler',
           jsonb_build_object('run_id', %(run)s::text, 'phone', phone, 'attempt_id', attempt), at
    from past cross join unnest(array['dial.allowed', 'item.settled']) kind
"""
_QUEUE = """
    insert into outbound_items (id, business_id, run_id, lead_id, phone, position)
    select gen_random_uuid(), business_id, %(run)s, id, phone, 10000000 + row_number() over (order by phone)
    from leads where business_id = %(business)s order by phone limit %(rows)s
"""


class OurClaims(Claims):
    """The dialler's claim, without jobs and carrier."""

    def __init__(self, history: int) -> None:
        self._history = history
        install_database(Database(os.environ["DATABASE_URL"]))
        wiring.register_doors(Settings(), b"a key for benchmarks")
        self._admin = psycopg.connect(os.environ["BENCH_ADMIN"], autocommit=True)
        self._runs: dict[UUID, UUID] = {}

    def prepare(self) -> None:
        for number in range(_BUSINESSES):
            _found(number)
        self._admin.execute("set session_replication_role = replica")
        self._admin.execute(_SUPPRESSED_EVERYWHERE)
        for business_id, run_id in self._known_runs().items():
            values = {"business": business_id, "run": run_id, "now": NOW}
            self._admin.execute(_LEADS, values)
            self._admin.execute(_SUPPRESSED, values)
            if self._history:
                self._admin.execute(_PAST, {**values, "rows": self._history // _BUSINESSES})
        self._admin.execute("set session_replication_role = origin")
        self._admin.execute("vacuum analyze")

    def reset(self, queued: int) -> None:
        self._admin.execute("delete from outbound_attempts where disposition is distinct from 'booked'")
        self._admin.execute("delete from outbound_items where lead_id is not null")
        self._admin.execute("delete from events where at >= %s", [NOW])
        for business_id, run_id in self._known_runs().items():
            rows = -(-queued // _BUSINESSES)
            self._admin.execute(_QUEUE, {"business": business_id, "run": run_id, "rows": rows})
        self._admin.execute("vacuum analyze outbound_attempts, outbound_items, events")

    def settle(self) -> int:
        ended = self._admin.execute(
            "update outbound_attempts set state = 'ended', disposition = 'no_answer', resolved_at = %s"
            " where state = 'submitting'", [NOW],
        )  # fmt: skip
        self._admin.execute("update outbound_items set state = 'failed' where state = 'dialling'")
        return ended.rowcount

    def claim(self, count: int, at: float) -> dict[str, Any]:
        return self._claim(count, at, first=0)

    def extras(self) -> dict[str, Any]:
        return {"claim_from": self._claim, "profile": self._profile}

    def _claim(self, count: int, at: float, first: int) -> dict[str, Any]:
        """Claim for one business after another, beginning with this one."""
        turns = islice(cycle(self._known_runs()), first, None)

        def claim_one() -> None:
            business_id = next(turns)
            with unit_of_work(of_business(business_id)) as session:
                claimed = claim_next(session, business_id, limits=_LIMITS, job_id=job_id, lease_epoch=1)
            if not isinstance(claimed, Claim):
                raise RuntimeError(f"the claim was denied: {claimed}")

        job_id = new_id()
        with clock.frozen_at(NOW):
            return burst(count, at, claim_one)

    def _profile(self, count: int) -> dict[str, Any]:
        """Return what a claim asks of PostgreSQL, and for how many of its microseconds it waits for that."""
        asked: dict[str, list[float]] = {}
        engine = database().engine
        begun: list[float] = []

        def before(*_: Any) -> None:
            begun.append(time.perf_counter())

        def after(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            asked.setdefault(_short(statement), []).append((time.perf_counter() - begun.pop()) * 1e6)

        def timed(name: str, verb: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any) -> Any:
                before()
                answer = verb(*arguments)
                after(None, None, name)
                return answer

            return call

        dialect = engine.dialect
        commit, ping = dialect.do_commit, dialect.do_ping
        dialect.do_commit, dialect.do_ping = timed("commit", commit), timed("ping", ping)
        event.listen(engine, "before_cursor_execute", before)
        event.listen(engine, "after_cursor_execute", after)
        try:
            whole = sum(self._claim(count, time.monotonic(), first=0)["us"])
        finally:
            event.remove(engine, "before_cursor_execute", before)
            event.remove(engine, "after_cursor_execute", after)
            dialect.do_commit, dialect.do_ping = commit, ping
        return {
            "round_trips": sum(map(len, asked.values())) / count,
            "us": whole / count,
            "us_waited": sum(map(sum, asked.values())) / count,
            "by_statement": {
                name: sum(times) / count for name, times in sorted(asked.items(), key=lambda i: -sum(i[1]))
            },
        }

    def _known_runs(self) -> dict[UUID, UUID]:
        """Return the businesses in their order, each with its run."""
        if not self._runs:
            rows = self._admin.execute("select business_id, id from runs order by title").fetchall()
            self._runs = dict(rows)
        return self._runs


def _found(number: int) -> None:
    """Found a business with a running run that nobody is in yet."""
    business_id = new_id()
    numbers = [f"+1{area}555{number:04}" for area in (212, 312, 213)]
    with unit_of_work(SYSTEM) as session:
        tenants.create_business(
            session, name=f"Bench {number}", calling_window=_WINDOW, max_outbound_calls=1_000,
            max_calls=1_000, actor="bench", business_id=business_id,
        )  # fmt: skip
    with unit_of_work(of_business(business_id)) as session:
        business = tenants.get_business(session, business_id)
        business.calling_rules = _RULES.model_dump(mode="json")
        agent = agents.create_agent(
            session, business_id, name="Agent", language="en", script=ready_made("appointment"), tools=[],
            actor="bench",
        )  # fmt: skip
        for own in numbers:
            tenants.add_number(session, business, number=own, agent_id=agent.id)
        options = RunOptions(
            agent_id=agent.id, from_number=numbers[0], caller_ids=numbers[1:], local_presence=True,
            concurrency=10,
        )  # fmt: skip
        run = runs.create(
            session, business_id=business_id, kind="outbound", title=f"{number:03}", actor="bench",
            subject=None, options=options.model_dump(mode="json"),
        )  # fmt: skip
        run_store.add_run(session, business_id, run.id, priority=0)
        runs.start(session, run, actor="bench")


def _short(statement: str) -> str:
    return " ".join(statement.split())[:70]


def side(argument: str) -> OurClaims:
    """Return the side with so many finished items."""
    return OurClaims(int(argument))
