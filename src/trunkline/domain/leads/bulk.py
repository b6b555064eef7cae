"""Bulk work on leads: the verbs that begin and steer it, and what is done with each slice.

The run machine owns the loop, the counts and the state; here is who is chosen and what becomes of them.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.core.runs import service as runs
from trunkline.core.runs import slices
from trunkline.core.runs.models import Run
from trunkline.core.runs.slices import Worked
from trunkline.domain.leads import (
    board,
    consent,
    editing,
    keepers,
    note_files,
    own_fields,
    owners,
    statuses,
    store,
)
from trunkline.domain.leads.flow_models import CauseKind
from trunkline.domain.leads.movement import Cause
from trunkline.domain.leads.rules import OWN
from trunkline.domain.leads.schemas import BulkDeleteIn, BulkUpdateIn, LeadChanges

UPDATE, DELETE = "leads.update", "leads.delete"
KINDS = (UPDATE, DELETE)

_UPDATES_A_MINUTE, _DELETES_A_MINUTE = 5, 2
_MINUTE = timedelta(minutes=1)
_UPDATED_AT_ONCE = 500
_DELETED_AT_ONCE = 100
"""Fewer: the business dials nobody while a slice is being deleted."""

_GONE = "gone"
"""Why a lead was skipped that somebody deleted after the run had begun."""
_NO_STATUS = "no_status"
"""Why leads were left as they are whose new status somebody removed after the run had begun."""

_NO_FIELD = "no_field"
"""Why leads were left as they are whose own field was put away since, or does not take its value any more."""

_NO_OWNER = "no_owner"
"""Why leads were left as they are whose new owner has left the business since."""


def begin_update(session: Session, business_id: UUID, wish: BulkUpdateIn, *, actor: str) -> Run:
    """Begin to change leads. Raises RunAlreadyActive, TooManyRequests, NotFound, InvalidInput."""
    for list_id in (wish.changes.add_to_list, wish.changes.remove_from_list):
        if list_id is not None:
            _require_list(session, business_id, list_id)
    if wish.changes.status_id is not None:
        statuses.of_business(session, business_id).get(wish.changes.status_id)
    if wish.changes.own_fields:
        own_fields.of_business(session, business_id).checked(wish.changes.own_fields)
    owners.require(session, business_id, wish.changes.owner_id)
    changes = wish.changes.model_dump(mode="json", exclude_unset=True)
    return _begin(
        session, business_id, UPDATE, wish, options={"changes": changes}, title="Update leads",
        slice_size=_UPDATED_AT_ONCE, a_minute=_UPDATES_A_MINUTE, actor=actor,
    )  # fmt: skip


def begin_delete(session: Session, business_id: UUID, wish: BulkDeleteIn, *, actor: str) -> Run:
    """Begin to delete leads. Raises RunAlreadyActive, TooManyRequests, NotFound, InvalidInput."""
    return _begin(
        session, business_id, DELETE, wish, options={}, title="Delete leads",
        slice_size=_DELETED_AT_ONCE, a_minute=_DELETES_A_MINUTE, actor=actor,
    )  # fmt: skip


def newest_runs(session: Session, business_id: UUID, *, limit: int) -> list[Run]:
    """Return the business's bulk runs of both kinds, newest first."""
    rows = [run for kind in KINDS for run in runs.newest(session, business_id, kind=kind, limit=limit)]
    return sorted(rows, key=attrgetter("created_at"), reverse=True)[:limit]


def pause_run(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """Begin no slice more. Raises NotFound, Conflict."""
    run = slices.get(session, business_id, run_id, kinds=KINDS)
    slices.pause(session, run, actor=actor)
    return run


def resume_run(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """Go on where a paused, cancelled or failed run stood. Raises NotFound, Conflict, RunAlreadyActive."""
    run = slices.get(session, business_id, run_id, kinds=KINDS)
    slices.resume(session, run, actor=actor)
    return run


def cancel_run(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """End a run; what is done stays done. Raises NotFound, Conflict."""
    run = slices.get(session, business_id, run_id, kinds=KINDS)
    slices.cancel(session, run, actor=actor)
    return run


def update_slice(session: Session, run: Run, lead_ids: Sequence[UUID]) -> Worked:
    """Change those of these leads that are still there. Done twice it changes nothing more."""
    changes = LeadChanges.model_validate(run.options["changes"])
    here = store.lock(session, run.business_id, lead_ids)
    gone = {_GONE: set(lead_ids) - set(here)}
    try:
        given = own_fields.of_business(session, run.business_id).checked(changes.own_fields or {})
    except InvalidInput:
        return Worked(0, {**gone, _NO_FIELD: set(here)})
    if changes.status_id is not None:
        try:
            cause = Cause(CauseKind.BULK, run.created_by, source_id=run.id)
            board.change_status(session, run.business_id, here, changes.status_id, cause=cause)
        except NotFound:
            return Worked(0, {**gone, _NO_STATUS: set(here)})
    if not owners.may_own(session, run.business_id, changes.owner_id):
        return Worked(0, {**gone, _NO_OWNER: set(here)})
    edited = defaultdict[UUID, list[str]](list)
    if changes.fields:
        edited.update(store.differing(session, run.business_id, here, changes.fields))
        store.change(session, run.business_id, list(edited), changes.fields)
    if given:
        for lead_id, keys in store.change_own(session, run.business_id, here, given).items():
            edited[lead_id] += [f"{OWN}{key}" for key in keys]
    if changes.add_tag is not None or changes.remove_tag is not None:
        add, remove = changes.add_tag, changes.remove_tag
        for lead_id in sorted(store.change_tags(session, run.business_id, here, add=add, remove=remove)):
            edited[lead_id].append("tags")
    editing.tell(edited, actor=run.created_by)
    if changes.consent_change is not None:
        consent.change(session, run.business_id, here, changes.consent_change, actor=run.created_by)
    if changes.add_to_list is not None:
        store.add_to_list(session, run.business_id, changes.add_to_list, here)
    if changes.remove_from_list is not None:
        store.remove_from_list(session, run.business_id, changes.remove_from_list, here)
    announce("leads.changed", subject_id=None, actor=run.created_by, leads=len(here))
    return Worked(len(here), gone)


def delete_slice(session: Session, run: Run, lead_ids: Sequence[UUID]) -> Worked:
    """Delete those of these leads that nobody has in hand. Done twice it deletes nobody more."""
    business_id = run.business_id
    keepers.lock(session, business_id)
    here = set(store.lock(session, business_id, lead_ids, to_delete=True))
    held = keepers.held(session, business_id, here)
    free = here - set(held)
    keepers.let_go(session, business_id, free)
    note_files.let_go_of_leads(session, business_id, free)
    store.remove(session, business_id, free)
    announce("leads.changed", subject_id=None, actor=run.created_by, leads=len(free))
    skipped = defaultdict(set, {_GONE: set(lead_ids) - here})
    for lead_id, reason in held.items():
        skipped[reason].add(lead_id)
    return Worked(len(free), skipped)


def _begin(
    session: Session, business_id: UUID, kind: str, wish: BulkDeleteIn, *, options: dict[str, Any],
    title: str, slice_size: int, a_minute: int, actor: str,
) -> Run:  # fmt: skip
    subject, whom, items = _selection(session, business_id, wish)
    runs.require_free(session, business_id, kind=kind, subject=subject)
    runs.require_pace(
        session, business_id, kind=kind, most=a_minute, within=_MINUTE, what="changes of many leads"
    )
    return slices.begin(
        session, business_id=business_id, kind=kind, title=wish.title or title, subject=subject,
        options={"whom": whom, **options}, items=items, slice_size=slice_size, actor=actor,
    )  # fmt: skip


def _selection(
    session: Session, business_id: UUID, wish: BulkDeleteIn
) -> tuple[str, dict[str, Any], Select[UUID]]:
    """Return the key under which one active run may work on this choice, its words, and the query for it."""
    whom: dict[str, Any]
    if wish.list_id is not None:
        _require_list(session, business_id, wish.list_id)
        whom = {"list_id": str(wish.list_id)}
        return f"list:{wish.list_id}", whom, store.in_list(business_id, wish.list_id)
    if wish.filter is not None:
        words = wish.filter.model_dump_json(exclude_none=True, exclude_defaults=True)
        whom = {"filter": wish.filter.model_dump(mode="json", exclude_unset=True)}
        return f"filter:{_digest(words.encode())}", whom, store.matching(session, business_id, wish.filter)
    lead_ids = sorted(set(wish.lead_ids))
    if missing := store.missing(session, business_id, lead_ids):
        raise NotFound("There is no such lead.", lead_ids=[str(lead_id) for lead_id in missing])
    digest = _digest(b"".join(lead_id.bytes for lead_id in lead_ids))
    return f"leads:{digest}", {"leads": len(lead_ids)}, store.chosen(business_id, lead_ids)


def _digest(words: bytes) -> str:
    return hashlib.sha256(words).hexdigest()


def _require_list(session: Session, business_id: UUID, list_id: UUID) -> None:
    if not store.has_list(session, business_id, list_id):
        raise NotFound("There is no such list.", list_id=str(list_id))
