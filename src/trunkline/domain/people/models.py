"""Tables: users and sign_ins."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class User(Base):
    """A person who can sign in. Without a business: a system admin."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_users_business_id"),
        Index("uq_users_email", text("lower(email)"), unique=True),
        CheckConstraint("(business_id is null) = (role is null)", name="role_in_business"),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID | None] = mapped_column(ForeignKey("businesses.id"))
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[str | None]
    language: Mapped[str]
    password_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class SignIn(Base):
    """A server-side session. Only the hash of its secret is kept."""

    __tablename__ = "sign_ins"
    __table_args__ = (
        # A system admin's session has no business: the plain key binds that, this one everybody else's.
        ForeignKeyConstraint(["business_id", "user_id"], ["users.business_id", "users.id"]),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID | None] = mapped_column(ForeignKey("businesses.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    chosen_business_id: Mapped[UUID | None] = mapped_column(ForeignKey("businesses.id"))
    """The business whose pages a system admin is looking at."""
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
