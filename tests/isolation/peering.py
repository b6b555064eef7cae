"""The administrator's view: the catalogue as it is, and every row, which others are not shown.

Tests compare what a role sees with what is there; only the server's administrator sees what is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import conninfo, sql

from support.installation import Installation
from trunkline.schema import metadata

TENANT_TABLES = sorted(
    table.name
    for table in metadata.sorted_tables
    if table.name == "businesses" or "business_id" in table.columns
)
"""Names of the tenant tables as the code knows them, for parametrised tests; the catalogue has the word."""

Rows = dict[str, list[str]]
"""Table name -> every row of it as JSON text, in a fixed order."""

Picture = dict[str, bytes]
"""Table name -> all of its rows as COPY writes them, for each table in the order of their keys."""


@dataclass(frozen=True, slots=True)
class TenantTable:
    """A table whose rows belong to businesses, as the catalogue describes it."""

    name: str
    key: str
    """The column that names the business."""
    writable: tuple[str, ...]
    """Columns that an INSERT may name."""
    optional: bool
    """Whether a row may belong to no business."""


def url_of(installation: Installation, role: str, database: str | None = None) -> str:
    """Return a psycopg address of `app`, `relay` or `owner`, in this database or in another one."""
    urls = {
        "app": installation.urls.database_url,
        "relay": installation.urls.database_relay_url,
        "owner": installation.urls.database_owner_url,
    }
    parts = conninfo.conninfo_to_dict(urls[role] or "")
    return conninfo.make_conninfo(**{**parts, "dbname": database or parts["dbname"]})


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection and leave nothing behind: what was not committed is rolled back."""
    connection = psycopg.connect(url)
    try:
        yield connection
    finally:
        connection.rollback()
        connection.close()


def tenant_tables(administrator: psycopg.Connection[Any]) -> list[TenantTable]:
    """Return every table with a business_id, and the table of businesses, from the catalogue."""
    found = administrator.execute(
        """
        select c.relname, a.attname, not a.attnotnull,
               (select array_agg(w.attname order by w.attnum) from pg_attribute w
                where w.attrelid = c.oid and w.attnum > 0 and not w.attisdropped
                  and w.attgenerated = '' and w.attidentity <> 'a')
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
          and (a.attname = 'business_id' or (c.relname = 'businesses' and a.attname = 'id'))
        order by c.relname
        """
    ).fetchall()
    return [TenantTable(name, key, tuple(writable), optional) for name, key, optional, writable in found]


def count(connection: psycopg.Connection[Any], table: TenantTable, business_id: UUID | None = None) -> int:
    """Return how many rows the connection sees: all of them, or those of one business."""
    query = sql.SQL("select count(*) from {}").format(sql.Identifier(table.name))
    if business_id is not None:
        query += sql.SQL(" where {} = %(key)s").format(sql.Identifier(table.key))
    row = connection.execute(query, {"key": business_id}).fetchone()
    assert row is not None
    return int(row[0])


def rows_of(administrator: psycopg.Connection[Any], business_id: UUID) -> Rows:
    """Return every row of a business in every tenant table, to be compared with a later look."""
    return {
        table.name: [
            row[0]
            for row in administrator.execute(
                sql.SQL("select to_jsonb(t)::text from {} t where {} = %s order by 1").format(
                    sql.Identifier(table.name), sql.Identifier(table.key)
                ),
                [business_id],
            )
        ]
        for table in tenant_tables(administrator)
    }


def picture_of(administrator: psycopg.Connection[Any]) -> Picture:
    """Return all rows of all businesses, to be put back."""
    picture: Picture = {}
    for table in metadata.sorted_tables:
        copied = sql.SQL("copy {} to stdout").format(sql.Identifier(table.name))
        with administrator.cursor().copy(copied) as rows:
            picture[table.name] = b"".join(bytes(row) for row in rows)
    return picture


def put_back(administrator: psycopg.Connection[Any], picture: Picture) -> None:
    """Let the tables hold what a picture shows and nothing else; no trigger and no key has a say in it."""
    names = sql.SQL(", ").join(sql.Identifier(name) for name in picture)
    with administrator.transaction():
        administrator.execute("set local session_replication_role = replica")
        administrator.execute(sql.SQL("truncate {}").format(names))
        for name, rows in picture.items():
            if rows:
                with administrator.cursor().copy(
                    sql.SQL("copy {} from stdin").format(sql.Identifier(name))
                ) as table:
                    table.write(rows)


def speak_for(connection: psycopg.Connection[Any], business_id: UUID | None, *, system: bool = False) -> None:
    """Set the scope of the transaction in hand, as a session's beginning does."""
    connection.execute(
        "select set_config('app.business_id', %s, true), set_config('app.is_system', %s, true)",
        [str(business_id or ""), "on" if system else ""],
    )


def refusal(
    connection: psycopg.Connection[Any],
    statement: LiteralString | sql.Composed,
    values: dict[str, Any] | list[Any] | None = None,
) -> str | None:
    """Try a statement and take it back. Return the SQLSTATE it was refused with, or None if it was not."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement, values)
    except psycopg.Error as error:
        return error.sqlstate
    return None
