"""The workers' door to search: taking in what is older than it, and learning new words."""

from __future__ import annotations

from trunkline.core.db import of_business, unit_of_work
from trunkline.core.jobs import JobContext, enqueue_unique, job
from trunkline.domain.search import filling, vocabulary
from trunkline.domain.tenants import service as tenants


@job(queue="maintenance", timeout=60, retries=3)
def tend_search(ctx: JobContext) -> None:
    """Have each business's search kept in which something has happened."""
    with ctx.unit_of_work() as session:
        businesses = [business.id for business in tenants.list_businesses(session)]
    for business_id in businesses:
        ctx.check_cancelled()
        with unit_of_work(of_business(business_id)) as session:
            if vocabulary.there_is_news(session, business_id) or filling.is_behind(session, business_id):
                enqueue_unique("maintenance", keep_search, "search")


@job(queue="maintenance", timeout=1800, retries=3)
def keep_search(ctx: JobContext) -> None:
    """Take in a business's older rows, a slice in each transaction, then learn what words are new."""
    for step in (filling.fill, vocabulary.learn):
        there_is_more = True
        while there_is_more:
            ctx.check_cancelled()
            with ctx.unit_of_work() as session:
                there_is_more = step(session, ctx.business)
