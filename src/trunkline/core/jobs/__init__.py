"""Durable jobs: the ledger in PostgreSQL is the truth, RQ only wakes workers.

`service` is what the rest of Trunkline calls and `handlers` what a job is written with; `ledger` holds
the application's SQL and `relay` the workers'. In a worker, `engine` is RQ's worker bound to the
ledger, `executor` runs what it claims, `hand` is what it has claimed, and `heartbeat` keeps that from a
thread; `standing` is the worker's own row and `counters` what it counts. `bell` rings RQ, and `upkeep`
sees to what silent workers leave behind.
"""

from trunkline.core.jobs.handlers import JobContext, TryLater, job
from trunkline.core.jobs.service import (
    cancel_job,
    cancel_jobs_for_run,
    cleanup_old_jobs,
    enqueue_job,
    enqueue_many,
    enqueue_unique,
    get_job_status,
    retry_job,
    retry_jobs,
)

__all__ = [
    "JobContext",
    "TryLater",
    "cancel_job",
    "cancel_jobs_for_run",
    "cleanup_old_jobs",
    "enqueue_job",
    "enqueue_many",
    "enqueue_unique",
    "get_job_status",
    "job",
    "retry_job",
    "retry_jobs",
]
