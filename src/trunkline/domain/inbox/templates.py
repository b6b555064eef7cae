"""Templates: texts that the provider approved, as it last listed them. Nobody writes them here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_unique
from trunkline.domain.inbox import accounts
from trunkline.domain.inbox.account_models import MessageTemplate
from trunkline.domain.inbox.contents import Content, FilledTemplate
from trunkline.kit import clock
from trunkline.providers.ports import MessageKind, Template

JOB = "list_chat_templates"
APPROVED = "approved"


def have_listed(account_id: UUID) -> None:
    """Let a worker ask the provider for a number's templates, unless one is about to."""
    enqueue_unique("default", JOB, f"templates:{account_id}", str(account_id))


def of_account(session: Session, business_id: UUID, account_id: UUID) -> Sequence[MessageTemplate]:
    """Return a number's templates by name and language. Raises NotFound."""
    accounts.get_account(session, business_id, account_id)
    return session.scalars(
        select(MessageTemplate)
        .where(MessageTemplate.business_id == business_id, MessageTemplate.chat_account_id == account_id)
        .order_by(MessageTemplate.name, MessageTemplate.language)
    ).all()


def note_listed(session: Session, business_id: UUID, account_id: UUID, listed: Sequence[Template]) -> None:
    """Keep what the provider has listed, in place of what it listed before; ids of known ones stay."""
    accounts.get_account(session, business_id, account_id, lock=True)
    known = {(row.name, row.language): row for row in of_account(session, business_id, account_id)}
    now, changed = clock.now(), False
    for told in listed:
        row = known.pop((told.name, told.language), None)
        if row is None:
            row = MessageTemplate(
                business_id=business_id, chat_account_id=account_id, name=told.name, language=told.language
            )
            session.add(row)
        facts = _facts(told)
        if any(getattr(row, name) != value for name, value in facts.items()):
            changed, row.listed_at = True, now
            for name, value in facts.items():
                setattr(row, name, value)
    for row in known.values():
        changed = True
        session.delete(row)
    session.flush()
    if changed:
        announce("chat_account.templates_listed", subject_id=account_id, actor="inbox")


def _facts(told: Template) -> dict[str, Any]:
    return {
        "status": told.status, "category": told.category, "header": told.header, "body": told.body,
        "footer": told.footer, "buttons": list(told.buttons),
        "parameters": {
            **told.parameters, "variable_buttons": list(told.variable_buttons), "names": list(told.names)
        },
    }  # fmt: skip


def filled(session: Session, business_id: UUID, account_id: UUID, use: FilledTemplate) -> Content:
    """Return what a template says with these variables.

    Raises NotFound, and InvalidInput where they do not fit.
    """
    row = session.scalar(
        select(MessageTemplate).where(
            MessageTemplate.business_id == business_id, MessageTemplate.chat_account_id == account_id,
            MessageTemplate.name == use.name, MessageTemplate.language == use.language,
        )
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such template.")
    if row.status != APPROVED:
        raise InvalidInput(
            f"This template is {row.status}; only an approved one can be sent.",
            reason="template_status", status=row.status,
        )  # fmt: skip
    for part, given in (("header", use.header), ("body", use.body)):
        wanted = int(row.parameters.get(part, 0))
        # A header that is a file wants it, and no words.
        if len(given) != wanted:
            raise InvalidInput(
                f"The template's {part} has {wanted} variables, and {len(given)} were given.",
                reason="template_variables", part=part, wanted=wanted,
            )  # fmt: skip
    if any(not value.strip() or "\0" in value for value in (*use.header, *use.body)):
        raise InvalidInput("A variable of a template cannot be empty.", reason="template_empty")
    names = list(row.parameters.get("names", ()))
    said = use.model_copy(update={"names": names})
    header, body = _fill(row.header, use.header, names), _fill(row.body, use.body, names[len(use.header) :])
    text = "\n".join(part for part in (header, body, row.footer) if part)
    return Content(kind=MessageKind.TEMPLATE, text=text, template=said)


def _fill(text: str, values: Sequence[str], names: Sequence[str]) -> str:
    for number, value in enumerate(values, 1):
        name = names[number - 1] if number <= len(names) else str(number)
        text = text.replace("{{" + name + "}}", value)
    return text
