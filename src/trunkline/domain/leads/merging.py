"""Merging two leads that are one person: shown first, then done in one transaction, with nothing lost.

One of the two is kept with its id, and has afterwards all that was the other's. Owns `merged_leads`, by
which the other's id still leads there. How the rows of each table move is their movers' affair (`movers`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.errors import Conflict, InvalidInput, Outdated
from trunkline.core.events import announce
from trunkline.domain.leads import board, consent, merge_rules, movers, service, statuses, store
from trunkline.domain.leads.flow_models import CauseKind
from trunkline.domain.leads.keeping import Change
from trunkline.domain.leads.merge_rules import CHOSEN, Side, United
from trunkline.domain.leads.models import LISTED, Lead, LeadListEntry
from trunkline.domain.leads.movement import Cause
from trunkline.domain.leads.movers import Mover
from trunkline.domain.leads.record_models import LeadAddress, MergedLead
from trunkline.domain.leads.rules import Said
from trunkline.domain.leads.statuses import Statuses

_CANDIDATES, _SHOWN = 50, 5


@dataclass(frozen=True, slots=True)
class Preview:
    """What a merge would make of two leads, and what each of them has."""

    kept: Lead
    gone: Lead
    differing: Sequence[str]
    """What there is to choose, by the names of `merge_rules`."""
    united: United
    counts: Mapping[str, tuple[int, int]]
    """Table -> how many rows of it each of the two has."""
    busy: str | None
    """Why they cannot be merged at this moment."""


def register() -> None:
    """Let the rows move that leads themselves own."""
    movers.register_rows(
        "lead_notes", "lead_addresses", "lead_status_changes", "lead_deliveries", "merged_leads"
    )
    movers.register_mover("lead_list_entries", Mover(_unite_lists))


def preview(session: Session, business_id: UUID, lead_id: UUID, other_id: UUID) -> Preview:
    """Return what a merge of the other lead into this one would do. Raises NotFound, InvalidInput."""
    _require_two(lead_id, other_id)
    kept = service.get_lead(session, business_id, lead_id)
    gone = service.get_lead(session, business_id, other_id)
    sides = _side(kept), _side(gone)
    mine, theirs = (movers.counts(session, business_id, lead.id) for lead in (kept, gone))
    busy = movers.busy(session, business_id, [kept.id, gone.id])
    return Preview(
        kept, gone, merge_rules.differing(*sides), merge_rules.unite(*sides, ()),
        {table: (mine.get(table, 0), theirs.get(table, 0)) for table in sorted({*mine, *theirs})},
        next(iter(busy.values()), None),
    )  # fmt: skip


def merge(
    session: Session, business_id: UUID, lead_id: UUID, other_id: UUID, *,
    versions: tuple[int, int], take: Sequence[str], actor: str,
) -> Lead:  # fmt: skip
    """Merge the other lead into this one and return it; done before, it is done.

    `take` names what of the other's is to stand where both have something. Raises NotFound, Outdated for
    either that was changed since it was read, InvalidInput, and Conflict while one is on the line.
    """
    _require_two(lead_id, other_id)
    movers.lock(session, business_id)
    here = set(store.lock(session, business_id, [lead_id, other_id], to_delete=True))
    if lead_id in here and other_id not in here and store.became(session, business_id, other_id) == lead_id:
        return service.get_lead(session, business_id, lead_id)
    session.expire_all()
    kept = service.get_lead(session, business_id, lead_id)
    gone = service.get_lead(session, business_id, other_id)
    for lead, version in zip((kept, gone), versions, strict=True):
        if lead.version != version:
            raise Outdated(version=lead.version, lead_id=str(lead.id))
    sides = _side(kept), _side(gone)
    if unknown := set(take) - set(merge_rules.differing(*sides)):
        raise InvalidInput(
            f"There is nothing to choose of {min(unknown)!r}.", reason="merge_choice", field=min(unknown)
        )
    busy = movers.busy(session, business_id, here)
    if busy:
        held, reason = next(iter(busy.items()))
        raise Conflict(
            "One of the two is on the line or being dialled; merge them when that is over.",
            reason="merge_busy", busy=reason, lead_id=str(held),
        )  # fmt: skip
    known = statuses.of_business(session, business_id)
    united = merge_rules.unite(*sides, take)
    facts = _facts(gone, united, known)
    emails = {lead.email_key for lead in (kept, gone) if lead.email_key}
    movers.move(session, business_id, other_id, lead_id)
    store.remove(session, business_id, [other_id])
    session.add(MergedLead(business_id=business_id, id=other_id, lead_id=lead_id, actor=actor, facts=facts))
    session.flush()
    _write(session, kept=(business_id, lead_id), united=united, before=sides[0], known=known, actor=actor)
    _keep_emails(session, business_id, lead_id, emails, united.values["email"])
    announce("lead.merged", subject_id=lead_id, actor=actor, merged=str(other_id), left=sorted(united.left))
    return service.get_lead(session, business_id, lead_id)


def duplicates(session: Session, business_id: UUID, lead: Lead) -> list[Lead]:
    """Return who may be the same person: of the same e-mail address, or the same name and a number alike."""
    others = [Lead.business_id == business_id, Lead.id != lead.id]
    newest = Lead.created_at.desc()
    found: dict[UUID, Lead] = {}
    if lead.email_key is not None:
        same = select(Lead).where(*others, Lead.email_key == lead.email_key).order_by(newest).limit(_SHOWN)
        found.update((other.id, other) for other in session.scalars(same))
    if lead.name:
        # As the index over names has them.
        namesakes = (
            select(Lead)
            .where(*others, LISTED, Lead.sort_name == lead.sort_name)
            .order_by(newest)
            .limit(_CANDIDATES)
        )
        alike = (other for other in session.scalars(namesakes) if merge_rules.alike(lead.phone, other.phone))
        found.update((other.id, other) for other in alike)
    return list(found.values())[:_SHOWN]


def _require_two(lead_id: UUID, other_id: UUID) -> None:
    if lead_id == other_id:
        raise InvalidInput("A lead cannot be merged with itself.", reason="same_lead")


def _side(lead: Lead) -> Side:
    return Side(
        {name: getattr(lead, name) for name in CHOSEN},
        dict(lead.fields),
        tuple(lead.tags),
        Said(lead.consent, lead.consent_at, lead.consent_source),
    )


def _facts(gone: Lead, united: United, known: Statuses) -> dict[str, Any]:
    """What is kept of the lead that goes, and of what stands no more."""
    left = {
        name: known.name(value) if name == "status_id" else str(value) if isinstance(value, UUID) else value
        for name, value in united.left.items()
    }
    return {
        "name": gone.name, "phone": gone.phone, "email": gone.email, "source": gone.source,
        "created_at": gone.created_at.isoformat(), "consent": gone.consent, "left": left,
    }  # fmt: skip


def _write(
    session: Session, *, kept: tuple[UUID, UUID], united: United, before: Side, known: Statuses, actor: str
) -> None:
    """Write what stands now to the lead that is kept; who it was taken from is gone."""
    business_id, lead_id = kept
    said = united.said
    session.execute(
        update(Lead)
        .where(Lead.business_id == business_id, Lead.id == lead_id)
        .values(
            **{name: value for name, value in united.values.items() if name != "status_id"},
            fields=united.own, tags=united.tags, consent=said.consent, consent_at=said.at,
            consent_source=said.source, version=Lead.version + 1,
        ),
        execution_options={"synchronize_session": False},
    )  # fmt: skip
    status_id = united.values["status_id"]
    if status_id != before.values["status_id"]:
        status = status_id or known.initial.id
        board.change_status(session, business_id, [lead_id], status, cause=Cause(CauseKind.MERGE, actor))
    if said.consent != before.said.consent:
        phone = united.values["phone"]
        consent.tell([Change(lead_id, phone, before.said.consent, said)], actor=actor)
    session.expire_all()


def _keep_emails(
    session: Session, business_id: UUID, lead_id: UUID, emails: set[str], main: str | None
) -> None:
    """Let the e-mail address of the two that is not the main one be a further one."""
    for email in sorted(emails - {(main or "").lower()}):
        session.execute(
            insert(LeadAddress)
            .values(business_id=business_id, channel="email", address=email, lead_id=lead_id)
            .on_conflict_do_nothing()
        )


def _unite_lists(session: Session, business_id: UUID, gone: UUID, kept: UUID) -> None:
    """Put one lead into the other's lists, at its own place; where both stand, one place is enough."""
    entry = LeadListEntry
    mine = select(entry.list_id).where(entry.business_id == business_id, entry.lead_id == kept)
    of_gone = entry.business_id == business_id, entry.lead_id == gone
    unsynchronized = {"synchronize_session": False}
    session.execute(delete(entry).where(*of_gone, entry.list_id.in_(mine)), execution_options=unsynchronized)
    session.execute(update(entry).where(*of_gone).values(lead_id=kept), execution_options=unsynchronized)
