"""Messages that go out: once at most for their key, with what became of them, whatever Graph answers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from inbox.conftest import PERSON, Desk
from support.inbox import PNG
from support.processes import eventually
from trunkline.core.db import unit_of_work
from trunkline.core.errors import Conflict
from trunkline.core.events import Event
from trunkline.core.jobs.models import Job
from trunkline.domain.inbox import receipts, rules, sending, tending
from trunkline.domain.inbox.contents import Content
from trunkline.domain.inbox.models import Conversation, Message, MessageState, SourceKind
from trunkline.kit import clock
from trunkline.providers.ports import Receipt, ReceiptState


def out(desk: Desk) -> list[dict[str, object]]:
    return [message for message in desk.messages() if message["direction"] == "out"]


def test_an_answer_goes_out_and_its_receipts_lead_it_on(desk: Desk) -> None:
    desk.write()
    made = desk.send("Hello to you")
    assert made["state"] == "queued"
    assert desk.conversation["unread"] == 0
    desk.work()
    (accepted,) = desk.accepted()
    eventually(lambda: out(desk)[0]["state"] in {"delivered", "read"}, "receipts have come")
    shown = out(desk)[0]
    assert shown["provider_id"] == accepted["id"]
    assert shown["sent_at"] is not None
    assert desk.conversation["last_text"] == "Hello to you"


def test_one_key_is_one_message_also_for_two_at_once(desk: Desk) -> None:
    desk.write()
    path = f"/api{desk.path}/messages"
    cookies, url = dict(desk.door.cookies), str(desk.door.base_url)

    def click(_: int) -> str:
        with httpx.Client(base_url=url, cookies=cookies, headers={"X-Trunkline": "1"}, timeout=30) as door:
            answer = door.post(path, json={"key": "a double click", "text": "Once"})
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

    with ThreadPoolExecutor(4) as people:
        ids = set(people.map(click, range(8)))
    assert len(ids) == 1
    desk.work()
    assert len(desk.accepted()) == 1


def test_messages_of_a_conversation_go_in_their_order(desk: Desk) -> None:
    desk.write()
    for number in range(5):
        desk.send(str(number), key=f"number-{number}")
    for _ in range(10):
        desk.work()
        with desk.installation.administrator.begin() as connection:
            connection.execute(text("update jobs set run_at = now() where state = 'queued'"))
    texts = [message["text"] for message in out(desk)]
    assert texts == ["0", "1", "2", "3", "4"]
    sent = sorted(desk.accepted(), key=lambda one: one.get("at", 0))
    assert len(sent) == 5


@pytest.mark.parametrize(
    ("fault", "state", "taken"),
    [
        ("drop_after", "uncertain", 1), ("error_after", "uncertain", 1), ("unreadable", "uncertain", 1),
        ("error_before", "uncertain", 0), ("rate", "queued", 0),
    ],
)  # fmt: skip
def test_what_nobody_knows_is_not_sent_again(desk: Desk, fault: str, state: str, taken: int) -> None:
    desk.write()
    desk.graph.fault(fault, to=PERSON)
    desk.send()
    desk.work()
    shown = out(desk)[0]
    # A receipt may have made it known by now.
    assert shown["state"] == state or (taken and shown["state"] in {"sent", "delivered", "read"})
    assert len(desk.accepted()) == taken
    with unit_of_work(desk.world.scope) as session:
        session.execute(update(Message).values(due_at=clock.now() - timedelta(hours=1)))
        tending.tend_messages(session, desk.world.business_id)
    with desk.installation.administrator.begin() as connection:
        connection.execute(text("update jobs set run_at = now() where state = 'queued'"))
        connection.execute(text("update chat_accounts set closed_until = null"))
    desk.work()
    assert len(desk.accepted()) == (1 if state == "queued" else taken)


def test_a_refusal_for_good_fails_it_and_people_send_it_anew(desk: Desk) -> None:
    desk.write()
    desk.graph.fault("code", code=131026)
    made = desk.send()
    desk.work()
    shown = out(desk)[0]
    assert (shown["state"], shown["reason"], shown["code"]) == ("failed", "no_such_person", "131026")
    path = f"{desk.path}/messages/{made['id']}/again"
    again = desk.post(path, {})
    assert desk.post(path, {})["id"] == again["id"] != made["id"]
    desk.work()
    assert len(desk.accepted()) == 1


def test_an_uncertain_one_is_sent_anew_only_if_somebody_says_so(desk: Desk) -> None:
    desk.write()
    desk.graph.fault("error_before", to=PERSON)
    made = desk.send()
    desk.work()
    path = f"{desk.path}/messages/{made['id']}/again"
    assert desk.post(path, {}, status=409)["error"]["data"]["reason"] == "confirm_again"
    desk.post(path, {"confirmed": True})
    desk.work()
    assert len(desk.accepted()) == 1
    queued = desk.send("Later", key="another-key")
    assert desk.post(f"{desk.path}/messages/{queued['id']}/again", {}, status=409)


def test_a_refusal_that_concerns_the_number_disconnects_it(desk: Desk) -> None:
    desk.write()
    desk.graph.fault("code", code=190)
    desk.send()
    desk.work()
    (account,) = desk.get("/chat-accounts")
    assert account["state"] == "disconnected"
    assert account["trouble"]
    assert desk.send("More", key="one-more-key", status=409)["error"]["data"]["reason"] == "disconnected"


def test_a_message_that_waits_is_taken_back(desk: Desk) -> None:
    desk.write()
    made = desk.send()
    path = f"{desk.path}/messages/{made['id']}/take-back"
    assert desk.post(path, status=200)["state"] == "cancelled"
    desk.work()
    assert desk.accepted() == []
    assert desk.post(path, status=409)["error"]["data"]["reason"] == "too_late"


def test_the_window_is_asked_when_it_is_queued_and_before_it_goes(desk: Desk) -> None:
    desk.write()
    desk.send()
    with unit_of_work(desk.world.scope) as session:
        session.execute(update(Conversation).values(last_in_at=clock.now() - timedelta(hours=25)))
    desk.work()
    assert (out(desk)[0]["state"], out(desk)[0]["reason"]) == ("failed", "window")
    assert desk.send("More", key="one-more-key", status=409)["error"]["data"]["reason"] == "window"
    assert desk.accepted() == []


def test_nothing_is_begun_with_who_has_opted_out(desk: Desk) -> None:
    desk.write("STOP")
    desk.work()
    with unit_of_work(desk.world.scope) as session:
        conversation_id = session.scalars(select(Conversation.id)).one()
        for source in (SourceKind.BROADCAST, SourceKind.SCHEDULED, SourceKind.AUTOMATION):
            with pytest.raises(Conflict) as refused:
                sending.queue_message(
                    session, desk.world.business_id, conversation_id, Content(text="Buy!"),
                    key=f"test:{source}", source=source, author="test",
                )  # fmt: skip
            assert refused.value.data["reason"] == "opted_out"
    # Whoever writes is answered.
    desk.write("One more question")
    desk.send()
    desk.work()
    assert len(desk.accepted()) == 2


def test_a_file_goes_as_what_is_in_it(desk: Desk) -> None:
    desk.write()
    path = f"/api{desk.path}/files"
    files = {"file": ("roof.bin", PNG, "application/octet-stream")}
    for _ in range(2):
        made = desk.door.post(path, data={"key": "a-picture", "caption": "The roof"}, files=files)
        assert made.status_code == 201, made.text
    assert (made.json()["kind"], made.json()["text"]) == ("image", "The roof")
    desk.work()
    assert len(desk.accepted()) == 1
    shown = out(desk)[0]
    assert desk.door.get(f"/api{desk.path}/messages/{shown['id']}/file").content == PNG
    for content, reason, status in ((b"", "file_empty", 422), (b"\x1f\x8b zipped", "file_type", 422)):
        refused = desk.door.post(
            path, data={"key": "another-file"}, files={"file": ("x", content, "image/png")}
        )
        assert (refused.status_code, refused.json()["error"]["data"].get("reason")) == (status, reason)
    large = PNG + b"\0" * (6 * 1024 * 1024)
    refused = desk.door.post(path, data={"key": "too-large-a-file"}, files={"file": ("x", large, "x/y")})
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "too_large")


def test_buttons_notes_labels_and_canned_replies(desk: Desk) -> None:
    desk.write()
    desk.post(
        f"{desk.path}/messages",
        {"key": "with-buttons", "text": "Well?", "buttons": [{"key": "y", "title": "Yes"}]},
    )
    note = desk.post(f"{desk.path}/notes", {"key": "a-note-key", "text": "Knows the boss"})
    assert (note["direction"], note["state"]) == ("note", "received")
    desk.post(f"{desk.path}/notes", {"key": "a-note-key", "text": "Knows the boss"})
    desk.work()
    (accepted,) = desk.accepted()
    assert accepted
    assert [message["direction"] for message in desk.messages()] == ["in", "out", "note"]
    edited = desk.door.patch(
        f"/api{desk.path}", json={"labels": [" vip ", "vip", "roof"], "state": "pending"}
    ).json()
    assert (edited["labels"], edited["state"]) == (["roof", "vip"], "pending")
    assert desk.get("/conversations/labels") == ["roof", "vip"]
    for query, found in (
        ({"label": "vip"}, 1), ({"label": "x"}, 0), ({"state": "pending"}, 1), ({"state": "waiting"}, 1),
        ({"state": "open"}, 0), ({"assignee": "nobody"}, 1), ({"assignee": "me"}, 0), ({"unread": True}, 0),
        ({"search": "Lead"}, 1), ({"search": "2125550101"}, 1), ({"search": "nobody at all"}, 0),
        ({"account_id": str(desk.account_id)}, 1), ({"needs_person": True}, 0),
    ):  # fmt: skip
        assert len(desk.get("/conversations", **query)["conversations"]) == found, query
    desk.write("Again")
    assert desk.conversation["state"] == "open"
    reply = desk.post("/canned-replies", {"shortcut": "hours", "text": "Until five."})
    assert desk.door.post("/api/canned-replies", json={"shortcut": "hours", "text": "x"}).status_code == 422
    changed = desk.door.put(
        f"/api/canned-replies/{reply['id']}", json={"shortcut": "hours", "text": "Until six."}
    )
    assert changed.json()["text"] == "Until six."
    assert desk.door.delete(f"/api/canned-replies/{reply['id']}").status_code == 204
    assert desk.get("/canned-replies") == []


def test_pages_of_messages_miss_and_repeat_nothing(desk: Desk) -> None:
    for number in range(7):
        desk.write(str(number))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = desk.get(f"{desk.path}/messages", limit=3, **({"cursor": cursor} if cursor else {}))
        seen += [message["text"] for message in page["messages"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == [str(number) for number in range(7)]
    assert desk.door.get(f"/api{desk.path}/messages", params={"cursor": "nonsense"}).status_code == 422


def test_a_receipt_that_comes_before_its_message_is_known_is_heard_later(desk: Desk) -> None:
    desk.write()
    made = desk.send()
    desk.work()
    with unit_of_work(desk.world.scope) as session:
        message = session.get_one(Message, UUID(made["id"]))
        their_id, message.provider_id, message.state = message.provider_id, None, "sent"
        account = sending.accounts.get_account(session, desk.world.business_id, desk.account_id)
        early = Receipt(str(their_id), account.account, PERSON, ReceiptState.READ, clock.now(), None)
        assert not receipts.hear(session, account, early)
        receipts.wait_for(account, early)
    with unit_of_work(desk.world.scope) as session:
        session.get_one(Message, UUID(made["id"])).provider_id = their_id
    with desk.installation.administrator.begin() as connection:
        connection.execute(text("update jobs set run_at = now() where name = 'hear_receipt'"))
    desk.work()
    assert out(desk)[0]["state"] == "read"


def test_a_receipt_of_nobody_s_message_is_given_up(desk: Desk) -> None:
    with unit_of_work(desk.world.scope) as session:
        account = sending.accounts.get_account(session, desk.world.business_id, desk.account_id)
        stray = Receipt("wamid.stray", account.account, PERSON, ReceiptState.READ, clock.now(), None)
        receipts.wait_for(account, stray)
    for _ in range(6):
        with desk.installation.administrator.begin() as connection:
            connection.execute(text("update jobs set run_at = now() where name = 'hear_receipt'"))
        desk.work()
    with unit_of_work(desk.world.scope) as session:
        dropped = session.scalars(select(Event).where(Event.kind == "message.receipt_dropped")).all()
        active = session.scalars(
            select(Job.id).where(Job.name == "hear_receipt", Job.state.in_(("queued", "running")))
        ).all()
    assert (len(dropped), len(active)) == (1, 0)


STATES = st.lists(st.sampled_from(list(ReceiptState)), max_size=12)
_RANK = [
    MessageState.QUEUED, MessageState.SENDING, MessageState.UNCERTAIN, MessageState.SENT,
    MessageState.DELIVERED, MessageState.READ,
]  # fmt: skip


@given(STATES, st.sampled_from([MessageState.SENDING, MessageState.SENT, MessageState.UNCERTAIN]))
def test_receipts_in_any_order_lead_on_and_never_back(told: list[ReceiptState], first: MessageState) -> None:
    state = first
    for receipt in told:
        after = rules.after_receipt(state, receipt)
        if state is MessageState.FAILED:
            assert after is state
        elif after is MessageState.FAILED:
            assert receipt is ReceiptState.FAILED
            assert state not in {MessageState.DELIVERED, MessageState.READ}
        else:
            assert _RANK.index(after) >= _RANK.index(state)
        assert rules.after_receipt(after, receipt) is after
        state = after
    if ReceiptState.FAILED not in told and told:
        assert state == max((MessageState(receipt.value) for receipt in told), key=_RANK.index) or (
            _RANK.index(state) >= _RANK.index(first)
        )
