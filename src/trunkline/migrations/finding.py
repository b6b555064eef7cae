"""Search for migrations: a table's texts are kept where search looks, by triggers, in the same transaction.

    finding.keep("tasks", kind="task", words="{row}.title || ' ' || coalesce({row}.notes, '')")

Triggers, since rows come by many ways: one at a time, by import, in bulk, by a merge. They run as the look-up
role and write of each row its own business, so whoever changes a row needs no right to what search keeps.
A domain says in its `finding.py` who may find such rows and what is shown of them.
"""

from __future__ import annotations

from alembic import op

from trunkline.migrations.policies import LOOKUP

_BODY = """
create function search_{table}() returns trigger language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp as $$
begin
    -- Most changes touch no words, and then this is all that they cost.
    if tg_op = 'INSERT' then
        if not exists (select from after_rows n where {n_only}) then
            return null;
        end if;
        perform search_take('{kind}', array_agg(n.business_id), array_agg({n_at}), array_agg({n_id}),
                            array_agg({n_part}), array_agg({n_words})) from after_rows n where {n_only};
    elsif tg_op = 'DELETE' then
        perform search_drop('{kind}', array_agg(o.business_id), array_agg({o_at}), array_agg({o_id}),
                            array_agg({o_part})) from before_rows o where {o_only};
    else
        if not exists (
            select from before_rows o join after_rows n on n.business_id = o.business_id and {same}
            where {changed}
        ) then
            return null;
        end if;
        perform search_drop('{kind}', array_agg(o.business_id), array_agg({o_at}), array_agg({o_id}),
                            array_agg({o_part}))
        from before_rows o join after_rows n on n.business_id = o.business_id and {same}
        where {changed} and {o_only};
        perform search_take('{kind}', array_agg(n.business_id), array_agg({n_at}), array_agg({n_id}),
                            array_agg({n_part}), array_agg({n_words}))
        from before_rows o join after_rows n on n.business_id = o.business_id and {same}
        where {changed} and {n_only};
    end if;
    return null;
end $$
"""
_ROWS = {
    "insert": "new table as after_rows",
    "update": "old table as before_rows new table as after_rows",
    "delete": "old table as before_rows",
}


def as_lookup(statement: str) -> None:
    """Make a function that the look-up role owns, and whose rights it has."""
    op.execute(f"grant create on schema public to {LOOKUP}")
    op.execute(f"set local role {LOOKUP}")
    op.execute(statement)
    op.execute("reset role")
    op.execute(f"revoke create on schema public from {LOOKUP}")


def keep(
    table: str,
    *,
    kind: str,
    words: str,
    id: str = "{row}.id",  # noqa: A002 - as the column is called
    part: str = "0",
    at: str = "{row}.created_at",
    only: str = "true",
    key: tuple[str, ...] = ("id",),
) -> None:
    """Have the words of a table's rows found under a kind; `{row}` stands for a row in each expression.

    `key` are the columns that tell rows of a business apart, `only` says which rows are found at all.
    Rows without words are not kept. What was there before, a job fills in (see domain/search/filling.py).
    """
    texts = {"id": id, "part": part, "at": at, "only": only, "words": words}
    by_row = {f"{row}_{name}": sql.format(row=row) for name, sql in texts.items() for row in ("n", "o")}
    told = "({at}, case when {only} then {words} end)"
    new, old = (
        told.format(**{name: by_row[f"{row}_{name}"] for name in ("at", "only", "words")}) for row in "no"
    )
    body = _BODY.format(
        table=table, kind=kind, same=" and ".join(f"n.{column} = o.{column}" for column in key),
        changed=f"{new} is distinct from {old}", **by_row,
    )  # fmt: skip
    as_lookup(body)
    for verb, rows in _ROWS.items():
        op.execute(
            f"create trigger search_{verb} after {verb} on {table} referencing {rows}"
            f" for each statement execute function search_{table}()"
        )
    op.execute(f"set local role {LOOKUP}")
    op.execute(f"revoke all on function search_{table}() from public")
    op.execute("reset role")
