"""What somebody concluded about a lead from what was written: weighed against what stands, and put there.

Whoever reads a conversation says what it found, in its own words. Here that becomes what may stand in a lead;
what may not, or stands there already, is left out. When it is put there is for others to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput
from trunkline.domain.leads import board, editing, own_fields, own_values, statuses, store
from trunkline.domain.leads.flow_models import CauseKind
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.movement import Cause
from trunkline.domain.leads.row_faults import UnusableCell

STATUS, NAME, EMAIL = "status", "name", "email"
_FIELD = "field:"
_LONGEST_NAME = 200
_EMAIL = re.compile(r"[^@\s\x00]+@[^@\s.\x00]+(\.[^@\s.\x00]+)+")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that may be put on record."""

    key: str
    """`status`, `name`, `email`, or `field:` and the key of a field of the business's own."""
    label: str
    """What the business calls the field; empty where pages have a word for it."""
    value: own_values.Value
    before: own_values.Value | None
    """What stands there now."""
    contradicts: bool
    """Something else stands there, or the status would go back: people's own word counts before it."""


def asked_for(session: Session, business_id: UUID) -> tuple[list[str], list[str]]:
    """Return what a reader is told: the names of the statuses in order, and a line for each field."""
    known = statuses.of_business(session, business_id)
    lines = ["name: their name", "email: their e-mail address"]
    for row in own_fields.of_business(session, business_id).open:
        kind = f"one of {', '.join(row.choices)}" if row.choices else row.kind.replace("_", " or ")
        lines.append(f"{row.key}: {row.label} ({kind})")
    return [row.name for row in known.rows], lines


def weigh(
    session: Session, business_id: UUID, lead: Lead, fields: Mapping[str, Any], status: str | None
) -> list[Finding]:
    """Return what of this is news about a lead, each once."""
    found = [
        finding
        for key, value in fields.items()
        if (finding := _of_field(session, business_id, lead, key, value)) is not None
    ]
    known = statuses.of_business(session, business_id)
    now = known.of(lead)
    then = next((row for row in known.rows if status and row.name.casefold() == status.casefold()), None)
    if then is not None and then.id != now.id:
        back = now.is_closed or then.position < now.position
        found.append(Finding(STATUS, "", then.name, now.name, contradicts=back))
    return found


def put(
    session: Session, business_id: UUID, lead_id: UUID, key: str, value: own_values.Value, *, actor: str,
    source_id: UUID, source_event: str,
) -> None:  # fmt: skip
    """Put something that was found on a lead's record. Raises NotFound, InvalidInput, AddressKnown."""
    locked = store.lock(session, business_id, [lead_id])
    if key == STATUS:
        known = statuses.of_business(session, business_id)
        status = next((row for row in known.rows if row.name == value), None)
        if status is None:
            raise InvalidInput(f"There is no status {value!r} any more.", reason="no_such_status")
        cause = Cause(CauseKind.CONVERSATION, actor, source_id=source_id, source_event=source_event)
        board.change_status(session, business_id, locked, status.id, cause=cause)
        return
    changes = {"fields": {key.removeprefix(_FIELD): value}} if key.startswith(_FIELD) else {key: value}
    lead = session.get_one(Lead, lead_id, populate_existing=True)
    editing.edit_lead(session, business_id, lead_id, changes, version=lead.version, actor=actor)


def _of_field(session: Session, business_id: UUID, lead: Lead, key: str, given: Any) -> Finding | None:
    if key in {NAME, EMAIL}:
        text = " ".join(given.split()) if isinstance(given, str) else ""
        fits = _EMAIL.fullmatch(text) if key == EMAIL else "\0" not in text
        if not text or len(text) > _LONGEST_NAME or not fits:
            return None
        stands = lead.name if key == NAME else lead.email
        return None if stands == text else Finding(key, "", text, stands or None, contradicts=bool(stands))
    try:
        shape = own_fields.of_business(session, business_id).shape(key)
        value = shape.read(given) if isinstance(given, str) else shape.checked(given)
    except (InvalidInput, UnusableCell):
        return None
    stands_there = lead.fields.get(key)
    if value is None or value == stands_there:
        return None
    return Finding(f"{_FIELD}{key}", shape.label, value, stands_there, contradicts=stands_there is not None)
