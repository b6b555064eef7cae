"""The workers' door to calls: what media tells of a call becomes rows here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from trunkline.core.jobs import JobContext, job
from trunkline.domain.calls import service


class EventsMissing(Exception):
    """A call cannot be finalized before everything that happened in it is written; tried again later."""


@job(queue="high", timeout=30, retries=8, backoff=1)
def save_conversation_turn(ctx: JobContext, call_id: str, events: list[dict[str, Any]]) -> None:
    """Write some of a call's events. Doing it twice writes them once."""
    with ctx.unit_of_work() as session:
        service.record_events(session, ctx.business, UUID(call_id), events)


@job(queue="high", timeout=30, retries=12, backoff=1)
def finalize_call_log(
    ctx: JobContext, call_id: str, end_reason: str, disposition: str, events_total: int
) -> None:
    """Write a call's outcome once all its events are there. Raises EventsMissing to be tried again."""
    with ctx.unit_of_work() as session:
        missing = service.events_missing(session, ctx.business, UUID(call_id), upto=events_total)
        if missing > 0:
            raise EventsMissing(f"{missing} events before {events_total} are not written")
        service.conclude_leg(
            session, ctx.business, UUID(call_id), leg=service.leg_of(events_total), end_reason=end_reason,
            disposition=disposition,
        )  # fmt: skip


@job(queue="high", timeout=30, retries=3)
def finalize_call_session(ctx: JobContext, call_id: str) -> None:
    """Close a call that can no longer be live, if nobody has told of its end: its process died."""
    with ctx.unit_of_work() as session:
        if service.is_expected_to_live(session, ctx.business, UUID(call_id)):
            return
        if service.withdraw(session, ctx.business, UUID(call_id)):
            return
        service.finalize(
            session, ctx.business, UUID(call_id), end_reason=service.PROCESS_LOST, disposition=service.CUT_OFF
        )
