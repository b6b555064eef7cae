"""Tables: leads, their counts, statuses and notes, lead_lists and lead_list_entries."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    String,
    Text,
    UniqueConstraint,
    func,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId

NEXT_PLACE = text(
    "to_char(('999999999999'::bigint - nextval('lead_places'::regclass)), 'FM000000000000'::text)"
)
"""A place on the board before all that were given: twelve digits, each time one less."""


LISTED = text("leads.version > 0")
"""True of every lead. The indexes for pages are over it, so that only who says it goes by them: to a planner
that thinks a business small, any index that begins with the business is as good as the one over numbers,
and looking a hundred numbers up would read all of its leads a hundred times."""


TAGGED = literal_column("leads.tags <> '{}'::text[]", Boolean)
"""Said wherever a tag is looked for, so that leads without any are not read."""


class LeadStatus(Base):
    """How far a business has come with a lead, in its own words: a column of its board."""

    __tablename__ = "lead_statuses"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_lead_statuses_business_id"),
        UniqueConstraint("business_id", "name", name="uq_lead_statuses_name"),
        Index("uq_lead_statuses_initial", "business_id", unique=True, postgresql_where=text("is_initial")),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    name: Mapped[str]
    colour: Mapped[str]
    """A colour's name (`schemas.Colour`), for pages to make of it what suits light and dark."""
    position: Mapped[int]
    """From 1 on: the order of the columns."""
    is_closed: Mapped[bool] = mapped_column(server_default=text("false"))
    """Nothing more is to be done with a lead that stands here."""
    is_initial: Mapped[bool] = mapped_column(server_default=text("false"))
    """Where leads begin. A lead that stands here has none: `leads.status_id` is null."""


class Lead(Base):
    """One person of one business; their number is who they are, and what is dialled.

    Further numbers and addresses of theirs are `record_models.LeadAddress`.
    """

    __tablename__ = "leads"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_leads_business_id"),
        UniqueConstraint("business_id", "phone", name="uq_leads_phone"),
        ForeignKeyConstraint(["business_id", "status_id"], ["lead_statuses.business_id", "lead_statuses.id"]),
        ForeignKeyConstraint(
            ["business_id", "owner_id"], ["users.business_id", "users.id"], ondelete="SET NULL (owner_id)"
        ),
        Index("ix_leads_newest", "business_id", "created_at", "id", postgresql_where=LISTED),
        Index("ix_leads_name", "business_id", "sort_name", "id", postgresql_where=LISTED),
        Index("ix_leads_board", "business_id", "status_id", "place", postgresql_where=LISTED),
        Index("ix_leads_tagged", "business_id", "created_at", "id", postgresql_where=TAGGED),
        Index(
            "ix_leads_owner", "business_id", "owner_id", "created_at", "id",
            postgresql_where=text("owner_id is not null"),
        ),
        Index("ix_leads_email", "business_id", "email_key", postgresql_where=text("email_key is not null")),
        Index(
            "ix_leads_fields", "business_id", "fields", postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": "256"},
            postgresql_ops={"fields": "jsonb_path_ops"}, postgresql_where=text("fields <> '{}'::jsonb"),
        ),
        Index(
            "ix_leads_search", "business_id", "search_text", postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": "256"},
            postgresql_ops={"search_text": "gin_trgm_ops"}, postgresql_where=LISTED,
        ),
    )  # fmt: skip

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    phone: Mapped[str]
    name: Mapped[str]
    email: Mapped[str | None]
    notes: Mapped[str | None]
    source: Mapped[str]
    consent: Mapped[str] = mapped_column(server_default="none")
    """Whether the person has agreed to be called by an AI: `express` or `written`; `withdrawn`, when they
    have said no or taken it back; `none`, when nobody has said anything."""
    consent_at: Mapped[datetime | None]
    consent_source: Mapped[str | None]
    """How it was given or withdrawn: a form's name, say."""
    status_id: Mapped[UUID | None]
    """Null: the business's initial status."""
    place: Mapped[str] = mapped_column(String(collation="C"), server_default=NEXT_PLACE)
    """Where it stands among those of its status: digits behind a decimal point, so that between any two
    there is room for a third. No two leads of one status have the same."""
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))
    """In the order of their letters, none twice."""
    owner_id: Mapped[UUID | None]
    """Who of the business's people looks after them."""
    fields: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """What stands in the fields of the business's own, by key; an empty one is not there."""
    version: Mapped[int] = mapped_column(server_default="1")
    """One more with each change of what a person can edit; status and place are not among that."""
    email_key: Mapped[str | None] = mapped_column(Computed("lower(email)", persisted=True))
    """The e-mail address as it is looked up."""
    sort_name: Mapped[str] = mapped_column(
        String(collation="C"), Computed("coalesce(nullif(lower(name), ''), chr(1114109))", persisted=True)
    )
    """The name for ordering, the nameless last. A column, since row-level security lets an index over an
    expression find rows by no function that it does not trust."""
    search_text: Mapped[str] = mapped_column(
        Computed(
            "lower(name || chr(10) || phone || coalesce(chr(10) || email, '')"
            " || coalesce(chr(10) || notes, ''))",
            persisted=True,
        )
    )
    """What is searched for a part of a name, number, address or notes, in small letters."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class LeadCount(Base):
    """By how many leads a statement made a status richer or poorer; triggers write it (`counts`)."""

    __tablename__ = "lead_counts"

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    status_id: Mapped[UUID | None]
    """Null: the business's initial status."""
    leads: Mapped[int]


class LeadNote(Base):
    """Something that a person wrote down about a lead at a moment."""

    __tablename__ = "lead_notes"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_lead_notes_business_id"),
        ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="CASCADE"
        ),
        Index("ix_lead_notes_lead", "business_id", "lead_id", "created_at", "id"),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    lead_id: Mapped[UUID]
    text: Mapped[str]
    author: Mapped[str]
    """The address of whoever wrote it."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    edited_at: Mapped[datetime | None]


class LeadList(Base):
    """A named list of leads, usually one import."""

    __tablename__ = "lead_lists"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_lead_lists_business_id"),
        UniqueConstraint("business_id", "name", name="uq_lead_lists_name"),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class LeadListEntry(Base):
    """A lead's place in a list."""

    __tablename__ = "lead_list_entries"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "list_id"], ["lead_lists.business_id", "lead_lists.id"]),
        ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="CASCADE"
        ),
        Index("ix_lead_list_entries_lead", "business_id", "lead_id"),
    )

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    list_id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int]
