"""Leads by hand: somebody new, other facts about somebody known, and notes on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trunkline.core.access import Principal, Role
from trunkline.core.errors import Conflict, Forbidden, InvalidInput, NotFound, Outdated
from trunkline.core.events import announce, announce_many
from trunkline.domain.leads import (
    addresses,
    movement,
    note_files,
    own_fields,
    owners,
    statuses,
    store,
)
from trunkline.domain.leads.flow_models import CauseKind
from trunkline.domain.leads.lead_schemas import LeadIn
from trunkline.domain.leads.models import Lead, LeadNote
from trunkline.domain.leads.movement import Cause, Moved
from trunkline.domain.leads.rules import OWN
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.kit.phone import InvalidPhone, to_dialable


class NumberKnown(Conflict):
    """The business knows somebody with this number; `lead_id` says whom."""

    code = "number_known"


def create_lead(session: Session, business_id: UUID, wish: LeadIn, *, actor: str) -> Lead:
    """Make a lead of somebody new.

    Raises InvalidInput for what is no number or cannot stand in a field, NumberKnown and AddressKnown for
    what is another lead's, NotFound.
    """
    region = tenants.get_business(session, business_id).region
    try:
        phone = to_dialable(wish.phone, region=region)
    except InvalidPhone as error:
        raise InvalidInput(str(error), field="phone", reason="not_a_number") from error
    known = statuses.of_business(session, business_id)
    stored = None if wish.status_id is None else known.stored(wish.status_id)
    if wish.list_id is not None and not store.has_list(session, business_id, wish.list_id):
        raise NotFound("There is no such list.", list_id=str(wish.list_id))
    addresses.require_free_email(session, business_id, wish.email, but=None)
    owners.require(session, business_id, wish.owner_id)
    facts = wish.model_dump(include={"name", "email", "notes", "tags", "owner_id"})
    if wish.fields:
        own = own_fields.of_business(session, business_id)
        facts["fields"] = own_fields.applied({}, own.checked(wish.fields))
    lead = Lead(id=new_id(), business_id=business_id, phone=phone, source="person", status_id=stored, **facts)
    holder = addresses.lead_at(session, business_id, "phone", phone)
    if holder is None:
        try:
            with session.begin_nested():
                session.add(lead)
        except IntegrityError:
            # Somebody else has made one with this number at this moment.
            holder = addresses.lead_at(session, business_id, "phone", phone)
    if holder is not None:
        raise NumberKnown(f"There is a lead with {phone} already.", lead_id=str(holder))
    made = lead.id
    if wish.list_id is not None:
        store.add_to_list(session, business_id, wish.list_id, [made])
    announce("lead.created", subject_id=made, actor=actor)
    if stored is not None:
        session.flush()  # so that its beginning is told before its first move
        movement.note(
            session, business_id, known, [Moved(made, None, stored)], Cause(CauseKind.PERSON, actor)
        )
    session.refresh(lead)
    return lead


def edit_lead(
    session: Session, business_id: UUID, lead_id: UUID, changes: dict[str, Any], *, version: int, actor: str
) -> Lead:
    """Change facts about a lead that were read as of a version.

    `changes` names columns; under `fields`, those of the business's own fields that change. Raises NotFound,
    Outdated, InvalidInput, AddressKnown.
    """
    lead = session.scalar(
        select(Lead)
        .where(Lead.business_id == business_id, Lead.id == lead_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if lead is None:
        raise NotFound("There is no such lead.")
    if lead.version != version:
        raise Outdated(version=lead.version)
    # What a file brought may be no address: it does not stand in the way of other changes.
    if changes.get("email", lead.email) != lead.email:
        addresses.require_free_email(session, business_id, changes["email"], but=lead_id)
    if "owner_id" in changes:
        owners.require(session, business_id, changes["owner_id"])
    own = changes.pop("fields", None)
    fields = [field for field, value in changes.items() if getattr(lead, field) != value]
    for field in fields:
        setattr(lead, field, changes[field])
    if own:
        known = own_fields.of_business(session, business_id)
        stands = own_fields.applied(lead.fields, known.checked(own, lead.fields))
        fields += [f"{OWN}{key}" for key in own if stands.get(key) != lead.fields.get(key)]
        lead.fields = stands
    if fields:
        lead.version += 1
        session.flush()
        announce("lead.changed", subject_id=lead.id, actor=actor, fields=fields)
    return lead


def fill_name(session: Session, business_id: UUID, lead_id: UUID, name: str, *, actor: str) -> None:
    """Write down what a lead without a name is called."""
    filled = session.scalar(
        update(Lead)
        .where(Lead.business_id == business_id, Lead.id == lead_id, Lead.name == "")
        .values(name=name, version=Lead.version + 1)
        .returning(Lead.id)
    )
    if filled is not None:
        tell({filled: ["name"]}, actor=actor)


def tell(edited: Mapping[UUID, Sequence[str]], *, actor: str) -> None:
    """Announce which fields of which leads were changed, in the transaction that has changed them."""
    if edited:
        announce_many(
            "lead.changed", actor=actor, subjects=list(edited),
            data=[{"fields": list(fields)} for fields in edited.values()],
        )  # fmt: skip


def add_note(session: Session, business_id: UUID, lead_id: UUID, text: str, *, author: str) -> LeadNote:
    """Write a note on a lead, which is there."""
    note = LeadNote(business_id=business_id, lead_id=lead_id, text=text, author=author)
    session.add(note)
    session.flush()
    announce("lead.noted", subject_id=lead_id, actor=author)
    return note


def last_note_by(session: Session, business_id: UUID, lead_id: UUID, author: str) -> LeadNote | None:
    """Return the newest note of a lead if this author wrote it."""
    newest = session.scalar(
        select(LeadNote)
        .where(LeadNote.business_id == business_id, LeadNote.lead_id == lead_id)
        .order_by(LeadNote.created_at.desc(), LeadNote.id.desc())
        .limit(1)
    )
    return newest if newest is not None and newest.author == author else None


def change_note(
    session: Session, business_id: UUID, lead_id: UUID, note_id: UUID, text: str, *, who: Principal
) -> LeadNote:
    """Write a note anew. Raises NotFound, Forbidden for a note of somebody else's."""
    note = own_note(session, business_id, lead_id, note_id, who)
    note.text, note.edited_at = text, clock.now()
    announce("lead.noted", subject_id=lead_id, actor=who.email)
    return note


def remove_note(session: Session, business_id: UUID, lead_id: UUID, note_id: UUID, *, who: Principal) -> None:
    """Remove a note with the files on it. Raises NotFound, Forbidden for a note of somebody else's."""
    note = own_note(session, business_id, lead_id, note_id, who)
    note_files.let_go_of_note(session, business_id, note.id)
    session.delete(note)
    announce("lead.noted", subject_id=lead_id, actor=who.email)


def own_note(session: Session, business_id: UUID, lead_id: UUID, note_id: UUID, who: Principal) -> LeadNote:
    """Return a note that this person may change: their own, or any for an admin."""
    note = session.scalar(
        select(LeadNote)
        .where(LeadNote.business_id == business_id, LeadNote.lead_id == lead_id, LeadNote.id == note_id)
        .with_for_update()
    )
    if note is None:
        raise NotFound("There is no such note.")
    if (
        note.author != who.email
        and not who.is_system_admin
        and (who.role is None or who.role.rank < Role.ADMIN.rank)
    ):
        raise Forbidden("Only who wrote a note, or an admin, changes it.", reason="insufficient_role")
    return note
