"""One lead as its page shows it: the row, the lists in which it stands, and its numbers and addresses."""

from __future__ import annotations

from sqlalchemy.orm import Session

from trunkline.domain.leads import addresses, listing, statuses
from trunkline.domain.leads.lead_schemas import LeadDetail, LeadOut, ListOfLead
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.record_schemas import AddressOut


def detail(session: Session, lead: Lead) -> LeadDetail:
    """Return a lead with all that its page shows of it."""
    shown = LeadOut.of(lead, statuses.of_business(session, lead.business_id))
    lists = listing.lists_of_lead(session, lead.business_id, lead.id)
    others = addresses.of_lead(session, lead.business_id, lead.id)
    return LeadDetail(
        **shown.model_dump(),
        lists=[ListOfLead.model_validate(row) for row in lists],
        addresses=[AddressOut.model_validate(row) for row in others],
    )
