"""The job of an export: reads leads page by page and writes them into a file, which is then kept for a day.

The file is made anew each time that the job begins, so a worker that dies leaves nothing half of which is
shown. Leads that come or go meanwhile may or may not be in it; nobody is in it twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.utils import get_column_letter
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from trunkline.core.errors import NotFound
from trunkline.core.events import announce
from trunkline.core.jobs import JobContext, enqueue_job
from trunkline.core.storage import installed_storage
from trunkline.domain.leads import exports, own_fields, statuses, store
from trunkline.domain.leads.file_models import ExportState, LeadExport
from trunkline.domain.leads.models import LISTED, Lead
from trunkline.domain.leads.own_values import Value, in_words
from trunkline.domain.leads.schemas import LeadConditions
from trunkline.domain.people import service as people
from trunkline.domain.tenants import service as tenants
from trunkline.kit import barriers, clock, csv_text

_LEADS_A_PAGE = 1_000
_WIDTH = 24

_HEADERS = {
    "en": ("phone", "name", "email", "status", "tags", "source", "consent", "consent at", "consent source",
           "notes", "created at", "owner"),
    "he": ("טלפון", "שם", "אימייל", "סטטוס", "תגיות", "מקור", "הסכמה", "מועד הסכמה", "מקור הסכמה",  # noqa: RUF001
           "הערות", "נוצר", "אחראי"),
}  # fmt: skip
"""Those that a list can bear are such as an import of the file finds again."""

_YES_NO = {"en": ("no", "yes"), "he": ("לא", "כן")}
_CONSENTS = {"none": "", "express": "yes", "written": "written", "withdrawn": "no"}

Page = Sequence[tuple[str, ...]]


class _Stopped(Exception):
    """Somebody has cancelled the export."""


def work(ctx: JobContext, export_id: UUID) -> None:
    """Write the file, keep it, and say so; or say why there is none."""
    with ctx.unit_of_work() as session:
        export = exports.get(session, ctx.business, export_id)
        if not exports.change(session, ctx.business, export_id, ExportState.WRITING, done=0):
            return
        own = own_fields.of_business(session, ctx.business).open
        for row in (export, *own):
            session.expunge(row)
    try:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "leads"
            header = (*header_of(export.language), *(field.label for field in own))
            done = _write(file, export, header, _pages(ctx, export, [field.key for field in own]))
            size = file.stat().st_size
            barriers.reached("export.written")
            installed_storage().take(file, exports.key_of(export))
    except _Stopped:
        return
    except (NotFound, OSError) as error:
        with ctx.unit_of_work() as session:
            _fail(session, export, error)
        return
    with ctx.unit_of_work() as session:
        _finish(session, export, done, size)


def header_of(language: str) -> tuple[str, ...]:
    """Return the names of the columns in a language."""
    return _HEADERS.get(language, _HEADERS["en"])


def _pages(ctx: JobContext, export: LeadExport, own: Sequence[str]) -> Iterator[Page]:
    """Yield the leads' rows page by page, newest first; between pages it is asked whether to go on."""
    wanted = LeadConditions.model_validate(export.conditions)
    behind: tuple[datetime, UUID] | None = None
    done = 0
    while True:
        ctx.check_cancelled()
        with ctx.unit_of_work() as session:
            leads = _page(session, export.business_id, wanted, behind)
            done += len(leads)
            if not exports.change(session, export.business_id, export.id, ExportState.WRITING, done=done):
                raise _Stopped
            announce("lead_export.progressed", subject_id=export.id, actor="system", done=done)
            rows = _rows(session, export, leads, own)
            if leads:
                behind = (leads[-1].created_at, leads[-1].id)
        yield rows
        if len(rows) < _LEADS_A_PAGE:
            return
        barriers.reached("export.page_read")


def _page(
    session: Session, business_id: UUID, wanted: LeadConditions, behind: tuple[datetime, UUID] | None
) -> Sequence[Lead]:
    meet = store.conditions(session, business_id, wanted)
    query = select(Lead).where(Lead.business_id == business_id, LISTED, *meet)
    if behind is not None:
        query = query.where(tuple_(Lead.created_at, Lead.id) < behind)
    return session.scalars(query.order_by(Lead.created_at.desc(), Lead.id.desc()).limit(_LEADS_A_PAGE)).all()


def _rows(
    session: Session, export: LeadExport, leads: Sequence[Lead], own: Sequence[str]
) -> list[tuple[str, ...]]:
    business_id = export.business_id
    known = statuses.of_business(session, business_id)
    zone = ZoneInfo(tenants.get_business(session, business_id).time_zone)

    owners = people.users_named(session, business_id, {lead.owner_id for lead in leads if lead.owner_id})
    yes_no = _YES_NO.get(export.language, _YES_NO["en"])

    def said(value: Value | None) -> str:
        return yes_no[value] if isinstance(value, bool) else in_words(value)

    def moment(at: datetime | None) -> str:
        return "" if at is None else at.astimezone(zone).strftime("%Y-%m-%d %H:%M")

    return [
        (
            lead.phone, lead.name, lead.email or "", known.of(lead).name, ", ".join(lead.tags), lead.source,
            _CONSENTS[lead.consent], moment(lead.consent_at), lead.consent_source or "", lead.notes or "",
            moment(lead.created_at), owners[lead.owner_id].name if lead.owner_id in owners else "",
            *(said(lead.fields.get(key)) for key in own),
        )
        for lead in leads
    ]  # fmt: skip


def _write(file: Path, export: LeadExport, header: Sequence[str], pages: Iterator[Page]) -> int:
    """Write all pages; return how many leads there were."""
    if export.format == "xlsx":
        return _write_workbook(file, header, pages, is_rtl=export.language == "he")
    return _write_csv(file, header, pages)


def _write_csv(file: Path, header: Sequence[str], pages: Iterator[Page]) -> int:
    done = 0

    def rows() -> Iterator[Sequence[str]]:
        nonlocal done
        yield header
        for page in pages:
            done += len(page)
            yield from page

    with file.open("w", encoding="utf-8", newline="") as out:
        out.writelines(csv_text.csv_file(rows()))
    return done


def _write_workbook(file: Path, header: Sequence[str], pages: Iterator[Page], *, is_rtl: bool) -> int:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Leads")
    sheet.sheet_view.rightToLeft = is_rtl
    sheet.freeze_panes = "A2"
    for number in range(len(header)):
        sheet.column_dimensions[get_column_letter(number + 1)].width = _WIDTH
    done = 0
    sheet.append([_cell(sheet, text) for text in header])
    for page in pages:
        done += len(page)
        for row in page:
            sheet.append([_cell(sheet, text) for text in row])
    book.save(file)
    return done


def _cell(sheet: Any, text: str) -> Any:
    """Return a cell that is text whatever stands in it: what begins like a formula computes nothing."""
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", text))
    cell.data_type = "s"
    return cell


def _finish(session: Session, export: LeadExport, done: int, size: int) -> None:
    now = clock.now()
    enqueue_job("maintenance", "drop_lead_export", str(export.id), run_in=exports.KEPT.total_seconds())
    if exports.change(
        session, export.business_id, export.id, ExportState.READY, done=done, size=size, finished_at=now,
        expires_at=now + exports.KEPT,
    ):  # fmt: skip
        announce("lead_export.ready", subject_id=export.id, actor="system", leads=done)


def _fail(session: Session, export: LeadExport, error: Exception) -> None:
    exports.change(
        session, export.business_id, export.id, ExportState.FAILED, error=str(error), finished_at=clock.now()
    )
    announce("lead_export.failed", subject_id=export.id, actor="system")
