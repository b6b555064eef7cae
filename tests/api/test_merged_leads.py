"""Two leads that are one person: what a merge shows, what it does, and that nothing is lost by it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update

from api.doorway import TestClient, sign_in
from support.diary import note_down
from support.installation import Installation
from support.world import World
from trunkline.core.db import metadata, unit_of_work
from trunkline.core.errors import Outdated, TrunklineError
from trunkline.core.events import Event
from trunkline.core.runs import service as runs
from trunkline.domain.broadcasts.models import Broadcast, BroadcastRecipient
from trunkline.domain.calls.models import Call, CallState
from trunkline.domain.inbox.account_models import ChatAccount
from trunkline.domain.inbox.models import Conversation
from trunkline.domain.leads import board, editing, merging, movers, statuses, store, webhooks
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.addresses import add
from trunkline.domain.leads.flow_models import CauseKind
from trunkline.domain.leads.merge_rules import alike
from trunkline.domain.leads.models import Lead, LeadListEntry
from trunkline.domain.leads.movement import Cause
from trunkline.domain.leads.selection import Whom
from trunkline.domain.leads.webhook_models import LeadDelivery
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.claim import Claim, claim_next
from trunkline.domain.outbound.models import OutboundItem
from trunkline.domain.outbound.options import RunOptions, installed_limits
from trunkline.domain.tasks.models import Task
from trunkline.kit import clock
from trunkline.kit.ids import new_id

POINTING = sorted(
    table.name
    for table in metadata.sorted_tables
    if table.name != "leads"
    and (
        "lead_id" in table.columns
        or any(key.referred_table.name == "leads" for key in table.foreign_key_constraints)
    )
)
"""Tables whose rows point at leads, as the code knows them."""


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


@pytest.fixture
def two(acme: World) -> tuple[UUID, UUID]:
    """Two leads, each with rows in every table that points at leads: the one to be kept, and the other."""
    with unit_of_work(acme.scope) as session:
        kept, gone = session.scalars(
            select(Lead.id).where(Lead.phone.in_(acme.phones[:2])).order_by(Lead.phone)
        )
        for number, lead_id in enumerate((kept, gone)):
            live_through(acme, session, lead_id, number)
    return kept, gone


def live_through(world: World, session: Any, lead_id: UUID, number: int) -> None:
    business_id = world.business_id
    at = clock.now()
    for nth in range(2):
        call = Call(
            business_id=business_id, carrier_sid=f"CA{number}{nth}", direction="inbound", ours=world.number,
            theirs=world.phones[number], lead_id=lead_id, state=CallState.ENDED, disposition="answered",
            answered_at=at, ended_at=at + timedelta(seconds=40),
        )  # fmt: skip
        session.add(call)
        start = at + timedelta(days=2 + nth, hours=number)
        note_down(session, business_id, start, start + timedelta(minutes=30), lead_id=lead_id)
    editing.add_note(session, business_id, lead_id, f"Note {number}", author=world.email)
    add(session, business_id, lead_id, "email", f"second{number}@example.com", actor="test")
    own_list = leads.make_list(session, business_id, f"List {number}")
    store.add_to_list(session, business_id, own_list.id, [lead_id])
    status = statuses.of_business(session, business_id).rows[2 + number]
    board.move(
        session,
        business_id,
        lead_id,
        status_id=status.id,
        after=None,
        cause=Cause(CauseKind.PERSON, world.email),
    )
    outbound.create_run(
        session, business_id, title="Both", whom=Whom(lead_ids=[lead_id]), actor="test",
        options=RunOptions(agent_id=world.agent_id, from_number=world.number),
    )  # fmt: skip
    webhook, _ = webhooks.make(session, business_id, {"name": f"Form {number}"}, actor="test")
    session.add(
        LeadDelivery(
            business_id=business_id, webhook_id=webhook.id, status=200, lead_id=lead_id, answer={}, body="{}"
        )
    )
    session.add(
        Task(business_id=business_id, title="Send the offer", lead_id=lead_id, created_by="test", version=1)
    )
    session.add(
        Conversation(
            business_id=business_id, chat_account_id=_number_of(session, world), ai_mode="off",
            address=world.phones[number], lead_id=lead_id,
        )
    )  # fmt: skip
    news = runs.create(
        session,
        business_id=business_id,
        kind="broadcast",
        title="News",
        subject=None,
        options={},
        actor="test",
    )
    session.add(
        Broadcast(business_id=business_id, run_id=news.id, chat_account_id=_number_of(session, world))
    )
    session.flush()
    session.add(
        BroadcastRecipient(
            business_id=business_id, run_id=news.id, position=1, lead_id=lead_id,
            address=world.phones[number],
        )
    )  # fmt: skip
    # Somebody was merged into each of them before.
    old = editing.create_lead(
        session, business_id, editing.LeadIn(phone=f"+1212555017{number}"), actor="test"
    )
    lead = session.get_one(Lead, lead_id)
    session.refresh(lead)
    merging.merge(
        session, business_id, lead_id, old.id, versions=(lead.version, old.version), take=[], actor="test"
    )


def _number_of(session: Any, world: World) -> UUID:
    """Return the number that both write to."""
    there = session.scalar(select(ChatAccount.id))
    if there is None:
        row = ChatAccount(
            business_id=world.business_id, provider="whatsapp", name="Ours", address=world.number,
            account="1", hook_key="hook", verify_token="token", created_by="test",
        )  # fmt: skip
        session.add(row)
        session.flush()
        there = row.id
    return UUID(str(there))


def rows_of(world: World, lead_id: UUID) -> dict[str, int]:
    """Count, in every table that points at leads, the rows that point at this one."""
    with unit_of_work(world.scope) as session:
        return {
            name: session.scalar(
                select(func.count()).where(
                    metadata.tables[name].c.business_id == world.business_id,
                    metadata.tables[name].c.lead_id == lead_id,
                )
            )
            or 0
            for name in POINTING
        }


def versions(world: World, *lead_ids: UUID) -> tuple[int, ...]:
    with unit_of_work(world.scope) as session:
        return tuple(session.get_one(Lead, lead_id).version for lead_id in lead_ids)


def merged(
    owner: TestClient, world: World, kept: UUID, gone: UUID, *, take: list[str] | None = None
) -> dict[str, Any]:
    mine, theirs = versions(world, kept, gone)
    body = {"other_id": str(gone), "version": mine, "other_version": theirs, "take": take or []}
    answer = owner.post(f"/api/leads/{kept}/merge", json=body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


# --- Nothing is lost ---------------------------------------------------------------------


def test_every_table_that_points_at_leads_has_a_mover(installation: Installation) -> None:
    assert set(POINTING) == movers.tables()


def lost_by_a_merge(owner: TestClient, world: World, kept: UUID, gone: UUID) -> dict[str, int]:
    """Merge, and return by how many rows too few each table points at whoever is kept."""
    mine, theirs = rows_of(world, kept), rows_of(world, gone)
    assert all(theirs[name] and mine[name] for name in POINTING if name in FILLED), (mine, theirs)
    with unit_of_work(world.scope) as session:
        entry = LeadListEntry
        places = select(entry.list_id).where(entry.lead_id.in_([kept, gone]))
        lists = set(session.scalars(places))
    merged(owner, world, kept, gone)
    after = rows_of(world, kept)
    assert not any(rows_of(world, gone).values())
    # In a list where both stood, one place is enough; the merge itself is told of once.
    wanted = {name: mine[name] + theirs[name] for name in POINTING}
    wanted["lead_list_entries"] = len(lists)
    wanted["merged_leads"] += 1
    with unit_of_work(world.scope) as session:
        stood = set(session.scalars(select(LeadListEntry.list_id).where(LeadListEntry.lead_id == kept)))
    assert stood == lists
    return {name: wanted[name] - after[name] for name in POINTING if wanted[name] != after[name]}


FILLED = set(POINTING)


def test_a_merge_loses_no_row_of_any_table(owner: TestClient, acme: World, two: tuple[UUID, UUID]) -> None:
    assert lost_by_a_merge(owner, acme, *two) == {}


@pytest.mark.parametrize("table", ["calls", "appointments", "outbound_items", "lead_notes"])
def test_without_its_mover_a_table_s_rows_are_missed(
    owner: TestClient, acme: World, two: tuple[UUID, UUID], table: str
) -> None:
    without = {name: mover for name, mover in movers._movers.items() if name != table}
    with patch.object(movers, "_movers", without):
        assert set(lost_by_a_merge(owner, acme, *two)) == {table}
        assert set(POINTING) - movers.tables() == {table}


def test_the_timeline_tells_both_histories_and_the_merge(
    owner: TestClient, acme: World, two: tuple[UUID, UUID]
) -> None:
    def told(lead_id: UUID) -> list[dict[str, Any]]:
        answer = owner.get(f"/api/leads/{lead_id}/timeline", params={"limit": 100})
        assert answer.status_code == 200
        return list(answer.json()["entries"])

    kept, gone = two
    before = [*told(kept), *told(gone)]
    merged(owner, acme, kept, gone)
    after = told(kept)

    def kinds(entries: list[dict[str, Any]], kind: str) -> int:
        return sum(entry["kind"] == kind for entry in entries)

    for kind in ("call", "appointment", "note", "status", "edited"):
        assert kinds(after, kind) == kinds(before, kind) > 0, kind
    assert kinds(after, "merged") == kinds(before, "merged") + 1
    newest = next(entry for entry in after if entry["kind"] == "merged")
    assert newest["data"]["phone"] == acme.phones[1]
    assert newest["actor"] == acme.email


# --- What stands afterwards --------------------------------------------------------------


def make(owner: TestClient, phone: str, **facts: Any) -> UUID:
    answer = owner.post("/api/leads", json={"phone": phone, **facts})
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


def test_the_preview_says_what_there_is_to_choose_and_a_choice_is_kept(
    owner: TestClient, acme: World
) -> None:
    kept = make(owner, "+12125550131", name="Dana Levi", email="dana@example.com", tags=["vip"])
    gone = make(
        owner, "+12125550132", name="Dana L.", email="d.levi@example.com", notes="Wants Sundays",
        tags=["spring", "vip"],
    )  # fmt: skip
    owner.patch(f"/api/leads/{gone}/consent", json={"consent": "withdrawn"})
    owner.patch(f"/api/leads/{kept}/consent", json={"consent": "written", "consent_source": "form"})
    shown = owner.get(f"/api/leads/{kept}/merge/{gone}").json()
    assert shown["differing"] == ["phone", "name", "email"]
    assert shown["tags"] == ["spring", "vip"]
    assert shown["consent"] == "withdrawn"
    assert {row["table"]: (row["kept"], row["gone"]) for row in shown["counts"]} == {"lead_addresses": (1, 1)}
    assert shown["busy"] is None
    lead = merged(owner, acme, kept, gone, take=["phone", "name"])
    assert lead["id"] == str(kept)
    assert (lead["phone"], lead["name"], lead["email"]) == ("+12125550132", "Dana L.", "dana@example.com")
    assert (lead["notes"], lead["tags"], lead["consent"]) == ("Wants Sundays", ["spring", "vip"], "withdrawn")
    assert sorted(row["address"] for row in lead["addresses"]) == [
        "+12125550131", "+12125550132", "d.levi@example.com",
    ]  # fmt: skip
    entries = owner.get(f"/api/leads/{kept}/timeline").json()["entries"]
    left = next(entry["data"]["left"] for entry in entries if entry["kind"] == "merged")
    assert left == {"phone": "+12125550131", "name": "Dana Levi", "email": "d.levi@example.com"}
    # The law's log has the withdrawal under the person who is kept.
    with unit_of_work(acme.scope) as session:
        last = session.scalars(
            select(Event).where(Event.kind == "consent.changed", Event.subject_id == kept).order_by(Event.id)
        ).all()[-1]
        assert last.data["consent"] == "withdrawn"


def test_what_cannot_be_chosen_is_refused(owner: TestClient, acme: World) -> None:
    kept, gone = make(owner, "+12125550131", name="Dana"), make(owner, "+12125550132")
    for path, wrong in (("name", 422), ("consent", 422)):
        body = {"other_id": str(gone), "version": 1, "other_version": 1, "take": [path]}
        assert owner.post(f"/api/leads/{kept}/merge", json=body).status_code == wrong
    itself = {"other_id": str(kept), "version": 1, "other_version": 1}
    answer = owner.post(f"/api/leads/{kept}/merge", json=itself)
    assert (answer.status_code, answer.json()["error"]["data"]["reason"]) == (422, "same_lead")
    stale = {"other_id": str(gone), "version": 1, "other_version": 7}
    answer = owner.post(f"/api/leads/{kept}/merge", json=stale)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "outdated")
    assert answer.json()["error"]["data"]["lead_id"] == str(gone)


def test_who_is_no_more_leads_to_whom_they_are_now(owner: TestClient, acme: World) -> None:
    first, second, third = (make(owner, f"+1212555013{n}") for n in range(3))
    body = {"other_id": str(second), "version": 1, "other_version": 1}
    assert owner.post(f"/api/leads/{first}/merge", json=body).status_code == 200
    # Asked again, it is done; nothing is done twice.
    assert owner.post(f"/api/leads/{first}/merge", json=body).json()["version"] == 2
    answer = owner.get(f"/api/leads/{second}")
    assert answer.status_code == 404
    assert (answer.json()["error"]["data"]["reason"], answer.json()["error"]["data"]["lead_id"]) == (
        "merged",
        str(first),
    )
    merged(owner, acme, third, first)
    assert owner.get(f"/api/leads/{second}").json()["error"]["data"]["lead_id"] == str(third)
    with unit_of_work(acme.scope) as session:
        for n in range(3):
            number = f"+1212555013{n}"
            assert leads.lead_at(session, acme.business_id, "phone", number) == third
            assert leads.lead_of_caller(session, acme.business_id, number) == third


# --- While somebody is on the line -------------------------------------------------------


def test_nobody_is_merged_while_one_is_being_dialled_or_on_the_line(owner: TestClient, acme: World) -> None:
    run = acme.make_run(concurrency=1)
    with unit_of_work(acme.scope) as session:
        outbound.start_run(session, acme.business_id, run.id, actor="test")
    with unit_of_work(acme.scope) as session:
        claim = claim_next(
            session, acme.business_id, limits=installed_limits(), job_id=new_id(), lease_epoch=1
        )
        assert isinstance(claim, Claim)
    with unit_of_work(acme.scope) as session:
        dialled = session.scalar(select(Lead.id).where(Lead.phone == claim.phone))
    other = make(owner, "+12125550131")
    assert dialled is not None
    for kept, gone in ((dialled, other), (other, dialled)):
        shown = owner.get(f"/api/leads/{kept}/merge/{gone}").json()
        assert shown["busy"] == "in_dial"
        body = {"other_id": str(gone), "version": 1, "other_version": 1}
        answer = owner.post(f"/api/leads/{kept}/merge", json=body)
        assert (answer.status_code, answer.json()["error"]["data"]["busy"]) == (409, "in_dial")
    with unit_of_work(acme.scope) as session:
        session.execute(update(OutboundItem).values(state="completed"))
        session.add(
            Call(
                business_id=acme.business_id, carrier_sid="CA1", direction="inbound", ours=acme.number,
                theirs="+12125550131", lead_id=other, state=CallState.LIVE,
            )
        )  # fmt: skip
    answer = owner.post(f"/api/leads/{dialled}/merge", json={**body, "other_id": str(other)})
    assert (answer.status_code, answer.json()["error"]["data"]["busy"]) == (409, "in_call")


def test_a_run_does_not_call_one_person_as_two_leads(owner: TestClient, acme: World) -> None:
    run = acme.make_run()
    with unit_of_work(acme.scope) as session:
        kept, gone, other = session.scalars(select(Lead.id).order_by(Lead.phone))
    merged(owner, acme, kept, gone)

    def states() -> list[tuple[UUID | None, str, str]]:
        with unit_of_work(acme.scope) as session:
            rows = session.scalars(
                select(OutboundItem).where(OutboundItem.run_id == run.id).order_by(OutboundItem.position)
            )
            return [(row.lead_id, row.phone, row.state) for row in rows]

    assert states() == [
        (kept, acme.phones[0], "queued"),
        (kept, acme.phones[1], "cancelled"),
        (other, acme.phones[2], "queued"),
    ]  # fmt: skip
    # Whose call has come to its end is not called again as somebody else.
    with unit_of_work(acme.scope) as session:
        session.execute(update(OutboundItem).where(OutboundItem.lead_id == other).values(state="completed"))
    merged(owner, acme, kept, other)
    assert [state for *_, state in states()] == ["cancelled", "cancelled", "completed"]


# --- Many at once ------------------------------------------------------------------------


def test_two_who_are_merged_both_ways_at_once_become_one(owner: TestClient, acme: World) -> None:
    one, other = make(owner, "+12125550131"), make(owner, "+12125550132")

    def merging_into(pair: tuple[UUID, UUID]) -> str:
        try:
            with unit_of_work(acme.scope) as session:
                merging.merge(session, acme.business_id, *pair, versions=(1, 1), take=[], actor="test")
        except (Outdated, TrunklineError) as error:
            return error.code
        return "merged"

    with ThreadPoolExecutor(2) as pool:
        results = sorted(pool.map(merging_into, [(one, other), (other, one)]))
    assert results == ["merged", "not_found"]
    with unit_of_work(acme.scope) as session:
        left = session.scalars(select(Lead.id).where(Lead.id.in_([one, other]))).all()
        assert len(left) == 1
        for number in ("+12125550131", "+12125550132"):
            assert leads.lead_at(session, acme.business_id, "phone", number) == left[0]


def test_whoever_calls_during_a_merge_is_found_as_the_one_who_is_kept(owner: TestClient, acme: World) -> None:
    kept, gone = make(owner, "+12125550131"), make(owner, "+12125550132")

    def caller() -> UUID:
        with unit_of_work(acme.scope) as session:
            return leads.lead_of_caller(session, acme.business_id, "+12125550132")

    with ThreadPoolExecutor(1) as pool:
        with unit_of_work(acme.scope) as session:
            merging.merge(session, acme.business_id, kept, gone, versions=(1, 1), take=[], actor="test")
            session.flush()
            calling = pool.submit(caller)
            waiting_for_lock(session)
        assert calling.result(timeout=20) == kept


def waiting_for_lock(session: Any) -> None:
    """Go on once somebody waits for what this transaction holds."""
    deadline = clock.now() + timedelta(seconds=15)
    waits = text("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
    while not session.scalar(waits):
        assert clock.now() < deadline, "nobody came to wait"


# --- Who may be the same -----------------------------------------------------------------


def test_possible_duplicates_are_of_the_same_address_or_of_the_same_name_and_a_number_alike(
    owner: TestClient, acme: World
) -> None:
    dana = make(owner, "+12125550131", name="Dana Levi", email="dana@example.com")
    same_address = make(owner, "+13125550199", name="D.", email="Dana@example.com")
    a_slip = make(owner, "+12125550113", name="dana levi")
    make(owner, "+13235550140", name="Dana Levi")
    make(owner, "+12125550130", name="Somebody Else")
    found = owner.get(f"/api/leads/{dana}/duplicates").json()["leads"]
    assert {lead["id"] for lead in found} == {str(same_address), str(a_slip)}


def test_numbers_are_alike_by_their_end_or_but_for_a_slip() -> None:
    assert alike("+972502345678", "+972502345679")
    assert alike("+972502345678", "+972502345687")
    assert alike("+972502345678", "+97250234567")
    assert alike("+972502345678", "+12022345678")
    assert not alike("+972502345678", "+972502345600")
    assert not alike("+972502345678", "+972541111111")
