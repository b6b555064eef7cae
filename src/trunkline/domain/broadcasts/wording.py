"""What one person is written: the broadcast's words with facts of theirs, and the template that bears them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound
from trunkline.domain.broadcasts.options import BroadcastOptions, Wording
from trunkline.domain.inbox import service as inbox
from trunkline.domain.inbox.service import Content
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.models import Lead
from trunkline.domain.tenants import service as tenants
from trunkline.providers.ports import MessageKind

GONE, NO_VALUE = "gone", "no_value"
"""Why somebody is skipped: their lead was deleted; a fact of theirs that the words need is empty."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes a broadcast's message to one person after another."""

    business_id: UUID
    business_name: str
    wording: Wording
    template: inbox.TemplateText | None

    @classmethod
    def of(cls, session: Session, business_id: UUID, options: BroadcastOptions) -> Writer:
        """Return the writer of a broadcast. Raises InvalidInput for a template that is not there any more."""
        wording = options.wording
        template = None
        if wording.template is not None:
            template = inbox.template_text(
                session, business_id, options.account_id, wording.template, wording.language or ""
            )
        name = tenants.get_business(session, business_id).name
        return cls(business_id, name, wording, template)

    def check(self, session: Session) -> None:
        """Refuse words with names of what there is not, and a template that does not fit. Raises InvalidInput."""
        own = leads.own_words(session, self.business_id, None)
        inbox.variables.check(self.wording.patterns, known=[*inbox.variables.FACTS, *own])
        if self.template is None:
            return
        given = {
            "body": len(self.wording.body), "header": len(self.wording.header),
            "buttons": len(self.wording.buttons),
        }  # fmt: skip
        for part, wanted in self.template.parameters.items():
            if given.get(part, 0) != wanted:
                raise InvalidInput(
                    f"The template has {wanted} variables in its {part}, and {given.get(part, 0)} are given.",
                    reason="template_variables", part=part, wanted=wanted, given=given.get(part, 0),
                )  # fmt: skip

    def content_for(self, session: Session, lead_id: UUID | None) -> Content | str:
        """Return a person's message, or in a word why there is none."""
        if lead_id is None:
            return GONE
        try:
            lead = leads.get_lead(session, self.business_id, lead_id)
        except NotFound:
            return GONE
        return self.content(self._facts(session, lead))

    def content(self, facts: Mapping[str, str]) -> Content | str:
        """Return the message for somebody with these facts, or in a word why there is none."""
        wording = self.wording
        filled = {name: facts.get(name, "") for name in inbox.variables.named(wording.patterns)}
        if self.template is None:
            return Content(text=inbox.variables.filled(wording.text, filled))
        body, header, buttons = (
            [inbox.variables.filled(text, filled) for text in texts]
            for texts in (wording.body, wording.header, wording.buttons)
        )
        if not all(text.strip() for text in (*body, *header, *buttons)):
            return NO_VALUE
        used = inbox.FilledTemplate(
            name=self.template.name, language=self.template.language, body=body, header=header,
            buttons=buttons,
        )  # fmt: skip
        return Content(kind=MessageKind.TEMPLATE, text=self.template.read(header, body), template=used)

    def _facts(self, session: Session, lead: Lead) -> dict[str, str]:
        person = inbox.variables.person(
            name=lead.name, phone=lead.phone, email=lead.email, business=self.business_name
        )
        return {**person, **leads.own_words(session, self.business_id, lead)}
