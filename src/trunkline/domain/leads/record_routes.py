"""People's door to one person's record: numbers and addresses, who may be the same, merging, own fields."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.leads import addresses, merging, own_fields, service, statuses
from trunkline.domain.leads.addresses import Channel
from trunkline.domain.leads.detail import detail
from trunkline.domain.leads.lead_schemas import LeadDetail
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.record_schemas import (
    AddressIn,
    CountedOut,
    DuplicateOut,
    DuplicatesOut,
    FieldChange,
    FieldIn,
    FieldOut,
    MainNumberIn,
    MergeIn,
    MergePreviewOut,
    SideOut,
)
from trunkline.domain.tenants import service as tenants

router = APIRouter(prefix="/api", tags=["leads"])


@router.post("/leads/{lead_id}/addresses", status_code=201)
def add_address(lead_id: UUID, body: AddressIn, session: SessionDep, who: PrincipalDep) -> LeadDetail:
    """Give a lead a further number or address. 409 with `lead_id` where it is another lead's."""
    who.require(Role.AGENT)
    address = _normal(session, who.business, body.channel, body.address)
    lead = addresses.add(session, who.business, lead_id, body.channel, address, actor=who.email)
    return detail(session, lead)


@router.delete("/leads/{lead_id}/addresses/{channel}/{address}")
def remove_address(
    lead_id: UUID, channel: Channel, address: str, session: SessionDep, who: PrincipalDep
) -> LeadDetail:
    """Take a further number or address from a lead; the main number stays."""
    who.require(Role.AGENT)
    return detail(
        session, addresses.remove(session, who.business, lead_id, channel, address, actor=who.email)
    )


@router.post("/leads/{lead_id}/main-number")
def make_main_number(lead_id: UUID, body: MainNumberIn, session: SessionDep, who: PrincipalDep) -> LeadDetail:
    """Have a lead called at another of their numbers from now on. 409 where somebody has changed it since."""
    who.require(Role.AGENT)
    phone = _normal(session, who.business, "phone", body.phone)
    lead = addresses.make_main(session, who.business, lead_id, phone, version=body.version, actor=who.email)
    return detail(session, lead)


@router.get("/leads/{lead_id}/duplicates")
def read_duplicates(lead_id: UUID, session: SessionDep, who: PrincipalDep) -> DuplicatesOut:
    """Who may be the same person: of the same e-mail address, or the same name and a number alike."""
    lead = service.get_lead(session, who.business, lead_id)
    found = merging.duplicates(session, who.business, lead)
    return DuplicatesOut(leads=[DuplicateOut.model_validate(other) for other in found])


@router.get("/leads/{lead_id}/merge/{other_id}")
def preview_merge(lead_id: UUID, other_id: UUID, session: SessionDep, who: PrincipalDep) -> MergePreviewOut:
    """What would become of two leads if this one took the other in; changes nothing."""
    who.require(Role.AGENT)
    shown = merging.preview(session, who.business, lead_id, other_id)
    known = statuses.of_business(session, who.business)
    return MergePreviewOut(
        kept=_side(shown.kept, known), gone=_side(shown.gone, known), differing=list(shown.differing),
        tags=shown.united.tags, consent=shown.united.said.consent,
        counts=[
            CountedOut(table=table, kept=kept, gone=gone) for table, (kept, gone) in shown.counts.items()
        ],
        busy=shown.busy,
    )  # fmt: skip


@router.post("/leads/{lead_id}/merge")
def merge_leads(lead_id: UUID, body: MergeIn, session: SessionDep, who: PrincipalDep) -> LeadDetail:
    """Let a lead take another one in, whose id is no more afterwards. Done twice it is done once.

    409 where one of the two is on the line, is being dialled, or was changed since it was read.
    """
    who.require(Role.AGENT)
    lead = merging.merge(
        session, who.business, lead_id, body.other_id, versions=(body.version, body.other_version),
        take=body.take, actor=who.email,
    )  # fmt: skip
    return detail(session, lead)


@router.get("/lead-fields")
def read_fields(session: SessionDep, who: PrincipalDep) -> list[FieldOut]:
    """The fields that the business gave its leads, in their order; those that were put away last."""
    rows = own_fields.of_business(session, who.business).rows
    return [FieldOut.model_validate(row) for row in rows]


@router.post("/lead-fields", status_code=201)
def make_field(body: FieldIn, session: SessionDep, who: PrincipalDep) -> FieldOut:
    """Give leads a field."""
    who.require(Role.ADMIN)
    row = own_fields.make(session, who.business, actor=who.email, **body.model_dump())
    return FieldOut.model_validate(row)


@router.patch("/lead-fields/{field_id}")
def change_field(field_id: UUID, body: FieldChange, session: SessionDep, who: PrincipalDep) -> FieldOut:
    """Change a field's label, choices, place or whether it is a column of the list; put it away, or back."""
    who.require(Role.ADMIN)
    changes = body.model_dump(exclude_unset=True)
    return FieldOut.model_validate(
        own_fields.change(session, who.business, field_id, changes, actor=who.email)
    )


def _normal(session: Session, business_id: UUID, channel: Channel, address: str) -> str:
    region = tenants.get_business(session, business_id).region
    return addresses.normalised(channel, address, region=region)


def _side(lead: Lead, known: statuses.Statuses) -> SideOut:
    own = {name: getattr(lead, name) for name in SideOut.model_fields if name != "status_id"}
    return SideOut(**own, status_id=known.of(lead).id)
