"""The workers' door to leads: bulk work, slice by slice."""

from __future__ import annotations

from uuid import UUID

from trunkline.core.jobs import JobContext, job
from trunkline.core.runs import slices
from trunkline.domain.leads import bulk


@job(queue="maintenance", timeout=3600, retries=3)
def bulk_update_leads(ctx: JobContext, run: str) -> None:
    """Change the leads of a bulk run, for a few seconds at a time, until it is done or stopped."""
    slices.work(ctx, UUID(run), kind=bulk.UPDATE, step=bulk.update_slice)


@job(queue="maintenance", timeout=3600, retries=3)
def bulk_delete_leads(ctx: JobContext, run: str) -> None:
    """Delete the leads of a bulk run, for a few seconds at a time, until it is done or stopped."""
    slices.work(ctx, UUID(run), kind=bulk.DELETE, step=bulk.delete_slice)
