"""Exports of leads: the verbs by which a file is asked for, stopped, found and removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from trunkline.core.errors import Conflict, InvalidInput, NotFound, TooManyRequests
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_job, get_job_status
from trunkline.core.jobs.models import JobState
from trunkline.core.storage import installed_storage
from trunkline.domain.leads import listing, store
from trunkline.domain.leads.file_models import ExportState, LeadExport
from trunkline.domain.leads.schemas import LeadConditions
from trunkline.kit import clock
from trunkline.kit.ids import new_id

Format = Literal["csv", "xlsx"]

KEPT = timedelta(days=1)
_AT_ONCE = 3
"""Exports of one business that wait or are written; others of it wait to be asked for."""
_MOST_IN_WORKBOOK = 1_000_000
_OPEN = (ExportState.WAITING, ExportState.WRITING)
_LOST: Mapping[JobState | None, str] = {
    JobState.FAILED: "It could not be written; its job has the trace.",
    JobState.CANCELLED: "Its job was stopped.",
    JobState.EXPIRED: "Its job came too late.",
    JobState.SUCCEEDED: "Its job ended without a file.",
    None: "Its job is gone.",
}
"""What is said of an export that is open though its job is over."""


class ExportNotReady(Conflict):
    """The file is not written yet, or not there any more; `state` says which."""

    code = "export_not_ready"


def begin(
    session: Session, business_id: UUID, wanted: LeadConditions, *, shape: Format, language: str, actor: str
) -> LeadExport:
    """Have the leads that meet the conditions written to a file. Raises NotFound, TooManyRequests,
    InvalidInput for more than a workbook holds.
    """
    store.conditions(session, business_id, wanted)
    _settle(session, business_id)
    active = session.scalar(
        select(func.count()).where(LeadExport.business_id == business_id, LeadExport.state.in_(_OPEN))
    )
    if (active or 0) >= _AT_ONCE:
        raise TooManyRequests(
            f"{_AT_ONCE} exports are being written; wait for one, or cancel it.", retry_after_s=10
        )
    total = listing.count_leads(session, business_id, wanted)
    if shape == "xlsx" and total > _MOST_IN_WORKBOOK:
        raise InvalidInput(
            f"A workbook holds {_MOST_IN_WORKBOOK} leads at most; take CSV.", reason="workbook_full",
            most=_MOST_IN_WORKBOOK,
        )  # fmt: skip
    export = LeadExport(
        id=new_id(), business_id=business_id, format=shape, language=language, created_by=actor,
        conditions=wanted.model_dump(mode="json", exclude_defaults=True),
        total=total,
    )  # fmt: skip
    session.add(export)
    session.flush()
    # By its own id: so its job is found again, and what became of it.
    enqueue_job("maintenance", "export_leads", str(export.id), job_id=export.id)
    session.refresh(export)
    announce("lead_export.begun", subject_id=export.id, actor=actor, format=shape, leads=export.total)
    return export


def newest(session: Session, business_id: UUID, *, limit: int) -> Sequence[LeadExport]:
    """Return the business's exports, newest first."""
    _settle(session, business_id)
    return session.scalars(
        select(LeadExport)
        .where(LeadExport.business_id == business_id)
        .order_by(LeadExport.created_at.desc(), LeadExport.id.desc())
        .limit(limit)
    ).all()


def get(session: Session, business_id: UUID, export_id: UUID) -> LeadExport:
    """Return one of them as it stands. Raises NotFound."""
    _settle(session, business_id)
    export = session.scalar(
        select(LeadExport)
        .where(LeadExport.business_id == business_id, LeadExport.id == export_id)
        .execution_options(populate_existing=True)
    )
    if export is None:
        raise NotFound("There is no such export.")
    return export


def cancel(session: Session, business_id: UUID, export_id: UUID, *, actor: str) -> LeadExport:
    """Write no more of it. Raises NotFound, Conflict for one that is over."""
    get(session, business_id, export_id)
    if not change(session, business_id, export_id, ExportState.CANCELLED, finished_at=clock.now()):
        raise Conflict("This export is over.", reason="export_over")
    announce("lead_export.cancelled", subject_id=export_id, actor=actor)
    return get(session, business_id, export_id)


def change(session: Session, business_id: UUID, export_id: UUID, state: ExportState, **facts: Any) -> bool:
    """Let an export that is not over stand so. False: it is over, by itself or because somebody said so."""
    changed = session.scalar(
        update(LeadExport)
        .where(
            LeadExport.business_id == business_id, LeadExport.id == export_id, LeadExport.state.in_(_OPEN)
        )
        .values(state=state, **facts)
        .returning(LeadExport.id),
        execution_options={"synchronize_session": False},
    )  # fmt: skip
    return changed is not None


def _settle(session: Session, business_id: UUID) -> None:
    """Let those have failed whose job came to its end without a word: it broke, or was stopped."""
    open_ones = select(LeadExport.id).where(
        LeadExport.business_id == business_id, LeadExport.state.in_(_OPEN)
    )
    for export_id in session.scalars(open_ones).all():
        why = _LOST.get(_job_of(export_id))
        if why is not None and change(
            session, business_id, export_id, ExportState.FAILED, error=why, finished_at=clock.now()
        ):
            announce("lead_export.failed", subject_id=export_id, actor="system")


def _job_of(export_id: UUID) -> JobState | None:
    try:
        return get_job_status(export_id)
    except NotFound:
        return None


def find(session: Session, business_id: UUID, export_id: UUID, *, actor: str) -> tuple[LeadExport, Path]:
    """Return an export and where its file lies; that it is fetched is put on record.

    Raises NotFound, ExportNotReady.
    """
    export = get(session, business_id, export_id)
    path = installed_storage().find(key_of(export))
    is_over = export.expires_at is not None and export.expires_at <= clock.now()
    if export.state != ExportState.READY or path is None or is_over:
        raise ExportNotReady("There is no file of this export.", state=export.state)
    announce("lead_export.fetched", subject_id=export.id, actor=actor, leads=export.done)
    return export, path


def drop(session: Session, business_id: UUID, export_id: UUID) -> None:
    """Remove an export's file. Done twice it does no more. Raises OSError."""
    export = get(session, business_id, export_id)
    installed_storage().remove(key_of(export))
    if export.state == ExportState.READY:
        export.state = ExportState.GONE
        announce("lead_export.gone", subject_id=export.id, actor="system")


def key_of(export: LeadExport) -> str:
    """Return under which key its file is kept."""
    return f"exports/{export.business_id}/{export.id}.{export.format}"
