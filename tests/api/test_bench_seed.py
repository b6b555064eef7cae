"""`trunkline bench seed`: exactly what was asked for, once, however often it is broken off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from support.call_book import had_call
from support.commands import trunkline
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.bench import seed, statements
from trunkline.bench.plan import Volume
from trunkline.bench.seed import Seeding
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.errors import Conflict
from trunkline.domain.people import service as people
from trunkline.domain.reports import service
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock

VOLUME = Volume(leads=200, calls=900, days=6, runs=3, run_items=30, turns=4)
ASKED = Seeding(VOLUME, seed=3, businesses=1, zone="Asia/Jerusalem", beside_others=False)


def rows(seeded: Any, what: str) -> list[Any]:
    with unit_of_work(of_business(seeded)) as session:
        return [tuple(row) for row in session.execute(text(what))]


def test_what_was_broken_off_goes_on_and_ends_as_if_it_had_not_been(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []

    def breaks_off(write: Callable[..., None]) -> Callable[..., None]:
        def write_some(session: Session, values: dict[str, object], *what: Any) -> None:
            write(session, values, *what)
            if statements.APPOINTMENTS in what:
                done.append(1)
                if len(done) == 3:
                    raise KeyboardInterrupt

        return write_some

    with monkeypatch.context() as patched:
        patched.setattr(seed, "_do", breaks_off(seed._do))
        with pytest.raises(KeyboardInterrupt):
            seed.fill(ASKED, 1, lambda _: None)
    with unit_of_work(SYSTEM) as session:
        (business,) = tenants.list_businesses(session)
    broken = rows(business.id, "select id, created_at, disposition from calls order by id")
    assert 0 < len(broken) < VOLUME.calls
    told: list[int] = []
    seeded = seed.fill(ASKED, 1, told.append)
    assert (seeded, sum(told)) == (business.id, VOLUME.calls)
    whole = rows(seeded, "select id, created_at, disposition from calls order by id")
    assert (len(whole), whole[: len(broken)]) == (VOLUME.calls, broken)
    assert seed.counted(seeded) == {"leads": 200, "calls": 900}
    assert rows(seeded, "select count(*), count(distinct run_id) from outbound_items") == [(90, 3)]
    assert rows(seeded, "select count(*) from outbound_attempts a join calls c on c.id = a.call_id") == [
        (90,)
    ]
    # Everybody who was spoken with has a transcript, from its beginning to its end, within the call.
    spoken = "answered_at is not null and disposition <> 'voicemail'"
    conversations = rows(seeded, f"select count(*) from calls where {spoken}")[0][0]
    assert rows(seeded, "select count(*) from call_events")[0][0] == conversations * 6
    assert rows(
        seeded,
        "select count(*) from call_events e join calls c on c.id = e.call_id"
        " where e.at not between c.answered_at and c.ended_at",
    ) == [(0,)]
    # Who booked has an appointment, and the calendar of a day holds as many as fit.
    booked = rows(seeded, "select count(*) from calls where disposition = 'booked'")[0][0]
    assert booked > statements.APPOINTMENTS_A_DAY
    assert rows(
        seeded,
        "select count(*), count(distinct a.call_id) from appointments a join calls c on c.id = a.call_id"
        " where c.disposition = 'booked' and c.lead_id = a.lead_id and c.booked_at = a.created_at",
    ) == [(booked, booked)]
    assert (
        rows(
            seeded,
            "select max(held) from (select count(*) filter (where state = 'booked') as held from appointments"
            " group by starts_at::date) days",
        )[0][0]
        <= statements.APPOINTMENTS_A_DAY
    )
    # A third time, nothing more is written; and the figures are kept already.
    assert seed.fill(ASKED, 1, lambda _: None) == seeded
    assert rows(seeded, "select count(*) from calls") == [(900,)]
    with unit_of_work(of_business(seeded)) as session:
        assert service.times(session, seeded, zone=ASKED.zone).of_last(30).calls == 900
    assert rows(seeded, "select sum(inbound + outbound) > 800 from call_quarters") == [(True,)]


def test_a_person_at_the_terminal_is_told_what_there_is_and_can_let_themselves_in(
    installation: Installation,
) -> None:
    few = ("--leads", "20", "--calls", "30", "--days", "2", "--runs", "1", "--turns", "2")
    status, business_id, said = trunkline(installation, "bench", "seed", *few, "--password", PASSWORD)
    assert status == 0, said
    assert "20 leads, 30 calls." in said
    assert rows(business_id, "select count(*) from calls where disposition is null") == [(0,)]
    _, principal = people.sign_in("owner@bench-1-1.example", PASSWORD)
    assert str(principal.business_id) == business_id


def test_where_others_call_it_asks_first_and_with_other_options_it_does_not_go_on(acme: World) -> None:
    small = replace(ASKED, volume=replace(VOLUME, leads=20, calls=30, run_items=5))
    seed.check(small)
    seed.fill(small, 1, lambda _: None)
    seed.check(small)
    with pytest.raises(Conflict, match="was filled with other options"):
        seed.fill(ASKED, 1, lambda _: None)
    had_call(acme, clock.now())
    with pytest.raises(Conflict, match="Acme has calls in this database"):
        seed.check(small)
    seed.check(replace(small, beside_others=True))
