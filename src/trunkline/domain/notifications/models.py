"""Tables: notifications, notification_sendings, push_devices, notification_choices and quiet_hours."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class Notification(Base):
    """Something that one person is told, as a code and facts: its words are made where it is read."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_notifications_business_id"),
        # Once each, however often it is asked for.
        UniqueConstraint("business_id", "user_id", "dedup_key", name="uq_notifications_once"),
        ForeignKeyConstraint(
            ["business_id", "user_id"], ["users.business_id", "users.id"], ondelete="CASCADE"
        ),
        Index("ix_notifications_inbox", "business_id", "user_id", "created_at", "id"),
        Index(
            "ix_notifications_unread", "business_id", "user_id",
            postgresql_where=text("read_at is null and in_page"),
        ),
        Index("ix_notifications_age", "business_id", "created_at"),
    )  # fmt: skip

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    user_id: Mapped[UUID]
    kind: Mapped[str]
    data: Mapped[dict[str, Any]]
    dedup_key: Mapped[str]
    about: Mapped[str]
    """What it is about: on a device, a newer one about the same takes the older one's place."""
    in_page: Mapped[bool]
    """Whether the inbox shows it; else it was for devices or the post alone."""
    stale_at: Mapped[datetime | None]
    """From when on it is no use to be told: what has not been sent by then is not sent."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    read_at: Mapped[datetime | None]


class SendingState(enum.StrEnum):
    """What became of a message to a device or by post."""

    WAITING = "waiting"
    SENT = "sent"
    DROPPED = "dropped"
    """Not sent: it was stale by the end of quiet hours, or had been read by then."""
    REFUSED = "refused"
    """The push or mail service does not take it."""


class Sending(Base):
    """One notification on one way out of the page: to a device, or by post."""

    __tablename__ = "notification_sendings"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_notification_sendings_business_id"),
        ForeignKeyConstraint(
            ["business_id", "notification_id"], ["notifications.business_id", "notifications.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["business_id", "device_id"], ["push_devices.business_id", "push_devices.id"], ondelete="CASCADE"
        ),
        Index("ix_notification_sendings_of", "business_id", "notification_id"),
        Index("ix_notification_sendings_device", "business_id", "device_id"),
    )  # fmt: skip

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    notification_id: Mapped[UUID]
    device_id: Mapped[UUID | None]
    """Null: by post."""
    state: Mapped[str] = mapped_column(server_default=SendingState.WAITING)
    reason: Mapped[str] = mapped_column(server_default="")
    """Why it was dropped or refused."""
    settled_at: Mapped[datetime | None]


class PushDevice(Base):
    """A browser that one person has asked to be told on."""

    __tablename__ = "push_devices"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_push_devices_business_id"),
        UniqueConstraint("business_id", "endpoint_hash", name="uq_push_devices_endpoint"),
        ForeignKeyConstraint(
            ["business_id", "user_id"], ["users.business_id", "users.id"], ondelete="CASCADE"
        ),
        Index("ix_push_devices_user", "business_id", "user_id"),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    user_id: Mapped[UUID]
    endpoint: Mapped[str]
    """The address at its maker's push service: whoever knows it can have it woken, so it is not shown."""
    endpoint_hash: Mapped[str]
    p256dh: Mapped[bytes] = mapped_column(LargeBinary)
    auth: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str]
    """What the browser calls itself, so that people know their devices apart."""
    kinds: Mapped[list[str] | None] = mapped_column(JSONB)
    """Which kinds it is told; null: all."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    told_at: Mapped[datetime | None]
    """When its service last took a message for it."""


class NotificationChoice(Base):
    """What one person wants to be told, how, how early, and when not; without a row: what is usual."""

    __tablename__ = "notification_choices"
    __table_args__ = (
        ForeignKeyConstraint(
            ["business_id", "user_id"], ["users.business_id", "users.id"], ondelete="CASCADE"
        ),
    )

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    kinds: Mapped[dict[str, Any]]
    """Kind -> {"page": bool, "push": bool, "email": bool}, where it differs from what is usual."""
    ahead: Mapped[list[int]] = mapped_column(JSONB)
    """How many minutes before something they are reminded of it."""
    own_quiet: Mapped[bool]
    """False: the business's quiet hours are theirs."""
    quiet_from: Mapped[str | None]
    quiet_to: Mapped[str | None]
    """HH:MM in the business's zone; both or neither."""


class QuietHours(Base):
    """When a business's people are not disturbed, but for those who have chosen hours of their own."""

    __tablename__ = "quiet_hours"

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    quiet_from: Mapped[str | None]
    quiet_to: Mapped[str | None]
