"""What is remembered of a lead for whoever speaks or writes with them next: facts, and agents' own notes."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.domain.leads import editing
from trunkline.domain.leads.models import Lead, LeadNote

_NOTES_TOLD = 600
"""Characters of a lead's notes that a model is told."""
_LAST_NOTES = 3
"""Notes of agents that one is told: what calls and conversations came to."""


def facts_of(lead: Lead) -> str:
    """Return what a model is told of the person on the line as their call begins; empty: nothing is known."""
    facts = {
        "Name": lead.name, "E-mail": lead.email, "Tags": ", ".join(lead.tags),
        "Notes": (lead.notes or "")[:_NOTES_TOLD],
    }  # fmt: skip
    return "\n".join(f"{what}: {fact}" for what, fact in facts.items() if fact)


def memory_of(session: Session, lead: Lead) -> str:
    """Return the same with what agents have lately noted, the newest first."""
    notes = session.scalars(
        select(LeadNote)
        .where(
            LeadNote.business_id == lead.business_id, LeadNote.lead_id == lead.id,
            LeadNote.author.startswith("agent:"),
        )
        .order_by(LeadNote.created_at.desc(), LeadNote.id.desc())
        .limit(_LAST_NOTES)
    )  # fmt: skip
    noted = [f"Noted on {note.created_at:%d %B %Y}: {note.text[:_NOTES_TOLD]}" for note in notes]
    return "\n".join([facts_of(lead), *noted]).strip()


def remember(session: Session, business_id: UUID, lead_id: UUID, text: str, *, author: str) -> None:
    """Note what a conversation with a lead came to, for whoever speaks or writes with them next."""
    editing.add_note(session, business_id, lead_id, text, author=author)
