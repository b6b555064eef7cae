"""Health and readiness: what this process is doing, by name."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from trunkline import __version__, schema
from trunkline.core.db import database
from trunkline.core.jobs import bell, overview
from trunkline.core.jobs.views import Depth
from trunkline.web.parts import PartsDep, RoomDep

router = APIRouter(tags=["health"])


@router.get("/health")
async def health(parts: PartsDep, room: RoomDep) -> dict[str, Any]:
    """What this process holds: threads and live tasks by name, calls, queues, database, Redis, role."""
    tasks = Counter(_family(task.get_name()) for task in asyncio.all_tasks())
    servers = await run_in_threadpool(_servers, with_queues=True)
    spooled, refused = await run_in_threadpool(lambda: (room.log.spooled(), room.log.refused()))
    return {
        "status": _status(draining=room.draining, database=servers["database"]["ok"]),
        "version": __version__,
        "role": parts.role.value,
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "tasks": dict(sorted(tasks.items())),
        "calls": {"live": room.live.count, "reaped": room.live.reaped, "draining": room.draining},
        "spooled_batches": spooled,
        "refused_batches": refused,
        **servers,
    }


@router.get("/ready")
def ready(response: Response, room: RoomDep) -> dict[str, Any]:
    """200 when the process can do its work; 503 and the reason while it cannot."""
    servers = _servers(with_queues=False)
    reason = None
    if room.draining:
        reason = "the process is draining"
    elif not servers["database"]["ok"]:
        reason = "the database cannot be reached"
    elif not servers["database"]["migrated"]:
        reason = "the schema is not there yet"
    if reason is not None:
        response.status_code = 503
    return {"ready": reason is None, "reason": reason}


def _status(*, draining: bool, database: bool) -> str:
    if draining:
        return "draining"
    return "ok" if database else "degraded"


def _servers(*, with_queues: bool) -> dict[str, Any]:
    """Ask PostgreSQL and Redis how they are. Blocks, for a moment at the most.

    Counting the jobs reads every row that waits: for whoever wants to know, not for a load balancer.
    """
    answer: dict[str, Any] = {
        "database": {"ok": False, "migrated": False}, "queues": None, "workers": None
    }  # fmt: skip
    try:
        with database().engine.connect() as connection:
            connection.execute(text("select 1"))
        answer["database"] = {"ok": True, "migrated": schema.at_head(database().engine)}
        relay = database().relay
        if with_queues and relay is not None and answer["database"]["migrated"]:
            with relay.connect() as connection:
                answer["queues"] = _queues(connection)
                answer["workers"] = overview.workers_by_state(overview.workers(connection))
    except SQLAlchemyError as error:
        answer["database"]["error"] = type(error).__name__
    rung = bell.installed_bell()
    answer["redis"] = {"ok": rung is not None and rung.ping()}
    return answer


def _queues(relay: Connection) -> dict[str, Any]:
    """Return what stands where and what came to which end, by queue, over all businesses."""
    depths = overview.by_queue(overview.depths(relay))
    ended = overview.ends_by_queue(overview.ended(relay))
    return {
        queue: asdict(depths.get(queue, Depth())) | {"ended": ended.get(queue, {})}
        for queue in sorted(depths.keys() | ended.keys())
    }


def _family(task_name: str) -> str:
    """Return a task's name without its number, so that equal ones are counted together."""
    return "request" if task_name.startswith("Task-") else task_name
