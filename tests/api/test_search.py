"""Search: what is found by which words, in what order, by whom; slips forgiven; kept as rows change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text, update

from api.doorway import TestClient, sign_in
from support.diary import note_down
from support.installation import Installation
from support.world import World
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.domain.agents import knowledge
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call, CallState
from trunkline.domain.leads.models import Lead, LeadNote
from trunkline.domain.search.models import SearchFill, SearchNews, SearchText, SearchWord
from trunkline.domain.tasks.models import Task
from trunkline.kit import clock, words
from trunkline.kit.ids import new_id

PEOPLE = (
    ("Dana Cohen", "+972525550101", "dana.cohen@clinic.example", "Wants a check-up in spring"),
    ("Avraham Goldberg", "+972525550102", None, "Prefers ZWIEBACK for breakfast"),
    ("Daniel Katz", "+972525550103", None, None),
    ("שלומית לוי", "+972525550104", None, "מבקשת תור לרופא שיניים"),
    ("יהונתן אברהמי", "+972525550105", None, None),
    ("José Martínez", "+34600555010", "jose@example.es", None),
    ("Katharine Wetherby-Smythe", "+442075550107", None, None),
    ("ג'ורג' חדאד", "+972525550108", None, None),
)
TURNS = (
    ("agent_said", "Hello, this is Rivka from the physiotherapy department. Is this a good moment?"),
    ("caller_said", "Yes, my shoulder has been hurting since Thursday."),
    ("agent_said", "I can offer an appointment on Wednesday afternoon."),
    ("caller_said", "אפשר לקבוע תור במרפאה בתל אביב?"),
    ("agent_said", "בוודאי, יש לנו מרפאה ברחוב דיזנגוף."),
)


def search(somebody: TestClient, q: str, **more: Any) -> dict[str, Any]:
    answer = somebody.get("/api/search", params={"q": q, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def hits(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return next((group["hits"] for group in found["groups"] if group["kind"] == kind), [])


def titles(found: dict[str, Any], kind: str) -> list[str]:
    return [hit["title"] for hit in hits(found, kind)]


def learn(installation: Installation) -> None:
    with unit_of_work(SYSTEM):
        enqueue_job("maintenance", "tend_search")
    installation.run_jobs()


def move_in(world: World) -> UUID:
    """Let people, a call with words in it, an appointment and a text be there; return the call."""
    at = clock.now() - timedelta(minutes=5)
    with unit_of_work(world.scope) as session:
        leads = [
            Lead(
                business_id=world.business_id, name=name, phone=phone, email=email, notes=notes, source="test"
            )
            for name, phone, email, notes in PEOPLE
        ]
        session.add_all(leads)
        session.flush()
        session.add(
            LeadNote(
                business_id=world.business_id, lead_id=leads[2].id, text="Allergic to penicillin", author="o"
            )
        )
        call = Call(
            business_id=world.business_id, carrier_sid="CA77", direction="outbound", ours=world.number,
            theirs=leads[0].phone, lead_id=leads[0].id, state=CallState.ENDED, answered_at=at,
            ended_at=at + timedelta(minutes=2), notes="Sounded in a hurry",
        )  # fmt: skip
        session.add(call)
        session.flush()
        said = [
            {
                "sequence": number, "kind": kind, "at": (at + timedelta(seconds=10 * number)).isoformat(),
                "data": {"text": spoken, "heard_text": spoken},
            }
            for number, (kind, spoken) in enumerate(TURNS, 1)
        ]  # fmt: skip
        calls.record_events(session, world.business_id, call.id, said)
        start = clock.now() + timedelta(days=2)
        note_down(
            session, world.business_id, start, start + timedelta(minutes=30), lead_id=leads[0].id,
            call_id=call.id, note="Root canal treatment",
        )  # fmt: skip
        knowledge.add_text(
            session, world.business_id, title="Parking", text="There is a garage behind the building.",
            agent_id=None, actor="test",
        )  # fmt: skip
        session.add(
            Task(business_id=world.business_id, title="Send the invoice", created_by="t", lead_id=leads[0].id)
        )
        return call.id


@pytest.fixture
def call_id(acme: World, installation: Installation) -> UUID:
    made = move_in(acme)
    learn(installation)
    return made


@pytest.fixture
def owner(acme: World, visitor: TestClient, call_id: UUID) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def test_each_kind_of_row_is_found_by_its_words_and_says_where_they_stand(
    owner: TestClient, call_id: UUID, acme: World
) -> None:
    lead = hits(search(owner, "cohen"), "lead")[0]
    assert lead["title"] == "Dana Cohen"
    assert [lead["title"][start:end] for start, end in lead["title_marks"]] == ["Cohen"]
    assert lead["data"] == {"phone": "+972525550101"}
    assert titles(search(owner, "ZWIEBACK breakfast"), "lead") == ["Avraham Goldberg"]
    assert titles(search(owner, "dana.cohen@clinic.example"), "lead") == ["Dana Cohen"]
    assert titles(search(owner, "penicillin"), "note") == ["Daniel Katz"]
    assert hits(search(owner, "hurry"), "call")[0]["id"] == str(call_id)
    assert titles(search(owner, "root canal"), "appointment") == ["Dana Cohen"]
    assert titles(search(owner, "garage"), "knowledge") == ["Parking"]
    assert titles(search(owner, "invoice"), "task") == ["Send the invoice"]
    assert titles(search(owner, "agent"), "agent") == ["Agent"]
    turn = hits(search(owner, "shoulder"), "turn")[0]
    assert (turn["id"], turn["part"]) == (str(call_id), 2)
    # It began when the agent had finished, ten seconds into the call.
    assert turn["data"]["seconds"] == 10.0
    assert turn["data"]["who"] == "caller"
    assert [turn["excerpt"][start:end] for start, end in turn["excerpt_marks"]] == ["shoulder"]


def test_who_is_found_by_name_brings_their_calls_and_appointments(owner: TestClient, call_id: UUID) -> None:
    found = search(owner, "dana cohen")
    assert [group["kind"] for group in found["groups"]] == ["lead", "call", "appointment", "task"]
    assert hits(found, "call")[0]["id"] == str(call_id)
    assert hits(found, "appointment")[0]["data"]["state"] == "booked"


def test_part_of_a_number_finds_people_and_calls_however_it_is_written(
    owner: TestClient, call_id: UUID
) -> None:
    for part in ("5550101", "052-555-0101", "+972 52 555 0101", "25550101"):
        assert "Dana Cohen" in titles(search(owner, part), "lead"), part
    assert hits(search(owner, "052-555-0101"), "call")[0]["id"] == str(call_id)
    assert hits(search(owner, "+97252555"), "call")[0]["id"] == str(call_id)
    assert titles(search(owner, "052-555-0101"), "task") == ["Send the invoice"]
    assert titles(search(owner, "052-555-0101"), "appointment") == ["Dana Cohen"]
    assert hits(search(owner, "052-555-0102"), "task") == []
    assert search(owner, "+999123")["groups"] == []


def test_a_further_number_or_address_finds_whose_it_is_once(owner: TestClient) -> None:
    dana = hits(search(owner, "dana cohen"), "lead")[0]["id"]
    for channel, address in (("phone", "+972525550177"), ("email", "Dana.Levi@home.example")):
        added = owner.post(f"/api/leads/{dana}/addresses", json={"channel": channel, "address": address})
        assert added.status_code == 201, added.text
    for typed in ("+972 52 555 0177", "+972525550177", "dana.levi@home.example"):
        found = search(owner, typed)
        assert titles(found, "lead") == ["Dana Cohen"], typed
        assert titles(found, "task") == ["Send the invoice"]
        (task,) = search(owner, typed, kinds=["task"])["groups"][0]["hits"]
        assert task["title"] == "Send the invoice"
    # By her first address she is found in two ways, and by part of it others are as well.
    assert titles(search(owner, "dana.cohen@clinic.example"), "lead") == ["Dana Cohen"]
    assert titles(search(owner, "052-555-0101"), "lead") == ["Dana Cohen"]
    paged = search(owner, "dana.cohen@clinic.example", kinds=["lead"], limit=1)["groups"]
    assert [group["next_cursor"] for group in paged] == [None]


def test_words_themselves_come_before_words_that_begin_so(owner: TestClient, acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        session.add(Lead(business_id=acme.business_id, name="Dan Mor", phone="+972525550199", source="t"))
        session.flush()
        session.execute(
            update(Lead).where(Lead.name == "Daniel Katz").values(created_at=clock.now() + timedelta(days=1))
        )
    # Also of a word that nobody has learnt yet, as it is the newest.
    assert titles(search(owner, "dan"), "lead") == ["Dan Mor", "Daniel Katz", "Dana Cohen"]


TYPED_AMISS = (
    ("cohne", "lead", "Dana Cohen"),
    ("dnaa cohen", "lead", "Dana Cohen"),
    ("goldbreg", "lead", "Avraham Goldberg"),
    ("avrham goldberg", "lead", "Avraham Goldberg"),
    ("zwiebak", "lead", "Avraham Goldberg"),
    ("danniel katz", "lead", "Daniel Katz"),
    ("martines", "lead", "José Martínez"),
    ("kathrine", "lead", "Katharine Wetherby-Smythe"),
    ("wethreby", "lead", "Katharine Wetherby-Smythe"),
    ("smithe", "lead", "Katharine Wetherby-Smythe"),
    ("שלומיית", "lead", "שלומית לוי"),
    ("יהונטן", "lead", "יהונתן אברהמי"),
    ("אברמהי", "lead", "יהונתן אברהמי"),
    ("ahukhu", "lead", "שלומית לוי"),
    ("penicilin", "note", "Daniel Katz"),
    ("physiotheraphy", "turn", "Dana Cohen"),
    ("shuolder", "turn", "Dana Cohen"),
    ("wendesday", "turn", "Dana Cohen"),
    ("apointmnet", "turn", "Dana Cohen"),
    ("דיזינגוף", "turn", "Dana Cohen"),
    ("garrage", "knowledge", "Parking"),
    ("root cannal", "appointment", "Dana Cohen"),
)


def test_slips_of_the_hand_are_forgiven(owner: TestClient) -> None:
    found = {
        typed: search(owner, words.on_other_keyboard("שלומית") if typed == "ahukhu" else typed)
        for typed, _, _ in TYPED_AMISS
    }
    assert {typed: titles(found[typed], kind)[:1] for typed, kind, _ in TYPED_AMISS} == {
        typed: [first] for typed, _, first in TYPED_AMISS
    }
    assert [typed for typed, answer in found.items() if not answer["meant"]] == []


def test_hebrew_is_found_with_and_without_its_prefixes_points_and_final_letters(owner: TestClient) -> None:
    parts = {
        q: {hit["part"] for hit in hits(search(owner, q), "turn")} for q in ("מרפאה", "המרפאה", "במרפאה")
    }
    assert parts == {"מרפאה": {4, 5}, "המרפאה": {4, 5}, "במרפאה": {4, 5}}
    assert {hit["part"] for hit in hits(search(owner, "דִּיזֶנגוֹף"), "turn")} == {5}
    assert titles(search(owner, "ג׳ורג׳"), "lead") == titles(search(owner, "גורג"), "lead") == ["ג'ורג' חדאד"]
    assert titles(search(owner, "שיניים רופא"), "lead") == ["שלומית לוי"]
    assert {hit["part"] for hit in hits(search(owner, "מרפ"), "turn")} >= {5}


def test_more_of_a_kind_comes_by_cursor_without_a_gap_or_a_repetition(owner: TestClient, acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        session.add_all(
            Lead(
                business_id=acme.business_id, phone=f"+9725299901{number:02}", source="t",
                name="Noa" if number % 2 else "Noah", created_at=clock.now() - timedelta(hours=number // 3),
            )
            for number in range(40)
        )  # fmt: skip
    first = search(owner, "noa")
    assert [len(group["hits"]) for group in first["groups"]] == [5]
    for limit in (1, 7, 20):
        seen: list[tuple[str, str]] = []
        cursor = None
        while True:
            found = search(
                owner, "noa", kinds=["lead"], limit=limit, **({"cursor": cursor} if cursor else {})
            )
            (group,) = found["groups"]
            seen += [(hit["title"], hit["id"]) for hit in group["hits"]]
            cursor = group["next_cursor"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 40
        assert [title for title, _ in seen] == ["Noa"] * 20 + ["Noah"] * 20


def test_what_lies_behind_the_newest_rows_is_looked_up_in_the_same_order(
    owner: TestClient, acme: World, installation: Installation
) -> None:
    with unit_of_work(acme.scope) as session:
        # Two that bear the word and three that begin so are older than the newest 2,000.
        session.execute(
            text(
                "insert into leads (id, business_id, phone, name, source, created_at)"
                " select gen_random_uuid(), :business, '+97253' || (1000000 + n), case when n in (2, 4)"
                " then 'Zohar' when n in (1, 3, 5, 2050) then 'Zoharit' else 'Gil' end || ' ' || n, 'test',"
                " cast(:now as timestamptz) + n * interval '1 second' from generate_series(1, 2100) n"
            ),
            {"business": acme.business_id, "now": clock.now()},
        )
    learn(installation)
    wanted = ["Zohar 4", "Zohar 2", "Zoharit 2050", "Zoharit 5", "Zoharit 3", "Zoharit 1"]
    for limit in (1, 2, 3, 4, 6):
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            (group,) = search(owner, "zohar", kinds=["lead"], limit=limit, **cursor)["groups"]
            seen += [hit["title"] for hit in group["hits"]]
            if group["next_cursor"] is None:
                break
            cursor = {"cursor": group["next_cursor"]}
        assert seen == wanted, limit
    assert titles(search(owner, "zohari", kinds=["lead"], limit=9), "lead") == wanted[2:]
    assert titles(search(owner, "zoahr", kinds=["lead"], limit=9), "lead") == wanted[:2]


def test_what_is_asked_amiss_is_refused(owner: TestClient) -> None:
    for query in ({"q": "a", "kinds": ["nonsense"]}, {"q": "a", "cursor": "x"}, {"q": "x" * 201}, {}):
        assert owner.get("/api/search", params=query).status_code == 422, query
    broken = owner.get("/api/search", params={"q": "a", "kinds": ["lead"], "cursor": "bm8"})
    assert broken.status_code == 422
    for nothing in ("", "  ", "!!", "'", "\\", "a' | 'b", "12"):
        search(owner, nothing)


def test_a_business_finds_nothing_of_another(
    acme: World, umbrella: World, visitor: TestClient, call_id: UUID, installation: Installation
) -> None:
    learn(installation)
    sign_in(visitor, umbrella.email)
    for q in ("cohen", "cohne", "shoulder", "9725255501", "garage"):
        assert search(visitor, q)["groups"] == [], q
    with unit_of_work(umbrella.scope) as session:
        find = text(
            "select count(*) from find_texts('lead', 'cohen', 'cohen', null, false, 'infinity', :id, 0, 9)"
        )
        assert session.scalar(find, {"id": new_id()}) == 0
        assert session.scalar(text("select count(*) from words_like('{cohen}', 9)")) == 0


def test_what_is_found_follows_its_row(owner: TestClient, acme: World, installation: Installation) -> None:
    with unit_of_work(acme.scope) as session:
        session.execute(update(Lead).where(Lead.name == "Dana Cohen").values(name="Dana Peretz"))
        session.execute(update(LeadNote).values(text="Allergic to nuts"))
    assert search(owner, "cohen", kinds=["lead"])["groups"][0]["hits"][0]["title_marks"] == []
    assert titles(search(owner, "peretz"), "lead") == ["Dana Peretz"]
    assert search(owner, "penicillin", kinds=["note"])["groups"] == []
    with unit_of_work(acme.scope) as session:
        session.execute(delete(Lead).where(Lead.name == "Daniel Katz"))
    learn(installation)
    assert search(owner, "katz")["groups"] == []
    assert search(owner, "nuts")["groups"] == []
    with unit_of_work(acme.scope) as session:
        kept = set(session.scalars(select(SearchWord.word)))
        assert "peretz" in kept
        assert not {"katz", "nuts", "penicillin", "daniel"} & kept
        assert session.scalar(select(SearchNews.id)) is None


def test_words_are_counted_as_often_as_they_stand_in_texts(owner: TestClient, acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        counted = session.execute(
            text(
                "select word, count(*) from search_texts, unnest(tsvector_to_array(words)) word"
                " where word !~ '[0-9]' and char_length(word) > 1 group by word"
            )
        ).all()
        learnt = session.execute(select(SearchWord.word, SearchWord.many)).all()
        assert {tuple(row) for row in learnt} == {tuple(row) for row in counted}
        assert len(learnt) > 50


def test_rows_older_than_the_search_are_taken_in_once_and_as_triggers_would(
    owner: TestClient, acme: World, installation: Installation
) -> None:
    everything = select(SearchText.kind, SearchText.at, SearchText.id, SearchText.part, SearchText.words)
    with unit_of_work(acme.scope) as session:
        before = {tuple(row) for row in session.execute(everything)}
        words_before = {tuple(row) for row in session.execute(select(SearchWord.word, SearchWord.many))}
        kept = before.copy()
        assert {row[0] for row in before} == {
            "lead", "note", "list", "call", "turn", "appointment", "task", "agent", "knowledge",
        }  # fmt: skip
        # As it was before the search came, but for one row that has been written since.
        session.execute(delete(SearchText).where(SearchText.kind != "note"))
        session.execute(delete(SearchWord))
        session.add_all(
            SearchFill(business_id=acme.business_id, kind=kind, behind=UUID(int=0))
            for kind in {r[0] for r in kept}
        )
    learn(installation)
    with unit_of_work(acme.scope) as session:
        assert {tuple(row) for row in session.execute(everything)} == before
        assert session.scalar(select(SearchFill.kind)) is None
        again = {tuple(row) for row in session.execute(select(SearchWord.word, SearchWord.many))}
        assert {word for word, _ in words_before} - {word for word, _ in again} <= {
            "allergic",
            "to",
            "penicillin",
        }


LETTERS = st.sampled_from(
    [*"abcXYZ019 .,-_@'\"/", *"אבגםמןנץףךשה", "ָ", "־", "׳", "״", "’", "é", "ß", "Ω", "Ж", "ё", "،", "ق"]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.text(LETTERS, max_size=60), max_size=20))
def test_the_database_cuts_words_as_we_do(installation: Installation, texts: list[str]) -> None:
    with installation.owner.connect() as connection:
        asked = text("select said, search_words_of(said) from unnest(cast(:asked as text[])) said")
        cut = dict(connection.execute(asked, {"asked": texts}).all())
        assert {said: set(found) for said, found in cut.items()} == {
            said: {word.folded for word in words.words_of(said)} for said in texts
        }
        asked = text("select word, search_stubs(word) from unnest(cast(:asked as text[])) word")
        stubs = connection.execute(
            asked, {"asked": sorted({w for found in cut.values() for w in found})}
        ).all()
        assert {word: set(found) for word, found in stubs} == {
            word: set(words.stubs(word)) for word, _ in stubs
        }
