"""The catalogue of a migrated database against the law, and against docs/reference/tenancy.md."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from isolation.peering import tenant_tables
from support.installation import Installation
from trunkline.schema import metadata

PAGE = Path(__file__).parents[2] / "docs/reference/tenancy.md"
TENANT_POLICY = (
    "({key} = (( SELECT NULLIF(current_setting('app.business_id'::text, true), ''::text)"
    ' AS "nullif"))::uuid)'
)
SYSTEM_POLICY = (
    "((( SELECT current_setting('app.is_system'::text, true) AS current_setting) = 'on'::text) AND {rows})"
)

Catalogue = psycopg.Connection[Any]


def listed(heading: str) -> set[tuple[str, ...]]:
    """Return the rows of the page's table under a heading, their code marks taken off."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S)
    assert section is not None, f"the page has no {heading!r}"
    lines = [line for line in section[1].splitlines() if line.startswith("|")][2:]
    rows = [tuple(cell.strip().replace("`", "") for cell in line.strip("|").split("|")) for line in lines]
    assert len(rows) == len(set(rows)) > 0
    return set(rows)


def shown(heading: str, columns: int) -> set[tuple[str, ...]]:
    """Return the first columns of the page's table, without the reasons."""
    return {row[:columns] for row in listed(heading)}


def test_every_line_of_the_page_says_why() -> None:
    for heading in (
        "Policies beside `tenant`",
        "Functions that look across businesses",
        "Tables of no business",
    ):
        assert all(len(row[-1]) > 10 for row in listed(heading)), heading


def test_every_tenant_table_is_enabled_and_forced(administrator: Catalogue) -> None:
    loose = {
        name
        for name, enabled, forced in administrator.execute(
            "select relname, relrowsecurity, relforcerowsecurity from pg_class"
            " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
        )
        if not (enabled and forced)
    }
    assert loose == {name for (name,) in shown("Tables of no business", 1)}


def test_a_table_without_force_is_found(administrator: Catalogue) -> None:
    with administrator.transaction(force_rollback=True):
        administrator.execute("alter table leads no force row level security")
        with pytest.raises(AssertionError):
            test_every_tenant_table_is_enabled_and_forced(administrator)


def test_every_tenant_table_has_the_one_policy_in_the_one_shape(administrator: Catalogue) -> None:
    found = {
        row[0]: row[1:]
        for row in administrator.execute(
            "select tablename, permissive, roles, cmd, qual, with_check from pg_policies"
            " where schemaname = 'public' and policyname = 'tenant'"
        )
    }
    wanted = {}
    for table in tenant_tables(administrator):
        shape = TENANT_POLICY.format(key=table.key)
        wanted[table.name] = ("PERMISSIVE", ["trunkline_app"], "ALL", shape, shape)
    assert found == wanted


def test_the_page_lists_every_other_policy(administrator: Catalogue) -> None:
    found = administrator.execute(
        "select tablename, policyname, array_to_string(roles, ', '), cmd from pg_policies"
        " where policyname <> 'tenant'"
    ).fetchall()
    assert set(found) == shown("Policies beside `tenant`", 4)


def test_the_system_s_policies_admit_rows_of_no_business_only(administrator: Catalogue) -> None:
    for table, qual, with_check in administrator.execute(
        "select tablename, qual, with_check from pg_policies where policyname = 'system'"
    ):
        rows = "true" if table in {"businesses", "system_suppressions"} else "(business_id IS NULL)"
        assert qual == with_check == SYSTEM_POLICY.format(rows=rows), table


def test_the_page_lists_every_grant_beside_the_application_s(administrator: Catalogue) -> None:
    tables: dict[tuple[str, str], list[str]] = defaultdict(list)
    for role, table, privilege in administrator.execute(
        "select grantee, table_name, privilege_type from information_schema.table_privileges"
        " where table_schema = 'public' and grantee not in ('trunkline_owner', 'trunkline_app')"
        " order by privilege_type"
    ):
        tables[role, table].append(privilege)
    columns: dict[tuple[str, str], list[str]] = defaultdict(list)
    for role, table, column in administrator.execute(
        "select grantee, table_name, column_name from information_schema.column_privileges"
        " where table_schema = 'public' and grantee = 'trunkline_lookup' order by column_name"
    ):
        columns[role, table].append(column)
    found = {(role, table, ", ".join(granted)) for (role, table), granted in tables.items()}
    found |= {
        (role, table, f"SELECT ({', '.join(names)})")
        for (role, table), names in columns.items()
        if (role, table) not in tables  # whoever may read all of a table may read each column of it
    }
    assert found == shown("Grants beside the application's", 3)


def test_nobody_at_large_may_do_anything(administrator: Catalogue) -> None:
    granted = administrator.execute(
        "select table_name from information_schema.table_privileges"
        " where table_schema = 'public' and grantee = 'PUBLIC'"
    ).fetchall()
    assert granted == []
    for role in ("trunkline_app", "trunkline_relay", "trunkline_lookup"):
        may = administrator.execute("select has_schema_privilege(%s, 'public', 'create')", [role]).fetchone()
        assert may == (False,), role


def test_the_page_lists_every_function_that_runs_as_somebody_else(administrator: Catalogue) -> None:
    found = administrator.execute(
        """
        select p.oid::regprocedure::text, pg_get_userbyid(p.proowner), p.proconfig, p.provolatile,
               has_function_privilege('trunkline_app', p.oid, 'execute'),
               has_function_privilege('trunkline_relay', p.oid, 'execute'),
               exists (select from aclexplode(p.proacl) a where a.grantee = 0),
               p.prorettype = 'trigger'::regtype
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')
        """
    ).fetchall()
    asked = {(row[0],) for row in found if not row[-1]}
    assert asked == shown("Functions that look across businesses", 1)
    assert {(row[0],) for row in found} - asked == shown("Functions of triggers", 1)
    for name, owner, config, volatile, app, relay, everybody, is_trigger in found:
        assert owner == "trunkline_lookup", name
        assert config[0] == "search_path=pg_catalog, public, pg_temp", name
        # A trigger's function writes, and is called by nobody.
        assert (volatile, app) == (("v", False) if is_trigger else ("s", True)), name
        assert (relay, everybody) == (False, False), name


def test_no_view_reads_with_its_owner_s_eyes(administrator: Catalogue) -> None:
    views = administrator.execute(
        "select relname, relkind from pg_class where relnamespace = 'public'::regnamespace"
        " and (relkind = 'm' or (relkind = 'v'"
        "      and not coalesce(reloptions::text like '%security_invoker=true%', false)))"
    ).fetchall()
    assert views == []


def test_the_roles_are_what_the_page_says(administrator: Catalogue) -> None:
    found = administrator.execute(
        "select rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
        " from pg_roles where rolname like 'trunkline%' and rolname <> 'trunkline_admin'"
    ).fetchall()
    assert {(name, "yes" if login else "no") for name, login, *_ in found} == shown("Roles", 2)
    assert all(not any(powers) for _, _, *powers in found)
    members = administrator.execute(
        "select roleid::regrole::text, member::regrole::text from pg_auth_members"
        " where roleid::regrole::text like 'trunkline%'"
    ).fetchall()
    assert members == [("trunkline_lookup", "trunkline_owner")]


def test_foreign_keys_between_tenant_tables_carry_the_business(administrator: Catalogue) -> None:
    tables = {table.name for table in tenant_tables(administrator)} - {"businesses"}
    keys = [
        (table, tuple(columns), tuple(targets))
        for table, target, columns, targets in administrator.execute(
            """
            select c.conrelid::regclass::text, c.confrelid::regclass::text,
                   (select array_agg(a.attname order by k.i) from unnest(c.conkey) with ordinality k (n, i)
                    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.n),
                   (select array_agg(a.attname order by k.i) from unnest(c.confkey) with ordinality k (n, i)
                    join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.n)
            from pg_constraint c where c.contype = 'f' and c.connamespace = 'public'::regnamespace
            """
        )
        if table in tables and target in tables
    ]
    assert len(keys) > 10
    carrying = {
        (table, columns[1:])
        for table, columns, targets in keys
        if columns[0] == targets[0] == "business_id" and len(columns) == 2
    }
    bare = {(table, columns) for table, columns, _ in keys if "business_id" not in columns}
    assert {(table, ", ".join(columns)) for table, columns in bare} == shown(
        "Foreign keys without the business", 2
    )
    assert bare <= carrying, "a key without the business has none beside it that carries it"
    assert len(bare) + len(carrying) == len(keys)


def test_the_page_lists_what_is_unique_across_businesses(administrator: Catalogue) -> None:
    tables = [table.name for table in tenant_tables(administrator)]
    found = administrator.execute(
        """
        select i.indexrelid::regclass::text from pg_index i
        where i.indisunique and not i.indisprimary and i.indrelid::regclass::text = any(%s)
          and not exists (select from pg_attribute a
                          where a.attrelid = i.indrelid and a.attnum = i.indkey[0]
                            and a.attname in ('business_id', 'tenant_key'))
        """,
        [tables],
    ).fetchall()
    assert set(found) == shown("Unique across businesses", 1)


# --- The migrations make what the models describe ------------------------------------------


def _differences(servers: Installation, tables: sa.MetaData) -> list[Any]:
    with servers.owner.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, tables))


def test_the_migrated_database_is_what_the_models_describe(servers: Installation) -> None:
    assert _differences(servers, metadata) == []


def test_a_model_that_no_migration_made_is_found(servers: Installation) -> None:
    changed = sa.MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        table.to_metadata(changed)
    changed.tables["leads"].append_column(sa.Column("forgotten", sa.String()))
    sa.Index("ix_forgotten", changed.tables["runs"].c.title)
    found = {difference[0] for difference in _differences(servers, changed)}
    assert found == {"add_column", "add_index"}
