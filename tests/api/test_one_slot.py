"""Two hundred who want one time at once: one gets it, and each of the others is told what is free."""

from __future__ import annotations

import contextvars
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from support.installation import Installation
from support.world import World
from trunkline.core.db import Database, install_database, unit_of_work
from trunkline.core.errors import SlotTaken
from trunkline.domain.appointments import calendar, calendars
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.appointments.schemas import AppointmentIn
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock

CROWD = 200
TEN = datetime(2026, 11, 3, 10, tzinfo=UTC)  # a Tuesday
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture(autouse=True)
def _in_october() -> Any:
    with clock.frozen_at(datetime(2026, 10, 20, tzinfo=UTC)):
        yield


@pytest.fixture
def many_connections(installation: Installation) -> Iterator[None]:
    """As many connections as the server gives: the threads meet in PostgreSQL and not before its door."""
    assert installation.urls.database_url
    wide = Database(installation.urls.database_url, pool_size=30)
    install_database(wide)
    yield
    install_database(installation.database)
    wide.dispose()


def stampede(world: World) -> list[str | dict[str, Any]]:
    """Let the crowd ask for one time at once; return `booked`, or what each was told instead."""
    with unit_of_work(world.scope) as session:
        calendars.of_business(session, tenants.get_business(session, world.business_id))
    start = Barrier(CROWD)

    def ask() -> str | dict[str, Any]:
        start.wait(30)
        try:
            with unit_of_work(world.scope) as session:
                business = tenants.get_business(session, world.business_id)
                wish = AppointmentIn(starts_at=TEN, ends_at=TEN + HALF_AN_HOUR)
                calendar.arrange(session, business, wish, actor="crowd")
        except SlotTaken as error:
            return error.data
        return "booked"

    with ThreadPoolExecutor(CROWD) as pool:
        asked = [pool.submit(contextvars.copy_context().run, ask) for _ in range(CROWD)]
        return [one.result(60) for one in asked]


def test_one_of_two_hundred_gets_the_time_and_the_others_hear_what_is_free(
    acme: World, many_connections: None
) -> None:
    answers = stampede(acme)
    told = [answer for answer in answers if isinstance(answer, dict)]
    assert len(told) == CROWD - 1
    with unit_of_work(acme.scope) as session:
        (winner,) = session.query(Appointment).all()
        assert {answer["appointment_id"] for answer in told} == {str(winner.id)}
        free = {slot["starts_at"] for answer in told for slot in answer["free"]}
        assert Counter(len(answer["free"]) for answer in told) == {5: CROWD - 1}
        assert TEN.isoformat() not in free
        business = tenants.get_business(session, acme.business_id)
        for starts_at in map(datetime.fromisoformat, free):
            wish = AppointmentIn(starts_at=starts_at, ends_at=starts_at + HALF_AN_HOUR)
            calendar.arrange(session, business, wish, actor="crowd")  # what was offered can be had


@contextmanager
def without_the_constraint(installation: Installation) -> Iterator[None]:
    """Take the one thing away that decides between two; it is back when the block ends, over no rows."""
    found = text(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'ex_appointments_overlap'"
    )
    with installation.owner.begin() as connection:
        kept = connection.execute(found).scalar_one()
        connection.execute(text("alter table appointments drop constraint ex_appointments_overlap"))
    try:
        yield
    finally:
        installation.wipe()
        with installation.owner.begin() as connection:
            connection.execute(
                text(f"alter table appointments add constraint ex_appointments_overlap {kept}")
            )


def test_without_the_constraint_they_would_all_be_booked(
    acme: World, installation: Installation, many_connections: None
) -> None:
    """The negative control: nothing else stands between the crowd and one time."""
    with without_the_constraint(installation):
        answers = stampede(acme)
        assert answers.count("booked") > 1
