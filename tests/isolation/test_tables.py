"""Row-level security by behaviour: every tenant table, tried as the application with plain SQL."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from isolation.behaviour import check_table, expectation
from isolation.peering import TENANT_TABLES, TenantTable, count, speak_for, tenant_tables
from isolation.population import Town
from support.installation import Installation
from trunkline.core.db import SYSTEM, Database, Scope, of_business


@pytest.fixture(scope="module")
def tables(administrator: psycopg.Connection[Any]) -> dict[str, TenantTable]:
    """The tenant tables of the catalogue by name."""
    return {table.name: table for table in tenant_tables(administrator)}


def test_every_tenant_table_of_the_catalogue_is_tried(tables: dict[str, TenantTable]) -> None:
    assert sorted(tables) == TENANT_TABLES


@pytest.mark.parametrize("name", TENANT_TABLES)
def test_a_business_sees_and_touches_exactly_its_own_rows(
    name: str,
    town: Town,
    tables: dict[str, TenantTable],
    administrator: psycopg.Connection[Any],
    app: psycopg.Connection[Any],
) -> None:
    for one, other in ((town.a, town.b), (town.b, town.a)):
        expected = expectation(administrator, tables[name], one.business_id, other.business_id)
        check_table(app, expected)


def test_nothing_of_a_scope_is_left_on_the_connection(
    town: Town, servers: Installation, tables: dict[str, TenantTable]
) -> None:
    url = servers.urls.database_url
    assert url
    database = Database(url, pool_size=1)
    backends = set()

    def look(scope: Scope, *, fail: bool = False) -> None:
        with database.begin(scope).session as session:
            seen = session.execute(text("select id from businesses")).scalars().all()
            backends.add(session.execute(text("select pg_backend_pid()")).scalar_one())
            assert (scope.business_id is None and len(seen) == 2) or seen == [scope.business_id]
            (session.rollback if fail else session.commit)()

    def look_without_scope() -> None:
        with database.engine.connect() as connection:
            backends.add(connection.execute(text("select pg_backend_pid()")).scalar_one())
            for setting in ("app.business_id", "app.is_system"):
                left = connection.execute(text("select current_setting(:name, true)"), {"name": setting})
                assert left.scalar_one() in {None, ""}
            for name in tables:
                assert connection.execute(text(f"select count(*) from {name}")).scalar_one() == 0, name

    try:
        look_without_scope()
        for scope in (of_business(town.a.business_id), of_business(town.b.business_id), SYSTEM):
            for fail in (False, True):
                look(scope, fail=fail)
                look_without_scope()
    finally:
        database.dispose()
    assert len(backends) == 1, "the looks were not all made on one connection"


def test_a_session_speaks_for_its_scope_again_after_each_commit(town: Town, servers: Installation) -> None:
    with servers.database.begin(of_business(town.a.business_id)).session as session:
        for end in (session.commit, session.rollback, session.commit):
            seen = session.execute(text("select id from businesses")).scalars().all()
            assert seen == [town.a.business_id]
            end()


def test_the_administrator_counts_rows_that_a_business_does_not_see(
    town: Town,
    tables: dict[str, TenantTable],
    administrator: psycopg.Connection[Any],
    app: psycopg.Connection[Any],
) -> None:
    speak_for(app, town.a.business_id)
    for table in tables.values():
        assert count(administrator, table) > count(app, table), table.name
