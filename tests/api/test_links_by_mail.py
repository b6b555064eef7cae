"""Invitations and new passwords by one-time links, from the API to the letter and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from api.doorway import TestClient, build_app, open_door, sign_in
from support.commands import trunkline
from support.installation import Installation
from support.post_office import PostOffice, link_in, open_post_office, text_of
from support.world import PASSWORD, World
from trunkline.core import registry
from trunkline.core.access import Role
from trunkline.core.db import SYSTEM, Scope, adopt, database, unit_of_work
from trunkline.core.errors import NotSignedIn
from trunkline.core.events import Event
from trunkline.core.jobs.models import Job
from trunkline.core.settings import Settings
from trunkline.doctor import FAULT, NOTE, OK, examine
from trunkline.domain.people import invitations, members
from trunkline.domain.people import service as people
from trunkline.domain.people.models import Invitation, PasswordReset, User
from trunkline.kit import clock, tokens
from trunkline.providers.ports import Letter, MailFailed, MailRefused
from trunkline.providers.smtp import SmtpMailer

NEW = "another long passphrase"
ANN = "ann@new.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    with open_post_office(tmp_path_factory.mktemp("post")) as office:
        yield office


@pytest.fixture
def post(server: PostOffice, installation: Installation) -> Iterator[PostOffice]:
    """Mail, for one test."""
    server.empty()
    registry.register_mailer(SmtpMailer(server.url, sender="Trunkline <calls@agency.example>"))
    yield server
    registry.register_mailer(None)


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


@pytest.fixture
def stranger(installation: Installation) -> Iterator[TestClient]:
    with open_door(build_app()) as client:
        yield client


def secret_in(link: str) -> str:
    return link.split("#", 1)[1]


def make_person(world: World, email: str, role: Role, language: str = "en") -> User:
    with unit_of_work(world.scope) as session:
        return people.create_user(
            session, business_id=world.business_id, email=email, name=email, password=PASSWORD, role=role,
            language=language, actor="test",
        )  # fmt: skip


def invite(client: TestClient, email: str = ANN, role: str = "agent", **more: str) -> dict[str, Any]:
    answer = client.post("/api/invitations", json={"email": email, "role": role, **more})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def join(client: TestClient, link: str, password: str = NEW) -> Any:
    return client.post(
        "/api/join",
        json={"secret": secret_in(link), "name": "Ann Bell", "password": password, "language": "en"},
    )


def refused(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["error"]["data"].get("reason")


# --- Invitations -------------------------------------------------------------------------


def test_an_invited_person_gets_a_letter_and_joins_by_it(
    owner: TestClient, stranger: TestClient, installation: Installation, post: PostOffice
) -> None:
    made = invite(owner, ANN.upper())
    assert (made["email"], made["posted"], made["link"]) == (ANN, "waiting", None)
    installation.run_jobs("default")
    (letter,) = post.letters(ANN)
    assert letter["Subject"] == "owner@acme.example invites you to Acme"
    assert letter["From"] == "Trunkline <calls@agency.example>"
    assert [row["posted"] for row in owner.get("/api/invitations").json()] == ["sent"]

    offer = stranger.post("/api/join/offer", json={"secret": secret_in(link_in(letter))})
    assert offer.json() == {
        "business": "Acme", "email": ANN, "role": "agent", "language": "en",
        "invited_by": "owner@acme.example",
    }  # fmt: skip
    joined = join(stranger, link_in(letter))
    assert (joined.status_code, joined.json()["role"]) == (201, "agent")
    # Signed in by that, and again by the password.
    assert stranger.get("/api/me").json()["name"] == "Ann Bell"
    sign_in(stranger, ANN, NEW)
    assert owner.get("/api/invitations").json() == []
    # The link is spent.
    assert refused(join(stranger, link_in(letter))) == (404, "link_over")


def test_a_letter_in_hebrew_reads_from_right_to_left(
    owner: TestClient, installation: Installation, post: PostOffice
) -> None:
    invite(owner, language="he")
    installation.run_jobs("default")
    (letter,) = post.letters(ANN)
    assert "הזמנה" in letter["Subject"]
    html = letter.get_body(("html",))
    assert html is not None
    assert '<html lang="he" dir="rtl">' in html.get_content()


def test_neither_rows_nor_jobs_nor_answers_hold_what_opens_a_link(
    owner: TestClient, acme: World, installation: Installation, post: PostOffice
) -> None:
    made = invite(owner)
    installation.run_jobs("default")
    secret = secret_in(link_in(post.letters(ANN)[0]))
    with unit_of_work(acme.scope) as session:
        row = session.scalars(select(Invitation)).one()
        assert row.token_hash == tokens.fingerprint(secret)
        jobs = session.scalars(select(Job).where(Job.name == "send_invitation")).all()
        assert [job.args["args"] for job in jobs] == [[made["id"], 1]]
        assert not session.scalar(
            select(func.count()).where(Event.data["secret"].astext == secret)  # no event tells it either
        )
    for path in ("/api/invitations", "/api/jobs", f"/api/jobs/{jobs[0].id}", "/api/events"):
        assert secret not in owner.get(path).text


def test_a_link_is_shown_once_to_the_inviter_where_there_is_no_mail(
    owner: TestClient, stranger: TestClient
) -> None:
    made = invite(owner)
    assert made["posted"] == "by_hand"
    assert made["link"].startswith("http://127.0.0.1:8000/invitation#")
    assert "link" not in owner.get("/api/invitations").json()[0]
    assert join(stranger, made["link"]).status_code == 201


def test_only_the_last_link_that_was_sent_opens(owner: TestClient, stranger: TestClient) -> None:
    first = invite(owner)
    second = owner.post(f"/api/invitations/{first['id']}/send-again").json()
    assert second["link"] != first["link"]
    assert refused(join(stranger, first["link"])) == (404, "link_over")
    assert join(stranger, second["link"]).status_code == 201
    assert refused(owner.post(f"/api/invitations/{first['id']}/send-again")) == (404, None)


def test_a_link_that_was_taken_back_or_is_a_week_old_opens_nothing(
    owner: TestClient, stranger: TestClient
) -> None:
    old, gone = invite(owner), invite(owner, "bob@new.example")
    assert owner.delete(f"/api/invitations/{gone['id']}").status_code == 204
    assert refused(join(stranger, gone["link"])) == (404, "link_over")
    with clock.frozen_at(clock.now() + timedelta(days=7, minutes=1)):
        assert refused(join(stranger, old["link"])) == (404, "link_over")
        offer = stranger.post("/api/join/offer", json={"secret": secret_in(old["link"])})
        assert refused(offer) == (404, "link_over")
    assert refused(join(stranger, "x#nonsense")) == (404, "link_over")


def test_who_may_invite_whom(acme: World, owner: TestClient, stranger: TestClient) -> None:
    make_person(acme, "admin@acme.example", Role.ADMIN)
    make_person(acme, "agent@acme.example", Role.AGENT)
    sign_in(stranger, "agent@acme.example")
    wanted = {"email": ANN, "role": "viewer"}
    assert refused(stranger.post("/api/invitations", json=wanted)) == (403, "insufficient_role")
    sign_in(stranger, "admin@acme.example")
    assert refused(stranger.post("/api/invitations", json=wanted | {"role": "owner"})) == (
        403, "insufficient_role",
    )  # fmt: skip
    theirs = invite(owner, role="owner")
    assert refused(stranger.post(f"/api/invitations/{theirs['id']}/send-again")) == (403, "insufficient_role")
    # Whoever is here, in whatever business, or was asked already, is not asked.
    assert stranger.post("/api/invitations", json=wanted).status_code == 409
    assert stranger.post("/api/invitations", json=wanted | {"email": acme.email}).status_code == 422
    assert stranger.post("/api/invitations", json=wanted | {"email": "no address"}).status_code == 422
    assert stranger.post("/api/invitations", json=wanted | {"language": "tlh"}).status_code == 422


def test_a_business_has_so_many_people_and_open_invitations_and_no_more(
    owner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "MOST_PEOPLE", 2)  # the owner, and one more
    asked = owner.post("/api/invitations", json={"email": ANN, "role": "agent"})
    assert asked.status_code == 201, asked.text
    person = {"email": "ben@new.example", "name": "Ben", "password": PASSWORD, "role": "agent"}
    for refused in (
        owner.post("/api/invitations", json={"email": "ben@new.example", "role": "agent"}),
        owner.post("/api/users", json=person),
    ):
        assert (refused.status_code, refused.json()["error"]["data"]["reason"]) == (409, "most_people")
    assert owner.delete(f"/api/invitations/{asked.json()['id']}").status_code == 204
    assert owner.post("/api/users", json=person).status_code == 201


def test_what_somebody_offered_goes_with_them(acme: World, owner: TestClient, stranger: TestClient) -> None:
    admin = make_person(acme, "admin@acme.example", Role.ADMIN)
    sign_in(stranger, "admin@acme.example")
    made = invite(stranger)
    assert owner.delete(f"/api/users/{admin.id}").status_code == 204
    assert refused(join(stranger, made["link"])) == (404, "link_over")


@contextmanager
def beside(scope: Scope) -> Iterator[Session]:
    """A transaction that goes on beside others, and waits for none of them."""
    unit = database().begin(scope)
    with unit.session:
        with adopt(unit):
            unit.session.execute(text("set local lock_timeout = '200ms'"))
            yield unit.session
        unit.session.commit()


def test_two_businesses_invite_at_once(acme: World, umbrella: World) -> None:
    inviters = [people.sign_in(world.email, PASSWORD)[1] for world in (acme, umbrella)]
    with ExitStack() as both:
        for who in inviters:
            session = both.enter_context(beside(who.scope))
            invitations.invite(session, who, email=ANN, role=Role.AGENT, language="en")


def test_nobody_goes_while_they_invite_and_nobody_invites_who_goes(acme: World) -> None:
    admin = make_person(acme, "admin@acme.example", Role.ADMIN)
    owner, inviter = (people.sign_in(email, PASSWORD)[1] for email in (acme.email, admin.email))
    with beside(acme.scope) as session:
        made, _ = invitations.invite(session, inviter, email=ANN, role=Role.AGENT, language="en")
        with pytest.raises(OperationalError, match="lock timeout"), beside(acme.scope) as other:
            members.remove_user(other, owner, admin.id)
    with beside(acme.scope) as session:
        members.remove_user(session, owner, admin.id)
        with pytest.raises(OperationalError, match="lock timeout"), beside(acme.scope) as other:
            invitations.send_again(other, inviter, made.id)
    with beside(acme.scope) as session, pytest.raises(NotSignedIn):
        invitations.invite(session, inviter, email="bob@new.example", role=Role.AGENT, language="en")
    with beside(acme.scope) as session:
        assert invitations.list_open(session, acme.business_id) == []


def test_an_address_that_takes_no_letters_is_told(
    owner: TestClient, acme: World, installation: Installation, post: PostOffice
) -> None:
    invite(owner, "nobody@new.example")
    invite(owner, "later@new.example")
    installation.run_jobs("default")
    rows = {row["email"]: row for row in owner.get("/api/invitations").json()}
    assert rows["nobody@new.example"]["posted"] == "refused"
    assert "No such person" in rows["nobody@new.example"]["refusal"]
    # One that is not taken now is tried again.
    assert rows["later@new.example"]["posted"] == "waiting"
    with unit_of_work(acme.scope) as session:
        states = session.execute(select(Job.state, Job.attempt).where(Job.name == "send_invitation")).all()
    assert sorted(map(tuple, states)) == [("queued", 1), ("succeeded", 1)]


def test_a_letter_that_goes_at_no_try_is_told_and_goes_when_its_job_is_tried_again(
    owner: TestClient, acme: World, installation: Installation, post: PostOffice
) -> None:
    invite(owner)
    registry.register_mailer(None)  # as in a worker that was given no SMTP_URL

    def work(attempts: int) -> None:
        for _ in range(attempts):
            with unit_of_work(acme.scope) as session:
                session.execute(update(Job).where(Job.state == "queued").values(run_at=clock.now()))
            assert installation.run_jobs("default") == 1

    def told() -> tuple[str, str | None]:
        (row,) = owner.get("/api/invitations").json()
        return row["posted"], row["refusal"]

    work(7)
    assert told() == ("waiting", None)
    work(1)
    assert told() == ("refused", "This worker sends no mail: SMTP_URL is not set here.")
    with unit_of_work(acme.scope) as session:
        job = session.scalars(select(Job).where(Job.name == "send_invitation")).one()
    assert job.state == "failed"
    registry.register_mailer(SmtpMailer(post.url, sender="calls@agency.example"))
    owner.post(f"/api/jobs/{job.id}/retry").raise_for_status()
    work(1)
    assert told() == ("sent", None)
    assert len(post.letters(ANN)) == 1


def test_a_password_that_is_too_short_spends_no_link(owner: TestClient, stranger: TestClient) -> None:
    made = invite(owner)
    assert join(stranger, made["link"], "short").status_code == 422
    assert join(stranger, made["link"]).status_code == 201


# --- New passwords -----------------------------------------------------------------------


def ask(client: TestClient, email: str) -> Any:
    return client.post("/api/password-links", json={"email": email})


def choose(client: TestClient, link: str, password: str = NEW) -> Any:
    return client.post("/api/new-password", json={"secret": secret_in(link), "password": password})


def test_a_new_password_by_a_link_ends_every_session(
    owner: TestClient, acme: World, stranger: TestClient, installation: Installation, post: PostOffice
) -> None:
    assert ask(stranger, acme.email.upper()).status_code == 202
    installation.run_jobs("default")
    (letter,) = post.letters(acme.email)
    assert choose(stranger, link_in(letter), "short").status_code == 422
    assert choose(stranger, link_in(letter)).status_code == 204
    assert owner.get("/api/me").status_code == 401
    assert stranger.post("/api/sign-in", json={"email": acme.email, "password": PASSWORD}).status_code == 401
    sign_in(stranger, acme.email, NEW)
    assert refused(choose(stranger, link_in(letter))) == (404, "link_over")


def test_a_known_address_and_an_unknown_one_are_answered_alike(
    acme: World, stranger: TestClient, installation: Installation, post: PostOffice
) -> None:
    known, unknown = ask(stranger, acme.email), ask(stranger, "nobody@acme.example")
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert known.json() == {"mail": True}
    installation.run_jobs("default")
    assert [letter["To"] for letter in post.letters()] == [acme.email]


def test_links_for_new_passwords_are_limited_for_an_address_and_for_whoever_asks(
    acme: World, stranger: TestClient
) -> None:
    answers = [ask(stranger, acme.email).status_code for _ in range(4)]
    assert answers == [202, 202, 202, 429]
    assert [ask(stranger, "nobody@acme.example").status_code for _ in range(4)] == answers
    others = [ask(stranger, f"p{number}@acme.example") for number in range(15)]
    assert [answer.status_code for answer in others] == [202] * 14 + [429]
    assert others[-1].headers["retry-after"] == "60"


def letters_after(
    minutes: float, client: TestClient, email: str, installation: Installation, post: PostOffice
) -> list[EmailMessage]:
    """Ask for a link so much later, and return all letters with one."""
    with clock.frozen_at(clock.now() + timedelta(minutes=minutes)):
        assert ask(client, email).status_code == 202
        installation.run_jobs("default")
    return post.letters(email)


def test_whoever_asks_for_links_keeps_nobody_from_theirs(
    acme: World, stranger: TestClient, installation: Installation, post: PostOffice
) -> None:
    asked = partial(letters_after, client=stranger, email=acme.email, installation=installation, post=post)
    assert len(asked(0)) == 1
    # One that is young and was not used is the one to use.
    assert len(asked(9)) == 1
    assert [len(asked(minutes)) for minutes in (11, 22, 33, 44)] == [2, 3, 4, 5]
    assert len(asked(55)) == 5, "five an hour"
    assert len(asked(61)) == 6
    first, *_, last = post.letters(acme.email)
    with clock.frozen_at(clock.now() + timedelta(minutes=59)):
        assert choose(stranger, link_in(first)).status_code == 204
        # One that was used closes the others.
        assert refused(choose(stranger, link_in(last))) == (404, "link_over")


def test_a_link_opens_for_an_hour(
    acme: World, stranger: TestClient, installation: Installation, post: PostOffice
) -> None:
    (letter,) = letters_after(0, stranger, acme.email, installation, post)
    with clock.frozen_at(clock.now() + timedelta(minutes=61)):
        assert refused(choose(stranger, link_in(letter))) == (404, "link_over")


def test_a_password_that_was_changed_closes_the_links_for_a_new_one(
    owner: TestClient, acme: World, stranger: TestClient, installation: Installation, post: PostOffice
) -> None:
    (letter,) = letters_after(0, stranger, acme.email, installation, post)
    changed = owner.post("/api/me/password", json={"current": PASSWORD, "new": NEW})
    assert changed.status_code == 204, changed.text
    assert refused(choose(stranger, link_in(letter))) == (404, "link_over")
    # Whoever has forgotten that one too is not kept waiting.
    assert len(letters_after(1, stranger, acme.email, installation, post)) == 2


def test_a_system_admin_finds_back_in_too(
    stranger: TestClient, installation: Installation, post: PostOffice
) -> None:
    with unit_of_work(SYSTEM) as session:
        people.create_user(
            session, business_id=None, email="root@agency.example", name="Root", password=PASSWORD,
            role=None, language="he", actor="test",
        )  # fmt: skip
    ask(stranger, "root@agency.example")
    installation.run_jobs("default")
    (letter,) = post.letters("root@agency.example")
    assert "סיסמה" in text_of(letter)
    assert choose(stranger, link_in(letter)).status_code == 204
    sign_in(stranger, "root@agency.example", NEW)
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(select(PasswordReset.used_at)).one() is not None


def test_the_operator_makes_a_link_at_the_terminal(
    acme: World, stranger: TestClient, installation: Installation
) -> None:
    key = "a key for tests"
    status, said, _ = trunkline(installation, "user", "reset-link", acme.email, SECRET_KEY=key)
    assert status == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/new-password#\S{43}", said)
    assert choose(stranger, said).status_code == 204
    status, _, said = trunkline(installation, "user", "reset-link", "nobody@acme.example", SECRET_KEY=key)
    assert (status, said) == (1, "trunkline: Nobody signs in as nobody@acme.example.")


# --- The sender of letters ---------------------------------------------------------------

LETTER = Letter(to=ANN, subject="Hello", text="text", html="<p>text</p>", language="en", name="one")


def test_a_server_that_asks_for_a_password_gets_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    with open_post_office(tmp_path_factory.mktemp("post"), user="us", password="p@ss/word") as office:
        address = office.url.removeprefix("smtp://")
        SmtpMailer(f"smtp://us:p%40ss%2Fword@{address}", sender="calls@agency.example").send(LETTER)
        (letter,) = office.letters()
        assert letter["Message-ID"] == "<one@agency.example>"
        for wrong in (f"smtp://us:wrong@{address}", office.url):
            # Both the operator can put right, and neither says anything of the recipient.
            with pytest.raises(MailFailed):
                SmtpMailer(wrong, sender="calls@agency.example").send(LETTER)
        assert len(office.letters()) == 1


def test_what_a_server_says_of_us_is_no_refusal_by_the_recipient(post: PostOffice) -> None:
    mailer = SmtpMailer(post.url, sender="calls@agency.example")
    with pytest.raises(MailRefused, match=r"550 5\.1\.1 No such person here"):
        mailer.send(replace(LETTER, to="nobody@new.example"))
    with pytest.raises(MailFailed, match=r"554 5\.7\.1 Relay access denied"):
        mailer.send(replace(LETTER, to="far@new.example"))


def test_a_server_that_is_away_is_trouble_that_passes() -> None:
    with pytest.raises(MailFailed):
        SmtpMailer("smtp://127.0.0.1:1", sender="calls@agency.example").send(LETTER)


def test_the_doctor_says_hello_to_the_mail_server(post: PostOffice, tmp_path: Path) -> None:
    def found(**settings: str) -> tuple[str, str]:
        (mail,) = [
            one for one in examine(Settings(trunkline_home=tmp_path, **settings)) if one.what == "Mail"
        ]
        return mail.verdict, mail.facts

    assert found()[0] == NOTE
    assert found(smtp_url=post.url, mail_from="calls@agency.example")[0] == OK
    assert found(smtp_url=post.url) == (
        FAULT,
        "SMTP_URL is set but MAIL_FROM is not: a letter needs a sender.",
    )
    verdict, facts = found(smtp_url="smtp://127.0.0.1:1", mail_from="calls@agency.example")
    assert verdict == FAULT
    assert facts.startswith("127.0.0.1:1: ")


def test_without_a_sender_no_process_starts(installation: Installation) -> None:
    status, _, said = trunkline(
        installation, "user", "reset-link", "a@b.example", SMTP_URL="smtp://mail.example"
    )
    assert (status, said) == (1, "trunkline: SMTP_URL is set but MAIL_FROM is not: a letter needs a sender.")
