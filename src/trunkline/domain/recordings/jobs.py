"""The workers' door to recordings: what a call's process has written is kept."""

from __future__ import annotations

from uuid import UUID

from trunkline.core.errors import NotFound
from trunkline.core.jobs import JobContext, job
from trunkline.domain.calls import service as calls
from trunkline.domain.recordings import service


@job(queue="recordings", timeout=300, retries=5, backoff=5)
def keep_recording(ctx: JobContext, call_id: str, leg: int) -> None:
    """Move a recording to where it is kept and draw its waveform. Doing it twice does it once.

    The file of a call that there is not is set aside, and the job fails.
    """
    try:
        with ctx.unit_of_work() as session:
            calls.get_call(session, ctx.business, UUID(call_id))
    except NotFound:
        service.set_aside(ctx.business, UUID(call_id), leg)
        raise
    path = service.store(ctx.business, UUID(call_id), leg)
    with ctx.unit_of_work() as session:
        service.note_kept(session, ctx.business, UUID(call_id), leg, path)
