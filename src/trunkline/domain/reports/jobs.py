"""The workers' door to figures: keeping the roll-ups."""

from __future__ import annotations

from trunkline.core.db import of_business, unit_of_work
from trunkline.core.jobs import JobContext, enqueue_unique, job
from trunkline.domain.reports import rolling
from trunkline.domain.tenants import service as tenants


@job(queue="maintenance", timeout=60, retries=3)
def roll_up_calls(ctx: JobContext) -> None:
    """Have the calls of each business rolled up in which something has happened."""
    with ctx.unit_of_work() as session:
        businesses = [business.id for business in tenants.list_businesses(session)]
    for business_id in businesses:
        ctx.check_cancelled()
        with unit_of_work(of_business(business_id)) as session:
            if rolling.is_behind(session, business_id):
                enqueue_unique("maintenance", roll_up_business, "roll-up")


@job(queue="maintenance", timeout=600, retries=3)
def roll_up_business(ctx: JobContext) -> None:
    """Roll a business's calls up, a day in each transaction."""
    there_is_more = True
    while there_is_more:
        ctx.check_cancelled()
        with ctx.unit_of_work() as session:
            there_is_more = rolling.roll_up(session, ctx.business)
