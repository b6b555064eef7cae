"""The workers' door to leads: bulk work, slice by slice, and imports, batch by batch."""

from __future__ import annotations

from uuid import UUID

from trunkline.core.jobs import JobContext, job
from trunkline.core.runs import slices
from trunkline.domain.leads import bulk, import_work


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
