"""Sessions: opened by who writes, closed once after a silence, whoever looks; and who comes back is asked."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from inbox.conftest import PERSON, Desk
from support.inbox import chat_number, take, written
from support.installation import Installation
from support.schedulers import schedulers
from support.world import World
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.events import Event
from trunkline.core.jobs import enqueue_job
from trunkline.core.jobs.models import Job
from trunkline.domain.inbox import rules, sessions
from trunkline.domain.inbox.account_models import ChatAccount
from trunkline.domain.inbox.models import ChatSession, Conversation, Message, Offer
from trunkline.kit import clock
from trunkline.providers.ports import MessageKind

AGO = timedelta(minutes=20)


def all_sessions(world: World) -> list[ChatSession]:
    with unit_of_work(world.scope) as session:
        return list(session.scalars(select(ChatSession).order_by(ChatSession.opened_at)))


def closings(world: World) -> int:
    with unit_of_work(world.scope) as session:
        closed = select(func.count()).where(Event.kind == "conversation.session_closed")
        return session.scalar(closed) or 0


def rest(world: World) -> None:
    """Let every session that goes on have rested."""
    with unit_of_work(world.scope) as session:
        session.execute(
            update(ChatSession).where(ChatSession.closed_at.is_(None)).values(closes_at=clock.now() - AGO)
        )


def close_due(installation: Installation) -> None:
    with unit_of_work(SYSTEM):
        enqueue_job("default", "close_chat_sessions")
    installation.run_jobs("default")


@pytest.fixture
def number(acme: World) -> Any:
    """A number whose agent answers."""
    return chat_number(acme, agent_id=acme.agent_id, ai_mode="on")


def test_each_message_lets_it_live_on_and_silence_closes_it(
    acme: World, number: Any, installation: Installation
) -> None:
    start = clock.now()
    with clock.frozen_at(start):
        take(acme, number, written("One", phone=PERSON))
    with clock.frozen_at(start + timedelta(minutes=10)):
        take(acme, number, written("Two", phone=PERSON))
    (there,) = all_sessions(acme)
    assert there.closes_at == start + timedelta(minutes=25)
    with unit_of_work(acme.scope) as session:
        assert sessions.close_due(session, acme.business_id, now=start + timedelta(minutes=24), most=9) == 0
        assert sessions.close_due(session, acme.business_id, now=start + timedelta(minutes=25), most=9) == 1
    (there,) = all_sessions(acme)
    assert (there.close_reason, closings(acme)) == ("silence", 1)


def test_five_schedulers_and_many_workers_close_each_session_once(
    acme: World, umbrella: World, number: Any, installation: Installation
) -> None:
    heard: list[Any] = []
    sessions.register_listener("test", lambda _session, _business, closed: heard.append(closed.id))
    other = chat_number(umbrella)
    try:
        for world, account in ((acme, number), (umbrella, other)):
            for last in range(6):
                take(world, account, written(phone=f"+1212555011{last}"))
            rest(world)
        url = installation.urls.database_url
        assert url
        now = clock.now()
        with schedulers(5, url, "chats") as five:
            for scheduler in five:
                scheduler.look(now)
            for scheduler in five:
                scheduler.answer()
            for scheduler in five:
                scheduler.look(now + timedelta(seconds=31))
            fired = [name for scheduler in five for name in scheduler.answer()]
        assert fired.count("close_chat_sessions") == 1
        with unit_of_work(SYSTEM) as session:
            ticks = select(func.count()).where(Job.name == "close_chat_sessions")
            assert session.scalar(ticks) == 1
        # The guard itself: however many close at the same moment, one does.
        workers = [threading.Thread(target=_close_everything, args=(world,)) for world in (acme, umbrella)
                   for _ in range(4)]  # fmt: skip
        for worker in workers:
            worker.start()
        installation.run_jobs("default")
        for worker in workers:
            worker.join(30)
    finally:
        sessions._listeners.pop("test")
    assert (closings(acme), closings(umbrella)) == (6, 6)
    assert len(heard) == len(set(heard)) == 12
    assert all(one.closed_at is not None for world in (acme, umbrella) for one in all_sessions(world))


def _close_everything(world: World) -> None:
    for _ in range(5):
        with unit_of_work(world.scope) as session:
            sessions.close_due(session, world.business_id, now=clock.now(), most=100)


def test_who_writes_as_it_closes_is_not_left_in_a_closed_one(
    acme: World, number: Any, installation: Installation
) -> None:
    take(acme, number, written("One", phone=PERSON))
    rest(acme)
    with unit_of_work(acme.scope) as session:
        session.scalars(select(Conversation).with_for_update()).one()
        # Somebody is busy with the conversation: it is left for the next time.
        found: list[int] = []
        closer = threading.Thread(target=lambda: found.append(_close_now(acme)))
        closer.start()
        closer.join(20)
        assert found == [0]
    take(acme, number, written("Two", phone=PERSON))
    assert _close_now(acme) == 0
    assert len(all_sessions(acme)) == 1


def _close_now(world: World) -> int:
    with unit_of_work(world.scope) as session:
        return sessions.close_due(session, world.business_id, now=clock.now(), most=9)


def test_people_close_one_at_once(desk: Desk) -> None:
    desk.write()
    assert desk.post(f"{desk.path}/close-session", status=200)["close_reason"] == "person"
    assert desk.post(f"{desk.path}/close-session", status=409)["error"]["data"]["reason"] == "no_session"
    assert closings(desk.world) == 1


def test_who_comes_back_is_asked_once_and_goes_on(
    acme: World, number: Any, installation: Installation
) -> None:
    take(acme, number, written("One", phone=PERSON))
    rest(acme)
    close_due(installation)
    take(acme, number, written("I am back", phone=PERSON))
    first, second = all_sessions(acme)
    assert second.offer == Offer.OFFERED
    assert offers(acme) == 1
    choice = written("Continue", phone=PERSON, kind=MessageKind.CHOICE, choice=rules.CONTINUE)
    take(acme, number, choice)
    first, second = all_sessions(acme)
    assert (second.offer, second.continues_id) == (Offer.CONTINUED, first.id)
    take(acme, number, written("And then?", phone=PERSON))
    assert offers(acme) == 1


def test_who_comes_back_starts_over_now_or_by_the_old_button(
    acme: World, number: Any, installation: Installation
) -> None:
    take(acme, number, written("One", phone=PERSON))
    rest(acme)
    close_due(installation)
    take(acme, number, written("I am back", phone=PERSON))
    take(acme, number, written("Something else", phone=PERSON))
    assert all_sessions(acme)[1].offer == Offer.LAPSED
    over = written("Start over", phone=PERSON, kind=MessageKind.CHOICE, choice=rules.START_OVER)
    take(acme, number, over)
    _, second, third = all_sessions(acme)
    assert (second.close_reason, third.offer, third.continues_id) == (
        "started_over", Offer.STARTED_OVER, None
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes", [{"ai_mode": "off"}, {"return_days": 0}, {"agent_id": None}], ids=lambda one: next(iter(one))
)
def test_nobody_is_asked_where_no_agent_answers_or_it_is_long_ago(
    acme: World, number: Any, installation: Installation, changes: dict[str, Any]
) -> None:
    with unit_of_work(acme.scope) as session:
        session.execute(update(ChatAccount).values(**changes))
    take(acme, number, written("One", phone=PERSON))
    rest(acme)
    close_due(installation)
    take(acme, number, written("I am back", phone=PERSON))
    assert all_sessions(acme)[1].offer is None
    assert offers(acme) == 0


def offers(world: World) -> int:
    with unit_of_work(world.scope) as session:
        asked = select(func.count()).where(Message.source == "system")
        return session.scalar(asked) or 0


def test_a_summary_is_read_with_the_messages(desk: Desk) -> None:
    desk.write()
    with unit_of_work(desk.world.scope) as session:
        session.execute(update(ChatSession).values(summary="Wants a quote"))
    page = desk.get(f"{desk.path}/messages")
    assert page["sessions"][0]["summary"] == "Wants a quote"
    found = desk.get("/search", q="Hello")
    assert "message" in str(found)


def test_lists_go_by_index_however_many_conversations_there_are(
    acme: World, number: Any, installation: Installation
) -> None:
    """A page of the newest reads a page's rows, and not the business's."""
    take(acme, number, written("One", phone=PERSON))
    with installation.administrator.begin() as connection:
        connection.execute(
            text(
                "insert into conversations (id, business_id, chat_account_id, address, ai_mode, last_at)"
                " select gen_random_uuid(), business_id, chat_account_id, '+1' || n, 'off',"
                " now() - n * interval '1 second' from conversations, generate_series(1, 20000) n"
            )
        )
        connection.execute(text("analyze conversations"))
    with unit_of_work(acme.scope) as session:
        plan = "\n".join(
            session.scalars(
                text(
                    "explain (analyze, buffers) select * from conversations where business_id = :business"
                    " order by last_at desc, id desc limit 51"
                ),
                {"business": acme.business_id},
            )
        )
    assert "ix_conversations_newest" in plan, plan
    assert "rows=51" in plan
