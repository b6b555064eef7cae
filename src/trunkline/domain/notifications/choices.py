"""What people have chosen to be told, how, how early and when not; and the business's quiet hours."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.events import announce
from trunkline.domain.notifications.kinds import Kind, kind_named
from trunkline.domain.notifications.models import NotificationChoice, QuietHours
from trunkline.domain.notifications.rules import USUAL_AHEAD, Ways, ways_of
from trunkline.kit.wall_clock import Quiet


@dataclass(frozen=True, slots=True)
class Choice:
    """What one person has chosen."""

    kinds: dict[str, Any]
    ahead: tuple[int, ...]
    own_quiet: bool
    quiet: Quiet | None
    """When they are not disturbed, be it their own hours or the business's."""

    def ways(self, kind: Kind) -> Ways:
        """Return how they are told things of a kind."""
        return ways_of(kind.usual, self.kinds.get(kind.name))


def choices_of(session: Session, business_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, Choice]:
    """Return what each of these people has chosen."""
    of_all = business_quiet(session, business_id)
    rows = session.scalars(
        select(NotificationChoice).where(
            NotificationChoice.business_id == business_id, NotificationChoice.user_id.in_(user_ids)
        )
    )
    chosen = {row.user_id: _choice(row, of_all) for row in rows}
    usual = Choice({}, USUAL_AHEAD, False, of_all)
    return {user_id: chosen.get(user_id, usual) for user_id in user_ids}


def choose(
    session: Session, business_id: UUID, user_id: UUID, *, kinds: dict[str, Any], ahead: list[int],
    own_quiet: bool, quiet: Quiet | None,
) -> None:  # fmt: skip
    """Keep what a person has chosen. Raises InvalidInput for a kind that there is not."""
    for name in kinds:
        kind_named(name)
    values = {
        "kinds": kinds, "ahead": sorted(set(ahead), reverse=True), "own_quiet": own_quiet,
        "quiet_from": quiet and quiet.from_, "quiet_to": quiet and quiet.to,
    }  # fmt: skip
    session.execute(
        insert(NotificationChoice)
        .values(business_id=business_id, user_id=user_id, **values)
        .on_conflict_do_update(index_elements=["business_id", "user_id"], set_=values)
    )


def business_quiet(session: Session, business_id: UUID) -> Quiet | None:
    """Return when the people of a business are not disturbed."""
    row = session.get(QuietHours, business_id, populate_existing=True)
    return None if row is None else Quiet.between(row.quiet_from, row.quiet_to)


def set_business_quiet(session: Session, business_id: UUID, quiet: Quiet | None, *, actor: str) -> None:
    """Say when the people of a business are not disturbed; None: there is no such time."""
    values = {"quiet_from": quiet and quiet.from_, "quiet_to": quiet and quiet.to}
    session.execute(
        insert(QuietHours)
        .values(business_id=business_id, **values)
        .on_conflict_do_update(index_elements=["business_id"], set_=values)
    )
    announce("business.changed", subject_id=business_id, actor=actor, fields=["quiet_hours"])


def _choice(row: NotificationChoice, of_all: Quiet | None) -> Choice:
    quiet = Quiet.between(row.quiet_from, row.quiet_to) if row.own_quiet else of_all
    return Choice(row.kinds, tuple(row.ahead), row.own_quiet, quiet)
