"""Tables: users, sign_ins, invitations and password_resets."""

from __future__ import annotations

import enum
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
    device: Mapped[str] = mapped_column(server_default="")
    """What the browser calls itself, so that a person knows their sessions apart."""
    address: Mapped[str] = mapped_column(server_default="")
    """Where it came from when it began."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Posted(enum.StrEnum):
    """What became of the mail with a link."""

    BY_HAND = "by_hand"
    """There is no mail here: whoever asked for the link passes it on."""
    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"
    """The mail server does not take it for this address, or all tries have failed."""


class Invitation(Base):
    """A link by which a person joins a business. Only the hash of its secret is kept."""

    __tablename__ = "invitations"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_invitations_business_id"),
        Index(
            "uq_invitations_open",
            "business_id",
            text("lower(email)"),
            unique=True,
            postgresql_where=text("accepted_at is null and revoked_at is null"),
        ),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    email: Mapped[str]
    role: Mapped[str]
    language: Mapped[str]
    invited_by: Mapped[str]
    """The e-mail address of whoever did, who may be a system admin, and may have gone."""
    token_hash: Mapped[str] = mapped_column(unique=True)
    sending: Mapped[int] = mapped_column(server_default="1")
    """How often it was sent; each sending has a link of its own, and only the last one's opens."""
    posted: Mapped[str]
    refusal: Mapped[str | None]
    """What the mail server said."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class PasswordReset(Base):
    """A link by which a person sets a new password, once. Only the hash of its secret is kept."""

    __tablename__ = "password_resets"
    __table_args__ = (
        # A system admin's has no business: the plain key binds that, this one everybody else's.
        ForeignKeyConstraint(["business_id", "user_id"], ["users.business_id", "users.id"]),
        Index("ix_password_resets_user", "business_id", "user_id"),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID | None] = mapped_column(ForeignKey("businesses.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    expires_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
