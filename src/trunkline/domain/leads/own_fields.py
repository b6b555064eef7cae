"""Fields that a business gives its leads: which there are, in which order, and what stands in them.

Owns `lead_fields`. A field is put away, not removed: what stands in it stays with the leads, and comes
back with it. Its key and kind stay as they are, so that what was written keeps its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.domain.leads.own_values import Shape, key_of
from trunkline.domain.leads.record_models import LeadField

MOST, MOST_CHOICES = 50, 100

# One change of a business's fields at a time, also of its first.
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('lead_fields ' || :business_id, 0))")


@dataclass(frozen=True, slots=True)
class OwnFields:
    """A business's fields in their order, those that were put away last."""

    rows: tuple[LeadField, ...]

    @property
    def open(self) -> list[LeadField]:
        """Those that are shown."""
        return [row for row in self.rows if not row.is_archived]

    def get(self, field_id: UUID) -> LeadField:
        """Return one of them. Raises NotFound."""
        for row in self.rows:
            if row.id == field_id:
                return row
        raise NotFound("There is no such field.", field_id=str(field_id))

    def shape(self, key: str) -> Shape:
        """Return what may stand in a field that is shown. Raises InvalidInput for a key of none."""
        for row in self.open:
            if row.key == key:
                return shape_of(row)
        raise InvalidInput(f"Leads have no field {key!r}.", reason="no_such_field", field=key)

    def checked(self, given: Mapping[str, Any], standing: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return values as they are kept, null for one that is emptied. Raises InvalidInput.

        What stands already may stay, though it could not be chosen any more.
        """
        known = standing or {}
        return {
            key: value
            if value is None or (key in known and known[key] == value)
            else self.shape(key).checked(value)
            for key, value in given.items()
        }


def shape_of(row: LeadField) -> Shape:
    """Return a field as far as its values are concerned."""
    return Shape(row.key, row.label, row.kind, row.choices)


def of_business(session: Session, business_id: UUID) -> OwnFields:
    """Return the business's fields."""
    rows = session.scalars(
        select(LeadField)
        .where(LeadField.business_id == business_id)
        .order_by(LeadField.is_archived, LeadField.position, LeadField.key)
        .execution_options(populate_existing=True)
    )
    return OwnFields(tuple(rows))


def open_shapes(session: Session, business_id: UUID) -> list[Shape]:
    """Return those of the business's fields that are shown, as far as their values are concerned."""
    return [shape_of(row) for row in of_business(session, business_id).open]


def applied(standing: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands after a change; an empty field is not there."""
    return {key: value for key, value in {**standing, **changes}.items() if value is not None}


def make(
    session: Session, business_id: UUID, *, label: str, kind: str, key: str | None, choices: list[str],
    in_table: bool, actor: str,
) -> LeadField:  # fmt: skip
    """Make a field behind the others. Raises InvalidInput."""
    known = _locked(session, business_id)
    if len(known.rows) >= MOST:
        raise InvalidInput(f"A business has {MOST} fields at most.", reason="most_fields", most=MOST)
    taken = [row.key for row in known.rows]
    if key in taken:
        raise InvalidInput(f"There is a field {key!r} already.", reason="field_key_taken", key=key)
    _require_free(known, label)
    _check_choices(kind, choices)
    row = LeadField(
        business_id=business_id, key=key or key_of(label, taken), label=label, kind=kind, choices=choices,
        position=len(known.open) + 1, in_table=in_table, is_archived=False,
    )  # fmt: skip
    session.add(row)
    session.flush()
    announce("lead_fields.changed", subject_id=row.id, actor=actor)
    return row


def change(
    session: Session, business_id: UUID, field_id: UUID, changes: dict[str, Any], *, actor: str
) -> LeadField:
    """Change a field's label, choices, place, or whether it is shown. Raises NotFound, InvalidInput."""
    known = _locked(session, business_id)
    row = known.get(field_id)
    if "label" in changes:
        _require_free(known, changes["label"], but=row)
    if "choices" in changes:
        _check_choices(row.kind, changes["choices"])
    position = changes.pop("position", None)
    for name, value in changes.items():
        setattr(row, name, value)
    order = [other for other in known.open if other is not row]
    if not row.is_archived:
        order.insert((position or row.position) - 1, row)
    for number, other in enumerate(order, 1):
        other.position = number
    session.flush()
    announce("lead_fields.changed", subject_id=row.id, actor=actor)
    return row


def _locked(session: Session, business_id: UUID) -> OwnFields:
    session.execute(_LOCK, {"business_id": str(business_id)})
    return of_business(session, business_id)


def _require_free(known: OwnFields, label: str, *, but: LeadField | None = None) -> None:
    if any(row.label.lower() == label.lower() for row in known.rows if row is not but):
        raise InvalidInput(
            f"There is a field called {label!r} already.", reason="field_label_taken", label=label
        )


def _check_choices(kind: str, choices: list[str]) -> None:
    if (kind == "choice") != bool(choices):
        raise InvalidInput(
            "A field to choose from has choices, and no other field has.", reason="field_choices"
        )
    if len(set(choices)) != len(choices):
        raise InvalidInput("Each choice is there once.", reason="field_choices_twice")
