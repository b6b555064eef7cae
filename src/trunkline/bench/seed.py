"""Filling businesses: one transaction for each stretch of leads and each day of calls, in their scope.

Speaks as the application, so row-level security and all keys hold for what is written. What is there
already is passed over, so a seeding that was broken off goes on when it is asked for again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
from sqlalchemy import TextClause, func, select, text
from sqlalchemy.orm import Session

from trunkline.bench import statements
from trunkline.bench.plan import Day, Volume, days_of
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.errors import Conflict
from trunkline.core.runs.models import Run, RunState
from trunkline.domain.agents import service as agents
from trunkline.domain.agents.models import Agent
from trunkline.domain.appointments import calendars
from trunkline.domain.calls.models import Call
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.models import LeadList
from trunkline.domain.outbound import run_store
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.options import RunOptions
from trunkline.domain.reports import rolling
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.models import Business
from trunkline.providers.scripted import ready_made

_ACTOR = "bench"
_NUMBER = "+15552000000"
_LEADS_AT_ONCE = 20_000
_LEADS_BEFORE = timedelta(days=1)
"""How long before the first call the first lead was written."""
_LIST = "Everybody"

Progress = Callable[[int], None]
"""Told how many calls are written more."""


@dataclass(frozen=True, slots=True)
class Seeding:
    """What is asked for."""

    volume: Volume
    seed: int
    businesses: int
    zone: str
    beside_others: bool
    """Whether a database is used in which other businesses have calls."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A business and what its rows refer to."""

    business_id: UUID
    seed: int
    agent_id: UUID
    list_id: UUID
    until: datetime


def check(seeding: Seeding) -> None:
    """Raise Conflict where a database is in use by others, and nobody has said that this may be."""
    with unit_of_work(SYSTEM) as session:
        others = [one for one in tenants.list_businesses(session) if not one.name.startswith("Bench ")]
    for business in others:
        with unit_of_work(of_business(business.id)) as session:
            has_calls = session.scalar(
                select(select(Call.id).where(Call.business_id == business.id).exists())
            )
        if has_calls and not seeding.beside_others:
            raise Conflict(
                f"{business.name} has calls in this database. Use one of its own for measuring,"
                " or say --beside-others; what is seeded is not taken out again."
            )


def fill(seeding: Seeding, number: int, progress: Progress) -> UUID:
    """Fill the business of this number, or go on with it; return its id. Raises Conflict."""
    place = _found(seeding, number)
    days = days_of(seeding.volume, until=place.until, zone=seeding.zone)
    began = days[0].starts - _LEADS_BEFORE
    common: dict[str, object] = {
        "business": place.business_id, "seed": place.seed, "began": began,
        "lead_every": (place.until - began) / (seeding.volume.leads + 1), "leads": seeding.volume.leads,
        "ours": _NUMBER, "agent": place.agent_id, "list": place.list_id, "turns": seeding.volume.turns,
        **statements.SPOKEN,
    }  # fmt: skip
    _write_leads(place, seeding.volume.leads, common)
    for day in days:
        if day.calls:
            _write_day(place, day, common)
        progress(day.calls)
    there_is_more = True
    while there_is_more:
        with unit_of_work(of_business(place.business_id)) as session:
            there_is_more = rolling.roll_up(session, place.business_id)
    return place.business_id


def _found(seeding: Seeding, number: int) -> _Place:
    """Found the business with its agent and its list, or find them."""
    name = f"Bench {seeding.seed}-{number}"
    with unit_of_work(SYSTEM) as session:
        known = [business for business in tenants.list_businesses(session) if business.name == name]
        business = known[0] if known else _new_business(session, name, seeding.zone)
        business_id, until = business.id, business.created_at
    volume = seeding.volume
    # What was asked for at first, so that going on means the same.
    asked = (
        f"{_LIST}: {volume.leads} leads, {volume.calls} calls in {volume.days} days, {volume.runs} runs of "
        f"{volume.run_items}, {volume.turns} turns, {seeding.zone}"
    )
    with unit_of_work(of_business(business_id)) as session:
        of_agent = select(Agent.id).where(Agent.business_id == business_id)
        of_list = select(LeadList.id, LeadList.name).where(LeadList.business_id == business_id)
        agent_id, everybody = session.scalar(of_agent), session.execute(of_list).first()
        if everybody is not None and everybody.name != asked:
            raise Conflict(
                f"{name} was filled with other options: {everybody.name}."
                " Say the same ones to go on, or another --seed."
            )
        if agent_id is None or everybody is None:
            agent_id = _new_agent(session, business_id)
            list_id = leads.make_list(session, business_id, asked).id
            calendars.of_business(session, tenants.get_business(session, business_id))
        else:
            list_id = everybody.id
        return _Place(business_id, seeding.seed * 1_000_003 + number, agent_id, list_id, until)


def _new_business(session: Session, name: str, zone: str) -> Business:
    business = tenants.create_business(session, name=name, time_zone=zone, actor=_ACTOR)
    session.refresh(business)
    return business


def _new_agent(session: Session, business_id: UUID) -> UUID:
    script = ready_made("appointment")
    agent = agents.create_agent(
        session, business_id, name="Rivka", language="en", script=script, actor=_ACTOR,
        tools=["book_appointment", "do_not_call", "find_free_slots", "request_callback"],
    )  # fmt: skip
    return agent.id


def _write_leads(place: _Place, count: int, common: dict[str, object]) -> None:
    for first in range(1, count + 1, _LEADS_AT_ONCE):
        last = min(first + _LEADS_AT_ONCE - 1, count)
        values = {**common, "first": first, "last": last, "number": last}
        with unit_of_work(of_business(place.business_id)) as session:
            if session.scalar(statements.LEAD_IS_THERE, statements.given(statements.LEAD_IS_THERE, values)):
                continue
            _do(session, values, statements.LEADS, statements.ENTRIES)


def _write_day(place: _Place, day: Day, common: dict[str, object]) -> None:
    values: dict[str, object] = {
        **common, "first": day.first, "last": day.last, "starts": day.starts, "ends": day.ends,
        "items": day.run_items, "offset": day.number * day.run_items, "hours": list(day.hours),
        "hours_size": len(day.hours),
    }  # fmt: skip
    with unit_of_work(of_business(place.business_id)) as session:
        # What a crash of the server takes with it is written again.
        session.execute(text("set local synchronous_commit = off"))
        if session.scalar(statements.DAY_IS_THERE, statements.given(statements.DAY_IS_THERE, values)):
            return
        _do(session, values, statements.CALLS, statements.CALL_EVENTS, statements.FEED)
        if day.run_items:
            values["run"] = _write_run(session, place, day)
            _do(session, values, statements.ITEMS, statements.ATTEMPTS)
        _do(session, values, statements.APPOINTMENTS)


def _write_run(session: Session, place: _Place, day: Day) -> UUID:
    """Write the day's run, over since its evening."""
    options = RunOptions(agent_id=place.agent_id, from_number=_NUMBER)
    began = day.starts + timedelta(hours=7)
    run = Run(
        business_id=place.business_id, kind=outbound.KIND, title=f"Check-ups, {day.starts:%d.%m.%Y}",
        options=options.model_dump(mode="json"), state=RunState.COMPLETED, created_by=_ACTOR,
        created_at=began, started_at=began, finished_at=day.ends,
    )  # fmt: skip
    session.add(run)
    session.flush()
    run_store.add_run(session, place.business_id, run.id, priority=0)
    return run.id


def _do(session: Session, values: dict[str, object], *what: TextClause) -> None:
    for statement in what:
        session.execute(statement, statements.given(statement, values))


def counted(business_id: UUID) -> dict[str, int]:
    """Return how many leads and calls a business has."""
    with unit_of_work(of_business(business_id)) as session:
        calls = session.scalar(select(func.count()).where(Call.business_id == business_id))
        return {"leads": sum(size for _, size in leads.list_lists(session, business_id)), "calls": calls or 0}


def settle(owner_url: str) -> None:
    """Let PostgreSQL take stock of the tables and note what everybody sees, as it would by itself in time."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("vacuum (analyze)")
