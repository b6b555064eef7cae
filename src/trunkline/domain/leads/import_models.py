"""Tables of imports: lead_imports, import_chunks and import_faults."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base


class LeadImport(Base):
    """One file on its way into a list. State and cursor are its run's; the cursor counts rows."""

    __tablename__ = "lead_imports"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "run_id"], ["runs.business_id", "runs.id"]),
        ForeignKeyConstraint(["business_id", "list_id"], ["lead_lists.business_id", "lead_lists.id"]),
    )

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    list_id: Mapped[UUID]
    filename: Mapped[str]
    encoding: Mapped[str | None]
    """The encoding of a text file; null for a workbook."""
    mapping: Mapped[dict[str, Any]]
    """Our field -> number of the column that holds it, from 1 on."""
    expected: Mapped[int | None]
    """About how many rows there are, as far as can be told before they are read."""
    imported: Mapped[int] = mapped_column(server_default="0")
    created: Mapped[int] = mapped_column(server_default="0")
    updated: Mapped[int] = mapped_column(server_default="0")
    """Leads that were known and had blanks that the file filled."""
    faults: Mapped[int] = mapped_column(server_default="0")
    failures: Mapped[int] = mapped_column(server_default="0")
    """How often the next batch was tried; an import fails that takes too many."""


class ImportChunk(Base):
    """A piece of an uploaded file, so that a worker anywhere has it; gone when the import is over."""

    __tablename__ = "import_chunks"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "run_id"], ["lead_imports.business_id", "lead_imports.run_id"]),
    )

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes]


class ImportFault(Base):
    """A row that could not be used: its line in the file, why, and what stood there."""

    __tablename__ = "import_faults"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "run_id"], ["lead_imports.business_id", "lead_imports.run_id"]),
    )

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reason: Mapped[str]
    content: Mapped[str]
    code: Mapped[str | None] = mapped_column(Text)
    """The reason for pages, which have words for it; null for rows noted before there were codes."""
    facts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """What stands in those words."""
