"""Leads counted and found where there are many: counts are right at every moment, and few rows are read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from support.installation import Installation
from support.world import BY_TEST, World
from trunkline.core.db import unit_of_work
from trunkline.domain.leads import board, counts, listing, statuses, store
from trunkline.domain.leads.lead_schemas import BoardQuery, LeadsQuery
from trunkline.domain.leads.models import Lead, LeadCount
from trunkline.domain.leads.schemas import LeadConditions, LeadFilter

_MAKE = text(
    "insert into leads (id, business_id, phone, name, notes, source, created_at) select"
    " gen_random_uuid(), :business, '+1999' || (1000000 + n), 'Somebody ' || md5(n::text),"
    " case when n = 7 then 'Prefers ZWIEBACK' end, 'seed', now() - n * interval '1 minute'"
    " from generate_series(cast(:first as int), cast(:last as int)) n"
)
_READ = text(
    "select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) from pg_stat_xact_user_tables"
)


def make(session: Session, of: World, first: int, last: int) -> None:
    session.execute(_MAKE, {"business": of.business_id, "first": first, "last": last})


_AMISS = text(
    "select status_id, sum(leads) from ("
    " select status_id, leads from lead_counts where business_id = :business"
    " union all select status_id, -1 from leads where business_id = :business"
    ") both_ways group by status_id having sum(leads) <> 0"
)


def assert_counted(of: World) -> None:
    """Compare what is kept with the leads themselves, in one moment; adding up changes nothing."""
    with unit_of_work(of.scope) as session:
        assert session.execute(_AMISS, {"business": of.business_id}).all() == []
        counts.by_status(session, of.business_id)
        assert session.execute(_AMISS, {"business": of.business_id}).all() == []


def test_the_kept_counts_are_right_whatever_becomes_of_leads(acme: World, umbrella: World) -> None:
    assert_counted(acme)
    with unit_of_work(acme.scope) as session:
        make(session, acme, 1, 40)
        known = statuses.of_business(session, acme.business_id)
        won, lost = known.rows[4].id, known.rows[5].id
        found = list(session.scalars(select(Lead.id).where(Lead.source == "seed").order_by(Lead.id)))
    assert_counted(acme)
    with unit_of_work(acme.scope) as session:
        board.change_status(session, acme.business_id, found[:10], won, cause=BY_TEST)
        board.change_status(session, acme.business_id, found[5:15], lost, cause=BY_TEST)
        board.move(session, acme.business_id, found[0], status_id=lost, after=None, cause=BY_TEST)
        board.move(session, acme.business_id, found[1], status_id=known.initial.id, after=None, cause=BY_TEST)
        store.change(session, acme.business_id, found[:20], {"source": "fair"})
        session.execute(delete(Lead).where(Lead.id.in_(found[8:12])))
        counted = counts.by_status(session, acme.business_id)
        assert counted == {None: 29, won: 3, lost: 7}
    assert_counted(acme)
    with unit_of_work(acme.scope) as session:
        make(session, acme, 41, 50)
        session.rollback()
    assert_counted(acme)
    assert_counted(umbrella)


def test_who_counts_meets_who_writes_and_adds_up_what_has_become_many(acme: World) -> None:
    def work(number: int) -> None:
        for step in range(12):
            with unit_of_work(acme.scope) as session:
                make(session, acme, 100 * number + step + 1, 100 * number + step + 1)
            assert_counted(acme)

    with unit_of_work(acme.scope) as session:
        for number in range(250):
            make(session, acme, 10_000 + number, 10_000 + number)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(1, 5)))
    assert_counted(acme)
    with unit_of_work(acme.scope) as session:
        rows = session.scalar(select(func.count()).where(LeadCount.business_id == acme.business_id))
        assert rows is not None
        assert rows <= 60


@pytest.fixture
def crowd(acme: World, installation: Installation) -> World:
    with unit_of_work(acme.scope) as session:
        make(session, acme, 1, 30_000)
    with installation.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze leads"))
    return acme


def test_a_search_reads_few_leads_whether_many_or_none_are_meant(crowd: World) -> None:
    meant = {"zwieback": 1, "nobody has this": 0, "+1 (999) 100-0007": 1, "555-0101": 1, "somebody": 50}
    with unit_of_work(crowd.scope) as session:
        for (search, found), order in product(meant.items(), ("newest", "name")):
            wanted = LeadsQuery.model_validate({"search": search, "order": order, "limit": 50})
            before = session.execute(_READ).scalar_one()
            assert len(listing.list_leads(session, crowd.business_id, wanted).rows) == found
            assert session.execute(_READ).scalar_one() - before <= 1_200
        before = session.execute(_READ).scalar_one()
        columns = listing.board(session, crowd.business_id, BoardQuery(search="zwieback"), cards=5)
        assert [column.count for column in columns] == [1, 0, 0, 0, 0, 0, 0]
        assert session.execute(_READ).scalar_one() - before <= 100
        before = session.execute(_READ).scalar_one()
        assert listing.count_leads(session, crowd.business_id, LeadConditions()) == 30_003
        assert listing.board(session, crowd.business_id, BoardQuery(), cards=5)[0].count == 30_003
        assert session.execute(_READ).scalar_one() - before <= 100
        # More than are looked for by the index: a filter means all of them.
        for search, many in (("Somebody", 30_000), ("1000007", 1), ("o", 30_000)):
            query = store.matching(session, crowd.business_id, LeadFilter(search=search))
            assert len(session.scalars(query).all()) == many


def test_a_search_looks_in_the_business_of_its_scope_alone(
    acme: World, umbrella: World, installation: Installation
) -> None:
    bear = text("select id from leads_that_bear('%2125550%', '%3125550%', 100)")

    def of(session: Session) -> set[UUID]:
        return set(session.scalars(bear))

    with unit_of_work(umbrella.scope) as session:
        assert of(session) == set(session.scalars(select(Lead.id)))
        assert len(of(session)) == 2
    with unit_of_work(acme.scope) as session:
        assert len(of(session)) == 3
    with installation.database.engine.connect() as nobody:
        assert nobody.execute(bear).all() == []
