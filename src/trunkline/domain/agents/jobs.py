"""The workers' door to agents: having ready what calls begin with, and what look-ups need."""

from __future__ import annotations

from uuid import UUID

from trunkline.core import registry
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.jobs import JobContext, job
from trunkline.domain.agents import chunks, prompts
from trunkline.domain.tenants import service as tenants

_AT_ONCE = 32
"""Chunks of knowledge whose vectors are asked for in one request."""
_EMBEDDING_S = 30.0


@job(queue="low", timeout=30, retries=2)
def prebuild_prompt(ctx: JobContext, agent_id: str) -> None:
    """Put together what an agent's calls begin with."""
    with ctx.unit_of_work() as session:
        prompts.prepare(session, ctx.business, UUID(agent_id))


@job(queue="low", timeout=120, retries=3)
def warmup_agents(ctx: JobContext) -> None:
    """Ask for that in each business in which something has changed."""
    with ctx.unit_of_work() as session:
        businesses = [business.id for business in tenants.list_businesses(session)]
    embedder = registry.embedder()
    for business_id in businesses:
        ctx.check_cancelled()
        with unit_of_work(of_business(business_id)) as session:
            is_behind = bool(prompts.stale(session, business_id)) or (
                embedder is not None and chunks.lacks_vectors(session, business_id, embedder)
            )
            if is_behind:
                prompts.ask_for_all()


@job(queue="low", timeout=600, retries=5, backoff=5)
def warmup_business(ctx: JobContext) -> None:
    """Put together what a business's calls begin with, then place its knowledge among meanings.

    Raises EmbeddingFailed to be tried again; prompts and words are ready by then.
    """
    with ctx.unit_of_work() as session:
        agents = prompts.stale(session, ctx.business)
    for agent_id in agents:
        ctx.check_cancelled()
        with ctx.unit_of_work() as session:
            prompts.prepare(session, ctx.business, agent_id)
    embedder = registry.embedder()
    while embedder is not None:
        ctx.check_cancelled()
        with ctx.unit_of_work() as session:
            waiting = chunks.unplaced(session, ctx.business, embedder, most=_AT_ONCE)
        if not waiting:
            return
        vectors = embedder.embed([chunk.text for chunk in waiting], timeout_s=_EMBEDDING_S)
        with ctx.unit_of_work() as session:
            chunks.place(session, ctx.business, waiting, vectors, model=embedder.name)
