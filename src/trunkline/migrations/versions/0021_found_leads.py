"""Keep leads counted by their status, and find those that bear a text without reading all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trunkline.migrations import policies

revision = "0021"
down_revision = "0020"

# Differences, one row for each statement: whoever writes leads waits for nobody else who does.
_COUNT = """
create function count_leads() returns trigger language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into lead_counts (business_id, status_id, leads)
        select business_id, status_id, count(*) from after_rows group by business_id, status_id;
    elsif tg_op = 'DELETE' then
        insert into lead_counts (business_id, status_id, leads)
        select business_id, status_id, -count(*) from before_rows group by business_id, status_id;
    else
        insert into lead_counts (business_id, status_id, leads)
        select n.business_id, moved.status_id, sum(moved.leads)
        from after_rows n join before_rows o on o.id = n.id
        cross join lateral (values (o.status_id, -1), (n.status_id, 1)) moved (status_id, leads)
        where n.status_id is distinct from o.status_id
        group by n.business_id, moved.status_id having sum(moved.leads) <> 0;
    end if;
    return null;
end $$
"""
_ROWS = {
    "insert": "new table as after_rows",
    "update": "old table as before_rows new table as after_rows",
    "delete": "old table as before_rows",
}
_TEXT = "lower(name || chr(10) || phone || coalesce(chr(10) || email, '') || coalesce(chr(10) || notes, ''))"


def upgrade() -> None:
    _create_counts()
    _find_by_text()


def _create_counts() -> None:
    op.create_table(
        "lead_counts",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("status_id", sa.UUID(), nullable=True),
        sa.Column("leads", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_lead_counts_business_id")),
        sa.PrimaryKeyConstraint("business_id", "id", name=op.f("pk_lead_counts")),
    )
    with policies.across_tenants("leads"):
        op.execute(
            "insert into lead_counts (business_id, status_id, leads)"
            " select business_id, status_id, count(*) from leads group by business_id, status_id"
        )
    policies.protect("lead_counts")
    op.execute(_COUNT)
    for verb, rows in _ROWS.items():
        op.execute(
            f"create trigger leads_counted_{verb} after {verb} on leads referencing {rows}"
            " for each statement execute function count_leads()"
        )


def _find_by_text() -> None:
    # Makes the business a key of an index over parts of words. Whoever owns a database may make it.
    op.execute("create extension if not exists btree_gin")
    op.drop_column("leads", "search_text")
    op.add_column(
        "leads", sa.Column("search_text", sa.String(), sa.Computed(_TEXT, persisted=True), nullable=False)
    )
    op.create_index(
        "ix_leads_search",
        "leads",
        ["business_id", "search_text"],
        postgresql_using="gin",
        # kB. What waits to be sorted in is read by each search, and a planner that knows of much keeps away.
        postgresql_with={"gin_pending_list_limit": "256"},
        postgresql_ops={"search_text": "gin_trgm_ops"},
        postgresql_where=sa.text("version > 0"),
    )
    # Row-level security lets no index find rows by an operator that it does not trust, and trusts no `like`.
    # So this looks with other eyes, in the business that the scope says and in no other.
    policies.admit_lookup("leads", columns="business_id, id, search_text, version")
    policies.lookup_function(
        "leads_that_bear(part text, digits text, most integer)",
        "table (id uuid)",
        "select l.id from leads l"
        " where l.business_id = (select nullif(current_setting('app.business_id', true), ''))::uuid"
        " and l.version > 0 and (l.search_text like leads_that_bear.part"
        " or l.search_text like leads_that_bear.digits) limit leads_that_bear.most",
    )
