"""What the application role may do with one tenant table, tried with plain SQL.

The check knows the rows that are there from the administrator and believes nothing of what policies
say; `test_tables` runs it on the real schema, and on schemas with a lock broken, where it must fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from isolation.peering import TenantTable, count, refusal, speak_for

NOT_ALLOWED = "42501"


@dataclass(frozen=True, slots=True)
class Expected:
    """A tenant table, its two businesses, and how many rows each has in truth."""

    table: TenantTable
    a: UUID
    b: UUID
    rows_of_a: int
    rows_of_b: int


def expectation(administrator: psycopg.Connection[Any], table: TenantTable, a: UUID, b: UUID) -> Expected:
    """Count what is there; a table without rows of both businesses would prove nothing."""
    expected = Expected(table, a, b, count(administrator, table, a), count(administrator, table, b))
    assert expected.rows_of_a, f"{table.name} has no row of the first business"
    assert expected.rows_of_b, f"{table.name} has no row of the second business"
    return expected


def check_table(app: psycopg.Connection[Any], expected: Expected) -> None:
    """Raise AssertionError if the application, speaking for A, can see or touch anything but A's rows."""
    app.rollback()
    try:
        speak_for(app, expected.a)
        _sees_exactly_its_own(app, expected)
        _writes_nothing_for_the_other(app, expected)
        _moves_nothing_of_the_other(app, expected)
        speak_for(app, None)
        _unscoped_sees_and_writes_nothing(app, expected)
    finally:
        app.rollback()


def _sees_exactly_its_own(app: psycopg.Connection[Any], expected: Expected) -> None:
    name = expected.table.name
    assert count(app, expected.table) == expected.rows_of_a, f"{name}: not exactly A's rows are seen"
    assert count(app, expected.table, expected.a) == expected.rows_of_a, f"{name}: a row of A is hidden"
    assert count(app, expected.table, expected.b) == 0, f"{name}: rows of B are seen"


def _writes_nothing_for_the_other(app: psycopg.Connection[Any], expected: Expected) -> None:
    assert _copy_row(app, expected, new_key=expected.b) == NOT_ALLOWED, (
        f"{expected.table.name}: a row was written for B"
    )
    move = sql.SQL("update {table} set {key} = %(b)s where {key} = %(a)s").format(
        table=sql.Identifier(expected.table.name), key=sql.Identifier(expected.table.key)
    )
    assert refusal(app, move, {"a": expected.a, "b": expected.b}) == NOT_ALLOWED, (
        f"{expected.table.name}: a row was moved to B"
    )


def _moves_nothing_of_the_other(app: psycopg.Connection[Any], expected: Expected) -> None:
    table = expected.table
    parts = {"table": sql.Identifier(table.name), "key": sql.Identifier(table.key)}
    touch = sql.SQL("update {table} set {key} = {key} where {key} = %(b)s").format(**parts)
    take = sql.SQL("update {table} set {key} = %(a)s where {key} = %(b)s").format(**parts)
    remove = sql.SQL("delete from {table} where {key} = %(b)s").format(**parts)
    for verb, statement in (("UPDATE", touch), ("UPDATE", take), ("DELETE", remove)):
        if not _is_granted(app, table.name, verb):
            assert refusal(app, statement, {"a": expected.a, "b": expected.b}) == NOT_ALLOWED
            continue
        with app.transaction(force_rollback=True):
            changed = app.execute(statement, {"a": expected.a, "b": expected.b}).rowcount
        assert changed == 0, f"{table.name}: {verb} reached {changed} rows of B"


def _unscoped_sees_and_writes_nothing(app: psycopg.Connection[Any], expected: Expected) -> None:
    assert count(app, expected.table) == 0, f"{expected.table.name}: rows are seen without a scope"
    assert _copy_row(app, expected, new_key=expected.a, as_scope=expected.a) == NOT_ALLOWED, (
        f"{expected.table.name}: a row was written without a scope"
    )


def _copy_row(
    app: psycopg.Connection[Any], expected: Expected, *, new_key: UUID, as_scope: UUID | None = None
) -> str | None:
    """Insert a copy of a row of A under another key, in the scope in hand; return how it was refused.

    The row is read in A's scope first, so that the insert itself can be tried in any scope.
    """
    table = expected.table
    columns = [sql.Identifier(name) for name in table.writable]
    with app.transaction(force_rollback=True):
        if as_scope is not None:
            speak_for(app, as_scope)
        row = app.execute(
            sql.SQL("select {} from {} limit 1").format(
                sql.SQL(", ").join(column + sql.SQL("::text") for column in columns),
                sql.Identifier(table.name),
            )
        ).fetchone()
    assert row is not None, f"{table.name}: A does not even see its own rows"
    values = dict(zip(table.writable, row, strict=True)) | {table.key: str(new_key)}
    insert = sql.SQL("insert into {} ({}) values ({})").format(
        sql.Identifier(table.name),
        sql.SQL(", ").join(columns),
        sql.SQL(", ").join(sql.Literal(value) for value in values.values()),
    )
    return refusal(app, insert)


def _is_granted(app: psycopg.Connection[Any], table: str, verb: str) -> bool:
    row = app.execute("select has_table_privilege(%s, %s)", [table, verb]).fetchone()
    assert row is not None
    return bool(row[0])
