"""What Graph tells over real sockets: taken once, in order, from whoever signs; and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from inbox.conftest import PERSON, Desk
from support.inbox import PNG, take, written
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.domain.inbox import arrivals
from trunkline.domain.inbox.arrivals import Arrival
from trunkline.domain.inbox.models import Conversation, Message
from trunkline.domain.leads.models import Lead
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound import suppressions
from trunkline.kit import clock
from trunkline.providers.ports import InFile, MessageKind


def counted(desk: Desk) -> dict[str, int]:
    with unit_of_work(desk.world.scope) as session:
        return {
            "messages": session.scalar(select(func.count()).select_from(Message)) or 0,
            "conversations": session.scalar(select(func.count()).select_from(Conversation)) or 0,
            "events": session.scalar(select(func.count()).select_from(Event)) or 0,
            "unread": session.scalar(select(func.sum(Conversation.unread))) or 0,
        }


def test_somebody_new_writes_and_is_a_lead(desk: Desk) -> None:
    desk.write("Shalom", "+972501234567", name="  Dana\u200b Levi ")
    shown = desk.conversation
    assert (shown["address"], shown["unread"], shown["state"]) == ("+972501234567", 1, "open")
    assert shown["last_text"] == "Shalom"
    lead = desk.get(f"/leads/{shown['lead_id']}")
    assert lead["source"] == "whatsapp"
    assert lead["name"].startswith("Dana")
    assert [(m["direction"], m["text"], m["state"]) for m in desk.messages()] == [
        ("in", "Shalom", "received")
    ]
    assert desk.get("/conversations/counts")["unread"] == 1
    kinds = [entry["kind"] for entry in desk.get(f"/leads/{shown['lead_id']}/timeline")["entries"]]
    assert "chat" in kinds


def test_a_known_lead_without_a_name_gets_theirs_and_one_with_a_name_keeps_it(desk: Desk) -> None:
    with unit_of_work(desk.world.scope) as session:
        row = session.scalars(select(Lead).where(Lead.phone == PERSON)).one()
        row.name = ""
    desk.write(name="Dana")
    desk.write("Hi", desk.world.phones[1], name="Somebody else")
    with unit_of_work(desk.world.scope) as session:
        names = dict(session.execute(select(Lead.phone, Lead.name)).all())
    assert names[PERSON] == "Dana"
    assert names[desk.world.phones[1]] == "Lead"


def test_everything_told_again_backwards_changes_nothing(desk: Desk) -> None:
    for text in ("One", "Two", "Three"):
        desk.write(text)
    desk.send()
    desk.work()
    desk.graph.fault("duplicates", times=None)
    desk.write("Four")
    desk.graph.fault(None)
    before = counted(desk)
    statuses = desk.graph.post("replay", owner=desk.known.owner)["statuses"]
    assert statuses
    assert set(statuses) == {200}
    assert counted(desk) == before
    assert before["messages"] == 5


def test_what_is_signed_wrongly_or_not_at_all_is_not_taken(desk: Desk) -> None:
    before = counted(desk)
    desk.graph.fault("wrong_signature", times=None)
    told = desk.graph.write(desk.known, PERSON, "Forged")
    assert set(told["statuses"]) == {403}
    hook = desk.get(f"/chat-accounts/{desk.account_id}/hook")["url"]
    body = b'{"object": "whatsapp_business_account", "entry": []}'
    for headers in ({}, {"X-Hub-Signature-256": "sha256="}, {"X-Hub-Signature-256": "nonsense"}):
        assert httpx.post(hook, content=body, headers=headers).status_code == 403
    assert httpx.post(hook + "x", content=body).status_code == 404
    assert httpx.post(hook, content=b"x" * (3 * 1024 * 1024 + 1)).status_code == 413
    assert counted(desk) == before


def test_only_who_knows_the_token_is_given_the_proof(desk: Desk) -> None:
    shown = desk.get(f"/chat-accounts/{desk.account_id}/hook")
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}
    right = httpx.get(shown["url"], params={**query, "hub.verify_token": shown["verify_token"]})
    assert (right.status_code, right.text) == (200, "1158201444")
    assert httpx.get(shown["url"], params={**query, "hub.verify_token": "x"}).status_code == 403


def test_messages_stand_in_the_order_of_the_provider_s_clock(desk: Desk) -> None:
    now = clock.now()
    events = [
        written(str(number), phone=PERSON, its_id=f"wamid.{number}", at=now - timedelta(minutes=10 - number))
        for number in (3, 1, 2)
    ]
    for event in events:
        take(desk.world, desk.account_id, event)
    assert [message["text"] for message in desk.messages()] == ["1", "2", "3"]
    assert desk.conversation["last_text"] == "3"
    # What says that it comes from the future came now.
    take(desk.world, desk.account_id, written("4", phone=PERSON, at=now + timedelta(days=1)))
    assert desk.messages()[-1]["at"] < (now + timedelta(hours=1)).isoformat()


@pytest.mark.parametrize(
    ("said", "kept"),
    [("a\0b", "ab"), ("half \ud83d letter", "half ? letter"), ("x" * 20_000, "x" * 10_000), ("", "")],
)
def test_what_could_not_be_kept_is_cleaned(desk: Desk, said: str, kept: str) -> None:
    take(desk.world, desk.account_id, written(said, phone=PERSON, name=said[:300]))
    assert desk.messages()[0]["text"] == kept


def test_a_file_that_came_in_is_fetched_and_shown(desk: Desk) -> None:
    desk.graph.send_in(
        desk.known, PERSON, {"type": "image", "image": {"caption": "My roof"}}, file=PNG,
        content_type="image/png",
    )  # fmt: skip
    (message,) = desk.messages()
    assert (message["file"]["state"], message["text"]) == ("waiting", "My roof")
    desk.work()
    (message,) = desk.messages()
    assert (message["file"]["state"], message["file"]["content_type"], message["file"]["is_shown"]) == (
        "kept", "image/png", True
    )  # fmt: skip
    path = f"/api{desk.path}/messages/{message['id']}/file"
    got = desk.door.get(path)
    assert got.content == PNG
    assert got.headers["content-disposition"].startswith("inline")
    assert "default-src 'none'" in got.headers["content-security-policy"]


def test_a_page_that_calls_itself_a_document_is_saved_and_not_shown(desk: Desk) -> None:
    page = b"<!doctype html><script>alert(1)</script>"
    desk.graph.send_in(
        desk.known, PERSON, {"type": "document", "document": {}}, file=page,
        content_type="text/html", filename="../../x.html",
    )  # fmt: skip
    desk.work()
    (message,) = desk.messages()
    got = desk.door.get(f"/api{desk.path}/messages/{message['id']}/file")
    assert got.headers["content-type"].startswith("text/plain")
    assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''x.html"


def test_a_file_that_is_not_what_was_sent_has_visibly_failed(desk: Desk) -> None:
    desk.graph.send_in(
        desk.known, PERSON, {"type": "image", "image": {}}, file=b"MZ no picture at all",
        content_type="image/png",
    )  # fmt: skip
    desk.work()
    (message,) = desk.messages()
    assert (message["file"]["state"], message["file"]["reason"]) == ("failed", "wrong_type")
    assert desk.door.get(f"/api{desk.path}/messages/{message['id']}/file").status_code == 404


def test_a_file_that_the_provider_has_not_is_given_up_visibly(desk: Desk) -> None:
    gone = InFile("no-such-media", "image/png", "x.png", None)
    take(desk.world, desk.account_id, written(phone=PERSON, kind=MessageKind.IMAGE, file=gone))
    desk.work()
    assert desk.messages()[0]["file"]["state"] == "failed"


@pytest.mark.parametrize("said", ["STOP", "הסר", "please stop messaging me"])
def test_who_asks_for_no_more_is_told_once_and_put_on_the_list(desk: Desk, said: str) -> None:
    desk.write(said)
    desk.write(said)
    desk.work()
    with unit_of_work(desk.world.scope) as session:
        assert outbound.is_suppressed(session, desk.world.business_id, PERSON)
    (listed,) = desk.get("/suppressions")["suppressions"]
    assert listed["source"] == "whatsapp"
    ours = [message for message in desk.messages() if message["direction"] == "out"]
    assert [message["source"] for message in ours] == ["system"]
    assert ours[0]["state"] in {"sent", "delivered", "read"}
    assert desk.get(desk.path)["opted_out"] is True


def test_a_stop_told_again_does_not_undo_what_people_allowed(desk: Desk) -> None:
    desk.write("STOP")
    with unit_of_work(desk.world.scope) as session:
        suppressions.allow(session, desk.world.business_id, PERSON, actor="test")
    desk.graph.post("replay", owner=desk.known.owner)
    assert desk.get("/suppressions")["suppressions"] == []


def test_a_reaction_is_no_message_to_be_answered(desk: Desk) -> None:
    its_id = desk.write()
    desk.post(f"{desk.path}/read", status=200)
    desk.graph.send_in(
        desk.known,
        PERSON,
        {"type": "reaction", "reaction": {"message_id": its_id, "emoji": "\N{THUMBS UP SIGN}"}},
    )
    assert desk.conversation["unread"] == 0
    reaction = desk.messages()[-1]
    assert (reaction["kind"], reaction["reply_to"], reaction["text"]) == (
        "reaction", its_id, "\N{THUMBS UP SIGN}"
    )  # fmt: skip
    assert desk.conversation["last_text"] == "Hello"


def test_whoever_listens_hears_in_the_same_transaction(desk: Desk) -> None:
    heard: list[tuple[str, bool]] = []

    def hear(_session: Any, _business: Any, arrival: Arrival) -> None:
        heard.append((arrival.message.text, arrival.opted_out))
        if arrival.message.text == "Fail":
            raise RuntimeError("the listener fails")

    arrivals.register_listener("test", hear)
    try:
        desk.write("Hello")
        desk.write("stop")
        with pytest.raises(RuntimeError):
            take(desk.world, desk.account_id, written("Fail", phone=PERSON))
    finally:
        arrivals._listeners.pop("test")
    assert heard == [("Hello", False), ("stop", True), ("Fail", False)]
    assert [message["text"] for message in desk.messages() if message["direction"] == "in"] == [
        "Hello", "stop"
    ]  # fmt: skip


def test_two_numbers_of_one_whatsapp_account_are_told_at_one_address(desk: Desk) -> None:
    second = desk.graph.number("+12125550198", owner=desk.known.owner)
    wish = {
        "provider": "whatsapp", "address": "+12125550198", "account": second.account,
        "owner": second.owner, "key": second.key, "secret": second.secret,
    }  # fmt: skip
    desk.post("/chat-accounts", wish)
    desk.write("To the first")
    told = desk.graph.write(second, PERSON, "To the second")
    assert told["statuses"] == [200]
    shown = desk.get("/conversations")["conversations"]
    assert sorted(one["last_text"] for one in shown) == ["To the first", "To the second"]
    assert len({one["chat_account_id"] for one in shown}) == 2
