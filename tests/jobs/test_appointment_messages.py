"""What is sent before and after appointments by itself: by the real jobs, to a mail server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from support.installation import Installation
from support.post_office import PostOffice, link_in, open_post_office, text_of
from support.world import World
from trunkline.core import registry
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.errors import InvalidInput
from trunkline.core.events import Event
from trunkline.core.jobs import enqueue_job
from trunkline.core.runs.models import Run
from trunkline.domain.appointments import automations, calendar, links
from trunkline.domain.appointments.automation_models import Sending
from trunkline.domain.appointments.models import AppointmentState
from trunkline.domain.appointments.schemas import AppointmentIn, AppointmentMove
from trunkline.domain.leads.models import Lead
from trunkline.domain.outbound.options import RunOptions
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock
from trunkline.providers.smtp import SmtpMailer

NEW_YORK = ZoneInfo("America/New_York")
TEN = datetime(2026, 11, 2, 10, tzinfo=NEW_YORK)
"""A Monday; on the Sunday before, the clocks are put back."""
HALF_AN_HOUR = timedelta(minutes=30)
DANA = "dana@example.com"
SENDER = "Acme <calls@acme.example>"


@pytest.fixture(scope="module")
def post_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    with open_post_office(tmp_path_factory.mktemp("post")) as post:
        yield post


@pytest.fixture
def post(post_office: PostOffice, acme: World) -> Iterator[PostOffice]:
    """The mail of the installation, and a business in New York with a lead who has an address."""
    post_office.empty()
    registry.register_mailer(SmtpMailer(post_office.url, SENDER))
    before = links.installed()
    links.install_links(replace(before, sender=SENDER))
    with unit_of_work(acme.scope) as session:
        session.get_one(Business, acme.business_id).time_zone = "America/New_York"
        lead = session.query(Lead).filter_by(phone=acme.phones[0]).one()
        lead.email, lead.name = DANA, "Dana"
    yield post_office
    links.install_links(before)
    registry.register_mailer(None)


@pytest.fixture
def tick(installation: Installation) -> Callable[[datetime], None]:
    """Let the job of a minute run at a moment, and all that comes of it."""

    def run(moment: datetime) -> None:
        with clock.frozen_at(moment):
            with unit_of_work(SYSTEM):
                enqueue_job("default", "appointment_automations")
            installation.run_jobs("default")

    return run


def automate(world: World, **wish: Any) -> None:
    usual = {"name": "Told", "amount": 0, "unit": "minutes", "channel": "email"}
    with clock.frozen_at(TEN - timedelta(days=20)), unit_of_work(world.scope) as session:
        automations.make(session, world.business_id, {**usual, **wish}, actor="test")


def expect_dana(world: World, starts_at: datetime = TEN, *, arranged: datetime | None = None) -> UUID:
    """Book for her, ten days before unless it is said when."""
    with clock.frozen_at(arranged or TEN - timedelta(days=10)), unit_of_work(world.scope) as session:
        lead = session.query(Lead).filter_by(email=DANA).one()
        business = tenants.get_business(session, world.business_id)
        wish = AppointmentIn(starts_at=starts_at, ends_at=starts_at + HALF_AN_HOUR, lead_id=lead.id)
        return calendar.arrange(session, business, wish, actor="test").id


def move(world: World, appointment_id: UUID, starts_at: datetime, *, at: datetime, version: int = 1) -> None:
    with clock.frozen_at(at), unit_of_work(world.scope) as session:
        business = tenants.get_business(session, world.business_id)
        wish = AppointmentMove(starts_at=starts_at, ends_at=starts_at + HALF_AN_HOUR, version=version)
        calendar.move(session, business, appointment_id, wish, actor="test")


def states(world: World) -> list[tuple[str, str | None]]:
    with unit_of_work(world.scope) as session:
        return [(row.state, row.reason) for row in session.scalars(select(Sending).order_by(Sending.due_at))]


def event_in(letter: EmailMessage) -> tuple[str, Any]:
    (part,) = [
        part for part in letter.walk()
        if part.get_content_type() == "text/calendar" and not part.get_filename()
    ]  # fmt: skip
    import icalendar

    found = icalendar.Calendar.from_ical(part.get_content())
    assert part.get_param("method") == str(found["method"])
    (event,) = found.walk("VEVENT")
    return str(found["method"]), event


def test_a_reminder_goes_once_with_the_event_and_the_link(
    acme: World, post: PostOffice, tick: Callable[[datetime], None]
) -> None:
    automate(acme, moment="before", amount=1, unit="days")
    expect_dana(acme)
    due = datetime(2026, 11, 1, 10, tzinfo=NEW_YORK)
    tick(due - timedelta(minutes=1))
    assert post.letters() == []
    tick(due)
    tick(due + timedelta(minutes=1))
    (letter,) = post.letters(DANA)
    assert letter["Subject"] == "Your appointment with Acme"
    assert "Hello Dana,\n\nthis is a reminder" in text_of(letter)
    assert "on Monday, 2 November at 10:00" in text_of(letter)
    assert "/appointment#" in link_in(letter)
    method, event = event_in(letter)
    assert (method, event["sequence"], event["dtstart"].dt) == ("REQUEST", 0, TEN.astimezone(UTC))
    assert str(event["organizer"]) == "mailto:calls@acme.example"
    assert str(event["attendee"]) == f"mailto:{DANA}"
    assert states(acme) == [("sent", None)]


def test_days_keep_the_clock_over_a_change_of_clocks_and_hours_do_not(
    acme: World, post: PostOffice, tick: Callable[[datetime], None]
) -> None:
    automate(acme, moment="before", amount=3, unit="days")
    automate(acme, moment="before", amount=72, unit="hours", subject="By hours")
    expect_dana(acme)
    friday = datetime(2026, 10, 30, 10, tzinfo=NEW_YORK)
    tick(friday)
    assert [letter["Subject"] for letter in post.letters()] == ["Your appointment with Acme"]
    tick(friday + timedelta(hours=1))
    assert [letter["Subject"] for letter in post.letters()] == ["Your appointment with Acme", "By hours"]


def test_a_moved_one_is_reminded_of_by_its_new_time_and_a_cancelled_one_not(
    acme: World, post: PostOffice, tick: Callable[[datetime], None]
) -> None:
    automate(acme, moment="before", amount=1, unit="days")
    automate(acme, moment="moved")
    automate(acme, moment="cancelled")
    row = expect_dana(acme)
    wednesday = datetime(2026, 11, 4, 15, tzinfo=NEW_YORK)
    moved_at = TEN - timedelta(days=5)
    move(acme, row, wednesday, at=moved_at)
    tick(moved_at)
    (told,) = post.letters()
    assert told["Subject"] == "Your appointment has moved"
    assert event_in(told)[1]["sequence"] == 1
    tick(TEN - timedelta(days=1))
    assert len(post.letters()) == 1, "not by its old time"
    tick(wednesday - timedelta(days=1))
    assert "on Wednesday, 4 November at 15:00" in text_of(post.letters()[-1])
    gone_at = wednesday - timedelta(hours=2)
    with clock.frozen_at(gone_at), unit_of_work(acme.scope) as session:
        calendar.cancel(session, acme.business_id, row, version=2, actor="test")
    tick(gone_at)
    method, event = event_in(post.letters()[-1])
    assert (method, str(event["status"]), event["sequence"]) == ("CANCEL", "CANCELLED", 2)
    assert len(post.letters()) == 3
    tick(wednesday + timedelta(days=1))
    assert len(post.letters()) == 3
    other = expect_dana(acme, TEN + timedelta(days=10), arranged=TEN)
    with clock.frozen_at(TEN + timedelta(days=5)), unit_of_work(acme.scope) as session:
        session.query(Lead).filter_by(email=DANA).one().email = None
        calendar.cancel(session, acme.business_id, other, version=1, actor="test")
    tick(TEN + timedelta(days=9))
    assert len(post.letters()) == 3, "a cancelled one is not reminded of"
    assert ("skipped", "no_email") in states(acme)


def test_nothing_is_sent_that_was_due_before_it_was_arranged_or_automated(
    acme: World, post: PostOffice, tick: Callable[[datetime], None]
) -> None:
    automate(acme, moment="before", amount=1, unit="days")
    expect_dana(acme, arranged=TEN - timedelta(hours=3))
    tick(TEN - timedelta(hours=2))
    assert post.letters() == []
    with clock.frozen_at(TEN - timedelta(hours=1)), unit_of_work(acme.scope) as session:
        wish = {"name": "Late", "moment": "before", "amount": 90, "unit": "minutes", "channel": "email"}
        automations.make(session, acme.business_id, wish, actor="test")
    tick(TEN - timedelta(minutes=50))
    assert post.letters() == []


def test_quiet_hours_put_off_until_they_end_or_the_appointment_begins(
    acme: World, post: PostOffice, tick: Callable[[datetime], None]
) -> None:
    quiet = {"quiet_from": "20:00", "quiet_until": "09:30"}
    automate(acme, moment="before", amount=3, unit="hours", **quiet)
    automate(acme, moment="before", amount=2, unit="hours", quiet_from="20:00", quiet_until="10:00")
    expect_dana(acme)
    tick(TEN - timedelta(hours=2))
    assert post.letters() == []
    assert sorted(states(acme), key=str) == [("skipped", "quiet_hours"), ("waiting", None)]
    tick(TEN - timedelta(minutes=31))
    assert post.letters() == []
    tick(TEN - timedelta(minutes=30))
    assert len(post.letters()) == 1


def test_who_did_not_come_is_written_to_and_people_are_asked_once(
    acme: World, post: PostOffice, tick: Callable[[datetime], None]
) -> None:
    automate(acme, moment="no_show", amount=1, unit="hours")
    automate(acme, moment="after", amount=1, unit="days", subject="How was it?", text="Dear {name}, {visit}")
    missed = expect_dana(acme)
    came = expect_dana(acme, TEN + timedelta(hours=1))
    for minutes in (20, 60, 120, 121):
        tick(TEN + timedelta(minutes=minutes))
    with unit_of_work(acme.scope) as session:
        asked = session.scalars(select(Event.subject_id).where(Event.kind == "appointment.unmarked")).all()
    assert sorted(asked, key=str) == sorted([missed, came], key=str)
    with clock.frozen_at(TEN + timedelta(hours=3)), unit_of_work(acme.scope) as session:
        for row, state in ((missed, AppointmentState.NO_SHOW), (came, AppointmentState.ARRIVED)):
            calendar.mark(session, acme.business_id, row, state, version=1, actor="test")
    tick(TEN + timedelta(hours=3, minutes=59))
    assert post.letters() == []
    tick(TEN + timedelta(hours=4))
    assert [letter["Subject"] for letter in post.letters()] == ["We missed you"]
    tick(TEN + timedelta(days=1, hours=2))
    (_, thanks) = post.letters()
    assert (thanks["Subject"], text_of(thanks).strip()) == ("How was it?", "Dear Dana,")


def test_who_is_marked_twice_as_not_there_is_written_to_once(
    acme: World, post: PostOffice, tick: Callable[[datetime], None]
) -> None:
    automate(acme, moment="no_show")
    missed = expect_dana(acme)
    for hours in (1, 2):
        at = TEN + timedelta(hours=hours)
        with clock.frozen_at(at), unit_of_work(acme.scope) as session:
            stands = calendar.get(session, acme.business_id, missed)
            state = AppointmentState.NO_SHOW
            calendar.mark(session, acme.business_id, missed, state, version=stands.version, actor="test")
        tick(at)
    assert len(post.letters()) == 1


@pytest.mark.parametrize(
    "address", ["dana@example.com\nBcc: eve@example.com", "dana@example.com, eve@example.com", "dana"]
)
def test_what_is_no_address_is_written_to_by_nobody_and_says_so(
    acme: World, post: PostOffice, tick: Callable[[datetime], None], installation: Installation, address: str
) -> None:
    automate(acme, moment="booked")
    expect_dana(acme)
    with unit_of_work(acme.scope) as session:
        session.query(Lead).filter_by(email=DANA).one().email = address
    tick(TEN - timedelta(days=9))
    assert (post.letters(), states(acme)) == ([], [("skipped", "bad_email")])


def test_a_call_is_a_run_of_one_lead_by_the_laws_of_outbound(
    acme: World, post: PostOffice, tick: Callable[[datetime], None]
) -> None:
    automate(
        acme, moment="before", amount=2, unit="hours", channel="call", agent_id=acme.agent_id,
        from_number=acme.number,
    )  # fmt: skip
    expect_dana(acme)
    tick(TEN - timedelta(hours=2))
    tick(TEN - timedelta(hours=1))
    with unit_of_work(acme.scope) as session:
        (run,) = session.scalars(select(Run)).all()
        (sending,) = session.scalars(select(Sending)).all()
        assert (sending.state, sending.run_id, run.title, run.state) == ("sent", run.id, "Told", "running")
        assert RunOptions.model_validate(run.options).not_after == TEN, "nobody is called once it has begun"


def test_what_cannot_be_sent_here_is_refused_when_it_is_asked_for(acme: World, post: PostOffice) -> None:
    with unit_of_work(acme.scope) as session:
        usual = {"name": "N", "moment": "booked", "amount": 0, "unit": "minutes"}
        for wrong, reason in (
            ({"channel": "whatsapp"}, "no_provider"), ({"channel": "call"}, "no_caller"),
            ({"channel": "email", "text": "Hello {nobody}"}, "unknown_fact"),
            ({"channel": "email", "moment": "before"}, "amount_missing"),
            ({"channel": "email", "quiet_from": "20:00"}, "quiet_half"),
        ):  # fmt: skip
            with pytest.raises(InvalidInput) as error:
                automations.make(session, acme.business_id, {**usual, **wrong}, actor="test")
            assert reason in error.value.data.values()


def test_a_letter_in_hebrew_goes_from_right_to_left(
    acme: World, post: PostOffice, tick: Callable[[datetime], None]
) -> None:
    with unit_of_work(acme.scope) as session:
        session.get_one(Business, acme.business_id).language = "he"
    automate(acme, moment="booked")
    expect_dana(acme)
    tick(TEN - timedelta(days=9))
    (letter,) = post.letters()
    assert letter["Subject"] == "הפגישה שלך עם Acme"
    assert "נקבעה לך פגישה עם Acme: יום שני, 2 בנובמבר בשעה 10:00" in text_of(letter)
    html = letter.get_body(("html",))
    assert html is not None
    assert '<html lang="he" dir="rtl">' in html.get_content()
