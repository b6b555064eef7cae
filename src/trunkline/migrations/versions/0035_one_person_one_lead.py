"""Give leads further addresses, an owner, own fields, and a trace of whom they were merged with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0035"
down_revision = "0034"

# Whoever makes leads need not know of it: their number is an address, and nobody else's. The key of each
# address is looked up among leads by a plan that this session made when they may have been few, by any index
# that begins with the business: of many at once that would read all for each.
_NUMBERED = """
create function number_leads() returns trigger language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
begin
    if (select count(*) from after_rows) >= 100 then
        execute 'discard plans';
    end if;
    insert into lead_addresses (business_id, channel, address, lead_id)
    select business_id, 'phone', phone, id from after_rows;
    return null;
end $$
"""


def upgrade() -> None:
    _create_addresses()
    _create_fields()
    _widen_leads()
    _create_merged()
    # Of two leads that were called in one run and are one person now, both calls stay told.
    op.drop_constraint("uq_outbound_items_lead", "outbound_items")
    op.create_unique_constraint(
        "uq_outbound_items_lead", "outbound_items", ["business_id", "run_id", "lead_id", "phone"]
    )


def _create_addresses() -> None:
    op.create_table(
        "lead_addresses",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"],
            ["leads.business_id", "leads.id"],
            name=op.f("fk_lead_addresses_business_id_lead_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("business_id", "channel", "address", name=op.f("pk_lead_addresses")),
    )
    op.create_index("ix_lead_addresses_lead", "lead_addresses", ["business_id", "lead_id"])
    with policies.across_tenants("leads"):
        op.execute(
            "insert into lead_addresses (business_id, channel, address, lead_id)"
            " select business_id, 'phone', phone, id from leads"
        )
    policies.protect("lead_addresses")
    op.execute(_NUMBERED)
    op.execute(
        "create trigger leads_numbered after insert on leads referencing new table as after_rows"
        " for each statement execute function number_leads()"
    )


def _create_fields() -> None:
    op.create_table(
        "lead_fields",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("choices", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("in_table", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_archived", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_lead_fields_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_fields")),
        sa.UniqueConstraint("business_id", "id", name="uq_lead_fields_business_id"),
        sa.UniqueConstraint("business_id", "key", name="uq_lead_fields_key"),
    )
    policies.protect("lead_fields")


def _widen_leads() -> None:
    op.add_column("leads", sa.Column("owner_id", sa.UUID(), nullable=True))
    op.add_column(
        "leads",
        sa.Column("fields", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    )
    op.add_column(
        "leads",
        sa.Column("email_key", sa.String(), sa.Computed("lower(email)", persisted=True), nullable=True),
    )
    op.create_foreign_key(
        op.f("fk_leads_business_id_owner_id"),
        "leads",
        "users",
        ["business_id", "owner_id"],
        ["business_id", "id"],
        ondelete="SET NULL (owner_id)",
    )
    op.create_index(
        "ix_leads_owner",
        "leads",
        ["business_id", "owner_id", "created_at", "id"],
        postgresql_where=sa.text("owner_id is not null"),
    )
    op.create_index(
        "ix_leads_email",
        "leads",
        ["business_id", "email_key"],
        postgresql_where=sa.text("email_key is not null"),
    )
    op.create_index(
        "ix_leads_fields",
        "leads",
        ["business_id", "fields"],
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": "256"},
        postgresql_ops={"fields": "jsonb_path_ops"},
        postgresql_where=sa.text("fields <> '{}'::jsonb"),
    )
    # Row-level security trusts no operator of documents: this looks with other eyes, as leads_that_bear does.
    op.execute(f"grant select (fields) on leads to {policies.LOOKUP}")
    policies.lookup_function(
        "leads_with_fields(wanted jsonb, most integer)",
        "table (id uuid)",
        "select l.id from leads l"
        " where l.business_id = (select nullif(current_setting('app.business_id', true), ''))::uuid"
        " and l.fields <> '{}'::jsonb and l.fields @> leads_with_fields.wanted limit leads_with_fields.most",
    )


def _create_merged() -> None:
    op.create_table(
        "merged_leads",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column(
            "merged_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"],
            ["leads.business_id", "leads.id"],
            name=op.f("fk_merged_leads_business_id_lead_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("business_id", "id", name=op.f("pk_merged_leads")),
    )
    op.create_index("ix_merged_leads_lead", "merged_leads", ["business_id", "lead_id", "merged_at", "id"])
    policies.protect("merged_leads")
