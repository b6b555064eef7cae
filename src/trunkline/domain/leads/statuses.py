"""The statuses of a business: how far it has come with its leads, in its own words and order.

Owns the list of them. Leads stand in the initial status by having none, so that whoever makes leads need
not know of statuses; `Statuses` turns one into the other. A business gets its first statuses when they are
first asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trunkline.core.errors import Conflict, InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.domain.leads.models import LISTED, Lead, LeadStatus
from trunkline.domain.tenants import service as tenants
from trunkline.kit.ids import new_id

MOST = 30

_FIRST: dict[str, tuple[str, ...]] = {
    "en": ("New", "Attempting", "Contacted", "Qualified", "Won", "Lost", "Unqualified"),
    "he": ("חדש", "בניסיון קשר", "נוצר קשר", "מתאים", "נסגרה עסקה", "לא נסגר", "לא מתאים"),
}
_FIRST_COLOURS = ("blue", "yellow", "cyan", "violet", "green", "red", "gray")
_CLOSED_FROM = 4
"""Of the first statuses, those from here on are ends."""


@dataclass(frozen=True, slots=True)
class Statuses:
    """A business's statuses in their order."""

    rows: tuple[LeadStatus, ...]

    @property
    def initial(self) -> LeadStatus:
        """Where leads begin."""
        return next(row for row in self.rows if row.is_initial)

    def get(self, status_id: UUID) -> LeadStatus:
        """Return one of them. Raises NotFound."""
        for row in self.rows:
            if row.id == status_id:
                return row
        raise NotFound("There is no such status.", status_id=str(status_id))

    def of(self, lead: Lead) -> LeadStatus:
        """Return where a lead stands."""
        return self.initial if lead.status_id is None else self.get(lead.status_id)

    def stored(self, status_id: UUID) -> UUID | None:
        """Return how a lead's row says this status. Raises NotFound."""
        status = self.get(status_id)
        return None if status.is_initial else status.id

    def name(self, stored: UUID | None) -> str:
        """Return the name of what a lead's row says."""
        return (self.initial if stored is None else self.get(stored)).name


def of_business(session: Session, business_id: UUID) -> Statuses:
    """Return the business's statuses, made now if nobody has asked before."""
    found = _read(session, business_id)
    if not found.rows:
        _make_first(session, business_id)
        found = _read(session, business_id)
    return found


def make(
    session: Session, business_id: UUID, *, name: str, colour: str, is_closed: bool, actor: str
) -> LeadStatus:
    """Make a status behind the others. Raises InvalidInput for a name that is taken, and for too many."""
    rows = _locked(session, business_id)
    if len(rows) >= MOST:
        raise InvalidInput(f"A business has {MOST} statuses at most.", reason="most_statuses", most=MOST)
    _require_free(rows, name)
    status = LeadStatus(
        business_id=business_id, name=name, colour=colour, position=len(rows) + 1, is_closed=is_closed,
        is_initial=False,
    )  # fmt: skip
    session.add(status)
    session.flush()
    announce("lead_statuses.changed", subject_id=status.id, actor=actor)
    return status


def change(
    session: Session, business_id: UUID, status_id: UUID, changes: dict[str, Any], *, actor: str
) -> LeadStatus:
    """Change a status's name, colour or `is_closed`, or its place: `position`, from 1 on.

    Raises NotFound, InvalidInput.
    """
    rows = _locked(session, business_id)
    status = Statuses(tuple(rows)).get(status_id)
    if "name" in changes:
        _require_free([row for row in rows if row is not status], changes["name"])
    position = changes.pop("position", None)
    for field, value in changes.items():
        setattr(status, field, value)
    if position is not None:
        rows.remove(status)
        rows.insert(position - 1, status)
        _number(rows)
    session.flush()
    announce("lead_statuses.changed", subject_id=status.id, actor=actor)
    return status


def remove(session: Session, business_id: UUID, status_id: UUID, *, actor: str) -> None:
    """Remove a status in which no lead stands. Raises NotFound, Conflict with how many do."""
    rows = _locked(session, business_id)
    status = Statuses(tuple(rows)).get(status_id)
    if status.is_initial:
        raise Conflict(
            "Leads begin in this status, so it stays; it can be given another name.", reason="initial_status"
        )
    standing = select(func.count()).where(
        Lead.business_id == business_id, LISTED, Lead.status_id == status_id
    )
    if leads := session.scalar(standing):
        raise Conflict(
            "Leads stand in this status; give them another one first.", leads=leads, reason="status_in_use"
        )
    try:
        with session.begin_nested():
            session.delete(status)
    except IntegrityError as error:  # a lead has come to stand in it this moment
        raise Conflict(
            "Leads stand in this status; give them another one first.", reason="status_in_use"
        ) from error
    rows.remove(status)
    _number(rows)
    announce("lead_statuses.changed", subject_id=status_id, actor=actor)


def lock(session: Session, business_id: UUID, status_id: UUID) -> None:
    """Let nobody else find places among the leads of this status until the transaction ends."""
    session.execute(
        select(LeadStatus.id)
        .where(LeadStatus.business_id == business_id, LeadStatus.id == status_id)
        .with_for_update(key_share=True)
    )


def _read(session: Session, business_id: UUID) -> Statuses:
    rows = session.scalars(
        select(LeadStatus).where(LeadStatus.business_id == business_id).order_by(LeadStatus.position)
    )
    return Statuses(tuple(rows))


def _locked(session: Session, business_id: UUID) -> list[LeadStatus]:
    """Return the statuses in their order; nobody else changes any until the transaction ends."""
    first = of_business(session, business_id).initial
    lock(session, business_id, first.id)
    session.expire_all()
    return list(_read(session, business_id).rows)


def _make_first(session: Session, business_id: UUID) -> None:
    language = tenants.get_business(session, business_id).language
    rows = [
        {
            "id": new_id(), "business_id": business_id, "name": name, "colour": colour, "position": number,
            "is_closed": number > _CLOSED_FROM, "is_initial": number == 1,
        }
        for number, (name, colour) in enumerate(zip(_FIRST[language], _FIRST_COLOURS, strict=True), 1)
    ]  # fmt: skip
    # Who comes second waits here for who came first, and then finds theirs.
    made = session.execute(
        insert(LeadStatus).values(rows[:1]).on_conflict_do_nothing().returning(LeadStatus.id)
    ).all()
    if made:
        session.execute(insert(LeadStatus).values(rows[1:]))


def _number(rows: Iterable[LeadStatus]) -> None:
    for number, row in enumerate(rows, 1):
        row.position = number


def _require_free(rows: Iterable[LeadStatus], name: str) -> None:
    if any(row.name == name for row in rows):
        raise InvalidInput(
            f"There is a status called {name!r} already.", reason="status_name_taken", name=name
        )
