"""What one person is written: the broadcast's words, or its template, with facts of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core.errors import NotFound
from trunkline.domain.broadcasts.options import BroadcastOptions
from trunkline.domain.inbox import service as inbox
from trunkline.domain.inbox.service import Content, FilledTemplate, variables
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.models import Lead
from trunkline.domain.tenants import service as tenants

GONE, NO_VALUE = "gone", "no_value"
"""Why somebody is skipped: their lead was deleted; a fact of theirs that the words need is empty."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes a broadcast's message to one person after another."""

    business_id: UUID
    business_name: str
    options: BroadcastOptions

    @classmethod
    def of(cls, session: Session, business_id: UUID, options: BroadcastOptions) -> Writer:
        """Return the writer of a broadcast."""
        return cls(business_id, tenants.get_business(session, business_id).name, options)

    def check(self, session: Session) -> None:
        """Refuse words that name what there is not, and a template that does not fit or may not be sent.

        Raises InvalidInput, and NotFound for a template that is not there.
        """
        own = leads.own_words(session, self.business_id, None)
        patterns = self.options.wording.patterns
        variables.check(patterns, known=[*variables.FACTS, *own])
        # As they stand, the patterns fill it as well as any person's facts.
        self._content(session, {name: f"{{{name}}}" for name in variables.named(patterns)})

    def content_for(self, session: Session, lead_id: UUID | None) -> Content | str:
        """Return a person's message, or in a word why there is none. Raises as `check`."""
        if lead_id is None:
            return GONE
        try:
            lead = leads.get_lead(session, self.business_id, lead_id)
        except NotFound:
            return GONE
        return self._content(session, self._facts(session, lead))

    def _content(self, session: Session, facts: Mapping[str, str]) -> Content | str:
        wording = self.options.wording
        if wording.template is None:
            return Content(text=variables.filled(wording.text, facts))
        body, header, buttons = (
            [variables.filled(text, facts) for text in texts]
            for texts in (wording.body, wording.header, wording.buttons)
        )
        if not all(text.strip() for text in (*body, *header, *buttons)):
            return NO_VALUE
        use = FilledTemplate(
            name=wording.template, language=wording.language or "", body=body, header=header, buttons=buttons
        )
        return inbox.fill_template(session, self.business_id, self.options.account_id, use)

    def _facts(self, session: Session, lead: Lead) -> dict[str, str]:
        person = variables.person(
            name=lead.name, phone=lead.phone, email=lead.email, business=self.business_name
        )
        return {**person, **leads.own_words(session, self.business_id, lead)}
