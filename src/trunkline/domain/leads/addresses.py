"""Where leads call and write from: one person, one lead, by whichever of their numbers and addresses.

Owns `lead_addresses`, and which of a lead's numbers is the main one: `leads.phone`, which alone is dialled
for runs. What must not be called, and what is being dialled, stays by number and is not asked here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal
from uuid import UUID

from sqlalchemy import any_, delete, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import Text, Uuid

from trunkline.core.errors import Conflict, InvalidInput, NotFound, Outdated
from trunkline.core.events import announce
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.record_models import LeadAddress
from trunkline.kit.mailboxes import is_mailbox
from trunkline.kit.phone import InvalidPhone, to_dialable

Channel = Literal["phone", "whatsapp", "email"]

MOST = 20

_NUMBERED = ("phone", "whatsapp")
"""Channels whose addresses are numbers: who writes from a number is who calls from it."""


class AddressKnown(Conflict):
    """Another lead has this address; `lead_id` says who."""

    code = "address_known"


def normalised(channel: Channel, address: str, *, region: str) -> str:
    """Return an address as it is kept; numbers as of a region. Raises InvalidInput for what is none."""
    if channel == "email":
        return _plain_email(address, field="address")
    try:
        return to_dialable(address, region=region)
    except InvalidPhone as error:
        raise InvalidInput(str(error), reason="not_a_number", field="address") from error


def _plain_email(address: str, *, field: str) -> str:
    plain = address.strip().lower()
    if not is_mailbox(plain):
        raise InvalidInput(f"{address!r} is not an e-mail address.", reason="not_an_address", field=field)
    return plain


def lead_at(session: Session, business_id: UUID, channel: Channel, address: str) -> UUID | None:
    """Return whose address this is: a number in E.164, or an e-mail address. None: nobody's.

    Of several who share the e-mail address of their rows, whoever was there first.
    """
    if channel != "email":
        return _at_number(session, business_id, channel, address)
    plain = address.strip().lower()
    own = select(LeadAddress.lead_id).where(
        LeadAddress.business_id == business_id, LeadAddress.channel == "email", LeadAddress.address == plain
    )
    found = session.scalar(own)
    if found is not None:
        return found
    shared = select(Lead.id).where(Lead.business_id == business_id, Lead.email_key == plain)
    return session.scalar(shared.order_by(Lead.created_at, Lead.id).limit(1))


def hold_at(session: Session, business_id: UUID, phone: str) -> UUID | None:
    """Return whose number this is, who then stays there until the transaction ends. None: nobody's."""
    # Whoever is merged into another at this moment is waited for, gone, and found at once as that other one.
    for _ in range(2):
        found = _at_number(session, business_id, "phone", phone)
        if found is None:
            return None
        lead = select(Lead.id).where(Lead.business_id == business_id, Lead.id == found)
        held = session.scalar(lead.with_for_update(read=True, key_share=True))
        if held is not None:
            return held
    return None


# Not joined with leads: a planner that thinks a business small would read all of its leads for one.
def _at_number(session: Session, business_id: UUID, channel: Channel, address: str) -> UUID | None:
    return session.scalar(
        select(LeadAddress.lead_id)
        .where(
            LeadAddress.business_id == business_id, LeadAddress.channel.in_(_NUMBERED),
            LeadAddress.address == address,
        )
        .order_by((LeadAddress.channel == channel).desc())
        .limit(1)
    )  # fmt: skip


def main_numbers(session: Session, business_id: UUID, phones: Collection[str]) -> dict[str, str]:
    """Return, of these numbers, those that are further ones of leads, each with its lead's main one."""
    known = session.execute(
        select(LeadAddress.address, LeadAddress.lead_id).where(
            LeadAddress.business_id == business_id, LeadAddress.channel.in_(_NUMBERED),
            LeadAddress.address == any_(literal(sorted(phones), ARRAY(Text))),
        )
    ).all()  # fmt: skip
    ids = literal([row.lead_id for row in known], ARRAY(Uuid))
    leads = select(Lead.id, Lead.phone).where(Lead.business_id == business_id, Lead.id == any_(ids))
    main = {row.id: row.phone for row in session.execute(leads)} if known else {}
    return {
        row.address: main[row.lead_id] for row in known if main.get(row.lead_id, row.address) != row.address
    }


def of_lead(session: Session, business_id: UUID, lead_id: UUID) -> Sequence[LeadAddress]:
    """Return a lead's addresses, by channel and in the order in which they came."""
    return session.scalars(
        select(LeadAddress)
        .where(LeadAddress.business_id == business_id, LeadAddress.lead_id == lead_id)
        .order_by(LeadAddress.channel.desc(), LeadAddress.created_at, LeadAddress.address)
    ).all()


def require_free_email(session: Session, business_id: UUID, email: str | None, *, but: UUID | None) -> None:
    """Raise AddressKnown where another lead, besides its main e-mail address, has this one.

    Raises InvalidInput for what is no e-mail address.
    """
    if email is None:
        return
    plain = _plain_email(email, field="email")
    holder = session.scalar(
        select(LeadAddress.lead_id).where(
            LeadAddress.business_id == business_id, LeadAddress.channel == "email",
            LeadAddress.address == plain,
        )
    )  # fmt: skip
    if holder is not None and holder != but:
        raise _known(email, holder)


def add(
    session: Session, business_id: UUID, lead_id: UUID, channel: Channel, address: str, *, actor: str
) -> Lead:
    """Give a lead a further address, in its normal form. It may be theirs already.

    Raises NotFound, AddressKnown, and InvalidInput for more than a person has.
    """
    lead = _locked(session, business_id, lead_id)
    holder = lead_at(session, business_id, channel, address)
    if holder is not None and holder != lead_id:
        raise _known(address, holder)
    if channel == "email" and lead.email_key == address:
        return lead
    if len(of_lead(session, business_id, lead_id)) >= MOST:
        raise InvalidInput(f"A lead has {MOST} addresses at most.", reason="most_addresses", most=MOST)
    made = session.scalar(
        insert(LeadAddress)
        .values(business_id=business_id, channel=channel, address=address, lead_id=lead_id)
        .on_conflict_do_nothing()
        .returning(LeadAddress.lead_id)
    )
    if made is None:
        # Theirs already, or somebody else's as of this moment.
        holder = lead_at(session, business_id, channel, address)
        if holder != lead_id:
            raise _known(address, holder)
        return lead
    _changed(session, lead, actor=actor)
    return lead


def remove(
    session: Session, business_id: UUID, lead_id: UUID, channel: Channel, address: str, *, actor: str
) -> Lead:
    """Take a further address from a lead. Raises NotFound, and Conflict for the main number."""
    lead = _locked(session, business_id, lead_id)
    if channel == "phone" and address == lead.phone:
        raise Conflict("The main number stays; make another one the main number first.", reason="main_number")
    gone = session.scalar(
        delete(LeadAddress)
        .where(
            LeadAddress.business_id == business_id, LeadAddress.lead_id == lead_id,
            LeadAddress.channel == channel, LeadAddress.address == address,
        )
        .returning(LeadAddress.lead_id)
    )  # fmt: skip
    if gone is None:
        raise NotFound("The lead has no such address.")
    _changed(session, lead, actor=actor)
    return lead


def make_main(
    session: Session, business_id: UUID, lead_id: UUID, phone: str, *, version: int, actor: str
) -> Lead:
    """Have a lead called at another of their numbers from now on. Raises NotFound, Outdated.

    Those who wait in a run already are called at the number under which they came into it.
    """
    lead = _locked(session, business_id, lead_id)
    if lead.version != version:
        raise Outdated(version=lead.version)
    numbers = {row.address for row in of_lead(session, business_id, lead_id) if row.channel == "phone"}
    if phone not in numbers:
        raise NotFound("The lead has no such number.")
    if phone != lead.phone:
        lead.phone = phone
        _changed(session, lead, actor=actor)
    return lead


def _locked(session: Session, business_id: UUID, lead_id: UUID) -> Lead:
    lead = session.scalar(
        select(Lead)
        .where(Lead.business_id == business_id, Lead.id == lead_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if lead is None:
        raise NotFound("There is no such lead.")
    return lead


def _changed(session: Session, lead: Lead, *, actor: str) -> None:
    lead.version += 1
    session.flush()
    announce("lead.changed", subject_id=lead.id, actor=actor, fields=["addresses"])


def _known(address: str, holder: UUID | None) -> AddressKnown:
    return AddressKnown(f"{address} is another lead's already.", lead_id=holder and str(holder))
