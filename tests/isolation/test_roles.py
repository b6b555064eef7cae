"""The roles: what the system, the relay and the look-ups may do, and who may not be the application."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from psycopg import sql
from sqlalchemy import Connection, create_engine, text

from isolation.behaviour import NOT_ALLOWED
from isolation.peering import (
    TENANT_TABLES,
    TenantTable,
    connected,
    count,
    refusal,
    speak_for,
    tenant_tables,
    url_of,
)
from isolation.population import ADMIN_EMAIL, WAITED_FOR, Town
from support.installation import Installation, administrator_url
from trunkline.core.errors import StartRefused
from trunkline.core.tenancy import APP_ROLE, LOOKUP_ROLE, RELAY_ROLE, check_role
from trunkline.domain.outbound.options import installed_limits
from trunkline.migrations import policies

OF_RELAY = {"jobs", "runs"}
GUEST = "trunkline_test_guest"


@pytest.fixture(scope="module")
def tables(administrator: psycopg.Connection[Any]) -> dict[str, TenantTable]:
    """The tenant tables of the catalogue by name."""
    return {table.name: table for table in tenant_tables(administrator)}


def _one(connection: psycopg.Connection[Any], query: str, *values: Any) -> Any:
    row = connection.execute(query, values).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


# --- The system scope --------------------------------------------------------------------


@pytest.mark.parametrize("name", TENANT_TABLES)
def test_the_system_sees_what_belongs_to_no_business_and_nothing_else(
    name: str,
    town: Town,
    tables: dict[str, TenantTable],
    administrator: psycopg.Connection[Any],
    app: psycopg.Connection[Any],
) -> None:
    table = tables[name]
    speak_for(app, None, system=True)
    if name == "businesses":
        assert count(app, table) == count(administrator, table)
        return
    ownerless = _one(administrator, f"select count(*) from {name} where {table.key} is null")
    assert count(app, table) == ownerless
    assert (ownerless > 0) == table.optional, f"{name} needs a row without a business to be tried"


@pytest.mark.parametrize("name", [n for n in TENANT_TABLES if n != "businesses"])
def test_the_system_cannot_touch_a_business_s_rows(
    name: str, town: Town, tables: dict[str, TenantTable], app: psycopg.Connection[Any]
) -> None:
    parts = {"table": sql.Identifier(name), "key": sql.Identifier(tables[name].key)}
    speak_for(app, None, system=True)
    update = sql.SQL("update {table} set {key} = {key} where {key} = %s").format(**parts)
    if _one(app, "select has_table_privilege(%s, 'update')", name):
        assert app.execute(update, [town.a.business_id]).rowcount == 0
    else:
        assert refusal(app, update, [town.a.business_id]) == NOT_ALLOWED


@pytest.mark.parametrize("name", ["users", "sign_ins", "password_resets", "jobs", "events"])
def test_a_business_cannot_write_or_take_what_belongs_to_the_system(
    name: str, town: Town, tables: dict[str, TenantTable], app: psycopg.Connection[Any]
) -> None:
    speak_for(app, town.a.business_id)
    give = sql.SQL("update {} set business_id = null").format(sql.Identifier(name))
    take = sql.SQL("update {} set business_id = %s where business_id is null").format(sql.Identifier(name))
    assert refusal(app, give) == NOT_ALLOWED
    if _one(app, "select has_table_privilege(%s, 'update')", name):
        assert app.execute(take, [town.a.business_id]).rowcount == 0


# --- The relay ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(OF_RELAY))
def test_the_relay_sees_every_business_s_jobs_and_runs(
    name: str,
    town: Town,
    tables: dict[str, TenantTable],
    administrator: psycopg.Connection[Any],
    relay: psycopg.Connection[Any],
) -> None:
    assert count(relay, tables[name]) == count(administrator, tables[name])
    # It prunes the ledger, and nothing else.
    deleting = refusal(relay, sql.SQL("delete from {}").format(sql.Identifier(name)))
    assert deleting == (None if name == "jobs" else NOT_ALLOWED)
    assert (
        refusal(relay, sql.SQL("insert into {} default values").format(sql.Identifier(name))) == NOT_ALLOWED
    )


@pytest.mark.parametrize("name", [n for n in TENANT_TABLES if n not in OF_RELAY])
def test_the_relay_can_do_nothing_with_another_table(
    name: str, town: Town, tables: dict[str, TenantTable], relay: psycopg.Connection[Any]
) -> None:
    parts = {"table": sql.Identifier(name), "key": sql.Identifier(tables[name].key)}
    speak_for(relay, town.a.business_id, system=True)
    for statement in (
        "select 1 from {table}",
        "insert into {table} default values",
        "update {table} set {key} = {key}",
        "delete from {table}",
        "truncate {table}",
    ):
        assert refusal(relay, sql.SQL(statement).format(**parts)) == NOT_ALLOWED, statement


def test_the_relay_cannot_ask_the_look_up_functions(relay: psycopg.Connection[Any]) -> None:
    for call in (
        "lookup_login('x')",
        "lookup_sign_in('x')",
        "lookup_number('x')",
        "live_dials(clock_timestamp())",
        "longest_waiting('x', clock_timestamp())",
    ):
        statement = sql.SQL("select * from " + call)  # type: ignore[arg-type]
        assert refusal(relay, statement) == NOT_ALLOWED, call


# --- Becoming somebody else --------------------------------------------------------------


@pytest.mark.parametrize("role", ["app", "relay"])
def test_nobody_who_serves_can_become_another_role(role: str, servers: Installation) -> None:
    own = {"app": APP_ROLE, "relay": RELAY_ROLE}[role]
    with connected(url_of(servers, role)) as connection:
        connection.execute("select 1")
        for other in {APP_ROLE, RELAY_ROLE, LOOKUP_ROLE, "trunkline_owner", "trunkline_admin"} - {own}:
            for statement in ("set role {}", "set session authorization {}"):
                become = sql.SQL(statement).format(sql.Identifier(other))
                assert refusal(connection, become) == NOT_ALLOWED, (statement, other)


@pytest.mark.parametrize(
    "statement",
    [
        "alter table leads disable row level security",
        "alter table leads no force row level security",
        "drop policy tenant on leads",
        "create policy mine on leads using (true)",
        "alter role trunkline_app bypassrls",
        "grant trunkline_relay to trunkline_app",
        "create table public.mine (id int)",
        "create function public.mine() returns int language sql as 'select 1'",
        "truncate leads",
        "update events set actor = 'somebody else'",
        "delete from events",
        "delete from businesses",
    ],
)
def test_the_application_cannot_loosen_its_own_bonds(
    statement: str, town: Town, app: psycopg.Connection[Any]
) -> None:
    speak_for(app, town.a.business_id)
    assert refusal(app, sql.SQL(statement)) == NOT_ALLOWED  # type: ignore[arg-type]


def test_turning_row_security_off_is_an_error_and_not_a_way_round(
    town: Town, app: psycopg.Connection[Any]
) -> None:
    speak_for(app, town.a.business_id)
    app.execute("set local row_security = off")
    assert refusal(app, sql.SQL("select * from leads")) == NOT_ALLOWED


def test_the_owner_is_bound_too(town: Town, servers: Installation, tables: dict[str, TenantTable]) -> None:
    with connected(url_of(servers, "owner")) as owner:
        speak_for(owner, town.a.business_id, system=True)
        for table in tables.values():
            assert count(owner, table) == 0, f"{table.name}: the owner sees rows"


def test_a_data_migration_lifts_force_for_one_table_and_one_transaction(
    town: Town, servers: Installation, tables: dict[str, TenantTable], administrator: psycopg.Connection[Any]
) -> None:
    def seen(connection: Connection, name: str) -> int:
        return int(connection.execute(text(f"select count(*) from {name}")).scalar_one())

    leads = count(administrator, tables["leads"])
    with servers.owner.connect() as owner, Operations.context(MigrationContext.configure(owner)):
        with policies.across_tenants("leads"):
            assert seen(owner, "leads") == leads > 0
            assert seen(owner, "agents") == 0
        assert seen(owner, "leads") == 0
        owner.rollback()


def test_a_data_migration_keeps_current_what_triggers_keep(town: Town, servers: Installation) -> None:
    def told(connection: Connection, table: str, query: str) -> int:
        with policies.across_tenants(table):
            return int(connection.execute(text(query)).scalar_one())

    tallied = "select count(*) from outbound_runs where tallied is not null"
    counted = "select (select count(*) from leads) - (select sum(leads) from lead_counts)"
    with servers.owner.connect() as owner, Operations.context(MigrationContext.configure(owner)):
        with policies.across_tenants("outbound_runs"):
            owner.execute(text("update outbound_runs set tallied = '{}'"))
        assert told(owner, "outbound_runs", tallied) > 0
        with policies.across_tenants("outbound_items"):
            owner.execute(text("update outbound_items set disposition = 'migrated'"))
        with policies.across_tenants("outbound_items"), policies.across_tenants("outbound_runs"):
            runs = "select o.tallied from outbound_items i join outbound_runs o using (business_id, run_id)"
            found = owner.execute(text(runs)).scalars().all()
        assert found == [None] * len(found) != []
        with policies.across_tenants("leads"):
            owner.execute(
                text(
                    "insert into leads (id, business_id, phone, name, source)"
                    " values (gen_random_uuid(), :business, '+12125559999', '', 'migrated')"
                ),
                {"business": town.a.business_id},
            )
        assert told(owner, "leads", counted) == 0
        owner.rollback()


# --- The look-ups ------------------------------------------------------------------------


def test_a_look_up_tells_the_business_and_nothing_more(town: Town, app: psycopg.Connection[Any]) -> None:
    speak_for(app, None)
    world = town.b.world
    assert app.execute("select * from lookup_login(%s)", [world.email.upper()]).fetchall() == [
        (world.business_id,)
    ]
    assert app.execute("select * from lookup_login(%s)", [ADMIN_EMAIL]).fetchall() == [(None,)]
    assert app.execute("select * from lookup_login('nobody@nowhere.example')").fetchall() == []
    assert app.execute("select lookup_number(%s)", [world.number]).fetchall() == [(world.business_id,)]
    assert app.execute("select lookup_number('+19995550100')").fetchall() == [(None,)]
    account = installed_limits().account
    dials = app.execute("select * from live_dials(clock_timestamp())").fetchall()
    assert dials == [(account, 2)]
    waiting = "select * from longest_waiting(%s, '-infinity')"
    assert app.execute(waiting, [account]).fetchall() == []
    (first,) = app.execute(waiting, [WAITED_FOR]).fetchall()
    assert first[0] == town.a.business_id


def test_the_look_up_role_reads_only_the_columns_it_needs(administrator: psycopg.Connection[Any]) -> None:
    granted = administrator.execute(
        "select table_name, column_name, privilege_type from information_schema.column_privileges"
        # Of these two it has every column: its triggers write them.
        " where grantee = %s and table_name not in ('search_texts', 'search_news') order by 1, 2",
        [LOOKUP_ROLE],
    ).fetchall()
    assert granted == [
        ("appointments", "business_id", "SELECT"),
        ("appointments", "link_hash", "SELECT"),
        ("appointments", "starts_at", "SELECT"),
        ("appointments", "state", "SELECT"),
        ("businesses", "id", "SELECT"),
        ("calendars", "business_id", "SELECT"),
        ("calendars", "feed_hash", "SELECT"),
        ("call_months", "appointments", "SELECT"),
        ("call_months", "business_id", "SELECT"),
        ("call_months", "inbound", "SELECT"),
        ("call_months", "inbound_seconds", "SELECT"),
        ("call_months", "month", "SELECT"),
        ("call_months", "outbound", "SELECT"),
        ("call_months", "outbound_seconds", "SELECT"),
        ("chat_accounts", "business_id", "SELECT"),
        ("chat_accounts", "hook_key", "SELECT"),
        ("chat_sessions", "business_id", "SELECT"),
        ("chat_sessions", "closed_at", "SELECT"),
        ("chat_sessions", "closes_at", "SELECT"),
        ("dial_turns", "account", "SELECT"),
        ("dial_turns", "business_id", "SELECT"),
        ("dial_turns", "seen_at", "SELECT"),
        ("dial_turns", "waiting_since", "SELECT"),
        ("invitations", "business_id", "SELECT"),
        ("invitations", "token_hash", "SELECT"),
        ("lead_webhooks", "business_id", "SELECT"),
        ("lead_webhooks", "id", "SELECT"),
        ("leads", "business_id", "SELECT"),
        ("leads", "fields", "SELECT"),
        ("leads", "id", "SELECT"),
        ("leads", "search_text", "SELECT"),
        ("leads", "version", "SELECT"),
        ("messages", "business_id", "SELECT"),
        ("messages", "due_at", "SELECT"),
        ("messages", "state", "SELECT"),
        ("outbound_attempts", "account", "SELECT"),
        ("outbound_attempts", "created_at", "SELECT"),
        ("outbound_attempts", "released", "SELECT"),
        ("outbound_attempts", "state", "SELECT"),
        ("password_resets", "business_id", "SELECT"),
        ("password_resets", "token_hash", "SELECT"),
        ("phone_numbers", "business_id", "SELECT"),
        ("phone_numbers", "e164", "SELECT"),
        ("search_words", "business_id", "SELECT"),
        ("search_words", "many", "SELECT"),
        ("search_words", "stubs", "SELECT"),
        ("search_words", "word", "SELECT"),
        ("sign_ins", "business_id", "SELECT"),
        ("sign_ins", "token_hash", "SELECT"),
        ("tasks", "business_id", "SELECT"),
        ("tasks", "sort_at", "SELECT"),
        ("tasks", "state", "SELECT"),
        ("users", "business_id", "SELECT"),
        ("users", "email", "SELECT"),
    ]


# --- A process refuses to start ----------------------------------------------------------


@pytest.fixture
def guest(servers: Installation, administrator: psycopg.Connection[Any]) -> Iterator[str]:
    """A login role of no privileges; yields its address."""
    administrator.execute(f"create role {GUEST} login nosuperuser nobypassrls password 'guest'")
    try:
        url = administrator_url(servers.urls).replace("user=trunkline_admin", f"user={GUEST} password=guest")
        yield url
    finally:
        administrator.execute(f"drop role {GUEST}")


def _check(url: str, wanted: str = APP_ROLE) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(url)
    engine = create_engine("postgresql+psycopg://", connect_args=parts)
    try:
        check_role(engine, wanted=wanted, variable="DATABASE_URL")
    finally:
        engine.dispose()


def test_the_application_and_the_relay_are_let_in_as_themselves(servers: Installation) -> None:
    _check(url_of(servers, "app"))
    _check(url_of(servers, "relay"), RELAY_ROLE)


def test_a_superuser_is_refused(servers: Installation) -> None:
    with pytest.raises(
        StartRefused, match=r"^DATABASE_URL connects as trunkline_admin, which is a superuser"
    ):
        _check(administrator_url(servers.urls))


def test_the_owner_is_refused(servers: Installation) -> None:
    with pytest.raises(StartRefused, match="owns tables; the owner's address belongs in DATABASE_OWNER_URL"):
        _check(url_of(servers, "owner"))


@pytest.mark.parametrize(("role", "wanted"), [("relay", APP_ROLE), ("app", RELAY_ROLE)])
def test_the_relay_and_the_application_are_refused_as_each_other(
    role: str, wanted: str, servers: Installation
) -> None:
    with pytest.raises(StartRefused, match=rf"is not \(a member of\) the role {wanted}"):
        _check(url_of(servers, role), wanted)


@pytest.mark.parametrize(
    ("grants", "sentence"),
    [
        ([], r"is not \(a member of\) the role trunkline_app"),
        ([f"grant {APP_ROLE} to {GUEST}", f"alter role {GUEST} bypassrls"], "has BYPASSRLS"),
        ([f"grant {APP_ROLE} to {GUEST}", f"grant {RELAY_ROLE} to {GUEST}"], "must be kept apart from"),
        ([f"grant {APP_ROLE} to {GUEST}", f"grant {LOOKUP_ROLE} to {GUEST}"], "must be kept apart from"),
        ([f"grant {APP_ROLE} to {GUEST}", f"grant trunkline_owner to {GUEST}"], "owns tables"),
        (
            [f"grant {APP_ROLE} to {GUEST}", f"grant trunkline_admin to {GUEST}"],
            "member of a role that row-level",
        ),
        (
            [f"grant {APP_ROLE} to {GUEST}", f"grant trunkline_owner to {GUEST} with inherit false"],
            "owns tables",
        ),
    ],
)
def test_a_role_with_more_than_the_application_s_rights_is_refused(
    grants: list[str], sentence: str, guest: str, administrator: psycopg.Connection[Any]
) -> None:
    for grant in grants:
        administrator.execute(grant)  # type: ignore[arg-type]
    with pytest.raises(StartRefused, match=sentence):
        _check(guest)


def test_a_member_of_the_application_s_role_is_let_in(
    guest: str, administrator: psycopg.Connection[Any]
) -> None:
    administrator.execute(f"grant {APP_ROLE} to {GUEST}")
    _check(guest)


def test_a_process_ends_with_the_sentence(servers: Installation) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(administrator_url(servers.urls))
    urls = {
        "DATABASE_URL": f"postgresql://trunkline_admin@/{parts['dbname']}?host={parts['host']}",
        "DATABASE_RELAY_URL": str(servers.urls.database_relay_url),
        "REDIS_URL": str(servers.urls.redis_url),
        "TRUNKLINE_HOME": str(servers.home),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "trunkline", "worker"],
        env=os.environ | urls, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        "trunkline: DATABASE_URL connects as trunkline_admin, which is a superuser, whom row-level security "
        "does not bind. `trunkline doctor` prints the SQL that makes the roles."
    )
