"""Keep what the people of a run came to once it is over, until one of them changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"

# Whoever counts has the lock of the run alone (domain/outbound/tallies.py). The runs are taken in one order.
_FORGET = """
create function forget_tally(business uuid, run uuid) returns void language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
begin
    perform pg_advisory_xact_lock_shared(hashtextextended(run::text, 7205118));
    update outbound_runs set tallied = null
    where business_id = business and run_id = run and tallied is not null;
end $$
"""
_ITEMS_CHANGED = """
create function items_changed() returns trigger language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
begin
    perform forget_tally(changed.business_id, changed.run_id) from (
        select distinct n.business_id, n.run_id from after_rows n join before_rows o on o.id = n.id
        where (n.state, n.disposition) is distinct from (o.state, o.disposition) order by n.run_id
    ) changed;
    return null;
end $$
"""
# What a key sets to null is set in the name of the tables' owner, who sees no rows: this must come before it.
_LEAD_GOES = """
create function lead_goes() returns trigger language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
begin
    perform forget_tally(gone.business_id, gone.run_id) from (
        select distinct i.business_id, i.run_id from outbound_items i
        where i.business_id = old.business_id and i.lead_id = old.id order by i.run_id
    ) gone;
    return old;
end $$
"""


def upgrade() -> None:
    op.add_column(
        "outbound_runs",
        sa.Column("tallied", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    )
    for function in (_FORGET, _ITEMS_CHANGED, _LEAD_GOES):
        op.execute(function)
    op.execute(
        "create trigger items_changed after update on outbound_items"
        " referencing old table as before_rows new table as after_rows"
        " for each statement execute function items_changed()"
    )
    op.execute("create trigger lead_goes before delete on leads for each row execute function lead_goes()")
