"""Finding leads by what stands in the business's own fields, and by a whole number or address of theirs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, case, false, literal, text, true
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput
from trunkline.domain.leads import addresses, own_fields
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.row_faults import UnusableCell
from trunkline.domain.tenants import service as tenants
from trunkline.kit.phone import InvalidPhone, to_e164

_FEW = 1_000
_WITH_FIELDS = text("select id from leads_with_fields(cast(:wanted as jsonb), :most)")
_DIGITS_OF_NUMBER = 7


def has_fields(session: Session, business_id: UUID, wanted: Sequence[str]) -> list[ColumnElement[bool]]:
    """Return the conditions for leads with these values, `key=value`, in own fields. Raises InvalidInput.

    Those who are few are looked for by their index first, as those who bear a text are.
    """
    known = own_fields.of_business(session, business_id)
    values = {}
    for condition in wanted:
        key, _, said = condition.partition("=")
        try:
            value = known.shape(key).read(said)
        except UnusableCell as error:
            raise InvalidInput(f"{error}.", reason="field_value", field=key) from error
        if value is None:
            raise InvalidInput(f"Say what is to stand in {key!r}.", reason="field_value", field=key)
        values[key] = value
    found = session.scalars(_WITH_FIELDS, {"wanted": json.dumps(values), "most": _FEW + 1}).all()
    if len(found) <= _FEW:
        return [Lead.id == any_(literal(found, ARRAY(Uuid)))]
    # Said like this for the reason that `store` says of texts which many bear.
    return [case((Lead.fields.contains(values), true()), else_=false())]


def whose_address(session: Session, business_id: UUID, part: str) -> UUID | None:
    """Return who has this number or address, if it is a whole one; also as a further one."""
    if "@" in part:
        return addresses.lead_at(session, business_id, "email", part)
    if sum(letter.isdigit() for letter in part) < _DIGITS_OF_NUMBER:
        return None
    try:
        number = to_e164(part, region=tenants.get_business(session, business_id).region)
    except InvalidPhone:
        return None
    return addresses.lead_at(session, business_id, "phone", number)
