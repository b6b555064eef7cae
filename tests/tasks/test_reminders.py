"""Reminders: ahead of tasks and appointments, once each, over changes of the clock and not in quiet hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from support.installation import Installation
from support.post_office import PostOffice, text_of
from support.push_service import Browser
from support.world import World
from tasks.staff import colleague, edit, in_zone, local, owner_of, sendings, task, told
from trunkline.core.access import Role
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.core.tenancy import businesses_to_remind
from trunkline.domain.appointments import calendar
from trunkline.domain.appointments.schemas import AppointmentIn, AppointmentMove
from trunkline.domain.notifications import choices, reminders
from trunkline.domain.notifications.models import Notification
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.wall_clock import Quiet

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def remind_at(world: World, moment: datetime) -> list[tuple[str, int]]:
    """Let a minute's reminders be told. Returns who was told newly, as kind and minutes ahead."""
    before = {row.id for row in told(world)}
    with clock.frozen_at(moment), unit_of_work(world.scope) as session:
        reminders.remind(session, world.business_id)
    return [(row.kind, row.data["minutes"]) for row in told(world) if row.id not in before]


def each_minute(world: World, since: datetime, until: datetime) -> list[tuple[str, int, datetime]]:
    """Let every minute of a stretch be looked at. Returns what was told and when."""
    found = []
    moment = since
    while moment <= until:
        found += [(kind, minutes, moment) for kind, minutes in remind_at(world, moment)]
        moment += timedelta(minutes=1)
    return found


def test_a_task_is_reminded_of_thirty_fifteen_and_five_minutes_before_once_each(acme: World) -> None:
    with clock.frozen_at(NOON):
        task(acme, due_on="2026-11-23", due_time="13:00")
    one = NOON + timedelta(hours=1)
    found = each_minute(acme, NOON, one + timedelta(minutes=20))
    assert found == [("task_due", minutes, one - timedelta(minutes=minutes)) for minutes in (30, 15, 5)]


@pytest.mark.parametrize(
    ("zone", "before", "day"),
    [
        ("Asia/Jerusalem", (2026, 3, 26, 12), "2026-03-27"),
        ("Asia/Jerusalem", (2026, 10, 24, 12), "2026-10-25"),
        ("America/New_York", (2026, 3, 7, 12), "2026-03-08"),
        ("America/New_York", (2026, 10, 31, 12), "2026-11-01"),
    ],
)
def test_reminders_hold_over_both_changes_of_the_clock(
    acme: World, zone: str, before: tuple[int, ...], day: str
) -> None:
    """Made the day before, due at three in the morning of the night in which the clock is moved at two."""
    in_zone(acme, zone)
    with clock.frozen_at(local(zone, *before)):
        task(acme, "Early", due_on=day, due_time="03:00")
        task(acme, "By day", due_on=day)
    year, month, number = (int(part) for part in day.split("-"))
    three = local(zone, year, month, number, 3).astimezone(UTC)
    nine = local(zone, year, month, number, 9).astimezone(UTC)
    found = each_minute(acme, three - timedelta(minutes=90), three + timedelta(minutes=20))
    assert found == [("task_due", minutes, three - timedelta(minutes=minutes)) for minutes in (30, 15, 5)]
    found = each_minute(acme, nine - timedelta(minutes=5), nine + timedelta(minutes=5))
    assert found == [("task_due", 0, nine)]


def test_a_task_s_own_times_come_before_a_person_s_and_none_means_none(acme: World) -> None:
    me = owner_of(acme).user_id
    with clock.frozen_at(NOON), unit_of_work(acme.scope) as session:
        choices.choose(session, acme.business_id, me, kinds={}, ahead=[45], own_quiet=False, quiet=None)
    with clock.frozen_at(NOON):
        task(acme, "as I like", due_on="2026-11-23", due_time="13:00")
        task(acme, "its own", due_on="2026-11-23", due_time="13:00", remind=[20, 0])
        task(acme, "none", due_on="2026-11-23", due_time="13:00", remind=[])
        task(acme, "nobody's", due_on="2026-11-23", due_time="13:00", assignee_id=None)
    each_minute(acme, NOON, NOON + timedelta(minutes=75))
    assert [(row.data["title"], row.data["minutes"]) for row in told(acme)] == [
        ("as I like", 45), ("its own", 20), ("its own", 0)
    ]  # fmt: skip


def test_what_is_moved_is_reminded_of_anew_and_what_is_done_not(acme: World) -> None:
    with clock.frozen_at(NOON):
        one = task(acme, due_on="2026-11-23", due_time="13:00")
    half = NOON + timedelta(minutes=30)
    assert remind_at(acme, half) == [("task_due", 30)]
    with clock.frozen_at(half):
        edit(acme, one, due_time="14:00")
    assert remind_at(acme, half + timedelta(minutes=15)) == []
    assert remind_at(acme, half + timedelta(minutes=60)) == [("task_due", 30)]
    with clock.frozen_at(half + timedelta(minutes=61)):
        edit(acme, one, state="done")
    assert each_minute(acme, half + timedelta(minutes=62), half + timedelta(minutes=100)) == []


def test_after_a_standstill_one_is_told_once_and_not_of_what_is_long_over(acme: World) -> None:
    with clock.frozen_at(NOON):
        task(acme, due_on="2026-11-23", due_time="13:00")
    at = NOON + timedelta(hours=1)
    assert remind_at(acme, at - timedelta(minutes=7)) == [("task_due", 15)]
    assert remind_at(acme, at + timedelta(minutes=3)) == [("task_due", 5)]
    with clock.frozen_at(NOON):
        task(acme, "Over", due_on="2026-11-23", due_time="12:45")
    assert remind_at(acme, at + timedelta(minutes=1)) == []


def test_an_appointment_reminds_those_who_work_and_not_those_who_look(acme: World) -> None:
    dana = colleague(acme, "Dana")
    colleague(acme, "Vera", Role.VIEWER)
    with clock.frozen_at(NOON), unit_of_work(acme.scope) as session:
        wish = AppointmentIn(
            starts_at=NOON + timedelta(hours=1), ends_at=NOON + timedelta(hours=2), outside_hours=True
        )
        business = tenants.get_business(session, acme.business_id)
        row = calendar.arrange(session, business, wish, actor="test")
    with unit_of_work(acme.scope) as session:
        row = session.merge(row)
        row.created_at = NOON
    found = each_minute(acme, NOON + timedelta(minutes=29), NOON + timedelta(minutes=31))
    assert [entry[:2] for entry in found] == [("appointment_soon", 30)] * 2
    assert {row.user_id for row in told(acme)} == {owner_of(acme).user_id, dana}
    with clock.frozen_at(NOON), unit_of_work(acme.scope) as session:
        calendar.cancel(session, acme.business_id, row.id, version=row.version, actor="test")
    assert each_minute(acme, NOON + timedelta(minutes=45), NOON + timedelta(minutes=70)) == []


def test_the_minute_s_job_looks_where_something_is_coming_and_nowhere_else(
    acme: World, umbrella: World, installation: Installation
) -> None:
    now = clock.now()
    due = now + timedelta(minutes=3)
    with clock.frozen_at(now - timedelta(hours=2)):
        task(acme, due_on=f"{due:%Y-%m-%d}", due_time=f"{due:%H:%M}")
        task(umbrella, due_on=f"{due + timedelta(days=3):%Y-%m-%d}")
    with unit_of_work(SYSTEM) as session:
        found = businesses_to_remind(session, since=now, until=now + timedelta(days=1))
        assert found == [acme.business_id]
        enqueue_job("default", "send_reminder_notifications")
        enqueue_job("default", "send_reminder_notifications")
    with unit_of_work(umbrella.scope) as session:
        assert businesses_to_remind(session, since=now, until=now + timedelta(days=1)) == []
    installation.run_jobs("default")
    assert [(row.kind, row.data["minutes"]) for row in told(acme)] == [("task_due", 5)]


def test_the_minute_s_job_tells_of_what_is_due_now_and_of_what_has_just_begun(
    acme: World, installation: Installation
) -> None:
    one = NOON + timedelta(hours=1)
    with clock.frozen_at(NOON):
        task(acme, "now", due_on="2026-11-23", due_time="13:00", remind=[0])
    for moment in (one - timedelta(minutes=1), one + timedelta(seconds=20)):
        with clock.frozen_at(moment):
            with unit_of_work(SYSTEM):
                enqueue_job("default", "send_reminder_notifications")
            installation.run_jobs("default")
    assert [(row.data["title"], row.data["minutes"]) for row in told(acme)] == [("now", 0)]


def test_a_moved_appointment_is_not_reminded_of_by_what_had_passed_when_it_was_moved(acme: World) -> None:
    with clock.frozen_at(NOON), unit_of_work(acme.scope) as session:
        business = tenants.get_business(session, acme.business_id)
        at = NOON + timedelta(hours=5)
        wish = AppointmentIn(starts_at=at, ends_at=at + timedelta(hours=1), outside_hours=True)
        row = calendar.arrange(session, business, wish, actor="test")
        row.created_at = NOON
        appointment_id = row.id
    moved_at = NOON + timedelta(hours=1)
    soon = moved_at + timedelta(minutes=10)
    with clock.frozen_at(moved_at), unit_of_work(acme.scope) as session:
        business = tenants.get_business(session, acme.business_id)
        move = AppointmentMove(
            starts_at=soon, ends_at=soon + timedelta(hours=1), version=1, outside_hours=True
        )
        calendar.move(session, business, appointment_id, move, actor="test")
    found = each_minute(acme, moved_at, soon + timedelta(minutes=5))
    assert found == [("appointment_soon", 5, soon - timedelta(minutes=5))]


def test_one_is_told_in_the_page_on_a_device_and_by_post(
    acme: World, installation: Installation, browser: Browser, outside: PostOffice
) -> None:
    me = owner_of(acme).user_id
    ways = {"task_due": {"page": True, "push": True, "email": True}}
    with unit_of_work(acme.scope) as session:
        choices.choose(session, acme.business_id, me, kinds=ways, ahead=[5], own_quiet=False, quiet=None)
    due = clock.now() + timedelta(minutes=4)
    with clock.frozen_at(due - timedelta(hours=2)):
        made = task(acme, "Call Ruth", due_on=f"{due:%Y-%m-%d}", due_time=f"{due:%H:%M}")
    with unit_of_work(acme.scope):
        enqueue_job("default", "remind_business")
    installation.run_jobs("default")
    (row,) = told(acme)
    assert row.in_page
    (message,) = browser.arrived()
    assert message["payload"] == {
        "id": str(row.id), "tag": message["topic"], "title": "Call Ruth", "body": f"Due at {due:%H:%M}",
        "path": f"/tasks/{made.id}", "lang": "en",
    }  # fmt: skip
    assert (message["urgency"], message["contact"]) == ("high", "mailto:calls@agency.example")
    assert 60 <= message["ttl"] <= 20 * 60
    (letter,) = outside.letters(acme.email)
    assert letter["Subject"] == "Call Ruth"
    assert f"/tasks/{made.id}" in text_of(letter)
    assert {sending.state for sending in sendings(acme)} == {"sent"}


def test_quiet_hours_hold_what_can_wait_and_drop_what_is_stale_by_then(
    acme: World, installation: Installation, browser: Browser
) -> None:
    now = clock.now().replace(second=0, microsecond=0)
    quiet = Quiet(f"{now - timedelta(minutes=5):%H:%M}", f"{now + timedelta(minutes=30):%H:%M}")
    with unit_of_work(acme.scope) as session:
        choices.set_business_quiet(session, acme.business_id, quiet, actor="test")
    for title, minutes in (("stale by then", 4), ("can wait", 20)):
        due = now + timedelta(minutes=minutes)
        with clock.frozen_at(now - timedelta(hours=2)):
            task(acme, title, due_on=f"{due:%Y-%m-%d}", due_time=f"{due:%H:%M}", remind=[30])
    with unit_of_work(acme.scope):
        enqueue_job("default", "remind_business")
    installation.run_jobs("default")
    # The page has both at once: it disturbs nobody.
    assert {row.data["title"] for row in told(acme)} == {"stale by then", "can wait"}
    found = {sending.notification_id: (sending.state, sending.reason) for sending in sendings(acme)}
    by_title = {row.data["title"]: found[row.id] for row in told(acme)}
    assert by_title == {"stale by then": ("dropped", "quiet_hours"), "can wait": ("waiting", "")}
    assert browser.arrived() == []
    with unit_of_work(acme.scope) as session:
        choices.set_business_quiet(session, acme.business_id, None, actor="test")
    with installation.administrator.begin() as connection:
        connection.exec_driver_sql("update jobs set run_at = clock_timestamp() where state = 'queued'")
    installation.run_jobs("default")
    assert [message["payload"]["title"] for message in browser.arrived()] == ["can wait"]


def test_what_has_changed_while_it_had_to_wait_is_not_told(
    acme: World, installation: Installation, browser: Browser
) -> None:
    now = clock.now().replace(second=0, microsecond=0)
    quiet = Quiet(f"{now - timedelta(minutes=5):%H:%M}", f"{now + timedelta(minutes=10):%H:%M}")
    due = now + timedelta(minutes=20)
    day, at = f"{due:%Y-%m-%d}", f"{due:%H:%M}"
    with unit_of_work(acme.scope) as session:
        choices.set_business_quiet(session, acme.business_id, quiet, actor="test")
    with clock.frozen_at(now - timedelta(hours=2)):
        titles = ("done", "later", "as it was")
        rows = [task(acme, title, due_on=day, due_time=at, remind=[30]) for title in titles]
        with unit_of_work(acme.scope) as session:
            wish = AppointmentIn(starts_at=due, ends_at=due + timedelta(hours=1), outside_hours=True)
            business = tenants.get_business(session, acme.business_id)
            row = calendar.arrange(session, business, wish, actor="test").id
    with unit_of_work(acme.scope):
        enqueue_job("default", "remind_business")
    installation.run_jobs("default")
    assert [sending.state for sending in sendings(acme)] == ["waiting"] * 4
    edit(acme, rows[0], state="done")
    edit(acme, rows[1], due_time=f"{due + timedelta(minutes=5):%H:%M}")
    with unit_of_work(acme.scope) as session:
        calendar.cancel(session, acme.business_id, row, version=1, actor="test")
        choices.set_business_quiet(session, acme.business_id, None, actor="test")
    with installation.administrator.begin() as connection:
        connection.exec_driver_sql("update jobs set run_at = clock_timestamp() where state = 'queued'")
    installation.run_jobs("default")
    assert [message["payload"]["title"] for message in browser.arrived()] == ["as it was"]
    assert sorted(sending.reason for sending in sendings(acme)) == ["", "changed", "changed", "changed"]


def test_one_s_own_quiet_hours_come_before_the_business_s(acme: World) -> None:
    me, dana = owner_of(acme).user_id, colleague(acme, "Dana")
    with unit_of_work(acme.scope) as session:
        choices.set_business_quiet(session, acme.business_id, Quiet("22:00", "07:00"), actor="test")
        choices.choose(
            session, acme.business_id, me, kinds={}, ahead=[], own_quiet=True, quiet=Quiet("12:00", "14:00")
        )
        found = choices.choices_of(session, acme.business_id, [me, dana])
        assert (found[me].quiet, found[dana].quiet) == (Quiet("12:00", "14:00"), Quiet("22:00", "07:00"))
        choices.choose(session, acme.business_id, me, kinds={}, ahead=[], own_quiet=True, quiet=None)
        assert choices.choices_of(session, acme.business_id, [me])[me].quiet is None


def test_what_was_read_in_the_page_goes_to_no_device(
    acme: World, installation: Installation, browser: Browser
) -> None:
    due = clock.now() + timedelta(minutes=4)
    with clock.frozen_at(due - timedelta(hours=2)):
        task(acme, due_on=f"{due:%Y-%m-%d}", due_time=f"{due:%H:%M}")
    with unit_of_work(acme.scope) as session:
        reminders.remind(session, acme.business_id)
        session.execute(update(Notification).values(read_at=clock.now()))
    installation.run_jobs("default")
    assert browser.arrived() == []
    assert [(sending.state, sending.reason) for sending in sendings(acme)] == [("dropped", "read")]
