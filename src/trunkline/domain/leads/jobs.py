"""The workers' door to leads: bulk work, slice by slice, and imports, batch by batch."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from trunkline.core.jobs import JobContext, job
from trunkline.core.runs import slices
from trunkline.domain.leads import automatic, bulk, exports, import_work, note_files


@job(queue="maintenance", timeout=3600, retries=3)
def bulk_update_leads(ctx: JobContext, run: str) -> None:
    """Change the leads of a bulk run, for a few seconds at a time, until it is done or stopped."""
    slices.work(ctx, UUID(run), kind=bulk.UPDATE, step=bulk.update_slice)


@job(queue="maintenance", timeout=3600, retries=3)
def bulk_delete_leads(ctx: JobContext, run: str) -> None:
    """Delete the leads of a bulk run, for a few seconds at a time, until it is done or stopped."""
    slices.work(ctx, UUID(run), kind=bulk.DELETE, step=bulk.delete_slice)


@job(queue="maintenance", timeout=3600, retries=3)
def import_leads(ctx: JobContext, run: str) -> None:
    """Import a file's rows, for some seconds at a time, until all are in or the import is stopped."""
    import_work.work(ctx, UUID(run))


@job(queue="default", timeout=30, retries=5)
def move_lead_by_call(ctx: JobContext, outcome: dict[str, Any]) -> None:
    """Move a lead as the business's rules say for what a call came to. Told twice it moves once."""
    with ctx.unit_of_work() as session:
        automatic.apply(session, ctx.business, automatic.read_outcome(outcome))


@job(queue="maintenance", timeout=60, retries=8, backoff=30)
def drop_note_file(ctx: JobContext, file_id: str) -> None:
    """Remove the bytes of a file that no note has any more, or never had."""
    with ctx.unit_of_work() as session:
        note_files.drop(session, ctx.business, UUID(file_id))


@job(queue="maintenance", timeout=1800, retries=5)
def export_leads(ctx: JobContext, export_id: str) -> None:
    """Write a file of leads, from its beginning on each time, until it is done or cancelled."""
    from trunkline.domain.leads import export_work  # noqa: PLC0415 - few export, and openpyxl is large

    export_work.work(ctx, UUID(export_id))


@job(queue="maintenance", timeout=60, retries=8, backoff=30)
def drop_lead_export(ctx: JobContext, export_id: str) -> None:
    """Remove the file of an export whose day is over."""
    with ctx.unit_of_work() as session:
        exports.drop(session, ctx.business, UUID(export_id))
