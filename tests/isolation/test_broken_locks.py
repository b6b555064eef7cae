"""The negative control: on a copy of the schema with one lock broken, the trial of every table fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from isolation.behaviour import check_table, expectation
from isolation.peering import (
    TENANT_TABLES,
    TenantTable,
    connected,
    tenant_tables,
    url_of,
)
from isolation.population import Town
from support.installation import Installation, administrator_url

SCRATCH = "trunkline_broken"
OWN_ROWS = sql.SQL("{key} = (select nullif(current_setting('app.business_id', true), ''))::uuid")


def _table(statement: str, table: TenantTable) -> sql.Composed:
    own = OWN_ROWS.format(key=sql.Identifier(table.key))
    return sql.SQL(statement).format(table=sql.Identifier(table.name), own=own)  # type: ignore[arg-type]


BREAKS: dict[str, str] = {
    "without its policy": "drop policy tenant on {table}",
    "without row-level security": "alter table {table} disable row level security",
    "open to every scope": "alter policy tenant on {table} using (true) with check (true)",
    "open to what any scope writes": "alter policy tenant on {table} using ({own}) with check (true)",
    "open to every reader": "create policy leak on {table} for select to trunkline_app using (true)",
    "open without a scope": (
        "alter policy tenant on {table} using ({own} or current_setting('app.business_id', true) = '')"
    ),
    "free of the application's policies": "alter role trunkline_app bypassrls",
}


@pytest.fixture(scope="module")
def scratch(town: Town, servers: Installation) -> Iterator[str]:
    """A copy of the database, rows and all, whose locks may be broken."""
    with connected(administrator_url(servers.urls, "postgres")) as server:
        server.autocommit = True
        # A template may have no visitors; the pools open again when they are next asked.
        servers.database.dispose()
        servers.owner.dispose()
        server.execute(f"create database {SCRATCH} template trunkline")
        yield SCRATCH
        server.execute(f"drop database {SCRATCH} with (force)")


@contextmanager
def broken(administrator: psycopg.Connection[Any], how: str, table: TenantTable) -> Iterator[None]:
    """Break a lock of a table for all to see, and mend it afterwards."""
    before = _policies(administrator, table)
    administrator.execute(_table(BREAKS[how], table))
    try:
        yield
    finally:
        administrator.execute("alter role trunkline_app nobypassrls")
        administrator.execute(_table("alter table {table} enable row level security", table))
        administrator.execute(_table("drop policy if exists leak on {table}", table))
        administrator.execute(_table("drop policy if exists tenant on {table}", table))
        administrator.execute(
            _table("create policy tenant on {table} to trunkline_app using ({own}) with check ({own})", table)
        )
        assert _policies(administrator, table) == before, "the lock was not mended"


def _policies(administrator: psycopg.Connection[Any], table: TenantTable) -> list[Any]:
    return administrator.execute(
        "select policyname, permissive, roles, cmd, qual, with_check from pg_policies"
        " where tablename = %s order by policyname",
        [table.name],
    ).fetchall()


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("name", TENANT_TABLES)
def test_the_trial_fails_on_a_table(
    how: str, name: str, town: Town, servers: Installation, scratch: str
) -> None:
    with connected(administrator_url(servers.urls, scratch)) as administrator:
        administrator.autocommit = True
        table = next(table for table in tenant_tables(administrator) if table.name == name)
        expected = expectation(administrator, table, town.a.business_id, town.b.business_id)
        with (
            broken(administrator, how, table),
            connected(url_of(servers, "app", scratch)) as app,
            pytest.raises(AssertionError),
        ):
            check_table(app, expected)
        with connected(url_of(servers, "app", scratch)) as app:
            check_table(app, expected)
