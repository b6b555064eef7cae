"""The workers' door to tasks: what is due when, after the business has moved to another zone."""

from __future__ import annotations

from uuid import UUID

from trunkline.core.jobs import JobContext, job
from trunkline.domain.tasks import service

_AT_ONCE = 500


@job(queue="default", timeout=600, retries=3)
def rezone_tasks(ctx: JobContext) -> None:
    """Have a business's open tasks be due by its zone as it is now."""
    after: UUID | None = None
    while True:
        ctx.check_cancelled()
        with ctx.unit_of_work() as session:
            after = service.rezone(session, ctx.business, after=after, limit=_AT_ONCE)
        if after is None:
            return
