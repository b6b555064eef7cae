"""Who calls and who is called in the simulated day: businesses of several zones and sizes, and their leads.

Owns how they are written; the runs are made and started by the public verbs. Knows nothing of time.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.runs import service as runs
from trunkline.domain.agents import service as agents
from trunkline.domain.outbound import run_store
from trunkline.domain.outbound.options import RunOptions
from trunkline.domain.tenants import service as tenants
from trunkline.kit.ids import new_id
from trunkline.providers.scripted import ready_made


@dataclass(frozen=True, slots=True)
class Region:
    """Where businesses and their people are, and when these may be called by their own clocks."""

    name: str
    prefix: str
    zone: ZoneInfo
    share: int
    """Of 200 businesses."""
    opens: time
    closes: time
    neighbour: str
    """Where the others live, of a business that has leads in two places."""


# By UTC in winter: one closes at 15:00 and one at 15:15, one opens at 15:00, one at 15:15 and one at 16:00.
_TABLE = """
    Jerusalem    +9722   Asia/Jerusalem       20  09:00 17:00  Berlin
    Berlin       +4930   Europe/Berlin        20  09:00 16:15  London
    London       +44207  Europe/London        20  09:00 17:00  Berlin
    New_York     +1212   America/New_York     30  09:00 17:00  Chicago
    Chicago      +1312   America/Chicago      60  09:00 17:00  New_York
    Denver       +1303   America/Denver       25  08:15 17:00  Chicago
    Los_Angeles  +1213   America/Los_Angeles  25  08:00 17:00  Denver
"""


def _region(line: str) -> Region:
    name, prefix, zone, share, opens, closes, neighbour = line.split()
    return Region(
        name, prefix, ZoneInfo(zone), int(share), time.fromisoformat(opens), time.fromisoformat(closes),
        neighbour,
    )  # fmt: skip


REGIONS = {region.name: region for region in map(_region, _TABLE.strip().splitlines())}

_SIZES = ((5, 50_000), (45, 10_000), (100, 2_900), (50, 200))
"""Of 200 businesses, how many have so many leads: a million in all."""

_MEAN_SIZE = sum(count * size for count, size in _SIZES) / sum(count for count, _ in _SIZES)

LINES = 3
MAX_ATTEMPTS = 2
RETRY_DELAY_S = 600.0

_LEADS = """
    insert into leads (id, business_id, phone, name, source, consent)
    select gen_random_uuid(), %(business)s,
           case when n %% 3 = 0 then %(other)s else %(own)s end || (%(first)s + n)::text, 'Ann', 'day',
           'written'
    from generate_series(0, %(size)s - 1) n
"""
# Whose day has not begun is waiting for it, as the dialler left them when their hours were over.
_ITEMS = """
    insert into outbound_items (id, business_id, run_id, lead_id, phone, position, state, not_before,
                                waits_for)
    select gen_random_uuid(), business_id, %(run)s, id, phone, row_number() over (order by right(phone, 7)),
           case when opens > %(begins)s then 'retry_wait' else 'queued' end,
           case when opens > %(begins)s then opens end,
           case when opens > %(begins)s then 'calling_hours' end
    from leads cross join lateral (
        select case when starts_with(phone, %(own)s) then %(own_opens)s else %(other_opens)s end::timestamptz
    ) as day (opens)
    where business_id = %(business)s
"""


@dataclass(slots=True)
class Caller:
    """One business, and what of its leads has not been dialled yet, by region."""

    number: int
    region: Region
    neighbour: Region | None
    size: int
    business_id: UUID = field(default_factory=new_id)
    run_id: UUID = field(init=False)
    untouched: dict[str, int] = field(default_factory=dict)

    @property
    def window(self) -> dict[str, str]:
        return {"from": f"{self.region.opens:%H:%M}", "to": f"{self.region.closes:%H:%M}"}


def callers(*, businesses: int, leads: int, chance: random.Random) -> list[Caller]:
    """Return so many businesses with about so many leads in all, few with many and many with few."""
    share = leads / businesses / _MEAN_SIZE
    sizes = [max(20, round(size * share)) for count, size in _SIZES for _ in range(count)]
    regions = [region for region in REGIONS.values() for _ in range(region.share)]
    chance.shuffle(sizes)
    chance.shuffle(regions)
    found = []
    for number in range(businesses):
        region = regions[number % len(regions)]
        neighbour = REGIONS[region.neighbour] if number % 5 == 0 else None
        found.append(Caller(number, region, neighbour, sizes[number % len(sizes)]))
    return found


def settle(admin: psycopg.Connection, everybody: Sequence[Caller], *, begins: datetime) -> None:
    """Write all businesses with their leads and runs, which are started as they are made."""
    for caller in everybody:
        _found(caller)
    # Rows whose keys fit by the way they are made: a million look-ups of them would take as long as the day.
    admin.execute("set session_replication_role = replica")
    for caller in everybody:
        other = caller.neighbour or caller.region
        values = {
            "business": caller.business_id, "run": caller.run_id, "size": caller.size,
            "own": caller.region.prefix, "other": other.prefix, "first": 2_000_000, "begins": begins,
            "own_opens": _opens(caller, caller.region, begins), "other_opens": _opens(caller, other, begins),
        }  # fmt: skip
        admin.execute(_LEADS, values)
        admin.execute(_ITEMS, values)
        of_others = -(-caller.size // 3)
        caller.untouched = {caller.region.name: caller.size - of_others}
        caller.untouched[other.name] = caller.untouched.get(other.name, 0) + of_others
    admin.execute("set session_replication_role = origin")
    admin.execute("vacuum analyze")


def _opens(caller: Caller, region: Region, begins: datetime) -> datetime:
    """Return when a business may call the people of a region today."""
    day = begins.astimezone(region.zone).date()
    return datetime.combine(day, caller.region.opens, region.zone)


def _found(caller: Caller) -> None:
    own = f"+1646555{caller.number:04}"
    with unit_of_work(SYSTEM) as session:
        tenants.create_business(
            session, name=f"Business {caller.number}", calling_window=caller.window,
            max_outbound_calls=LINES, actor="day", business_id=caller.business_id,
        )  # fmt: skip
    with unit_of_work(of_business(caller.business_id)) as session:
        agent = agents.create_agent(
            session, caller.business_id, name="Agent", language="en", script=ready_made("appointment"),
            tools=[], actor="day",
        )  # fmt: skip
        business = tenants.get_business(session, caller.business_id)
        tenants.add_number(session, business, number=own, agent_id=agent.id)
        options = RunOptions(
            agent_id=agent.id, from_number=own, concurrency=LINES, max_attempts=MAX_ATTEMPTS,
            retry_delay_s=RETRY_DELAY_S,
        )  # fmt: skip
        run = runs.create(
            session, business_id=caller.business_id, kind="outbound", title="The day", actor="day",
            subject=None, options=options.model_dump(mode="json"),
        )  # fmt: skip
        run_store.add_run(session, caller.business_id, run.id, priority=0)
        runs.start(session, run, actor="day")
        caller.run_id = run.id
