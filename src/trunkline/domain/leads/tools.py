"""The AI agent's door to leads: what it may put on record about the person on the line, and read of them.

Whom it is about the call says, never the model: these tools take no id and no number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, StringConstraints, field_validator
from sqlalchemy.orm import Session

from trunkline.core import timeline
from trunkline.core.errors import InvalidInput
from trunkline.core.timeline import Entry
from trunkline.core.toolbox import Kind, ToolCaller, tool
from trunkline.domain.leads import board, editing, own_fields, service, statuses, store
from trunkline.domain.leads.flow_models import CauseKind
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.movement import Cause
from trunkline.domain.leads.row_faults import UnusableCell
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.mailboxes import is_mailbox

_TOLD = 8
"""Entries of a history that are told: an agent is to speak of it in a sentence or two."""
_MOST_FIELDS = 20
_LONGEST = 300
"""Characters of a note that are told."""
_KINDS = frozenset({"call", "appointment", "note"})
"""What of a timeline is somebody's history with the business; the rest is book-keeping."""

Text = Annotated[str, StringConstraints(strip_whitespace=True)]


class Details(BaseModel):
    """What the caller has said of themselves. What is not given stays as it is."""

    name: Annotated[Text, Field(max_length=200)] = Field("", description="Their name, as they said it")
    email: Annotated[Text, Field(max_length=320)] = Field("", description="Read back and confirmed first")
    fields: dict[str, Annotated[Text, Field(max_length=1_000)]] = Field(
        default_factory=dict,
        description="What they said of the business's own fields, by the field's name; a name that there is"
        " not is answered with those there are",
    )

    # Not as a part of the schema: not every model's maker takes rules about the names of a map.
    @field_validator("fields")
    @classmethod
    def _are_few(cls, fields: dict[str, str]) -> dict[str, str]:
        if len(fields) > _MOST_FIELDS:
            raise ValueError(f"say {_MOST_FIELDS} fields at most at once")
        return fields


class NoteWish(BaseModel):
    """What the business's people are to know."""

    text: Annotated[Text, Field(min_length=1, max_length=2_000)] = Field(
        description="In a sentence or two, in the language of the call"
    )


class StatusWish(BaseModel):
    """How far things have come with the caller."""

    status: Annotated[Text, Field(min_length=1, max_length=60)] = Field(
        description="The name of a status of the business; a wrong one is answered with those there are"
    )


class Nothing(BaseModel):
    """No arguments."""


@tool(
    "update_lead",
    description="Put on record what the caller said of themselves, once they have confirmed it: name, e-mail"
    " address, the business's own fields.",
    arguments=Details,
)
def update_lead(session: Session, caller: ToolCaller, said: Details) -> Mapping[str, Any]:
    """Change what is known of the caller, and make a lead of them where there is none yet."""
    if said.email and not is_mailbox(said.email):
        raise InvalidInput(
            f"{said.email!r} is no e-mail address; ask for it letter by letter.", field="email"
        )
    changes = {field: value for field, value in said.model_dump(exclude={"fields"}).items() if value}
    if said.fields:
        changes["fields"] = _own(session, caller, said.fields)
    if not changes:
        raise InvalidInput("Say which: a name, an e-mail address, or one of the business's own fields.")
    lead = _lead_of(session, caller)
    store.lock(session, caller.business_id, [lead.id])
    session.refresh(lead)
    lead = editing.edit_lead(
        session, caller.business_id, lead.id, changes, version=lead.version, actor=caller.actor
    )
    return {"name": lead.name, "email": lead.email, "fields": lead.fields}


@tool(
    "add_note",
    description="Write down for the business's people what they should know of this caller or call.",
    arguments=NoteWish,
)
def add_note(session: Session, caller: ToolCaller, wish: NoteWish) -> Mapping[str, Any]:
    """Write a note on the caller. What people wrote stays; the same words are not written twice in a row."""
    lead = _lead_of(session, caller)
    store.lock(session, caller.business_id, [lead.id])
    last = editing.last_note_by(session, caller.business_id, lead.id, caller.actor)
    if last is None or last.text != wish.text:
        editing.add_note(session, caller.business_id, lead.id, wish.text, author=caller.actor)
    return {"noted": True}


@tool(
    "set_lead_status",
    description="Move the caller on in the business's list of statuses, when the conversation shows it.",
    arguments=StatusWish,
)
def set_lead_status(session: Session, caller: ToolCaller, wish: StatusWish) -> Mapping[str, Any]:
    """Put the caller into a status by its name, in upper or lower case."""
    known = statuses.of_business(session, caller.business_id)
    wanted = wish.status.casefold()
    status = next((row for row in known.rows if row.name.casefold() == wanted), None)
    if status is None:
        there_are = [row.name for row in known.rows]
        raise InvalidInput(f"There is no status {wish.status!r}.", statuses=there_are)
    lead = _lead_of(session, caller)
    locked = store.lock(session, caller.business_id, [lead.id])
    kind = CauseKind.TOOL if caller.call_id else CauseKind.CONVERSATION
    cause = Cause(kind, caller.actor, source_id=caller.source_id)
    board.change_status(session, caller.business_id, locked, status.id, cause=cause)
    return {"status": status.name}


@tool(
    "caller_history",
    description="What the business knows of this caller: earlier calls, appointments, notes, newest first.",
    arguments=Nothing,
    kind=Kind.READS,
    seconds=5,
)
def caller_history(session: Session, caller: ToolCaller, _arguments: Nothing) -> Mapping[str, Any]:
    """Tell in few words what a receptionist would have before them; this call is no part of it."""
    lead = _known_lead(session, caller)
    if lead is None:
        return {"known": False}
    business = tenants.get_business(session, caller.business_id)
    zone = ZoneInfo(business.time_zone)
    entries = _history(session, caller, lead)
    known = statuses.of_business(session, caller.business_id)
    return {
        "known": True, "name": lead.name, "status": known.of(lead).name, "notes": _brief(lead.notes or ""),
        "today": _spoken(clock.now(), zone), "history": [_told(entry, zone) for entry in entries],
    }  # fmt: skip


# --- Parts -----------------------------------------------------------------------------------


def _known_lead(session: Session, caller: ToolCaller) -> Lead | None:
    if caller.lead_id is not None:
        return service.get_lead(session, caller.business_id, caller.lead_id)
    return None


def _lead_of(session: Session, caller: ToolCaller) -> Lead:
    """Return the lead on the line, made now if their number is new. Raises InvalidInput without one."""
    known = _known_lead(session, caller)
    if known is not None:
        return known
    if caller.phone is None:
        raise InvalidInput("The caller's number is withheld, so nothing can be put on record about them.")
    lead_id = service.lead_of_caller(session, caller.business_id, caller.phone)
    return service.get_lead(session, caller.business_id, lead_id)


def _own(session: Session, caller: ToolCaller, said: Mapping[str, str]) -> dict[str, Any]:
    """Read what somebody said of the business's own fields. Raises InvalidInput that tells what there is."""
    known = own_fields.of_business(session, caller.business_id).open
    by_name = {name.casefold(): row for row in known for name in (row.key, row.label)}
    values: dict[str, Any] = {}
    for name, text in said.items():
        row = by_name.get(name.strip().casefold())
        if row is None:
            there_are = {row.label: row.choices or row.kind for row in known}
            raise InvalidInput(f"There is no field {name[:80]!r}.", fields=there_are)
        try:
            values[row.key] = own_fields.shape_of(row).read(text)
        except UnusableCell as error:
            raise InvalidInput(f"{error}.", kind=row.kind, choices=row.choices) from error
    return {key: value for key, value in values.items() if value is not None}


def _history(session: Session, caller: ToolCaller, lead: Lead) -> Sequence[Entry]:
    entries, _ = timeline.read(
        session, caller.business_id, lead_id=lead.id, phone=lead.phone, limit=4 * _TOLD, after=None
    )
    mine = [
        entry
        for entry in entries
        if entry.kind in _KINDS and not (entry.kind == "call" and entry.data["id"] == str(caller.call_id))
    ]
    return mine[:_TOLD]


def _told(entry: Entry, zone: ZoneInfo) -> dict[str, str]:
    told = {"what": entry.kind, "when": _spoken(entry.at, zone)}
    match entry.kind:
        case "call":
            who = "they called" if entry.data["direction"] == "inbound" else "we called"
            return {**told, "who": who, "outcome": str(entry.data["disposition"] or entry.data["state"])}
        case "appointment":
            starts_at = datetime.fromisoformat(str(entry.data["starts_at"]))
            state = "past" if starts_at < clock.now() else entry.data["state"]
            return {**told, "when": _spoken(starts_at, zone), "state": str(state)}
    return {**told, "text": _brief(str(entry.data["text"]))}


def _spoken(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%A, %d %B %Y, %H:%M}"


def _brief(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST].rsplit(None, 1)[0] + " […]"
